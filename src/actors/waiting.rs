//! How many messages wait for each key, asleep or awake, and how many found no room: what the
//! bound of a key's mailbox is held against. Keys share counters by their hash, so that a node of
//! millions of keys counts in some kilobytes: two that share one also share its bound, which a
//! flash sale alone comes near to.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How many pairs of counters there are.
const COUNTERS: usize = 4096;

/// The counters.
pub(super) struct Waiting(Box<[Counters]>);

#[derive(Default)]
struct Counters {
    waiting: AtomicUsize,
    shed: AtomicUsize,
}

impl Default for Waiting {
    fn default() -> Waiting {
        Waiting((0..COUNTERS).map(|_| Counters::default()).collect())
    }
}

impl Waiting {
    /// How many messages wait for the key of this hash.
    pub fn count(&self, hash: u64) -> usize {
        self.of(hash).waiting.load(Ordering::Relaxed)
    }

    /// A message is on its way to the key.
    pub fn sent(&self, hash: u64) {
        self.of(hash).waiting.fetch_add(1, Ordering::Relaxed);
    }

    /// The key took a message, or nobody will.
    pub fn taken(&self, hash: u64) {
        self.of(hash).waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// A message found no room.
    pub fn shed(&self, hash: u64) {
        self.of(hash).shed.fetch_add(1, Ordering::Relaxed);
    }

    /// How many messages found no room since this was last asked.
    pub fn take_shed(&self, hash: u64) -> usize {
        let shed = &self.of(hash).shed;
        match shed.load(Ordering::Relaxed) {
            0 => 0,
            _ => shed.swap(0, Ordering::Relaxed),
        }
    }

    /// Other bits than those by which the directory chooses a host.
    fn of(&self, hash: u64) -> &Counters {
        &self.0[(hash >> 32) as usize % COUNTERS]
    }
}
