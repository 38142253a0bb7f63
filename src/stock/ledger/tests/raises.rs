//! Raises at a follower: set aside, committed, abandoned, denied, and letters that come late.

use super::bench::{
    Bench, at, change, id, key, line, money, place, quantity, raised, receipt, sale, shown,
};
use super::pair::{
    LEAD, Pair, THERE, confirm, grant, inquire, limit, placing, prepare, raise, report, set_aside,
    settle, two_lines,
};
use crate::stock::command::{Inquiry, NewLine, Raise};
use crate::stock::hold::Grant;
use crate::stock::{Answer, Change, Command, Confirmation, Decision, Refusal};

#[test]
fn what_is_set_aside_counts_in_decisions_and_is_shown_to_nobody() {
    let mut there = Bench::stocked(THERE, "10");
    let before = *there.ledger.level();
    there.run(&prepare(Grant::default(), "8")).unwrap();
    let level = *there.ledger.level();
    assert_eq!((level.held, level.available()), (0.into(), 10.into()));
    assert_eq!(level.public_version, before.public_version);
    let other = place("s", vec![line(&key(THERE), "3")]);
    let refused = there.run(&change("s", Change::Place(Box::new(other))));
    let Err(Refusal::InsufficientStock(short)) = refused else {
        panic!("what is set aside is not there for others: {refused:?}");
    };
    assert_eq!(short[0].available, 2.into());
    there.reopen();
}

#[test]
fn a_raise_is_settled_by_the_leads_word_or_abandoned() {
    let pair = Pair::held();
    assert_eq!(pair.there.ledger.level().held, 3.into());
    assert_eq!(pair.lead.ledger.level().held, 2.into());
    pair.reopen();

    let mut there = Bench::stocked(THERE, "10");
    there.run(&prepare(Grant::default(), "8")).unwrap();
    let abandon = |revision, before| Command::Abandon {
        reservation: id("r"),
        revision,
        before,
    };
    for late in [abandon(2, limit()), abandon(1, at(4))] {
        there.run(&late).unwrap();
        assert!(
            there.ledger.hold(id("r")).is_some(),
            "meant for another raise"
        );
    }
    there.run(&abandon(1, limit())).unwrap();
    assert_eq!(there.ledger.holds().count(), 0);
    assert!(there.ledger.is_idle());
    there.reopen();
}

#[test]
fn a_raise_that_cannot_be_had_is_refused_or_cut() {
    let mut there = Bench::new(THERE);
    let first = prepare(Grant::default(), "4");
    assert_eq!(there.run(&first), Err(Refusal::NotStocked));
    there.run(&receipt("a", "3")).unwrap();
    assert!(matches!(
        there.run(&first),
        Err(Refusal::InsufficientStock(_))
    ));
    let partial = |amount: &str| {
        let Command::Prepare {
            reservation,
            lead,
            base,
            before,
            ..
        } = prepare(Grant::default(), amount)
        else {
            unreachable!("made as one");
        };
        let (granted, partial) = (quantity(amount), true);
        Command::Prepare {
            reservation,
            lead,
            base,
            granted,
            partial,
            before,
        }
    };
    assert_eq!(there.run(&partial("4")), Ok(set_aside(3)));
    assert_eq!(there.run(&partial("4")), Err(Refusal::Superseded));
    there.now = limit();
    assert_eq!(there.run(&first), Err(Refusal::TooLate));
}

#[test]
fn nothing_is_recorded_where_a_partial_raise_finds_nothing() {
    let mut there = Bench::new(THERE);
    there.run(&receipt("a", "1")).unwrap();
    there.run(&sale("b", "1", None)).unwrap();
    let Command::Prepare { lead, .. } = prepare(Grant::default(), "1") else {
        unreachable!("made as one");
    };
    let prepare = Command::Prepare {
        reservation: id("r"),
        lead,
        base: Grant::default(),
        granted: 1.into(),
        partial: true,
        before: limit(),
    };
    assert_eq!(there.run(&prepare), Ok(set_aside(0)));
    assert_eq!(there.records.len(), 2);
}

#[test]
fn asking_takes_nothing_and_counts_the_own_hold() {
    let mut pair = Pair::held();
    pair.there.run(&sale("t", "1", Some(id("r")))).unwrap();
    let records = pair.there.records.len();
    let ask = |name: &str, base| Command::Ask {
        reservation: id(name),
        base,
        wanted: 10.into(),
        partial: false,
    };
    let grantable = |quantity: u32| Ok(Answer::Grantable(quantity.into()));
    let base = pair.newest();
    assert_eq!(pair.there.run(&ask("r", base)), grantable(10));
    assert_eq!(pair.there.run(&ask("s", Grant::default())), grantable(7));
    assert_eq!(pair.there.records.len(), records);
}

#[test]
fn a_prepare_that_comes_again_after_all_is_over_hands_nothing_over_again() {
    let mut pair = Pair::held();
    pair.change(confirm());
    pair.change(Change::Fulfil(None));
    pair.settle();
    pair.there.run(&prepare(Grant::default(), "3")).unwrap();
    pair.there.now = limit();
    pair.lead.now = limit();
    let inquiries = pair.there.ledger.inquiries(limit());
    assert_eq!(inquiries.len(), 1);
    let word = grant(&pair.lead.run(&inquire(inquiries[0].prepared)).unwrap());
    pair.there.run(&settle(word)).unwrap();
    assert_eq!(pair.there.ledger.level().on_hand, 7.into());
    assert_eq!(pair.there.ledger.holds().count(), 0);
    pair.reopen();
}

#[test]
fn a_prepare_based_on_a_hold_that_ended_brings_none_back() {
    let mut pair = Pair::held();
    let old = pair.newest();
    pair.change(Change::Release);
    pair.settle();
    let refused = pair.there.run(&prepare(old, "4"));
    assert_eq!(refused, Err(Refusal::Superseded));
    assert_eq!(pair.there.ledger.level().held, 0.into());
}

#[test]
fn a_raise_that_was_never_committed_is_denied_for_good() {
    let mut there = Bench::stocked(THERE, "10");
    let mut lead = Bench::stocked(LEAD, "10");
    there.run(&prepare(Grant::default(), "3")).unwrap();
    assert_eq!(there.ledger.inquiries(at(4)), []);
    there.now = limit();
    lead.now = limit();
    let prepared = Some(1);
    let inquiry = Inquiry {
        reservation: id("r"),
        lead: key(LEAD),
        prepared,
    };
    assert_eq!(there.ledger.inquiries(limit()), [inquiry]);
    let word = grant(&lead.run(&inquire(prepared)).unwrap());
    lead.run(&inquire(prepared)).unwrap();
    assert_eq!(lead.records.len(), 2, "denied once, durably");
    there.run(&settle(word)).unwrap();
    assert_eq!(there.ledger.holds().count(), 0);
    lead.now = at(4);
    assert_eq!(lead.run(&placing("3", "2")), Err(Refusal::TooLate));
    lead.reopen();
    assert_eq!(lead.run(&placing("3", "2")), Err(Refusal::TooLate));
}

#[test]
fn a_raise_of_a_known_one_is_denied_by_its_next_revision() {
    let mut pair = Pair::held();
    let base = pair.newest();
    pair.there.run(&prepare(base, "5")).unwrap();
    pair.there.now = limit();
    pair.lead.now = limit();
    let word = grant(&pair.lead.run(&inquire(Some(2))).unwrap());
    assert_eq!((word.revision, word.granted), (2, 3.into()));
    pair.there.run(&settle(word)).unwrap();
    assert_eq!(pair.there.ledger.hold(id("r")).unwrap().prepared, None);
    pair.lead.now = at(4);
    let lines = change("r", Change::ReplaceLines(two_lines("5", "2")));
    let refused = pair.lead.run(&raised(lines, raise(1, "5")));
    assert_eq!(refused, Err(Refusal::Superseded));
    pair.reopen();
}

#[test]
fn a_commit_past_its_limit_is_refused() {
    let mut lead = Bench::stocked(LEAD, "10");
    lead.now = limit();
    assert_eq!(lead.run(&placing("3", "2")), Err(Refusal::TooLate));
    assert_eq!(lead.ledger.level().held, 0.into());
}

#[test]
fn a_raise_that_the_lead_has_gone_past_is_cleared_before_the_next() {
    let mut pair = Pair::held();
    pair.there.run(&prepare(pair.newest(), "5")).unwrap();
    pair.change(Change::Extend { ttl_ms: 9_000 });
    let base = pair.newest();
    let (lead, prepared) = (key(LEAD), Some(2));
    let reservation = id("r");
    let inquiry = Inquiry {
        reservation,
        lead,
        prepared,
    };
    let decision = pair.there.decide(&prepare(base, "4"));
    assert_eq!(decision, Ok(Decision::SettleFirst(vec![inquiry])));
    let word = grant(&pair.lead.run(&inquire(prepared)).unwrap());
    pair.there.run(&settle(word)).unwrap();
    let answer = pair.there.run(&prepare(base, "4"));
    assert_eq!(answer, Ok(set_aside(4)));
}

#[test]
fn a_lead_grants_no_more_than_what_was_prepared() {
    let mut pair = Pair::held();
    let lines = |there: &str| change("r", Change::ReplaceLines(two_lines(there, "2")));
    let refused = pair.lead.run(&lines("4"));
    let Err(Refusal::InsufficientStock(short)) = refused else {
        panic!("nothing was prepared: {refused:?}");
    };
    assert_eq!(
        (short[0].requested, short[0].available),
        (4.into(), 3.into())
    );
    pair.there.run(&prepare(pair.newest(), "5")).unwrap();
    pair.lead.run(&raised(lines("5"), raise(1, "5"))).unwrap();
    pair.settle();
    assert_eq!(pair.there.ledger.level().held, 5.into());
    let less = pair.lead.run(&lines("1")).unwrap();
    assert_eq!(shown(&less).revision, 3);
    pair.settle();
    assert_eq!(pair.there.ledger.level().held, 1.into());
    pair.reopen();
}

#[test]
fn one_refusal_of_the_lead_names_every_short_key() {
    let mut lead = Bench::stocked(LEAD, "1");
    let place = place("r", two_lines("3", "2"));
    let short = raised(change("r", Change::Place(Box::new(place))), raise(0, "1"));
    let Err(Refusal::InsufficientStock(short)) = lead.run(&short) else {
        panic!("neither key has enough");
    };
    let keys: Vec<_> = short.iter().map(|one| one.key.as_str()).collect();
    assert_eq!(keys, [LEAD, THERE]);
}

#[test]
fn lines_in_two_currencies_are_refused() {
    let mut lead = Bench::stocked(LEAD, "10");
    let priced = |mut lines: Vec<NewLine>, currencies: [&str; 2]| {
        for (line, currency) in lines.iter_mut().zip(currencies) {
            line.unit_price = Some(money("1", currency));
        }
        lines
    };
    let sek = place("r", priced(two_lines("1", "1"), ["SEK", "SEK"]));
    let placing = change("r", Change::Place(Box::new(sek)));
    lead.run(&raised(placing, raise(0, "1"))).unwrap();
    let other = NewLine {
        unit_price: Some(money("1", "EUR")),
        ..line(&key("B@X"), "1")
    };
    let lines = vec![line(&key(LEAD), "1"), other];
    let refused = lead.run(&change("r", Change::ReplaceLines(lines)));
    assert_eq!(refused, Err(Refusal::CurrencyMismatch));
}

#[test]
fn a_reclaim_takes_again_only_what_was_not_used() {
    let mut pair = Pair::held();
    pair.there.run(&sale("t", "2", Some(id("r")))).unwrap();
    pair.lead.run(&report("2")).unwrap();
    pair.lead.now = at(600);
    pair.there.now = at(600);
    pair.lead.run(&Command::Touch).unwrap();
    pair.settle();
    assert_eq!(pair.there.ledger.holds().count(), 0);
    pair.there.run(&sale("u", "7", None)).unwrap();

    let base = pair.newest();
    let ask = Command::Ask {
        reservation: id("r"),
        base,
        wanted: 3.into(),
        partial: false,
    };
    let answer = pair.there.run(&ask).unwrap();
    assert_eq!(answer, Answer::Grantable(3.into()));
    let prepare = Command::Prepare {
        reservation: id("r"),
        lead: key(LEAD),
        base,
        granted: 3.into(),
        partial: false,
        before: at(605),
    };
    pair.there.run(&prepare).unwrap();
    let reclaim = Change::Confirm {
        confirmation: Confirmation::default(),
        reclaim: true,
    };
    let raise = Raise {
        before: at(605),
        ..raise(base.revision, "3")
    };
    pair.lead.run(&raised(change("r", reclaim), raise)).unwrap();
    pair.settle();
    assert_eq!(pair.there.ledger.level().committed, 1.into());
    pair.reopen();
}
