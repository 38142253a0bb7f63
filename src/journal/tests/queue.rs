//! The queue and its writer while all is well.

use std::sync::Arc;
use std::thread;

use super::*;
use crate::journal::{Full, MemoryStore};

#[test]
fn records_of_many_threads_are_kept_once_in_the_order_of_their_positions() {
    const THREADS: usize = 4;
    const EACH: usize = 500;
    let store = Arc::new(MemoryStore::default());
    let journal = start(store.clone(), JournalConfig::default());
    let log = Log::new();

    let appended: Vec<(u64, Vec<u8>)> = thread::scope(|scope| {
        let append = |thread: usize| {
            let (journal, log) = (&journal, &log);
            let completions: Vec<_> = (0..EACH)
                .map(|n| log.completion(format!("{thread}/{n}")))
                .collect();
            scope.spawn(move || {
                let append = |(n, done)| {
                    let record = format!("{thread}/{n}").into_bytes();
                    (
                        journal.place().unwrap().append(record.clone(), done).get(),
                        record,
                    )
                };
                completions
                    .into_iter()
                    .enumerate()
                    .map(append)
                    .collect::<Vec<_>>()
            })
        };
        let threads: Vec<_> = (0..THREADS).map(append).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    log.await_answers(THREADS * EACH);

    let mut expected = appended;
    expected.sort();
    assert!(
        expected
            .iter()
            .map(|(position, _)| *position)
            .eq(1..=(THREADS * EACH) as u64)
    );
    assert_eq!(records(&*store, 1).unwrap(), expected);
    let names = |wanted: fn(&Told) -> Option<String>| -> Vec<Vec<u8>> {
        log.told()
            .iter()
            .filter_map(wanted)
            .map(String::into_bytes)
            .collect()
    };
    let in_order: Vec<Vec<u8>> = expected.into_iter().map(|(_, record)| record).collect();
    assert_eq!(
        names(|told| match told {
            Told::Published(name) => Some(name.clone()),
            Told::Answered(..) => None,
        }),
        in_order
    );
    assert_eq!(
        names(|told| match told {
            Told::Answered(name, Ok(())) => Some(name.clone()),
            Told::Published(_) | Told::Answered(..) => None,
        }),
        in_order
    );
    journal.close();
}

#[test]
fn all_that_queues_during_a_write_becomes_one_group_published_whole_before_any_answer() {
    let store = Arc::new(MemoryStore::default());
    let journal = start(store.clone(), JournalConfig::default());
    let log = Log::new();
    let release = log.hold_writer(&journal);
    journal
        .place()
        .unwrap()
        .append(b"a".to_vec(), log.completion("a"));
    journal
        .place()
        .unwrap()
        .append(b"b".to_vec(), log.completion("b"));
    journal
        .place()
        .unwrap()
        .wait(Position::new(3), log.completion("wait"));
    assert_eq!(journal.appended(), Position::new(3));
    assert_eq!(
        journal.durable(),
        Position::ZERO,
        "synced, but not yet published"
    );
    assert!(log.told().is_empty());

    drop(release);
    log.await_answers(4);

    let expected = [
        published("held"),
        answered("held"),
        published("a"),
        published("b"),
        published("wait"),
        answered("a"),
        answered("b"),
        answered("wait"),
    ];
    assert_eq!(log.told(), expected);
    let at = |name: &str, position| (name.to_owned(), position);
    let expected = [at("held", 1), at("a", 2), at("b", 3), at("wait", 3)];
    assert_eq!(*log.positions.lock(), expected);
    assert_eq!(group_sizes(&*store), [1, 2]);
    assert_eq!(journal.durable(), Position::new(3));
    journal.close();
}

#[test]
fn groups_are_split_at_their_bounds_and_the_order_stays() {
    let group = GroupLimits {
        group_bytes_max: 1_000,
        group_records_max: 3,
    };
    let store = Arc::new(MemoryStore::default());
    let journal = start(
        store.clone(),
        JournalConfig {
            group,
            ..JournalConfig::default()
        },
    );
    let log = Log::new();
    let release = log.hold_writer(&journal);
    let sizes = [10, 10, 10, 10, 500, 500, 5_000, 1];
    for size in sizes {
        journal
            .place()
            .unwrap()
            .append(vec![7; size], log.completion(size.to_string()));
    }
    drop(release);
    log.await_answers(1 + sizes.len());

    assert_eq!(group_sizes(&*store), [1, 3, 2, 1, 1, 1]);
    let kept: Vec<usize> = records(&*store, 2)
        .unwrap()
        .into_iter()
        .map(|(_, bytes)| bytes.len())
        .collect();
    assert_eq!(kept, sizes);
    journal.close();
}

#[test]
fn the_durable_position_is_told_after_publication_and_before_the_answer() {
    let store = Arc::new(MemoryStore::default());
    let journal = start(store, JournalConfig::default());
    let log = Log::new();
    let mut told = journal.watch();
    let (within_publish, seen_by_publish) = channel();
    let watched = journal.watch();
    let look = move || within_publish.send(*watched.borrow()).unwrap();

    let done = log.completion_with("a", Some(Box::new(look)));
    journal.place().unwrap().append(b"a".to_vec(), done);
    log.await_answers(1);

    assert_eq!(seen_by_publish.recv().unwrap(), Position::ZERO);
    assert!(told.has_changed().unwrap());
    assert_eq!(*told.borrow_and_update(), Position::new(1));
    journal.close();
}

#[test]
fn who_waits_for_what_is_durable_is_answered_at_once_even_when_the_writer_is_busy() {
    let journal = start(Arc::new(MemoryStore::default()), JournalConfig::default());
    let log = Log::new();
    journal
        .place()
        .unwrap()
        .append(b"a".to_vec(), log.completion("a"));
    log.await_answers(1);
    let release = log.hold_writer(&journal);

    journal
        .place()
        .unwrap()
        .wait(Position::new(1), log.completion("wait"));

    assert_eq!(log.told()[2..], [published("wait"), answered("wait")]);
    assert_eq!(journal.places_taken(), 1, "its place is free again");
    drop(release);
    journal.close();
}

#[test]
fn past_the_bound_no_place_is_given_until_one_is_free_again() {
    let config = JournalConfig {
        queue_places_max: 2,
        ..JournalConfig::default()
    };
    let journal = start(Arc::new(MemoryStore::default()), config);
    let log = Log::new();
    let release = log.hold_writer(&journal);
    let place = journal.place().unwrap();
    assert_eq!(journal.place().err(), Some(Full));
    drop(place);
    journal
        .place()
        .unwrap()
        .append(b"a".to_vec(), log.completion("a"));
    assert_eq!(
        journal.place().err(),
        Some(Full),
        "queued work keeps its place"
    );

    let reserved = journal.place_reserved();
    assert_eq!(journal.places_taken(), 3, "reserved places count");
    reserved.append(b"b".to_vec(), log.completion("b"));

    drop(release);
    log.await_answers(3);
    assert_eq!(journal.places_taken(), 0);
    assert!(journal.place().is_ok());
    journal.close();
}

#[test]
fn past_the_bound_of_bytes_no_place_is_given_until_they_are_written() {
    let config = JournalConfig {
        queue_bytes_max: 100,
        ..JournalConfig::default()
    };
    let journal = start(Arc::new(MemoryStore::default()), config);
    let log = Log::new();
    let release = log.hold_writer(&journal);
    journal
        .place()
        .unwrap()
        .append(vec![0; 96], log.completion("a"));
    assert_eq!(journal.place().err(), Some(Full));
    drop(release);
    log.await_answers(2);
    assert!(journal.place().is_ok());
    journal.close();
}

#[test]
fn closing_answers_all_that_is_queued_and_later_work_is_unknown() {
    let store = Arc::new(MemoryStore::default());
    let journal = start(store.clone(), JournalConfig::default());
    let log = Log::new();
    let late = journal.place().unwrap();
    let later = journal.place().unwrap();
    for n in 0..100 {
        journal
            .place()
            .unwrap()
            .append(vec![n], log.completion(n.to_string()));
    }
    journal.close();
    assert_eq!(records(&*store, 1).unwrap().len(), 100);
    assert!((0..100).all(|n| log.told().contains(&answered(&n.to_string()))));

    late.append(b"late".to_vec(), log.completion("late"));
    later.wait(Position::new(101), log.completion("later"));
    assert_eq!(log.told()[200..], [unknown("late"), unknown("later")]);
    assert!(matches!(
        journal.read(Position::new(1)).err(),
        Some(StoreError::Closed)
    ));
    assert_eq!(
        Arc::strong_count(&store),
        1,
        "the journal let go of the store"
    );
}

#[test]
fn reading_starts_anywhere_and_ends_at_the_durable_position() {
    let store = Arc::new(MemoryStore::default());
    let journal = start(store, JournalConfig::default());
    let log = Log::new();
    let release = log.hold_writer(&journal);
    for record in [b"b", b"c", b"d"] {
        journal
            .place()
            .unwrap()
            .append(record.to_vec(), log.completion("x"));
    }
    assert_eq!(
        journal.read(Position::new(1)).unwrap().count(),
        0,
        "synced, but not yet published"
    );
    drop(release);
    log.await_answers(4);

    let read: Vec<_> = journal
        .read(Position::new(3))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let told: Vec<_> = read
        .iter()
        .map(|record| (record.position.get(), &record.bytes[..]))
        .collect();
    assert_eq!(told, [(3, &b"c"[..]), (4, &b"d"[..])]);
    assert_eq!(journal.read(Position::new(5)).unwrap().count(), 0);
    assert_eq!(journal.read(Position::ZERO).unwrap().count(), 4);
    journal.close();
}
