//! The embedded store on a data directory: reopened, damaged, cut short, held by another.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::journal::{EmbeddedStore, RecordReader, Round, high_water};

fn open(directory: &TempDir) -> EmbeddedStore {
    EmbeddedStore::open(directory.path()).unwrap()
}

fn refused(directory: &TempDir) -> String {
    EmbeddedStore::open(directory.path())
        .err()
        .unwrap()
        .to_string()
}

fn append(store: &EmbeddedStore, records: &[&[u8]]) {
    store.append(store.last().next(), &group(records)).unwrap();
}

fn put(key: &str, value: &str) -> EntryChange {
    EntryChange {
        key: key.into(),
        value: Some(value.into()),
    }
}

fn round(cut: u64, witness: u64) -> Round {
    Round {
        cut: Position::new(cut),
        witness: Position::new(witness),
        high_water: NOW,
    }
}

/// Works with the engine behind the store's back.
fn with_engine(directory: &TempDir, act: impl FnOnce(&fjall::Database)) {
    let database = fjall::Database::builder(directory.path().join("engine"))
        .open()
        .unwrap();
    act(&database);
    database.persist(fjall::PersistMode::SyncAll).unwrap();
}

/// The engine's log. It is longer than what is written to it.
fn engine_log(directory: &TempDir) -> PathBuf {
    directory.path().join("engine").join("0.jnl")
}

/// Cuts the engine's log after so many of its bytes, and fills it up with nothing again.
fn cut_engine_log(log: &Path, keep: impl FnOnce(usize) -> usize) {
    let bytes = fs::read(log).unwrap();
    let written = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let file = OpenOptions::new().write(true).open(log).unwrap();
    file.set_len(keep(written) as u64).unwrap();
    file.set_len(bytes.len() as u64).unwrap();
}

#[test]
fn a_new_data_directory_is_empty_and_everything_written_is_there_after_a_restart() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("not/yet/there");
    {
        let store = EmbeddedStore::open(&path).unwrap();
        assert_eq!(
            (store.last(), store.earliest()),
            (Position::ZERO, Position::new(1))
        );
        assert_eq!((store.round(), store.meta("epoch").unwrap()), (None, None));
        assert_eq!(high_water(&store).unwrap(), Timestamp::MIN);
        append(&store, &[b"a", b"b"]);
        append(&store, &[b"c"]);
        put_snapshots(&store, vec![put("k", "1"), put("l", "1")]).unwrap();
        put_snapshots(
            &store,
            vec![EntryChange {
                key: b"l".to_vec(),
                value: None,
            }],
        )
        .unwrap();
        store.finish_round(round(2, 3)).unwrap();
        advance_base(&store, 2, vec![put("k", "0")]).unwrap();
        store.put_meta("epoch", b"e1").unwrap();
    }
    let store = EmbeddedStore::open(&path).unwrap();
    assert_eq!(
        (store.last(), store.earliest()),
        (Position::new(3), Position::new(3))
    );
    assert_eq!(records(&store, 3).unwrap(), [(3, b"c".to_vec())]);
    let entries = |entries: crate::journal::store::Entries| -> Vec<_> {
        entries.map(Result::unwrap).collect()
    };
    assert_eq!(
        entries(store.snapshots().unwrap()),
        [(b"k".to_vec(), b"1".to_vec())]
    );
    assert_eq!(
        entries(store.base().unwrap()),
        [(b"k".to_vec(), b"0".to_vec())]
    );
    assert_eq!(store.base_position(), Position::new(2));
    assert_eq!(store.round(), Some(round(2, 3)));
    assert_eq!(store.meta("epoch").unwrap(), Some(b"e1".to_vec()));
    assert_eq!(high_water(&store).unwrap(), NOW);
    let error = records(&store, 2).unwrap_err();
    assert_eq!(
        error.to_string(),
        "position 2 is no longer kept, the earliest is 3"
    );
}

#[test]
fn a_second_process_is_refused_until_the_first_is_done() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(&directory);
    assert!(refused(&directory).starts_with("another process uses the data directory"));
    drop(first);
    drop(open(&directory));
}

#[test]
fn a_group_is_refused_unless_it_comes_next() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    append(&store, &[b"a", b"b"]);
    for first in [0, 1, 2, 4] {
        let error = store
            .append(Position::new(first), &group(&[b"x"]))
            .unwrap_err();
        assert!(
            matches!(error, StoreError::OutOfOrder { .. }),
            "{first}: {error}"
        );
    }
    append(&store, &[b"c"]);
    assert_eq!(records(&store, 1).unwrap().len(), 3);
}

#[test]
fn an_unknown_format_is_refused_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(&directory));
    with_engine(&directory, |database| {
        let meta = database.keyspace("meta", Default::default).unwrap();
        meta.insert("store/format", 2_u32.to_le_bytes()).unwrap();
    });
    assert_eq!(
        refused(&directory),
        "the data directory has format 2, this release reads format 1: start the release that \
         wrote it, or a newer one"
    );
}

#[test]
fn a_creation_cut_short_is_begun_anew() {
    let directory = tempfile::tempdir().unwrap();
    let half_made = directory.path().join("engine.new");
    fs::create_dir(&half_made).unwrap();
    fs::write(half_made.join("0.jnl"), b"half").unwrap();
    append(&open(&directory), &[b"a"]);
    assert_eq!(records(&open(&directory), 1).unwrap().len(), 1);
    assert!(!half_made.exists());
}

#[test]
fn a_group_torn_by_a_crash_is_gone_as_a_whole_and_the_rest_is_there() {
    let directory = tempfile::tempdir().unwrap();
    {
        let store = open(&directory);
        append(&store, &[b"a", b"b"]);
        append(&store, &[b"torn", b"torn too"]);
    }
    cut_engine_log(&engine_log(&directory), |written| written - 12);
    let store = open(&directory);
    assert_eq!(store.last(), Position::new(2));
    append(&store, &[b"c"]);
    let expected = [(1, b"a".to_vec()), (2, b"b".to_vec()), (3, b"c".to_vec())];
    assert_eq!(records(&store, 1).unwrap(), expected);
}

#[test]
fn a_journal_that_lost_what_a_round_witnessed_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    {
        let store = open(&directory);
        for _ in 0..10 {
            append(&store, &[&[1; 1_000]]);
        }
        store.finish_round(round(8, 10)).unwrap();
        append(&store, &[b"after the round"]);
    }
    // The round itself is lost along with the records: only the file beside the engine tells.
    cut_engine_log(&engine_log(&directory), |written| written / 2);
    let error = EmbeddedStore::open(directory.path()).err().unwrap();
    assert!(
        matches!(error, StoreError::Truncated { witness, .. } if witness == Position::new(10)),
        "{error}"
    );
}

#[test]
fn a_lost_engine_is_refused_rather_than_begun_anew() {
    let directory = tempfile::tempdir().unwrap();
    {
        let store = open(&directory);
        append(&store, &[b"a"]);
        store.finish_round(round(1, 1)).unwrap();
    }
    fs::remove_dir_all(directory.path().join("engine")).unwrap();
    assert!(refused(&directory).starts_with("the journal ends at position 0, but 1 was durable"));
}

#[test]
fn an_unreadable_witness_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(&directory));
    fs::write(directory.path().join("witness"), "onhand witness 1 ten\n").unwrap();
    assert!(refused(&directory).contains("the file witness"));
}

#[test]
fn a_missing_group_is_an_error_and_never_a_shorter_history() {
    let directory = tempfile::tempdir().unwrap();
    {
        let store = open(&directory);
        append(&store, &[b"a"]);
        append(&store, &[b"b", b"c"]);
        append(&store, &[b"d"]);
    }
    with_engine(&directory, |database| {
        let groups = database.keyspace("groups", Default::default).unwrap();
        groups.remove(2_u64.to_be_bytes()).unwrap();
    });
    let store = open(&directory);
    let gap = "the journal has no record 2, it goes on with 4: restore from a backup";
    let mut reader = RecordReader::open(&store, Position::new(1)).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().bytes, b"a");
    assert_eq!(reader.next().unwrap().unwrap_err().to_string(), gap);
    assert!(reader.next().is_none(), "nothing follows an error");
    assert_eq!(records(&store, 2).unwrap_err().to_string(), gap);
    assert!(matches!(
        records(&store, 3).unwrap_err(),
        StoreError::Gap { .. }
    ));
    assert_eq!(records(&store, 4).unwrap(), [(4, b"d".to_vec())]);
    store.finish_round(round(4, 4)).unwrap();
    assert!(matches!(
        advance_base(&store, 4, Vec::new()),
        Err(StoreError::Gap { .. })
    ));
}

#[test]
fn a_damaged_group_is_an_error_that_names_it() {
    let directory = tempfile::tempdir().unwrap();
    {
        let store = open(&directory);
        append(&store, &[b"a"]);
        append(&store, &[b"bcd"]);
    }
    with_engine(&directory, |database| {
        let groups = database.keyspace("groups", Default::default).unwrap();
        let mut bytes = group(&[b"bcd"]);
        bytes.pop();
        groups.insert(2_u64.to_be_bytes(), bytes).unwrap();
    });
    let error = records(&open(&directory), 1).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the group at position 2 is damaged"),
        "{error}"
    );
}

#[test]
fn the_base_moves_only_forwards_to_the_end_of_a_group_within_the_newest_round() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    append(&store, &[b"a", b"b", b"c"]);
    append(&store, &[b"d"]);
    let advance = |cut: u64| advance_base(&store, cut, vec![put("k", "v")]);
    let reason = |cut: u64| {
        let error = advance(cut).unwrap_err();
        assert!(matches!(error, StoreError::Base { .. }), "{error}");
        error.to_string()
    };
    assert!(reason(3).contains("newest snapshot round"));
    store.finish_round(round(3, 4)).unwrap();
    assert!(reason(4).contains("newest snapshot round"));
    assert!(reason(2).contains("end of a group"));
    assert_eq!(
        store.base().unwrap().count(),
        0,
        "a refused move changes nothing"
    );
    advance(3).unwrap();
    assert!(reason(3).contains("forwards"));
    store.finish_round(round(4, 4)).unwrap();
    advance(4).unwrap();
    assert_eq!(
        (store.earliest(), store.last()),
        (Position::new(5), Position::new(4))
    );
    drop(store);

    let store = open(&directory);
    assert_eq!(
        store.last(),
        Position::new(4),
        "positions go on although no group is left"
    );
    append(&store, &[b"e"]);
    assert_eq!(records(&store, 5).unwrap(), [(5, b"e".to_vec())]);
}

#[test]
fn a_reader_keeps_its_view_while_the_base_moves_on() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    append(&store, &[b"a"]);
    append(&store, &[b"b"]);
    store.finish_round(round(2, 2)).unwrap();
    let reader = RecordReader::open(&store, Position::new(1)).unwrap();
    advance_base(&store, 2, Vec::new()).unwrap();
    assert_eq!(reader.map(Result::unwrap).count(), 2);
}

#[test]
fn the_clock_of_the_next_start_comes_from_the_newest_group_or_round() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(open(&directory));
    let clock = Clock::manual(NOW);
    let config = JournalConfig::default();
    let journal = Journal::start(store.clone(), clock.clone(), config, observers()).unwrap();
    let log = Log::new();
    clock.advance(5_000);
    journal
        .place()
        .unwrap()
        .append(b"a".to_vec(), log.completion("a"));
    journal.close();
    assert_eq!(high_water(&*store).unwrap(), NOW.plus_millis(5_000));

    let high_water_of_round = NOW.plus_millis(9_000);
    store
        .finish_round(Round {
            high_water: high_water_of_round,
            ..round(1, 1)
        })
        .unwrap();
    advance_base(&*store, 1, Vec::new()).unwrap();
    assert_eq!(
        high_water(&*store).unwrap(),
        high_water_of_round,
        "although no group is left"
    );
}

#[test]
fn the_space_of_trimmed_history_is_used_again() {
    const MIB: usize = 1 << 20;
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let record = vec![7; MIB];
    for number in 1..=192_u64 {
        append(&store, &[&record]);
        if number % 8 == 0 {
            store.finish_round(round(number, number)).unwrap();
            advance_base(&store, number - 4, Vec::new()).unwrap();
            store.free_trimmed().unwrap();
        }
    }
    // What is kept is 4 MiB; files of 16 MiB are dropped as a whole, a few may be in the making.
    let taken = store.history_bytes() as usize / MIB;
    assert!(taken < 96, "192 MiB were written, {taken} MiB are on disk");
    assert_eq!(store.earliest(), Position::new(189));
    let kept = RecordReader::open(&store, store.earliest()).unwrap();
    assert_eq!(kept.map(Result::unwrap).count(), 4);
    drop(store);
    let store = open(&directory);
    assert_eq!(
        (store.earliest(), store.last()),
        (Position::new(189), Position::new(192))
    );
}
