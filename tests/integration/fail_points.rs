//! The real binary crashed at each named point, under load: between append, sync, publish and
//! answer, between prepare, commit and settle, in snapshots and in trimming. Then started again:
//! nothing acknowledged is lost, half there, oversold or told in two ways.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use serde_json::json;

use crate::backup::{backup, done};
use crate::book::Book;
use crate::dice::seed;
use crate::server::{DataDir, Server, Start, onhand, verify};
use crate::worker::SHELF;

const SIGABRT: i32 = 6;

/// After so many answers to each worker a point was not reached.
const ANSWERS_MAX: usize = 3_000;

/// Test, point, and how often it is passed before the crash.
macro_rules! crash_points {
    ($($test:ident $point:literal after $passed:literal,)*) => {
        const POINTS: &[&str] = &[$($point),*];

        $(#[test]
        fn $test() {
            crash_at($point, $passed);
        })*
    };
}

crash_points! {
    before_append "journal::before_append" after 40,
    after_sync "journal::after_sync" after 50,
    before_publish "journal::before_publish" after 150,
    before_answer "journal::before_answer" after 150,
    before_prepare "raise::before_prepare" after 15,
    after_prepare "raise::after_prepare" after 10,
    after_commit "raise::after_commit" after 10,
    before_settle "errand::before_settle" after 20,
    after_settle "errand::after_settle" after 20,
    before_report "errand::before_report" after 2,
    after_report "errand::after_report" after 2,
    before_arrival "errand::before_arrival" after 3,
    after_arrival "errand::after_arrival" after 3,
    before_snapshot_entries "snapshots::before_put" after 1,
    before_entries_are_stored "journal::before_put_snapshots" after 1,
    after_a_piece_of_an_entry "journal::after_a_piece" after 3,
    before_a_run_of_entries_is_there "journal::before_a_run" after 1,
    after_a_run_of_entries_is_there "journal::after_a_run" after 1,
    before_a_round_ends "snapshots::before_finish" after 1,
    before_a_round_is_stored "journal::before_finish_round" after 1,
    before_the_witness "journal::before_witness" after 1,
    after_a_round_is_stored "journal::after_finish_round" after 1,
    after_a_round_ends "snapshots::after_finish" after 1,
    before_history_is_trimmed "trim::before_advance" after 1,
    before_the_base_advances "journal::before_advance_base" after 1,
    after_the_base_advanced "journal::after_advance_base" after 1,
    after_history_is_trimmed "trim::after_advance" after 1,
}

/// What a restore passes, in order. Up to the last it leaves nothing that anybody opens.
const RESTORE_POINTS: &[&str] = &[
    "restore::before_write",
    "restore::before_witness",
    "restore::before_rename",
    "restore::after_rename",
];

/// Passed at each start.
const RENEWAL_POINTS: [&str; 2] = ["renewal::before_write", "renewal::before_sync"];

fn crash_at(point: &str, passed: usize) {
    let seed = seed();
    let data = DataDir::new();
    let mut server = start(&data.path, "", 0);
    let mut book = Book::open(&server, seed);
    server.stop();

    let mut server = start(&data.path, point, passed);
    book.work(&mut server, ANSWERS_MAX, 0, |_| ());
    let ended = server.wait();
    assert_eq!(ended.signal(), Some(SIGABRT), "{ended}:\n{}", server.said());
    prove(&mut book, &data.path);
}

/// Starts it again and compares; then once more after a stop, and by `onhand verify`.
fn prove(book: &mut Book, data: &Path) {
    for _ in 0..2 {
        let mut server = start(data, "", 0);
        book.check(&server.client());
        server.stop();
    }
    let mut server = start(data, "", 0);
    book.check_within_reach(&server.client());
    server.stop();
    verify(data);
}

fn start(data: &Path, point: &str, passed: usize) -> Server {
    prepare(data, point, passed).run()
}

fn prepare(data: &Path, point: &str, passed: usize) -> Start {
    let start = Start::on(data)
        .with("ONHAND_JOURNAL_SNAPSHOT_INTERVAL_SECONDS", "1")
        .with("ONHAND_ACTORS_PREPARE_TIMEOUT_MS", "1000");
    if point.is_empty() {
        return start;
    }
    let trims = point.starts_with("trim::") || point.ends_with("_base");
    let start = start.with("FAILPOINTS", &format!("{point}={passed}*off->return"));
    if trims {
        start
            .with("ONHAND_JOURNAL_HISTORY_DAYS", "0")
            .with("ONHAND_JOURNAL_TRIM_INTERVAL_SECONDS", "1")
    } else {
        start
    }
}

#[test]
fn a_crash_while_the_log_is_written_anew_loses_nothing() {
    let data = DataDir::new();
    let mut server = start(&data.path, "", 0);
    let mut book = Book::open(&server, seed());
    for point in RENEWAL_POINTS {
        book.work(&mut server, usize::MAX, 100, Server::kill9);
        let Err((ended, said)) = prepare(&data.path, point, 0).try_run() else {
            panic!("it started in spite of a crash at {point}");
        };
        assert_eq!(ended.signal(), Some(SIGABRT), "{point}: {ended}:\n{said}");
        server = start(&data.path, "", 0);
        book.check(&server.client());
    }
    server.stop();
    prove(&mut book, &data.path);
}

#[test]
fn a_store_that_fails_its_append_ends_the_process_and_loses_nothing() {
    let data = DataDir::new();
    let mut server = start(&data.path, "", 0);
    let mut book = Book::open(&server, seed());
    server.stop();

    let mut server = start(&data.path, "journal::append_fails", 60);
    book.work(&mut server, ANSWERS_MAX, 0, |_| ());
    let ended = server.wait();
    assert_eq!(ended.code(), Some(1), "{ended}:\n{}", server.said());
    assert!(
        server.said().contains("the journal could not be written"),
        "{}",
        server.said()
    );
    prove(&mut book, &data.path);
}

/// The engine writes nothing more once a write failed for want of room, and no append may come
/// for hours that would tell.
#[test]
fn a_store_that_can_write_no_more_ends_the_process_without_a_write() {
    let data = DataDir::new();
    let mut server = start(&data.path, "journal::engine_ends", 0);
    let ended = server.wait();
    assert_eq!(ended.code(), Some(1), "{ended}:\n{}", server.said());
    let said = server.said();
    assert!(said.contains("the store can write no more"), "{said}");
    verify(&data.path);
}

#[test]
fn a_caller_whose_append_fails_hears_that_the_outcome_is_unknown() {
    let data = DataDir::new();
    let mut server = start(&data.path, "", 0);
    let mut book = Book::open(&server, seed());
    server.stop();

    let mut server = start(&data.path, "journal::append_fails", 0);
    let (sku, location) = SHELF[0];
    let line = json!({"sku": sku, "location": location, "quantity": 1});
    let place = json!({"lines": [line]});
    let answer = server.client().json("POST", "/v1/reservations", &place);
    let answer = answer.unwrap();
    assert_eq!((answer.status, answer.code()), (503, "outcome_unknown"));
    assert_eq!(server.wait().code(), Some(1));
    prove(&mut book, &data.path);
}

#[test]
fn a_restore_that_crashes_leaves_nothing_that_is_served_and_can_be_repeated() {
    let (data, elsewhere) = (DataDir::new(), DataDir::new());
    let mut server = start(&data.path, "", 0);
    let mut book = Book::open(&server, seed());
    let copy = elsewhere.path.with_file_name("copy");
    book.work(&mut server, 100, usize::MAX, |server| {
        done(&backup(server, &copy, &[]));
        server.stop();
    });
    for point in RESTORE_POINTS {
        let mut crashing = onhand();
        crashing.args(["restore", copy.to_str().unwrap(), "--data-dir"]);
        crashing.arg(&elsewhere.path);
        let crashed = crashing.env("FAILPOINTS", format!("{point}=return"));
        let crashed = crashed.output().unwrap();
        assert_eq!(crashed.status.signal(), Some(SIGABRT), "{point}");
        if *point != "restore::after_rename" {
            let Err((ended, said)) = Start::on(&elsewhere.path).try_run() else {
                panic!("half a copy is served after a crash at {point}");
            };
            assert_eq!(ended.code(), Some(1), "{point}: {said}");
            assert!(said.contains("cut short"), "{point}: {said}");
        }
    }
    verify(&elsewhere.path);
    let mut server = start(&elsewhere.path, "", 0);
    book.check(&server.client());
    server.stop();
}

#[test]
fn every_named_point_is_crashed_at() {
    let mut named = BTreeSet::new();
    collect(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut named,
    );
    let crashed = POINTS.iter().chain(&RENEWAL_POINTS).chain(RESTORE_POINTS);
    let crashed: BTreeSet<String> = crashed.map(|point| (*point).to_owned()).collect();
    for failing in ["journal::append_fails", "journal::engine_ends"] {
        named.remove(failing);
    }
    assert_eq!(named, crashed);
}

fn collect(folder: &Path, named: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, named);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        let points = text.split("fail_point!(\"").skip(1);
        named.extend(points.map(|rest| rest.split('"').next().unwrap().to_owned()));
    }
}
