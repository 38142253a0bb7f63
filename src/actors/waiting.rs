//! How many messages wait for each key, asleep or awake: what the bound of a key's mailbox is held
//! against. Keys share counters by their hash, so that a node of millions of keys counts in a few
//! kilobytes: two that share one also share its bound, which a flash sale alone comes near to.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How many counters there are.
const COUNTERS: usize = 4096;

/// The counters.
pub(super) struct Waiting(Box<[AtomicUsize]>);

impl Default for Waiting {
    fn default() -> Waiting {
        Waiting((0..COUNTERS).map(|_| AtomicUsize::new(0)).collect())
    }
}

impl Waiting {
    /// How many messages wait for the key of this hash.
    pub fn count(&self, hash: u64) -> usize {
        self.counter(hash).load(Ordering::Relaxed)
    }

    /// A message is on its way to the key.
    pub fn sent(&self, hash: u64) {
        self.counter(hash).fetch_add(1, Ordering::Relaxed);
    }

    /// The key took a message, or nobody will.
    pub fn taken(&self, hash: u64) {
        self.counter(hash).fetch_sub(1, Ordering::Relaxed);
    }

    /// The upper half chooses the counter, as the lower one chose the key's thread.
    fn counter(&self, hash: u64) -> &AtomicUsize {
        &self.0[(hash >> 32) as usize % COUNTERS]
    }
}
