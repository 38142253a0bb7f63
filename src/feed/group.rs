//! Those who follow the same thing, by the view they have of it. It must not know what they
//! follow.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;
use parking_lot::Mutex;

use super::census::ConnectionId;
use super::inbox::Inbox;
use super::topic::Topic;
use super::view::View;

/// The followers of a topic or of a pattern.
#[derive(Default)]
pub(super) struct Group([Mutex<IndexMap<ConnectionId, Arc<Inbox>>>; 2]);

impl Group {
    /// One more.
    pub fn join(&self, connection: ConnectionId, view: View, inbox: &Arc<Inbox>) {
        self.0[view.index()]
            .lock()
            .insert(connection, inbox.clone());
    }

    /// One fewer.
    pub fn leave(&self, connection: ConnectionId, view: View) {
        self.0[view.index()].lock().swap_remove(&connection);
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|followers| followers.lock().is_empty())
    }

    /// Tells those with this view that a topic changed.
    pub fn mark(&self, view: View, topic: &Arc<Topic>) {
        for inbox in self.0[view.index()].lock().values() {
            inbox.mark(topic);
        }
    }

    /// Adds everyone to `followers`, in which each is once however many groups they are in.
    pub fn gather(&self, followers: &mut HashMap<ConnectionId, Arc<Inbox>>) {
        for view in &self.0 {
            let view = view.lock();
            followers.extend(view.iter().map(|(id, inbox)| (*id, inbox.clone())));
        }
    }
}
