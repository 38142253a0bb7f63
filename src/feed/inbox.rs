//! What one connection has not been told yet: names of topics and the newest items, no backlog.
//! Filled by the fan-out, emptied by the connection. It must not know what a topic says.

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::task::AtomicWaker;
use indexmap::IndexMap;
use parking_lot::{Mutex, MutexGuard};

use super::Hasher;
use super::courier::Courier;
use super::protocol::Ending;
use super::topic::{Topic, TopicId};

/// Room for more topics than this is not kept once it is empty.
const ROOM_KEPT_MAX: usize = 16;

/// The inbox of one connection.
pub(super) struct Inbox {
    lying: Mutex<Lying>,
    waker: AtomicWaker,
    /// Wakes the connection in its turn; none on a thread without one.
    courier: Option<Arc<Courier>>,
}

/// What lies in an inbox.
#[derive(Default)]
struct Lying {
    unread: Unread,
    ending: Option<Ending>,
    /// Whether the courier was called and has not come yet.
    called: bool,
}

/// What a connection has not been told.
#[derive(Default)]
pub(super) struct Unread {
    /// Topics that changed, each once.
    pub topics: IndexMap<TopicId, Arc<Topic>, Hasher>,
    /// Items that changed, by SKU, as written for the clients.
    pub items: IndexMap<Arc<str>, Arc<str>, Hasher>,
}

impl Inbox {
    /// The inbox of a connection of this thread.
    pub fn here() -> Arc<Inbox> {
        Arc::new(Inbox {
            lying: Mutex::default(),
            waker: AtomicWaker::new(),
            courier: Courier::here(),
        })
    }

    /// A topic changed.
    pub fn mark(self: &Arc<Inbox>, topic: &Arc<Topic>) {
        let mut lying = self.lying.lock();
        let was_empty = lying.unread.is_empty();
        let topics = &mut lying.unread.topics;
        topics.entry(topic.id()).or_insert_with(|| topic.clone());
        if was_empty {
            self.call(lying);
        }
    }

    /// An item changed; what was unread of it is replaced.
    pub fn put_item(self: &Arc<Inbox>, sku: &Arc<str>, item: &Arc<str>) {
        let mut lying = self.lying.lock();
        let was_empty = lying.unread.is_empty();
        lying.unread.items.insert(sku.clone(), item.clone());
        if was_empty {
            self.call(lying);
        }
    }

    /// The connection is to end; the first reason counts.
    pub fn end(self: &Arc<Inbox>, ending: Ending) {
        let mut lying = self.lying.lock();
        lying.ending.get_or_insert(ending);
        self.call(lying);
    }

    /// Has the connection woken, once however often it is asked before that.
    fn call(self: &Arc<Inbox>, mut lying: MutexGuard<'_, Lying>) {
        let called = mem::replace(&mut lying.called, true);
        drop(lying);
        match &self.courier {
            None => self.wake(),
            Some(courier) if !called => courier.call(self),
            Some(_) => {}
        }
    }

    /// Wakes the connection: something lies here.
    pub fn wake(&self) {
        // Before it is woken: what comes in from here on calls anew.
        self.lying.lock().called = false;
        self.waker.wake();
    }

    /// Why the connection is to end, if it is.
    pub fn ending(&self) -> Option<Ending> {
        self.lying.lock().ending
    }

    /// Takes what is unread and leaves `emptied` for more, so that no room is made for each
    /// change.
    pub fn take(&self, emptied: Unread) -> Unread {
        mem::replace(&mut self.lying.lock().unread, emptied)
    }

    /// Ready once something lies in it.
    pub fn poll_unread(&self, context: &Context<'_>) -> Poll<()> {
        // Registered first: what comes in after the look wakes.
        self.waker.register(context.waker());
        let lying = self.lying.lock();
        if lying.unread.is_empty() && lying.ending.is_none() {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }
}

impl Unread {
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty() && self.items.is_empty()
    }

    /// Its room for what comes next, now that all was told.
    pub fn emptied(&mut self) -> Unread {
        assert!(self.is_empty(), "what was not told is kept");
        let room = mem::take(self);
        if room.topics.capacity() > ROOM_KEPT_MAX {
            return Unread::default();
        }
        room
    }
}
