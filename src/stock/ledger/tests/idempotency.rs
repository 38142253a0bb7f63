//! Repeated requests get their first answer, whatever happened since.

use std::sync::Arc;

use super::bench::{Bench, at, change, key, line, place, shown, under};
use crate::stock::{Answer, Change, Command, Confirmation, Refusal, Reservation, State};

fn placing(name: &str, amount: &str) -> Command {
    let lines = vec![line(&key("A@X"), amount)];
    change(name, Change::Place(Box::new(place(name, lines))))
}

fn confirming() -> Change {
    Change::Confirm {
        confirmation: Confirmation::default(),
        reclaim: false,
    }
}

fn run(bench: &mut Bench, command: &Command) -> (Arc<Reservation>, bool) {
    let answer = bench.run(command).unwrap();
    let Answer::Reservation { replayed, .. } = answer else {
        panic!("{answer:?} is about no reservation");
    };
    (shown(&answer), replayed)
}

#[test]
fn a_repeated_request_gets_the_first_answer_after_later_changes() {
    let mut bench = Bench::stocked("A@X", "10");
    let place = under(placing("r", "3"), 1, 1);
    let extend = under(change("r", Change::Extend { ttl_ms: 9_000 }), 2, 2);
    let confirm = under(change("r", confirming()), 3, 3);
    let fulfil = under(change("r", Change::Fulfil(None)), 4, 4);
    let requests = [place, extend, confirm, fulfil];
    let first: Vec<_> = requests.iter().map(|one| run(&mut bench, one)).collect();
    assert!(first.iter().all(|(_, replayed)| !replayed));
    let states: Vec<State> = first.iter().map(|(answer, _)| answer.state).collect();
    let expected = [State::Held, State::Held, State::Confirmed, State::Fulfilled];
    assert_eq!(states, expected);

    bench.reopen();
    let records = bench.records.len();
    for (request, (answer, _)) in requests.iter().zip(&first) {
        assert_eq!(run(&mut bench, request), (answer.clone(), true));
    }
    assert_eq!(bench.records.len(), records, "a repetition records nothing");
    let shown: Vec<_> = bench
        .ledger
        .answers()
        .map(|(key, .., shown)| (key, shown))
        .collect();
    let expected: Vec<_> = (1..)
        .zip(first.into_iter().map(|(answer, _)| answer))
        .collect();
    assert_eq!(shown, expected, "the node's index is built from these");
}

#[test]
fn the_same_key_with_another_body_is_refused() {
    let mut bench = Bench::stocked("A@X", "10");
    let first = under(placing("r", "3"), 1, 1);
    run(&mut bench, &first);
    let other = under(placing("s", "2"), 1, 2);
    assert_eq!(bench.run(&other), Err(Refusal::IdempotencyMismatch));
    assert_eq!(bench.ledger.level().held, 3.into());
}

#[test]
fn a_refusal_is_not_kept() {
    let mut bench = Bench::stocked("A@X", "2");
    let place = under(placing("r", "3"), 1, 1);
    assert!(matches!(
        bench.run(&place),
        Err(Refusal::InsufficientStock(_))
    ));
    bench.run(&super::bench::receipt("more", "1")).unwrap();
    assert!(!run(&mut bench, &place).1);
}

#[test]
fn an_answer_without_a_change_is_kept_too() {
    let mut bench = Bench::stocked("A@X", "10");
    run(&mut bench, &placing("r", "3"));
    bench.change("r", confirming()).unwrap();
    let again = under(change("r", confirming()), 1, 1);
    let (answer, replayed) = run(&mut bench, &again);
    assert_eq!((answer.state, replayed), (State::Confirmed, false));
    bench.change("r", Change::Cancel(None)).unwrap();
    assert_eq!(run(&mut bench, &again), (answer, true));
    bench.reopen();
}

#[test]
fn an_answer_is_kept_for_a_day_and_then_its_key_is_free() {
    let mut bench = Bench::stocked("A@X", "10");
    let first = under(placing("r", "3"), 1, 1);
    // Younger answers around it, so that forgetting does not come to it by chance.
    for request in 2..9 {
        let name = format!("other{request}");
        run(&mut bench, &under(placing(&name, "0.1"), request, 1));
    }
    run(&mut bench, &first);
    bench.now = at(86_399);
    assert!(run(&mut bench, &first).1);
    bench.now = at(86_400);
    let other = under(placing("s", "2"), 1, 2);
    let (answer, replayed) = run(&mut bench, &other);
    assert_eq!((answer.id, replayed), (super::bench::id("s"), false));
    assert_eq!(run(&mut bench, &other), (answer, true));
    bench.reopen();
}

#[test]
fn a_reused_key_shows_its_own_reservation_after_the_older_one_changes() {
    let mut bench = Bench::stocked("A@X", "10");
    run(&mut bench, &placing("r", "3"));
    let confirm = under(change("r", confirming()), 1, 1);
    run(&mut bench, &confirm);
    bench.now = at(86_400);
    let (answer, _) = run(&mut bench, &under(placing("s", "2"), 1, 2));
    bench.change("r", Change::Cancel(None)).unwrap();
    bench.change("s", Change::Release).unwrap();
    let again = run(&mut bench, &under(placing("s", "2"), 1, 2));
    assert_eq!(again, (answer, true));
}

#[test]
fn an_answer_outlives_the_reservation_that_it_shows() {
    let mut bench = Bench::stocked("A@X", "10");
    run(&mut bench, &placing("r", "3"));
    bench.change("r", Change::Release).unwrap();
    bench.now = at(80_000);
    let late = under(change("r", Change::Release), 1, 1);
    let (answer, _) = run(&mut bench, &late);
    bench.now = at(90_000);
    bench.run(&super::bench::receipt("more", "1")).unwrap();
    assert!(bench.ledger.reservation(answer.id).is_none(), "forgotten");
    assert_eq!(run(&mut bench, &late), (answer, true));
    bench.reopen();
}
