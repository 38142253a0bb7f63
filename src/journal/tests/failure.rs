//! The journal when its store fails: nobody is told what is not durable, nothing is tried again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::journal::MemoryStore;
use crate::journal::store::{Changes, Contents, Entries, Groups, Round};

/// A store whose disk breaks after some appends: the breaking append leaves its group behind, as
/// a failed sync may, and says that it failed.
struct Breaking {
    inner: MemoryStore,
    good_appends: usize,
    appends: AtomicUsize,
}

impl Breaking {
    fn after(good_appends: usize) -> Arc<Breaking> {
        Arc::new(Breaking {
            inner: MemoryStore::default(),
            good_appends,
            appends: AtomicUsize::new(0),
        })
    }
}

impl Store for Breaking {
    fn append(&self, first: Position, group: &[u8]) -> Result<(), StoreError> {
        let before = self.appends.fetch_add(1, Ordering::SeqCst);
        self.inner.append(first, group)?;
        if before < self.good_appends {
            Ok(())
        } else {
            Err(StoreError::Injected)
        }
    }
    fn read(&self, from: Position) -> Result<Groups, StoreError> {
        self.inner.read(from)
    }
    fn last(&self) -> Position {
        self.inner.last()
    }
    fn put_snapshots(&self, changes: Changes<'_>) -> Result<(), StoreError> {
        self.inner.put_snapshots(changes)
    }
    fn finish_round(&self, round: Round) -> Result<(), StoreError> {
        self.inner.finish_round(round)
    }
    fn snapshots(&self) -> Result<Entries, StoreError> {
        self.inner.snapshots()
    }
    fn round(&self) -> Option<Round> {
        self.inner.round()
    }
    fn advance_base(&self, cut: Position, changes: Changes<'_>) -> Result<(), StoreError> {
        self.inner.advance_base(cut, changes)
    }
    fn base(&self) -> Result<Entries, StoreError> {
        self.inner.base()
    }
    fn base_entry(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.base_entry(key)
    }
    fn free_trimmed(&self) -> Result<(), StoreError> {
        self.inner.free_trimmed()
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

/// A journal on that store, and what its observer of failures hears.
fn journal_on(store: Arc<Breaking>) -> (Journal, Receiver<String>) {
    let (sender, failures) = channel();
    let observers = Observers {
        failed: Box::new(move |error| sender.send(error.to_string()).unwrap()),
        written: Box::new(|_| {}),
    };
    let clock = Clock::manual(NOW);
    let journal = Journal::start(store, clock, JournalConfig::default(), observers).unwrap();
    (journal, failures)
}

#[test]
fn after_a_failed_append_all_who_wait_now_and_later_hear_that_the_outcome_is_unknown() {
    let store = Breaking::after(1);
    let (journal, failures) = journal_on(store.clone());
    let log = Log::new();
    let place_for_later = journal.place().unwrap();
    let release = log.hold_writer(&journal);
    journal
        .place()
        .unwrap()
        .append(b"a".to_vec(), log.completion("a"));
    journal
        .place()
        .unwrap()
        .wait(Position::new(2), log.completion("b"));
    drop(release);
    assert_eq!(failures.recv().unwrap(), "made to fail by a test");

    let expected = [
        published("held"),
        answered("held"),
        unknown("a"),
        unknown("b"),
    ];
    assert_eq!(
        log.told(),
        expected,
        "told before the observer, nothing published"
    );
    assert!(journal.is_failed());
    place_for_later.append(b"later".to_vec(), log.completion("later"));
    journal
        .place()
        .unwrap()
        .wait(Position::new(1), log.completion("even what was durable"));
    assert_eq!(
        log.told()[4..],
        [unknown("later"), unknown("even what was durable")]
    );
    assert_eq!(journal.durable(), Position::new(1));
    assert_eq!(
        journal.read(Position::new(1)).unwrap().count(),
        1,
        "the failed group is not read"
    );
    assert_eq!(journal.places_taken(), 0);

    journal.close();
    assert_eq!(
        store.appends.load(Ordering::SeqCst),
        2,
        "a failed append is never tried again"
    );
    assert!(failures.recv().is_err(), "told once");
}

#[test]
fn who_waits_only_for_durable_records_is_answered_although_the_next_append_fails() {
    let (journal, failures) = journal_on(Breaking::after(1));
    let log = Log::new();
    let release = log.hold_writer(&journal);
    journal
        .place()
        .unwrap()
        .wait(Position::new(1), log.completion("wait"));
    journal
        .place()
        .unwrap()
        .append(b"a".to_vec(), log.completion("a"));
    drop(release);
    assert_eq!(failures.recv().unwrap(), "made to fail by a test");

    let expected = [
        published("held"),
        answered("held"),
        published("wait"),
        answered("wait"),
        unknown("a"),
    ];
    assert_eq!(log.told(), expected);
    journal.close();
}
