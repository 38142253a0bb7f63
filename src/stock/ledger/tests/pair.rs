//! A follower and a lead, and what they say to each other.

use std::sync::Arc;

use super::bench::{Bench, at, change, id, key, line, place, quantity, raised};
use crate::stock::command::{NewLine, Raise};
use crate::stock::hold::Grant;
use crate::stock::{Answer, Change, Command, Confirmation, Reservation, Timestamp};

/// The follower's key; the lead's is greater.
pub const THERE: &str = "A@X";
pub const LEAD: &str = "A@Y";

/// When raises are given up.
pub fn limit() -> Timestamp {
    at(5)
}

pub fn prepare(base: Grant, granted: &str) -> Command {
    Command::Prepare {
        reservation: id("r"),
        lead: key(LEAD),
        base,
        granted: quantity(granted),
        partial: false,
        before: limit(),
    }
}

/// The answer of a follower that set this much aside, of which no till used any.
pub fn set_aside(granted: u32) -> Answer {
    Answer::Prepared {
        granted: granted.into(),
        till_used: 0.into(),
    }
}

pub fn settle(grant: Grant) -> Command {
    Command::Settle(vec![(id("r"), grant)])
}

pub fn inquire(prepared: Option<u64>) -> Command {
    Command::Inquire {
        reservation: id("r"),
        follower: key(THERE),
        prepared,
    }
}

pub fn report(amount: &str) -> Command {
    Command::ReportUse {
        reservation: id("r"),
        follower: key(THERE),
        till_used: quantity(amount),
    }
}

pub fn two_lines(there: &str, here: &str) -> Vec<NewLine> {
    vec![line(&key(THERE), there), line(&key(LEAD), here)]
}

pub fn raise(base_revision: u64, granted: &str) -> Raise {
    Raise {
        base_revision,
        prepared: vec![(key(THERE), quantity(granted))],
        before: limit(),
    }
}

pub fn placing(there: &str, here: &str) -> Command {
    let place = place("r", two_lines(there, here));
    raised(change("r", Change::Place(Box::new(place))), raise(0, there))
}

pub fn confirm() -> Change {
    Change::Confirm {
        confirmation: Confirmation::default(),
        reclaim: false,
    }
}

pub fn grant(answer: &Answer) -> Grant {
    let Answer::Grant(grant) = answer else {
        panic!("{answer:?} grants nothing");
    };
    *grant
}

/// A follower and a lead with ten pieces each, and `r` with 3 at the follower and 2 at the lead.
pub struct Pair {
    pub there: Bench,
    pub lead: Bench,
}

impl Pair {
    pub fn held() -> Pair {
        let mut pair = Pair {
            there: Bench::stocked(THERE, "10"),
            lead: Bench::stocked(LEAD, "10"),
        };
        let answer = pair.there.run(&prepare(Grant::default(), "3"));
        assert_eq!(answer, Ok(set_aside(3)));
        pair.lead.run(&placing("3", "2")).unwrap();
        pair.settle();
        pair
    }

    /// The lead's newest word reaches the follower.
    pub fn settle(&mut self) {
        let grant = self.newest();
        self.there.run(&settle(grant)).unwrap();
    }

    pub fn newest(&self) -> Grant {
        self.reservation().grant(&key(THERE))
    }

    pub fn reservation(&self) -> Arc<Reservation> {
        self.lead.ledger.reservation(id("r")).unwrap().clone()
    }

    /// Changes it at the lead. Where that hands over or cancels, the follower has set its part
    /// aside, or will not be asked any more.
    pub fn change(&mut self, what: Change) -> Arc<Reservation> {
        let gives = matches!(what, Change::Fulfil(_) | Change::Cancel(_));
        let mut command = change("r", what);
        if gives {
            let (known, before) = (self.reservation(), self.lead.now.plus_millis(1));
            let aside = vec![(key(THERE), known.grant(&key(THERE)).granted)];
            let raise = Raise {
                base_revision: known.revision,
                prepared: aside,
                before,
            };
            command = raised(command, raise);
        }
        self.lead.run(&command).unwrap();
        self.reservation()
    }

    /// Both come back from their records.
    pub fn reopen(mut self) {
        self.there.reopen();
        self.lead.reopen();
    }
}
