//! The lead's word at a follower, what is handed over there, and what tills use there.

use super::bench::{at, change, id, key, line, place, raised, receipt, sale};
use super::pair::{LEAD, Pair, THERE, confirm, grant, inquire, raise, report, settle};
use crate::stock::command::{Acknowledgements, Inquiry, Raise};
use crate::stock::ledger::Errand;
use crate::stock::{Answer, Change, Command, Decision, Refusal, State};

#[test]
fn a_late_or_repeated_word_changes_nothing() {
    let mut pair = Pair::held();
    let old = pair.newest();
    pair.change(Change::Extend { ttl_ms: 9_000 });
    pair.settle();
    let records = pair.there.records.len();
    pair.there.run(&settle(old)).unwrap();
    pair.settle();
    assert_eq!(pair.there.records.len(), records);
    pair.change(Change::Release);
    pair.settle();
    let records = pair.there.records.len();
    pair.there.run(&settle(old)).unwrap();
    assert_eq!(pair.there.records.len(), records, "a word makes no hold");
    assert_eq!(pair.there.ledger.holds().count(), 0);
    pair.reopen();
}

#[test]
fn the_lead_owes_a_word_to_each_follower_until_it_is_acknowledged() {
    let mut pair = Pair::held();
    assert_eq!(pair.lead.ledger.errands(), [Errand::Settle(id("r"))]);
    pair.change(confirm());
    assert_eq!(pair.lead.ledger.unsettled(id("r")), [(key(THERE), 2)]);
    let acknowledge = |revision| {
        let settled = vec![(id("r"), key(THERE), revision)];
        let arrived = Vec::new();
        Command::Acknowledge(Acknowledgements { settled, arrived })
    };
    pair.lead.run(&acknowledge(1)).unwrap();
    assert_eq!(pair.lead.ledger.unsettled(id("r")).len(), 1, "an old word");
    pair.settle();
    pair.lead.run(&acknowledge(2)).unwrap();
    assert_eq!(pair.lead.ledger.errands(), []);
    assert_eq!(pair.there.ledger.level().committed, 3.into());
    pair.reopen();
}

#[test]
fn a_resolved_one_is_not_forgotten_before_its_followers_settled() {
    let mut pair = Pair::held();
    pair.change(Change::Release);
    pair.lead.now = at(90_000);
    pair.lead.run(&receipt("b", "1")).unwrap();
    assert_eq!(pair.reservation().state, State::Released);
    let settled = vec![(id("r"), key(THERE), 2)];
    let arrived = Vec::new();
    let done = Command::Acknowledge(Acknowledgements { settled, arrived });
    pair.lead.run(&done).unwrap();
    assert!(pair.lead.ledger.reservation(id("r")).is_none());
    pair.lead.reopen();
}

#[test]
fn what_is_handed_over_falls_from_on_hand_at_the_follower() {
    let mut pair = Pair::held();
    pair.change(confirm());
    pair.change(Change::Fulfil(Some(vec![(key(THERE), 2.into())])));
    pair.settle();
    let level = *pair.there.ledger.level();
    assert_eq!((level.on_hand, level.committed), (8.into(), 1.into()));
    let done = pair.change(Change::Fulfil(None));
    assert_eq!(done.state, State::Fulfilled);
    pair.settle();
    let level = *pair.there.ledger.level();
    assert_eq!((level.on_hand, level.committed), (7.into(), 0.into()));
    assert_eq!(pair.there.ledger.holds().count(), 0);
    pair.reopen();
}

#[test]
fn a_key_without_lines_is_told_so_and_then_not_kept() {
    let mut pair = Pair::held();
    for revision in 2..6 {
        let lines = vec![line(&key(LEAD), "1")];
        let reservation = pair.change(Change::ReplaceLines(lines));
        assert_eq!(reservation.revision, revision);
        assert_eq!(reservation.shares.len(), 1, "the follower's part is gone");
    }
    assert_eq!(pair.lead.ledger.unsettled(id("r")), [(key(THERE), 2)]);
    pair.settle();
    assert_eq!(pair.there.ledger.holds().count(), 0);
    pair.reopen();
}

#[test]
fn a_lead_without_lines_still_holds_the_decision() {
    let mut pair = Pair::held();
    pair.change(Change::ReplaceLines(vec![line(&key(THERE), "3")]));
    assert_eq!(pair.lead.ledger.level().held, 0.into());
    pair.change(confirm());
    pair.settle();
    assert_eq!(pair.there.ledger.level().committed, 3.into());
    assert_eq!(pair.lead.run(&Command::Stop), Err(Refusal::NotEmpty));
    pair.reopen();
}

#[test]
fn what_a_till_used_is_reported_until_the_lead_has_recorded_it() {
    let mut pair = Pair::held();
    pair.there.run(&sale("t", "2", Some(id("r")))).unwrap();
    assert_eq!(pair.there.ledger.errands(), [Errand::ReportUse(id("r"))]);
    assert!(!pair.there.ledger.is_idle());
    let word = grant(&pair.lead.run(&report("2")).unwrap());
    assert_eq!(word.acknowledged, 2.into());
    let records = pair.lead.records.len();
    pair.lead.run(&report("2")).unwrap();
    assert_eq!(pair.lead.records.len(), records);
    pair.there.run(&settle(word)).unwrap();
    assert_eq!(pair.there.ledger.errands(), []);
    assert_eq!(pair.there.ledger.level().held, 1.into());
    assert_eq!(pair.reservation().remaining(&key(THERE)), 1.into());
    pair.reopen();
}

#[test]
fn tills_that_used_up_every_line_fulfil_a_held_one() {
    let mut pair = Pair::held();
    pair.lead.run(&sale("t", "2", Some(id("r")))).unwrap();
    assert_eq!(pair.reservation().state, State::Held);
    pair.there.run(&sale("t", "3", Some(id("r")))).unwrap();
    let word = grant(&pair.lead.run(&report("3")).unwrap());
    assert_eq!(pair.reservation().state, State::Fulfilled);
    pair.there.run(&settle(word)).unwrap();
    assert_eq!(pair.there.ledger.holds().count(), 0);
    pair.reopen();
}

#[test]
fn a_use_that_the_word_crossed_is_kept_until_it_is_reported() {
    let mut pair = Pair::held();
    pair.change(Change::Release);
    pair.there.run(&sale("t", "2", Some(id("r")))).unwrap();
    pair.settle();
    assert_eq!(pair.there.ledger.level().held, 0.into());
    assert_eq!(pair.there.ledger.errands(), [Errand::ReportUse(id("r"))]);
    let word = grant(&pair.lead.run(&report("2")).unwrap());
    pair.there.run(&settle(word)).unwrap();
    assert_eq!(pair.there.ledger.holds().count(), 0);
    assert_eq!(pair.reservation().used(&key(THERE)), 2.into());
    pair.reopen();
}

#[test]
fn a_use_reported_after_the_lead_forgot_is_over_and_undoes_no_hand_over() {
    let mut pair = Pair::held();
    pair.change(confirm());
    pair.change(Change::Fulfil(Some(vec![(key(THERE), 1.into())])));
    pair.settle();
    pair.there.run(&sale("t", "1", Some(id("r")))).unwrap();
    pair.change(Change::Cancel(None));
    pair.settle();
    let settled = vec![(id("r"), key(THERE), 4)];
    let arrived = Vec::new();
    let done = Command::Acknowledge(Acknowledgements { settled, arrived });
    pair.lead.now = at(90_000);
    pair.lead.run(&done).unwrap();
    assert!(pair.lead.ledger.reservation(id("r")).is_none());
    let word = grant(&pair.lead.run(&report("1")).unwrap());
    pair.there.run(&settle(word)).unwrap();
    assert_eq!(pair.there.ledger.holds().count(), 0);
    assert_eq!(pair.there.ledger.level().on_hand, 8.into());
    pair.reopen();
}

#[test]
fn uses_that_come_with_a_call_leave_less_to_hand_over() {
    let mut pair = Pair::held();
    pair.change(confirm());
    pair.there.run(&sale("t", "2", Some(id("r")))).unwrap();
    let fulfil = |uses| Command::Change {
        reservation: id("r"),
        change: Change::Fulfil(Some(vec![(key(THERE), 2.into())])),
        raise: Some(raise(2, "3")),
        uses,
        idempotency: None,
    };
    let used = vec![(key(THERE), 2.into())];
    let refused = pair.lead.run(&fulfil(used));
    assert!(matches!(refused, Err(Refusal::OverFulfilled(_))));
    pair.lead.run(&fulfil(Vec::new())).unwrap();
    pair.settle();
    let on_hand = pair.there.ledger.level().on_hand;
    assert_eq!(on_hand, 6.into(), "what went over the counter, went");
}

#[test]
fn nothing_is_handed_over_or_cancelled_that_its_follower_has_not_set_aside() {
    let mut pair = Pair::held();
    // Reckoned while it was held, decided once it was confirmed.
    pair.change(confirm());
    for all in [Change::Fulfil(None), Change::Cancel(None)] {
        let bare = pair.lead.run(&change("r", all));
        assert_eq!(bare, Err(Refusal::Superseded));
    }
    let other = raised(
        change("r", Change::Fulfil(None)),
        Raise {
            prepared: vec![(key("A@elsewhere"), 3.into())],
            ..raise(2, "3")
        },
    );
    assert_eq!(pair.lead.run(&other), Err(Refusal::Superseded));
    // What is at the lead alone needs nobody.
    let here = Change::Fulfil(Some(vec![(key(LEAD), 2.into())]));
    pair.lead.run(&change("r", here)).unwrap();
    pair.reopen();
}

#[test]
fn a_follower_never_lets_a_hold_lapse_by_itself() {
    let mut pair = Pair::held();
    pair.there.now = at(600);
    assert_eq!(pair.there.ledger.due(at(9_999), 1), []);
    assert_eq!(pair.there.ledger.level().held, 3.into());
    assert!(pair.there.ledger.level().is_overdue(at(600)));
    assert!(!pair.there.ledger.level().is_overdue(at(599)));
    let (reservation, lead, prepared) = (id("r"), key(LEAD), None);
    let inquiry = Inquiry {
        reservation,
        lead,
        prepared,
    };
    let doubt = Ok(Decision::SettleFirst(vec![inquiry]));
    assert_eq!(pair.there.decide(&Command::Touch), doubt);
    let other = place("s", vec![line(&key(THERE), "8")]);
    let placing = change("s", Change::Place(Box::new(other)));
    assert_eq!(pair.there.decide(&placing), doubt);
    let named = sale("t", "1", Some(id("r")));
    assert_eq!(pair.there.decide(&named), doubt);

    pair.lead.now = at(600);
    let word = grant(&pair.lead.run(&inquire(None)).unwrap());
    assert!(word.closed);
    pair.there.run(&settle(word)).unwrap();
    pair.there.run(&placing).unwrap();
    let sold = pair.there.run(&named).unwrap();
    assert!(matches!(sold, Answer::Moved { used: Some(used), .. } if used.is_zero()));
    pair.reopen();
}

#[test]
fn a_hint_that_is_too_early_is_corrected_by_the_lead() {
    let mut pair = Pair::held();
    pair.change(Change::Extend { ttl_ms: 5_000_000 });
    pair.there.now = at(600);
    pair.lead.now = at(600);
    let word = grant(&pair.lead.run(&inquire(None)).unwrap());
    pair.there.run(&settle(word)).unwrap();
    assert_eq!(pair.there.ledger.inquiries(at(4_999)), []);
    assert_eq!(pair.there.ledger.level().held, 3.into());
}

#[test]
fn a_sale_that_names_no_doubtful_hold_is_never_kept_waiting() {
    let mut pair = Pair::held();
    pair.there.now = at(600);
    let plain = pair.there.run(&sale("t", "10", None)).unwrap();
    assert!(matches!(plain, Answer::Moved { oversold: true, .. }));
}
