//! A process that dies at each fail point of the journal, and what the next one finds.
//!
//! The test starts its own executable again as the process that dies. That one appends numbered
//! records, notes in a file which were published and which were answered, and runs snapshot
//! rounds and moves of the base in between.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::*;
use crate::journal::group::GroupHeader;
use crate::journal::store::Entries;
use crate::journal::{EmbeddedStore, EntryChange, RecordReader, Round};

const DIRECTORY: &str = "ONHAND_TEST_CRASH_DIRECTORY";
const RECORDS: u64 = 400;
/// So many records are appended before their answers are awaited.
const BURST: u64 = 8;
const EXIT_OF_FAILED: i32 = 17;

const POINTS: [&str; 14] = [
    "journal::before_append",
    "journal::append_fails",
    "journal::after_sync",
    "journal::before_publish",
    "journal::before_answer",
    "journal::before_put_snapshots",
    "journal::after_a_piece",
    "journal::before_a_run",
    "journal::after_a_run",
    "journal::before_finish_round",
    "journal::before_witness",
    "journal::after_finish_round",
    "journal::before_advance_base",
    "journal::after_advance_base",
];

#[test]
fn whatever_the_point_of_death_nothing_answered_or_published_is_lost() {
    if let Ok(directory) = std::env::var(DIRECTORY) {
        return append_until_death(Path::new(&directory));
    }
    for point in POINTS {
        let directory = tempfile::tempdir().unwrap();
        // It dies three times in the same data directory, each time later.
        for passes in [0, 1, 5] {
            die_at(point, passes, directory.path());
            check(point, directory.path());
        }
    }
}

fn die_at(point: &str, passes: u32, directory: &Path) {
    let test = std::thread::current().name().unwrap().to_owned();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &test])
        .env(DIRECTORY, directory)
        .env("FAILPOINTS", format!("{point}={passes}*off->return"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    let expected = (point == "journal::append_fails").then_some(EXIT_OF_FAILED);
    assert_eq!(
        status.code(),
        expected,
        "{point}: killed by a signal, or by its observer"
    );
}

/// What the process that died had told is there, in order and without gaps, and can go on.
fn check(point: &str, directory: &Path) {
    let store = EmbeddedStore::open(directory).unwrap();
    let last = store.last().get();
    for told in ["published", "answered"] {
        let noted = fs::read_to_string(directory.join(told)).unwrap_or_default();
        let newest = noted
            .lines()
            .map(|line| line.parse::<u64>().unwrap())
            .max()
            .unwrap_or(0);
        assert!(
            newest <= last,
            "{point}: {newest} was {told}, but the journal ends at {last}"
        );
    }
    let mut next = store.earliest();
    for record in RecordReader::open(&store, next).unwrap() {
        let record = record.unwrap();
        assert_eq!(record.position, next, "{point}");
        assert_eq!(
            record.bytes,
            record.position.get().to_string().as_bytes(),
            "{point}"
        );
        next = next.next();
    }
    assert_eq!(next, store.last().next(), "{point}");
    // The base is the state at its position, or ahead of it where it was moving.
    let base = check_entries(point, store.base().unwrap(), last);
    assert!(base >= store.base_position(), "{point}");
    // What the newest round promises: its snapshots are there.
    let snapshots = check_entries(point, store.snapshots().unwrap(), last);
    if let Some(round) = store.round() {
        assert!(round.cut <= snapshots, "{point}");
    }
}

/// Every entry is whole; gives what the first, which is written each time, stands for.
fn check_entries(point: &str, entries: Entries, last: u64) -> Position {
    let mut first = None;
    for entry in entries {
        let (key, value) = entry.unwrap();
        let text = std::str::from_utf8(&value).unwrap();
        let position: u64 = text.split('.').next().unwrap().parse().unwrap();
        assert!(position <= last, "{point}");
        let position = Position::new(position);
        let written = changes(position);
        let of_key = written.iter().find(|change| change.key == key).unwrap();
        assert_eq!(of_key.value.as_ref(), Some(&value), "{point}");
        first.get_or_insert(position);
    }
    first.unwrap_or(Position::ZERO)
}

/// Notes its position in a file when told.
struct Witnessing {
    position: u64,
    published: Arc<Mutex<File>>,
    answered: Arc<Mutex<File>>,
    answers: Sender<String>,
}

impl Completion for Witnessing {
    fn publish(&mut self, position: Position) {
        assert_eq!(
            position.get(),
            self.position,
            "published at the place it was given"
        );
        writeln!(self.published.lock(), "{}", self.position).unwrap();
    }

    fn answer(self: Box<Self>, outcome: Result<(), OutcomeUnknown>) {
        if outcome.is_ok() {
            writeln!(self.answered.lock(), "{}", self.position).unwrap();
        }
        self.answers.send(String::new()).unwrap();
    }
}

fn append_until_death(directory: &Path) {
    let scenario = fail::FailScenario::setup();
    let store = Arc::new(EmbeddedStore::open(directory).unwrap());
    let observers = Observers {
        failed: Box::new(|_| std::process::exit(EXIT_OF_FAILED)),
        written: Box::new(|_| {}),
    };
    let config = JournalConfig::default();
    let journal = Journal::start(store.clone(), Clock::manual(NOW), config, observers).unwrap();
    let notes = |name: &str| -> Arc<Mutex<File>> {
        let path: PathBuf = directory.join(name);
        Arc::new(Mutex::new(
            OpenOptions::new()
                .create(true)
                .append(true)
                .open(path)
                .unwrap(),
        ))
    };
    let (published, answered) = (notes("published"), notes("answered"));
    let log = Log::new();
    let start = store.last().get() + 1;
    for position in start..start + RECORDS {
        let (published, answered) = (published.clone(), answered.clone());
        let done = Witnessing {
            position,
            published,
            answered,
            answers: log.sender.clone(),
        };
        let record = position.to_string().into_bytes();
        journal.place().unwrap().append(record, Box::new(done));
        if position % BURST == 0 {
            log.await_answers(usize::try_from(BURST.min(position - start + 1)).unwrap());
            snapshot_and_trim(&journal, &*store);
        }
    }
    journal.close();
    scenario.teardown();
}

/// A position, and with every other burst so much behind it that it is written in pieces.
fn value(position: Position) -> Vec<u8> {
    let mut value = position.to_string();
    if position.get() / BURST % 2 == 1 {
        let more = 100_000 + usize::try_from(position.get()).unwrap() * 300;
        value.extend(std::iter::repeat_n('.', more));
    }
    value.into_bytes()
}

/// One entry, or so many that they make a run; the value of each begins with the position that it
/// stands for.
fn changes(position: Position) -> Vec<EntryChange> {
    let are_many = position.get() / BURST % 4 >= 2;
    let put = |(key, value): (&str, Vec<u8>)| EntryChange {
        key: key.into(),
        value: Some(value),
    };
    let small = position.get().to_string().into_bytes();
    let others = ["l", "m", "n", "o", "p"].map(|key| (key, small.clone()));
    let others = others.into_iter().filter(|_| are_many);
    [("k", value(position))]
        .into_iter()
        .chain(others)
        .map(put)
        .collect()
}

/// Writes them to the snapshots, and to the base.
fn snapshot_and_trim(journal: &Journal, store: &dyn Store) {
    let cut = journal.durable();
    put_snapshots(store, changes(cut)).unwrap();
    store
        .finish_round(Round {
            cut,
            witness: journal.durable(),
            high_water: NOW,
        })
        .unwrap();
    let half = Position::new(cut.get() / 2).max(store.earliest());
    if half > cut {
        return;
    }
    let (first, group) = store.read(half).unwrap().next().unwrap().unwrap();
    let records = GroupHeader::read(&group).unwrap().records;
    let end = first.plus(u64::from(records) - 1);
    if end <= cut {
        advance_base(store, end.get(), changes(end)).unwrap();
    }
}
