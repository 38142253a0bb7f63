//! The writer: one thread that takes all that queued while it wrote the last group, writes it as
//! the next one with one sync, and only then publishes and answers. It adds no delay of its own:
//! alone, a record is written at once; under load, groups grow by themselves. It must not know
//! what a record says.
//!
//! Architecture invariant: a failed write or sync is never tried again. Memory is ahead of the
//! disk then, so all who wait hear that the outcome is unknown and the process must stop.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Position;
use super::group::GroupBuilder;
use super::queue::{OutcomeUnknown, Queued, Shared};
use super::store::{Store, StoreError};
use crate::clock::{Clock, Stopwatch};
use crate::telemetry::timings;

/// Who is told what the writer does. Called on its thread: both must be short.
pub struct Observers {
    /// Called once, after all waiters were answered, when the journal has failed. It must stop the
    /// process with an exit code that is not zero.
    pub failed: Box<dyn FnOnce(&StoreError) + Send>,
    /// Called after each group, for the metrics.
    pub written: Box<dyn FnMut(GroupWritten) + Send>,
}

/// What it took to write one group.
#[derive(Clone, Copy, Debug)]
pub struct GroupWritten {
    /// Number of its records.
    pub records: u32,
    /// Its size.
    pub bytes: usize,
    /// The time of the write and its sync.
    pub appending: Duration,
    /// The time to publish and to answer.
    pub completing: Duration,
}

pub(super) struct Writer {
    shared: Arc<Shared>,
    store: Arc<dyn Store>,
    clock: Clock,
    observers: Observers,
    /// The last position in the store.
    last: Position,
    builder: GroupBuilder,
    /// The entries of the group at hand: its records and those who only wait.
    group: Vec<Queued>,
    /// Taken from the queue, not yet in a group.
    taken: VecDeque<Queued>,
}

impl Writer {
    pub(super) fn new(
        shared: Arc<Shared>,
        store: Arc<dyn Store>,
        clock: Clock,
        observers: Observers,
    ) -> Writer {
        let builder = GroupBuilder::new(shared.config.group);
        let last = store.last();
        let (group, taken) = (Vec::new(), VecDeque::new());
        Writer {
            shared,
            store,
            clock,
            observers,
            last,
            builder,
            group,
            taken,
        }
    }

    /// Runs until the journal is closed and drained, or has failed.
    pub(super) fn run(mut self) {
        while self.take() {
            while !self.taken.is_empty() {
                self.fill_group();
                if let Err(error) = self.write_group() {
                    return self.fail(&error);
                }
            }
        }
    }

    /// Takes all that is queued, and sleeps while nothing is. False when closed and drained.
    fn take(&mut self) -> bool {
        let mut queue = self.shared.queue.lock();
        while queue.entries.is_empty() {
            if queue.closing {
                return false;
            }
            queue.writer_sleeps = true;
            self.shared.filled.wait(&mut queue);
        }
        queue.writer_sleeps = false;
        mem::swap(&mut queue.entries, &mut self.taken);
        true
    }

    /// Moves the next entries into the group, up to its bounds. Those who only wait and stand at
    /// the head get a group of their own: all before them is durable, they need no sync.
    fn fill_group(&mut self) {
        self.builder.clear();
        while let Some(next) = self.taken.front() {
            if let Some(record) = &next.record {
                let only_waiting_so_far = self.builder.records() == 0 && !self.group.is_empty();
                if only_waiting_so_far || !self.builder.takes(record.len()) {
                    return;
                }
                self.builder.push(record);
            }
            self.group.extend(self.taken.pop_front());
        }
    }

    fn write_group(&mut self) -> Result<(), StoreError> {
        let records = self.builder.records();
        if records == 0 {
            self.complete_group();
            return Ok(());
        }
        let stopwatch = Stopwatch::start();
        let bytes = self.append()?;
        let appending = stopwatch.elapsed();
        timings::written(appending);
        self.complete_group();
        let completing = stopwatch.elapsed().saturating_sub(appending);
        (self.observers.written)(GroupWritten {
            records,
            bytes,
            appending,
            completing,
        });
        Ok(())
    }

    /// Writes and syncs the group; returns its size.
    fn append(&mut self) -> Result<usize, StoreError> {
        fail::fail_point!("journal::before_append", |_| std::process::abort());
        fail::fail_point!("journal::append_fails", |_| Err(StoreError::Injected));
        let records = u64::from(self.builder.records());
        let group = self.builder.seal(self.clock.now());
        self.store.append(self.last.next(), group)?;
        fail::fail_point!("journal::after_sync", |_| std::process::abort());
        self.last = self.last.plus(records);
        Ok(group.len())
    }

    /// Publishes all, then says so, then answers all.
    fn complete_group(&mut self) {
        let mut position = self.last.get() - u64::from(self.builder.records());
        for entry in &mut self.group {
            fail::fail_point!("journal::before_publish", |_| std::process::abort());
            position += u64::from(entry.record.is_some());
            entry.done.publish(Position::new(position));
        }
        self.shared
            .durable
            .store(self.last.get(), Ordering::Release);
        if self.builder.records() > 0 {
            self.shared.told.send_replace(self.last);
        }
        self.free_places(&self.group);
        for entry in self.group.drain(..) {
            fail::fail_point!("journal::before_answer", |_| std::process::abort());
            entry.done.answer(Ok(()));
        }
    }

    fn fail(mut self, error: &StoreError) {
        tracing::error!(
            %error,
            position = self.last.next().get(),
            "the journal could not be written: this process stops and answers nothing more; \
             check the disk, then start it again, it goes on from what is durable"
        );
        self.shared.failed.store(true, Ordering::Release);
        // Who watches for a position that will never come is to look again.
        self.shared.told.send_modify(|_| {});
        let queued = {
            let mut queue = self.shared.queue.lock();
            queue.refusing = true;
            mem::take(&mut queue.entries)
        };
        self.group.extend(self.taken.drain(..).chain(queued));
        self.free_places(&self.group);
        for entry in self.group.drain(..) {
            entry.done.answer(Err(OutcomeUnknown));
        }
        (self.observers.failed)(error);
    }

    /// The work of these entries is done, so others may begin before the answers are read.
    fn free_places(&self, entries: &[Queued]) {
        let bytes = entries
            .iter()
            .filter_map(|entry| entry.record.as_ref())
            .map(Vec::len)
            .sum();
        self.shared.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.shared
            .places
            .fetch_sub(entries.len(), Ordering::Relaxed);
    }
}
