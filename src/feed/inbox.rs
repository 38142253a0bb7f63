//! What one connection has not been told yet: names of topics and the newest items, no backlog.
//! Filled by the fan-out, emptied by the connection. It must not know what a topic says.

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::task::AtomicWaker;
use indexmap::IndexMap;
use parking_lot::Mutex;

use super::protocol::Ending;
use super::topic::{Topic, TopicId};

/// The inbox of one connection.
#[derive(Default)]
pub(super) struct Inbox {
    unread: Mutex<Unread>,
    waker: AtomicWaker,
}

/// What lies in it.
#[derive(Default)]
pub(super) struct Unread {
    /// Topics that changed, each once.
    pub topics: IndexMap<TopicId, Arc<Topic>>,
    /// Items that changed, by SKU, as written for the clients.
    pub items: IndexMap<Arc<str>, Arc<str>>,
    ending: Option<Ending>,
}

impl Inbox {
    /// A topic changed.
    pub fn mark(&self, topic: &Arc<Topic>) {
        let mut unread = self.unread.lock();
        let was_empty = unread.is_empty();
        unread
            .topics
            .entry(topic.id())
            .or_insert_with(|| topic.clone());
        drop(unread);
        if was_empty {
            self.waker.wake();
        }
    }

    /// An item changed; what was unread of it is replaced.
    pub fn put_item(&self, sku: &Arc<str>, item: &Arc<str>) {
        let mut unread = self.unread.lock();
        let was_empty = unread.is_empty();
        unread.items.insert(sku.clone(), item.clone());
        drop(unread);
        if was_empty {
            self.waker.wake();
        }
    }

    /// The connection is to end; the first reason counts.
    pub fn end(&self, ending: Ending) {
        self.unread.lock().ending.get_or_insert(ending);
        self.waker.wake();
    }

    /// Why the connection is to end, if it is.
    pub fn ending(&self) -> Option<Ending> {
        self.unread.lock().ending
    }

    /// Takes what is unread.
    pub fn take(&self) -> Unread {
        let mut unread = self.unread.lock();
        Unread {
            topics: mem::take(&mut unread.topics),
            items: mem::take(&mut unread.items),
            ending: unread.ending,
        }
    }

    /// Ready once something lies in it.
    pub fn poll_unread(&self, context: &Context<'_>) -> Poll<()> {
        // Registered first: what comes in after the look wakes.
        self.waker.register(context.waker());
        let unread = self.unread.lock();
        if unread.is_empty() && unread.ending.is_none() {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }
}

impl Unread {
    fn is_empty(&self) -> bool {
        self.topics.is_empty() && self.items.is_empty()
    }
}
