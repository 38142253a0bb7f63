//! The bounds of one key, and that what is past its time does not count towards them.

use super::bench::{BEGIN, Bench, at, change, id, key, line, place, quantity, receipt, under};
use crate::stock::{By, Change, Command, Confirmation, Decision, Refusal, Rules};

fn bounded() -> Rules {
    Rules {
        holds_max: 2,
        led_max: 3,
        remembered_max: 3,
        answers_max: 2,
        ..Rules::default()
    }
}

fn placing(name: &str) -> Command {
    let lines = vec![line(&key("A@X"), "1")];
    change(name, Change::Place(Box::new(place(name, lines))))
}

#[test]
fn a_key_full_of_holds_takes_no_more_until_one_ends() {
    let mut bench = Bench::stocked("A@X", "10");
    bench.rules = bounded();
    for name in ["r", "s"] {
        bench.run(&placing(name)).unwrap();
    }
    let third = placing("t");
    assert_eq!(bench.run(&third), Err(Refusal::Full("holds")));
    bench.change("r", Change::Release).unwrap();
    bench.run(&third).unwrap();
}

#[test]
fn a_key_full_of_reservations_takes_more_once_some_may_be_forgotten() {
    let mut bench = Bench::stocked("A@X", "10");
    bench.rules = bounded();
    for name in ["r", "s", "t"] {
        bench.run(&placing(name)).unwrap();
        bench.change(name, Change::Release).unwrap();
    }
    let next = placing("u");
    let full = Err(Refusal::Full("remembered reservations"));
    assert_eq!(bench.run(&next), full);
    bench.now = at(86_400);
    bench.run(&next).unwrap();
    assert_eq!(bench.ledger.reservations().count(), 1);
}

#[test]
fn what_is_past_its_time_is_forgotten_a_bounded_number_with_each_record() {
    let mut ledger = Bench::stocked("A@X", "2000").ledger;
    let mut run = |command: &Command, now| {
        let (by, rules) = (By::onhand(), Rules::default());
        let Ok(Decision::Record(events, _)) = ledger.decide(&by, command, now, &rules) else {
            panic!("nothing to record of {command:?}");
        };
        ledger.record(by, events, now, &rules);
        ledger.reservations().count()
    };
    let names: Vec<String> = (0..1_500).map(|number| format!("r{number}")).collect();
    for name in &names {
        run(&placing(name), BEGIN);
    }
    for name in &names {
        run(&change(name, Change::Release), BEGIN);
    }
    assert_eq!(run(&receipt("a", "1"), at(86_400)), 500);
    assert_eq!(run(&receipt("b", "1"), at(86_400)), 0);
}

#[test]
fn a_key_full_of_movements_takes_more_once_some_may_be_forgotten() {
    let mut bench = Bench::stocked("A@X", "10");
    bench.rules = bounded();
    bench.run(&receipt("a", "1")).unwrap();
    bench.run(&receipt("b", "1")).unwrap();
    let next = receipt("c", "1");
    let full = Err(Refusal::Full("remembered movements"));
    assert_eq!(bench.run(&next), full);
    assert!(
        bench.run(&receipt("b", "1")).is_ok(),
        "a repetition is known"
    );
    bench.now = at(7 * 86_400);
    bench.run(&next).unwrap();
}

#[test]
fn a_key_full_of_answers_takes_requests_without_a_key_and_more_after_a_day() {
    let mut bench = Bench::stocked("A@X", "10");
    bench.rules = bounded();
    bench.run(&placing("r")).unwrap();
    let extend = || {
        change(
            "r",
            Change::Extend {
                ttl_ms: 200_000_000,
            },
        )
    };
    for request in 0..2 {
        bench.run(&under(extend(), request, 1)).unwrap();
    }
    let full = Err(Refusal::Full("remembered answers"));
    assert_eq!(bench.run(&under(extend(), 2, 1)), full);
    bench.run(&under(extend(), 1, 1)).unwrap();
    bench.run(&extend()).unwrap();
    bench.now = at(86_400);
    bench.run(&under(extend(), 2, 1)).unwrap();
    assert_eq!(bench.ledger.answers().count(), 1);
}

#[test]
fn what_falls_due_at_once_is_recorded_in_portions() {
    let mut bench = Bench::stocked("A@X", "5000");
    for number in 0..1001_u32 {
        // Straight to the ledger: a thousand checks of a growing state would take minutes.
        let placing = placing(&format!("r{number}"));
        let decision = bench.ledger.decide(&by(), &placing, BEGIN, &bench.rules);
        let Ok(crate::stock::Decision::Record(events, _)) = decision else {
            panic!("there is enough: {decision:?}");
        };
        let record = bench.ledger.record(by(), events, BEGIN, &bench.rules);
        bench.records.push(record);
        bench
            .ledger
            .note_position(bench.records.last().unwrap(), number.into());
    }
    assert_eq!(bench.ledger.due(at(599), 1001), []);
    assert_eq!(bench.ledger.due(at(600), 1000).len(), 1000);
}

#[test]
fn one_record_lets_only_so_many_bytes_expire() {
    let mut bench = Bench::stocked("A@X", "10");
    for name in ["r", "s", "t"] {
        let mut big = place(name, vec![line(&key("A@X"), "1")]);
        big.metadata = Some("x".repeat(600_000).into());
        bench
            .run(&change(name, Change::Place(Box::new(big))))
            .unwrap();
    }
    bench.now = at(600);
    assert_eq!(bench.ledger.due(bench.now, 3).len(), 1);
    bench.run(&Command::Touch).unwrap();
    assert_eq!(bench.ledger.level().held, 0.into());
    assert_eq!(bench.records.len(), 1 + 3 + 3);
    assert!(bench.ledger.reservation(id("t")).is_some());
}

fn by() -> crate::stock::By {
    crate::stock::By::default()
}

#[test]
fn a_part_that_would_leave_more_digits_than_a_quantity_has_is_refused() {
    let mut bench = Bench::stocked("A@X", "10");
    bench.run(&placing("r")).unwrap();
    let confirmation = Confirmation::default();
    let reclaim = false;
    let confirm = Change::Confirm {
        confirmation,
        reclaim,
    };
    bench.change("r", confirm).unwrap();
    let dust = Some(vec![(key("A@X"), quantity("0.0000000000000001"))]);
    for change in [Change::Fulfil(dust.clone()), Change::Cancel(dust)] {
        assert_eq!(bench.change("r", change), Err(Refusal::OutOfRange));
    }
}
