//! The whole journal on a data directory against a model: random work, closed and started again.
//! Nothing acknowledged is lost, positions have no gaps, completions come once and in order.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::journal::EmbeddedStore;

#[derive(Clone, Debug)]
enum Work {
    Append(Vec<u8>),
    /// Waits for the position so many records back.
    Wait(u64),
    /// Takes a place and gives it back.
    ChangeOfMind,
    /// Waits until all is answered, so that the next record starts a group.
    Settle,
    Restart,
}

fn work() -> impl Strategy<Value = Work> {
    prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..60).prop_map(Work::Append),
        3 => (0..5_u64).prop_map(Work::Wait),
        1 => Just(Work::ChangeOfMind),
        1 => Just(Work::Settle),
        1 => Just(Work::Restart),
    ]
}

/// Small groups, so that bounds are met all the time.
fn config() -> JournalConfig {
    let group = GroupLimits {
        group_bytes_max: 200,
        group_records_max: 4,
    };
    JournalConfig {
        group,
        ..JournalConfig::default()
    }
}

fn open(directory: &tempfile::TempDir) -> (Arc<EmbeddedStore>, Journal) {
    let store = Arc::new(EmbeddedStore::open(directory.path()).unwrap());
    let journal = start(store.clone(), config());
    (store, journal)
}

/// The names of those whose completion was told so, in order.
fn names(told: &[Told], answers: bool) -> Vec<&str> {
    let name = |told: &'_ Told| matches!(told, Told::Answered(..)) == answers;
    told.iter()
        .filter(|told| name(told))
        .map(|told| match told {
            Told::Published(name) | Told::Answered(name, Ok(())) => name.as_str(),
            Told::Answered(name, Err(_)) => panic!("{name} is unknown"),
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn nothing_answered_is_lost_and_the_order_stays(
        work in prop::collection::vec(work(), 0..120),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let (mut store, mut journal) = open(&directory);
        let mut log = Log::new();
        let mut expected: Vec<(u64, Vec<u8>)> = Vec::new();
        // Those who append, in order, and how many wait, since the last start.
        let (mut appended, mut waiting, mut open_answers) = (Vec::new(), 0, 0);
        for (n, work) in work.into_iter().enumerate() {
            match work {
                Work::Append(record) => {
                    let name = format!("append {n}");
                    let place = journal.place().unwrap();
                    let position = place.append(record.clone(), log.completion(name.as_str()));
                    expected.push((position.get(), record));
                    appended.push(name);
                    open_answers += 1;
                }
                Work::Wait(back) => {
                    let after = Position::new(journal.appended().get().saturating_sub(back));
                    journal.place().unwrap().wait(after, log.completion(format!("wait {n}")));
                    waiting += 1;
                    open_answers += 1;
                }
                Work::ChangeOfMind => drop(journal.place().unwrap()),
                Work::Settle => {
                    log.await_answers(open_answers);
                    open_answers = 0;
                    prop_assert_eq!(journal.durable(), journal.appended());
                    prop_assert_eq!(journal.places_taken(), 0);
                }
                Work::Restart => {
                    journal.close();
                    check_told(&log, &appended, waiting);
                    drop((store, journal));
                    (store, journal) = open(&directory);
                    log = Log::new();
                    (appended, waiting, open_answers) = (Vec::new(), 0, 0);
                    prop_assert_eq!(journal.durable().get(), expected.len() as u64);
                }
            }
        }
        journal.close();
        check_told(&log, &appended, waiting);
        prop_assert!(expected.iter().map(|(position, _)| *position).eq(1..=expected.len() as u64));
        prop_assert_eq!(records(&*store, 1).unwrap(), expected);
        prop_assert!(group_sizes(&*store).into_iter().all(|records| records <= 4));
    }
}

/// Each completion was published once and answered once, those of records in their order.
fn check_told(log: &Log, appended: &[String], waiting: usize) {
    let told = log.told();
    for answers in [false, true] {
        let names = names(&told, answers);
        assert_eq!(names.len(), appended.len() + waiting);
        let of_records: Vec<&str> = names
            .into_iter()
            .filter(|name| name.starts_with("append"))
            .collect();
        assert_eq!(of_records, appended);
    }
}
