//! How the journal behaves, on the memory store where the disk does not matter and on a data
//! directory where it does.

#[cfg(feature = "failpoints")]
mod crash;
mod embedded;
mod failure;
mod model;
mod queue;
mod store_model;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use parking_lot::Mutex;

use super::group::{GroupBuilder, GroupLimits};
use super::{
    Completion, EntryChange, Journal, JournalConfig, Observers, OutcomeUnknown, Position, Store,
    StoreError,
};
use crate::clock::Clock;
use crate::stock::time::Timestamp;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// What happened to the completion of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    Published(String),
    Answered(String, Result<(), OutcomeUnknown>),
}

/// Who was published at which position, in order.
type Positions = Arc<Mutex<Vec<(String, u64)>>>;

/// What was told to whom, in order, and a way to wait for an answer.
struct Log {
    told: Arc<Mutex<Vec<Told>>>,
    positions: Positions,
    sender: Sender<String>,
    answers: Receiver<String>,
}

/// A completion that notes all it is told.
struct Noting {
    name: String,
    told: Arc<Mutex<Vec<Told>>>,
    positions: Positions,
    answers: Sender<String>,
    /// Runs within `publish`, on the writer's thread.
    on_publish: Option<Box<dyn FnOnce() + Send>>,
}

impl Log {
    fn new() -> Log {
        let (sender, answers) = channel();
        Log {
            told: Arc::default(),
            positions: Arc::default(),
            sender,
            answers,
        }
    }

    fn completion(&self, name: impl Into<String>) -> Box<dyn Completion> {
        self.completion_with(name, None)
    }

    fn completion_with(
        &self,
        name: impl Into<String>,
        on_publish: Option<Box<dyn FnOnce() + Send>>,
    ) -> Box<dyn Completion> {
        let (told, answers) = (self.told.clone(), self.sender.clone());
        Box::new(Noting {
            name: name.into(),
            told,
            positions: self.positions.clone(),
            answers,
            on_publish,
        })
    }

    /// Waits until so many more completions are answered.
    fn await_answers(&self, count: usize) {
        for _ in 0..count {
            self.answers.recv().unwrap();
        }
    }

    fn told(&self) -> Vec<Told> {
        self.told.lock().clone()
    }

    /// Appends a record whose publication keeps the writer busy until the sender is dropped; on
    /// return the writer is busy.
    fn hold_writer(&self, journal: &Journal) -> Sender<()> {
        let (release, held) = channel::<()>();
        let (started, busy) = channel();
        let hold = move || {
            started.send(()).unwrap();
            assert!(held.recv().is_err(), "released by being dropped");
        };
        let done = self.completion_with("held", Some(Box::new(hold)));
        let _: Position = journal.place().unwrap().append(b"held".to_vec(), done);
        busy.recv().unwrap();
        release
    }
}

impl Completion for Noting {
    fn publish(&mut self, position: Position) {
        self.positions
            .lock()
            .push((self.name.clone(), position.get()));
        if let Some(act) = self.on_publish.take() {
            act();
        }
        self.told.lock().push(Told::Published(self.name.clone()));
    }

    fn answer(self: Box<Self>, outcome: Result<(), OutcomeUnknown>) {
        self.told
            .lock()
            .push(Told::Answered(self.name.clone(), outcome));
        self.answers.send(self.name).unwrap();
    }
}

fn published(name: &str) -> Told {
    Told::Published(name.into())
}

fn answered(name: &str) -> Told {
    Told::Answered(name.into(), Ok(()))
}

fn unknown(name: &str) -> Told {
    Told::Answered(name.into(), Err(OutcomeUnknown))
}

/// Observers for a journal that must not fail.
fn observers() -> Observers {
    Observers {
        failed: Box::new(|error| panic!("the journal failed: {error}")),
        written: Box::new(|_| {}),
    }
}

fn start(store: Arc<dyn Store>, config: JournalConfig) -> Journal {
    Journal::start(store, Clock::manual(NOW), config, observers()).unwrap()
}

/// The bytes of a group of these records.
fn group(records: &[&[u8]]) -> Vec<u8> {
    let mut builder = GroupBuilder::new(GroupLimits::default());
    for record in records {
        builder.push(record);
    }
    builder.seal(NOW).to_vec()
}

fn put_snapshots(store: &dyn Store, changes: Vec<EntryChange>) -> Result<(), StoreError> {
    store.put_snapshots(Box::new(changes.into_iter()))
}

/// Moves the base to that position with these changes.
fn advance_base(store: &dyn Store, cut: u64, changes: Vec<EntryChange>) -> Result<(), StoreError> {
    store.advance_base(Position::new(cut), Box::new(changes.into_iter()))
}

/// Position and bytes of all records from there on.
fn records(store: &dyn Store, from: u64) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    let reader = super::RecordReader::open(store, Position::new(from))?;
    reader
        .map(|record| record.map(|record| (record.position.get(), record.bytes)))
        .collect()
}

/// How many records each group holds.
fn group_sizes(store: &dyn Store) -> Vec<u32> {
    let groups = store.read(store.earliest()).unwrap();
    groups
        .map(|group| {
            super::group::GroupHeader::read(&group.unwrap().1)
                .unwrap()
                .records
        })
        .collect()
}
