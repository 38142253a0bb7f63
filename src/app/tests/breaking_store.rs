//! A store that keeps its promises until a test breaks or stops it. Everything else it leaves to
//! the store it stands before.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Condvar, Mutex};

use crate::journal::store::{Changes, Entries, Groups};
use crate::journal::{Contents, Position, Round, Store, StoreError};

/// How the disk behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    /// As it should.
    Sound,
    /// Writes wait until it is something else again.
    Stuck,
    /// Writes fail, and nothing of them is there.
    Gone,
    /// The next write fails, but is there, as after a failed sync; then it is gone.
    Torn,
}

/// A store whose disk a test has in its hand.
pub struct BreakingStore {
    inner: Arc<dyn Store>,
    disk: Mutex<Disk>,
    changed: Condvar,
    whole_bases_read: AtomicUsize,
    base_entries_read: AtomicUsize,
}

impl BreakingStore {
    pub fn before(inner: Arc<dyn Store>) -> Arc<BreakingStore> {
        Arc::new(BreakingStore {
            inner,
            disk: Mutex::new(Disk::Sound),
            changed: Condvar::new(),
            whole_bases_read: AtomicUsize::new(0),
            base_entries_read: AtomicUsize::new(0),
        })
    }

    /// How often all of the base was read.
    pub fn whole_bases_read(&self) -> usize {
        self.whole_bases_read.load(Ordering::Relaxed)
    }

    /// How often an entry of the base was read.
    pub fn base_entries_read(&self) -> usize {
        self.base_entries_read.load(Ordering::Relaxed)
    }

    pub fn set(&self, disk: Disk) {
        *self.disk.lock() = disk;
        self.changed.notify_all();
    }

    /// How the disk behaves for the write at hand.
    fn meet(&self) -> Disk {
        let mut disk = self.disk.lock();
        while *disk == Disk::Stuck {
            self.changed.wait(&mut disk);
        }
        let met = *disk;
        if met == Disk::Torn {
            *disk = Disk::Gone;
        }
        met
    }

    fn write(&self, write: impl FnOnce() -> Result<(), StoreError>) -> Result<(), StoreError> {
        match self.meet() {
            Disk::Sound | Disk::Stuck => write(),
            Disk::Gone => Err(StoreError::Injected),
            Disk::Torn => write().and(Err(StoreError::Injected)),
        }
    }
}

impl Store for BreakingStore {
    fn append(&self, first: Position, group: &[u8]) -> Result<(), StoreError> {
        self.write(|| self.inner.append(first, group))
    }
    fn read(&self, from: Position) -> Result<Groups, StoreError> {
        self.inner.read(from)
    }
    fn last(&self) -> Position {
        self.inner.last()
    }
    fn put_snapshots(&self, changes: Changes<'_>) -> Result<(), StoreError> {
        self.write(|| self.inner.put_snapshots(changes))
    }
    fn finish_round(&self, round: Round) -> Result<(), StoreError> {
        self.write(|| self.inner.finish_round(round))
    }
    fn snapshots(&self) -> Result<Entries, StoreError> {
        self.inner.snapshots()
    }
    fn round(&self) -> Option<Round> {
        self.inner.round()
    }
    fn advance_base(&self, cut: Position, changes: Changes<'_>) -> Result<(), StoreError> {
        self.write(|| self.inner.advance_base(cut, changes))
    }
    fn base(&self) -> Result<Entries, StoreError> {
        self.whole_bases_read.fetch_add(1, Ordering::Relaxed);
        self.inner.base()
    }
    fn base_entry(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.base_entries_read.fetch_add(1, Ordering::Relaxed);
        self.inner.base_entry(key)
    }
    fn free_trimmed(&self) -> Result<(), StoreError> {
        self.write(|| self.inner.free_trimmed())
    }
    fn history_bytes(&self) -> u64 {
        self.inner.history_bytes()
    }
    fn base_position(&self) -> Position {
        self.inner.base_position()
    }
    fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.meta(name)
    }
    fn put_meta(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        self.inner.put_meta(name, value)
    }
    fn contents(&self) -> Contents {
        self.inner.contents()
    }
}
