//! The queue in front of the journal: bounded places, one order. It hands out positions and keeps
//! who waits; the writer empties it. It must not touch the disk, so that an actor never waits.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex, MutexGuard};
use thiserror::Error;
use tokio::sync::watch;

use super::Position;
use super::group::GroupLimits;
use super::reader::RecordReader;
use super::store::{Store, StoreError};
use super::writer::{Observers, Writer};
use crate::clock::Clock;

/// The bounds of the queue and of its groups.
#[derive(Clone, Copy, Debug)]
pub struct JournalConfig {
    /// Most pieces of work between taking a place and being answered. Past it, new work is shed.
    pub queue_places_max: usize,
    /// No place is given while this many bytes of records are queued or being written.
    pub queue_bytes_max: usize,
    /// How large a group may grow.
    pub group: GroupLimits,
}

impl Default for JournalConfig {
    /// 16384 places: half a second of work at 30,000 a second, more only adds latency.
    /// 64 MiB: what many huge records may cost in memory.
    fn default() -> JournalConfig {
        let group = GroupLimits::default();
        JournalConfig {
            queue_places_max: 16_384,
            queue_bytes_max: 64 << 20,
            group,
        }
    }
}

/// No place is free: nothing has happened, try again later.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("no place is free in the journal's queue")]
pub struct Full;

/// The journal failed or closed: the record may or may not be durable.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the journal failed: whether the change is durable is unknown")]
pub struct OutcomeUnknown;

/// What is to happen once a record, or all a caller read, is durable. Called on the journal's
/// thread, which writes nothing meanwhile: both must be short and must not block.
pub trait Completion: Send {
    /// Makes the change visible: levels, indexes, feed, event stream. Called once, in the order of
    /// the journal, and never if the outcome is unknown. `position` is the record's own; for one
    /// who only waits, that of the last record before.
    fn publish(&mut self, position: Position);

    /// Answers whoever waits. Called exactly once, after the publication of the whole group.
    fn answer(self: Box<Self>, outcome: Result<(), OutcomeUnknown>);
}

/// The handle of the journal; a clone is the same journal.
#[derive(Clone)]
pub struct Journal(pub(super) Arc<Shared>);

/// What the handles and the writer share.
pub(super) struct Shared {
    pub(super) config: JournalConfig,
    pub(super) queue: Mutex<Queue>,
    /// Wakes the writer; signalled only when it sleeps.
    pub(super) filled: Condvar,
    /// Published and readable up to here. Behind the store while a group is being published.
    pub(super) durable: AtomicU64,
    pub(super) told: watch::Sender<Position>,
    pub(super) failed: AtomicBool,
    pub(super) places: AtomicUsize,
    pub(super) bytes: AtomicUsize,
    store: Mutex<Option<Arc<dyn Store>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

pub(super) struct Queue {
    pub(super) entries: VecDeque<Queued>,
    pub(super) appended: Position,
    /// No entry is taken any more: the journal failed or is closed.
    pub(super) refusing: bool,
    pub(super) closing: bool,
    pub(super) writer_sleeps: bool,
}

/// An entry of the queue; without a record it only waits for those before it.
pub(super) struct Queued {
    pub(super) record: Option<Vec<u8>>,
    pub(super) done: Box<dyn Completion>,
}

impl Journal {
    /// Starts the writer behind what the store holds.
    pub fn start(
        store: Arc<dyn Store>,
        clock: Clock,
        config: JournalConfig,
        observers: Observers,
    ) -> Result<Journal, StoreError> {
        let last = store.last();
        let queue = Queue {
            entries: VecDeque::new(),
            appended: last,
            refusing: false,
            closing: false,
            writer_sleeps: false,
        };
        let shared = Arc::new(Shared {
            config,
            queue: Mutex::new(queue),
            filled: Condvar::new(),
            durable: AtomicU64::new(last.get()),
            told: watch::Sender::new(last),
            failed: AtomicBool::new(false),
            places: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            store: Mutex::new(Some(store.clone())),
            writer: Mutex::new(None),
        });
        let writer = Writer::new(shared.clone(), store, clock, observers);
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || writer.run())
            .map_err(StoreError::Thread)?;
        *shared.writer.lock() = Some(thread);
        Ok(Journal(shared))
    }

    /// Takes a place in the queue, to be taken before anything changes in memory.
    pub fn place(&self) -> Result<Place, Full> {
        let shared = &self.0;
        if shared.bytes.load(Ordering::Relaxed) >= shared.config.queue_bytes_max {
            return Err(Full);
        }
        let free = |taken| (taken < shared.config.queue_places_max).then_some(taken + 1);
        match shared
            .places
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, free)
        {
            Ok(_) => Ok(Place {
                journal: self.clone(),
                used: false,
            }),
            Err(_) => Err(Full),
        }
    }

    /// Takes a place past the bound, for work that must never be shed: settling what was decided,
    /// expiring what is due. It counts like any other, so it takes room from new work. Bounded by
    /// the work outstanding: so many messages to followers are under way in the node, so many
    /// keys are woken at once on each host.
    pub fn place_reserved(&self) -> Place {
        self.0.places.fetch_add(1, Ordering::Relaxed);
        Place {
            journal: self.clone(),
            used: false,
        }
    }

    /// The last position that is durable and published.
    pub fn durable(&self) -> Position {
        Position::new(self.0.durable.load(Ordering::Acquire))
    }

    /// The last position handed out.
    pub fn appended(&self) -> Position {
        self.0.queue.lock().appended
    }

    /// Tells each new durable position after its records are published. A slow receiver sees the
    /// newest only.
    pub fn watch(&self) -> watch::Receiver<Position> {
        self.0.told.subscribe()
    }

    /// Whether a write failed: nothing is taken any more, the process is about to stop.
    pub fn is_failed(&self) -> bool {
        self.0.failed.load(Ordering::Acquire)
    }

    /// Places taken and not yet free again, for the metrics.
    pub fn places_taken(&self) -> usize {
        self.0.places.load(Ordering::Relaxed)
    }

    /// Places there are.
    pub fn places_max(&self) -> usize {
        self.0.config.queue_places_max
    }

    /// The published records from `from` on, until the durable position of this moment.
    pub fn read(&self, from: Position) -> Result<RecordReader, StoreError> {
        let store = self.0.store.lock().clone().ok_or(StoreError::Closed)?;
        RecordReader::until(&*store, from, self.durable())
    }

    /// Writes and answers what is queued, stops the writer and lets go of the store. What comes
    /// later is answered as unknown. Blocks; not to be called by a completion. Once only.
    pub fn close(&self) {
        {
            let mut queue = self.0.queue.lock();
            queue.closing = true;
            queue.refusing = true;
        }
        self.0.filled.notify_one();
        let thread = self.0.writer.lock().take();
        if let Some(thread) = thread {
            thread
                .join()
                .expect("the journal's thread does not panic: completions must not");
        }
        *self.0.store.lock() = None;
    }
}

/// A place in the queue. Dropped unused, it is free again.
#[must_use = "a place not used is given back"]
pub struct Place {
    journal: Journal,
    used: bool,
}

impl Place {
    /// Queues the record and what to do once it is durable. The position is assigned now, so the
    /// order of these calls is the order of the journal. Never waits for the disk, cannot fail: if
    /// the journal did, the completion hears it at once, on this thread.
    pub fn append(mut self, record: Vec<u8>, done: Box<dyn Completion>) -> Position {
        let journal = self.journal.clone();
        let bytes = record.len();
        journal.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        let mut queue = journal.0.queue.lock();
        queue.appended = queue.appended.next();
        let position = queue.appended;
        if let Err(refused) = self.enqueue(
            queue,
            Queued {
                record: Some(record),
                done,
            },
        ) {
            journal.0.bytes.fetch_sub(bytes, Ordering::Relaxed);
            refused.done.answer(Err(OutcomeUnknown));
        }
        position
    }

    /// Queues nothing but the wait for `after` and all that was queued before this call. If
    /// `after` is durable already, completes at once, on this thread.
    pub fn wait(mut self, after: Position, mut done: Box<dyn Completion>) {
        let journal = self.journal.clone();
        if journal.is_failed() {
            return done.answer(Err(OutcomeUnknown));
        }
        if after <= journal.durable() {
            drop(self);
            done.publish(after);
            return done.answer(Ok(()));
        }
        let queue = journal.0.queue.lock();
        if let Err(refused) = self.enqueue(queue, Queued { record: None, done }) {
            refused.done.answer(Err(OutcomeUnknown));
        }
    }

    fn enqueue(&mut self, mut queue: MutexGuard<'_, Queue>, entry: Queued) -> Result<(), Queued> {
        if queue.refusing {
            return Err(entry);
        }
        queue.entries.push_back(entry);
        let writer_slept = mem::take(&mut queue.writer_sleeps);
        drop(queue);
        self.used = true;
        if writer_slept {
            self.journal.0.filled.notify_one();
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.used {
            self.journal.0.places.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
