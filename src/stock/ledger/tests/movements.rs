//! The six movement types at one key, in scenarios.

use super::super::Ledger;
use super::script::check;

#[test]
fn each_type_moves_on_hand_its_own_way() {
    check(
        "
        receipt a 10        -> on_hand=10 available=10
        sale b 3            -> on_hand=7
        return c 1          -> on_hand=8
        return d 2 damaged  -> on_hand=8
        adjust e -2.5       -> on_hand=5.5
        adjust f 0.25       -> on_hand=5.75
        count g 20          -> on_hand=20
        transfer h 4 to=A@Y -> on_hand=16
        arrival i 6 from=A@Z -> on_hand=22
        ",
    );
}

#[test]
fn cloth_and_cheese_are_counted_exactly() {
    check(
        "
        receipt a 0.1       -> on_hand=0.1
        receipt b 0.2       -> on_hand=0.3
        sale c 0.125        -> on_hand=0.175
        place r 0.175       -> held=0.175 available=0
        place s 0.001       -> refused=insufficient:0.001:0
        ",
    );
}

#[test]
fn every_type_starts_stocking_a_key_even_when_nothing_moves() {
    check("safety 1 -> refused=not_stocked stocked=false");
    for first in [
        "receipt a 1 -> stocked=true on_hand=1",
        "sale a 1 -> oversold stocked=true on_hand=-1 shortfall=1 available=0",
        "return a 1 -> stocked=true on_hand=1",
        "return a 1 damaged -> stocked=true on_hand=0",
        "adjust a -1 -> oversold stocked=true on_hand=-1",
        "count a 0 -> stocked=true on_hand=0 version=1",
        "transfer a 1 to=A@Y -> oversold stocked=true on_hand=-1",
        "arrival a 1 from=A@Y -> stocked=true on_hand=1",
    ] {
        check(first);
    }
}

#[test]
fn a_repeated_id_gets_the_first_answer_and_other_content_is_refused() {
    check(
        "
        receipt a 1         -> on_hand=1
        sale b 3            -> oversold on_hand=-2
        receipt c 10        -> on_hand=8
        sale b 3            -> duplicate oversold on_hand=8 version=3
        sale b 2            -> refused=id_reused
        receipt b 3         -> refused=id_reused
        sale b 3 occurred=1 -> refused=id_reused on_hand=8
        ",
    );
}

#[test]
fn an_id_is_remembered_for_seven_days_at_least_and_not_for_ever() {
    let bench = check(
        "
        receipt a 1
        @90000 receipt b 1  -> on_hand=2
        @604799 receipt a 1 -> duplicate on_hand=2
        @604800 receipt c 1 -> on_hand=3
        @604800 receipt a 1 -> on_hand=4
        ",
    );
    assert_eq!(bench.records.len(), 4);
}

#[test]
fn a_sale_beyond_what_was_promised_is_recorded_and_says_so() {
    check(
        "
        receipt a 10
        place r 6           -> available=4
        sale b 4            -> on_hand=6 shortfall=0 available=0
        sale c 1            -> oversold on_hand=5 shortfall=1
        sale d 1            -> oversold shortfall=2
        receipt e 1         -> on_hand=5 shortfall=1
        sale f 1            -> oversold shortfall=2
        return g 5          -> shortfall=0 available=3
        sale h 2            -> shortfall=0 available=1
        count i 2           -> oversold shortfall=4
        transfer j 1 to=A@Y -> oversold shortfall=5
        adjust k -1         -> oversold shortfall=6 on_hand=0
        ",
    );
}

#[test]
fn safety_stock_keeps_from_sale_but_makes_no_shortfall() {
    check(
        "
        receipt a 5
        safety 2            -> available=3 version=2
        safety 2            -> available=3 version=2
        place r 4           -> refused=insufficient:4:3
        place r 3           -> held=3 available=0 shortfall=0
        safety 5            -> available=0 shortfall=0
        sale b 2            -> on_hand=3 shortfall=0
        sale c 1            -> oversold shortfall=1
        ",
    );
}

#[test]
fn a_count_of_an_earlier_moment_adds_what_moved_later() {
    check(
        "
        @0 receipt a 10
        @10 sale b 1        -> on_hand=9
        @20 sale c 2        -> on_hand=7
        @30 count n 8 counted=15 -> on_hand=6
        @31 count o 8 counted=20 -> on_hand=8
        @32 count p 8 counted=30 -> on_hand=8
        ",
    );
}

#[test]
fn what_a_count_corrected_is_not_added_to_a_later_count() {
    check(
        "
        @0 receipt a 10
        @30 count n 4 counted=10 -> on_hand=4
        @40 count o 4 counted=20 -> on_hand=4
        @50 sale b 1             -> on_hand=3
        @60 count p 4 counted=45 -> on_hand=3
        ",
    );
}

#[test]
fn what_a_count_has_seen_is_recorded_without_effect_when_it_arrives_later() {
    check(
        "
        @0 receipt a 10
        @20 count n 7 counted=15   -> on_hand=7
        @21 sale b 2 occurred=14   -> absorbed on_hand=7
        @22 sale c 2 occurred=15   -> absorbed on_hand=7
        @23 sale d 2 occurred=16   -> on_hand=5
        @24 receipt e 4 occurred=3 -> absorbed on_hand=5
        @25 sale b 2 occurred=14   -> duplicate absorbed on_hand=5
        @26 sale f 1               -> on_hand=4
        @27 count o 9 counted=17   -> on_hand=8
        @28 transfer g 1 occurred=4 to=A@Y -> absorbed on_hand=8
        ",
    );
}

#[test]
fn a_count_of_now_does_not_absorb_what_arrives_later() {
    check(
        "
        @0 receipt a 10
        @20 count n 7            -> on_hand=7
        @21 sale b 2 occurred=14 -> on_hand=5
        ",
    );
}

#[test]
fn a_count_older_than_the_newest_has_no_effect() {
    check(
        "
        @0 receipt a 10
        @20 count n 7             -> on_hand=7
        @21 count o 3 counted=19  -> absorbed on_hand=7
        @22 count p 3 counted=20  -> on_hand=3
        @30 count q 5 counted=25  -> on_hand=5
        @31 count r 9 counted=24  -> absorbed on_hand=5
        @32 sale b 1 occurred=24  -> absorbed on_hand=5
        ",
    );
}

#[test]
fn a_count_based_on_an_old_version_is_refused() {
    check(
        "
        receipt a 10               -> version=1
        safety 1                   -> version=2
        place r 2                  -> version=3
        count n 9 expected=1       -> on_hand=9 version=4
        count o 8 expected=3       -> refused=stale_version on_hand=9
        count o 8 expected=5       -> refused=stale_version
        count o 8 expected=4       -> on_hand=8
        return p 1 damaged         -> version=6
        count q 8 expected=5       -> on_hand=8 version=7
        count s 7 expected=5       -> on_hand=7
        ",
    );
}

#[test]
fn a_refused_movement_is_not_remembered() {
    check(
        "
        receipt a 1
        count n 5 expected=9  -> refused=stale_version
        count n 5 expected=1  -> on_hand=5
        ",
    );
}

#[test]
fn on_hand_stays_within_what_can_be_carried_exactly() {
    check(
        "
        receipt a 999999999999999
        receipt b 1           -> refused=out_of_range on_hand=999999999999999
        receipt b 0.5         -> refused=out_of_range
        sale c 0.5            -> refused=out_of_range
        arrival k 2 from=A@Z  -> on_hand=1000000000000001
        sale l 2              -> on_hand=999999999999999
        sale d 999999999999999 -> on_hand=0
        sale e 999999999999999 -> oversold on_hand=-999999999999999
        sale f 1              -> refused=out_of_range
        receipt f 0.000001    -> refused=out_of_range
        receipt g 1           -> on_hand=-999999999999998
        ",
    );
}

#[test]
fn a_till_uses_up_a_hold_in_part_wholly_and_beyond() {
    check(
        "
        receipt a 10
        place r 5            -> held=5
        sale b 2 of=r        -> used=2 on_hand=8 held=3 available=5
        sale b 2 of=r        -> duplicate used=2 on_hand=8 held=3
        sale c 4 of=r        -> used=3 on_hand=4 held=0 available=4
        sale d 1 of=r        -> used=0 on_hand=3
        touch r              -> state=fulfilled fulfilled=5
        ",
    );
}

#[test]
fn a_till_uses_up_a_commitment() {
    check(
        "
        receipt a 5
        place r 5 confirm    -> committed=5 held=0 state=confirmed
        sale b 2 of=r        -> used=2 on_hand=3 committed=3 shortfall=0
        fulfil r 3           -> on_hand=0 committed=0
        touch r              -> state=fulfilled fulfilled=5
        ",
    );
}

#[test]
fn a_dead_foreign_or_unknown_reservation_leaves_a_plain_sale() {
    check(
        "
        receipt a 10
        place r 5
        release r            -> held=0
        sale b 1 of=r        -> used=0 on_hand=9
        sale c 1 of=nobody   -> used=0 on_hand=8
        @0 place s 2 ttl=5   -> held=2
        @5 sale d 1 of=s     -> used=0 on_hand=7 held=0
        touch s              -> state=expired
        sale e 1             -> used=none on_hand=6
        ",
    );
}

#[test]
fn a_till_sale_that_a_count_has_seen_still_uses_up_its_hold() {
    check(
        "
        @0 receipt a 10
        @1 place r 3
        @9 count n 8 counted=8       -> on_hand=8 held=3
        @10 sale b 2 of=r occurred=5 -> absorbed used=2 on_hand=8 held=1
        ",
    );
}

#[test]
fn a_key_that_was_never_counted_takes_what_a_clock_that_was_never_set_tells() {
    check(
        "
        receipt a 10
        sale b 3 occurred=-1700000000 -> on_hand=7
        ",
    );
}

#[test]
fn a_movement_is_known_for_a_day_after_a_silence_of_more_than_seven() {
    let week = 7 * 86_400;
    let [later, over] = [week + 10, week + 86_410];
    check(&format!(
        "
        @0 receipt a 5
        @1 sale b 1
        @{later} sale c 1 -> on_hand=3
        @{later} sale d 1 -> on_hand=2
        @{later} sale b 1 -> duplicate on_hand=2
        @{over} sale e 1  -> on_hand=1
        @{over} sale b 1  -> on_hand=0
        "
    ));
}

#[test]
fn ledgers_compare_equal_whether_or_not_they_remembered_through_a_silence() {
    let day = 86_400;
    for (silence, age) in [(6, 0), (7, 0), (8, 0), (8, 23), (8, 25)] {
        let second = silence * day;
        let script = format!("@0 receipt a 5 \n @{second} sale b 1");
        let mut ledger = check(&script).ledger;
        let mut never_knew = check(&format!("@{second} receipt b 1")).ledger;
        let now = super::bench::at(second + age * 3600);
        ledger.forget(now);
        never_knew.forget(now);
        let remembered = |ledger: &Ledger| ledger.kept.remembered.len();
        assert_eq!(
            remembered(&ledger),
            remembered(&never_knew),
            "{silence} {age}"
        );
    }
}

#[test]
fn a_transfer_is_owed_until_it_arrived() {
    use crate::stock::Command;
    use crate::stock::command::Acknowledgements;
    use crate::stock::ledger::Errand;
    use crate::stock::movement::MovementKind;

    let mut bench = check("receipt a 5 \n @3 transfer t 2 to=A@Y occurred=1 -> on_hand=3");
    let [Errand::Deliver(id)] = bench.ledger.errands()[..] else {
        panic!("one transfer is owed: {:?}", bench.ledger.errands());
    };
    let outgoing = bench.ledger.outgoing(id).unwrap().clone();
    assert_eq!(outgoing.to, super::bench::key("A@Y"));
    assert_eq!(outgoing.arrival.occurred_at, Some(super::bench::at(1)));

    let mut there = super::bench::Bench::new("A@Y");
    there.now = bench.now;
    for _ in 0..2 {
        there.run(&Command::Move(outgoing.arrival.clone())).unwrap();
    }
    assert_eq!(there.ledger.level().on_hand, 2.into());
    assert!(matches!(
        outgoing.arrival.kind,
        MovementKind::Arrival { .. }
    ));

    assert!(!bench.ledger.is_idle());
    let arrived = vec![id];
    let done = Command::Acknowledge(Acknowledgements {
        arrived,
        ..Acknowledgements::default()
    });
    bench.run(&done).unwrap();
    let records = bench.records.len();
    bench.run(&done).unwrap();
    assert_eq!(
        bench.records.len(),
        records,
        "a repeated word changes nothing"
    );
    assert!(bench.ledger.errands().is_empty() && bench.ledger.is_idle());
    bench.reopen();
}
