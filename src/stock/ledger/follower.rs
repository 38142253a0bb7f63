//! What a key does for reservations that are led elsewhere: it says what it could grant, sets a
//! raise aside, and takes the lead's word. It never lets a hold lapse by itself.

use std::collections::HashSet;

use super::super::command::{Answer, Decision, Inquiry};
use super::super::event::Event;
use super::super::hold::{Grant, Prepared};
use super::super::key::StockKey;
use super::super::quantity::Quantity;
use super::super::refusal::{Refusal, Shortage};
use super::super::reservation::ReservationId;
use super::super::time::Timestamp;
use super::{Ledger, Rules};

/// A raise to set aside.
pub(super) struct Raising<'a> {
    pub id: ReservationId,
    pub lead: &'a StockKey,
    pub base: Grant,
    pub granted: Quantity,
    pub partial: bool,
    pub before: Timestamp,
}

impl Raising<'_> {
    fn inquiry(&self, prepared: u64) -> Inquiry {
        let (lead, prepared) = (self.lead.clone(), Some(prepared));
        Inquiry {
            reservation: self.id,
            lead,
            prepared,
        }
    }
}

impl Ledger {
    pub(super) fn decide_ask(
        &self,
        id: ReservationId,
        base: &Grant,
        wanted: Quantity,
        now: Timestamp,
    ) -> Result<Decision, Refusal> {
        let grantable = match self.level().stocked {
            true => self.grantable(id, base.used()),
            false => base.used(),
        };
        let inquiries = self.inquiries(now);
        if grantable < wanted && !inquiries.is_empty() {
            return Ok(Decision::SettleFirst(inquiries));
        }
        Ok(Decision::Nothing(Answer::Grantable(grantable)))
    }

    pub(super) fn decide_prepare(
        &self,
        raise: &Raising<'_>,
        now: Timestamp,
        rules: &Rules,
    ) -> Result<Decision, Refusal> {
        let takes_more = raise.granted > raise.base.granted.max(raise.base.used());
        if takes_more {
            self.expect_stocked()?;
        }
        let hold = self.hold(raise.id);
        if now >= raise.before {
            return Err(Refusal::TooLate);
        }
        if let Some(prepared) = hold.and_then(|hold| hold.prepared) {
            return if prepared.revision <= raise.base.revision {
                // The lead has gone past it: its word clears it.
                Ok(Decision::SettleFirst(vec![
                    raise.inquiry(prepared.revision),
                ]))
            } else {
                self.refuse(Refusal::Superseded, now)
            };
        }
        // What the lead grants is here unless it ended since: then the base is an old one.
        let ended = hold.is_none() && !raise.base.is_over();
        if ended || hold.is_some_and(|hold| hold.grant.revision > raise.base.revision) {
            return Err(Refusal::Superseded);
        }
        if hold.is_none() && self.is_full_of_holds(rules) {
            return Err(Refusal::Full("holds"));
        }
        let mut taken = raise.granted;
        if takes_more {
            let grantable = self.grantable(raise.id, raise.base.used());
            if grantable < raise.granted && !raise.partial {
                let short = self.shortage(raise.granted, grantable);
                return self.refuse(Refusal::InsufficientStock(vec![short]), now);
            }
            taken = taken.min(grantable);
        }
        let till_used = hold.map_or(Quantity::ZERO, |hold| hold.till_used);
        let answer = Answer::Prepared {
            granted: taken,
            till_used,
        };
        if taken.is_zero() {
            return Ok(Decision::Nothing(answer));
        }
        let (revision, before) = (raise.base.revision + 1, raise.before);
        let prepared = Prepared {
            revision,
            granted: taken,
            before,
        };
        let (lead, base) = (raise.lead.clone(), raise.base);
        let event = Event::Prepared {
            reservation: raise.id,
            lead,
            base,
            prepared,
        };
        Ok(Decision::Record(vec![event], answer))
    }

    pub(super) fn shortage(&self, requested: Quantity, available: Quantity) -> Shortage {
        Shortage {
            key: self.key.clone(),
            requested,
            available,
        }
    }

    pub(super) fn decide_abandon(
        &self,
        id: ReservationId,
        revision: u64,
        before: Timestamp,
    ) -> Decision {
        let prepared = self.hold(id).and_then(|hold| hold.prepared);
        let named = |prepared: Prepared| (prepared.revision, prepared.before) == (revision, before);
        if !prepared.is_some_and(named) {
            return Decision::Nothing(Answer::Done);
        }
        Decision::Record(vec![Event::Abandoned { reservation: id }], Answer::Done)
    }

    pub(super) fn decide_settle(&self, words: &[(ReservationId, Grant)]) -> Decision {
        let mut seen = HashSet::new();
        let news = words.iter().filter(|(id, _)| seen.insert(*id));
        let settled: Vec<Event> = news
            .filter_map(|(id, grant)| self.settled(*id, *grant))
            .collect();
        if settled.is_empty() {
            return Decision::Nothing(Answer::Done);
        }
        Decision::Record(settled, Answer::Done)
    }

    /// The lead's word never makes a hold: what is raised was prepared first. So a late word
    /// about a hold that is over changes nothing.
    fn settled(&self, id: ReservationId, grant: Grant) -> Option<Event> {
        let hold = self.hold(id)?;
        // A lead that forgot the reservation says that it is over, not what was handed over.
        let handed_over = grant.handed_over.max(hold.grant.handed_over);
        let grant = Grant {
            handed_over,
            ..grant
        };
        let decided = hold
            .prepared
            .is_some_and(|prepared| prepared.revision <= grant.revision);
        let stale = grant.revision < hold.grant.revision;
        let news = !stale && (hold.grant != grant || decided);
        news.then_some(Event::Settled {
            reservation: id,
            grant,
        })
    }
}
