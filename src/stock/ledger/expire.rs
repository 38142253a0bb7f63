//! What time alone does to a ledger. It is done in two steps, so that any number of deadlines in
//! one moment delays nobody.
//!
//! 1. A record made at some time counts no hold led here whose deadline has come by then: the
//!    hold has **lapsed**. So the figures are right as of the newest record, in one step, however
//!    many lapse with it.
//! 2. The reservations of lapsed holds come to their end (`Expired`) a bounded number per record,
//!    the earliest deadline first. That changes no figure any more. One that a command names does
//!    so before that command is decided.
//!
//! Both follow from records alone: what has lapsed is told by deadlines and the time of the newest
//! record, so that replay, image and live traffic agree.

use std::ops::Bound;
use std::sync::Arc;

use super::super::command::Command;
use super::super::event::{Cause, Event};
use super::super::hold::Hold;
use super::super::reservation::{Reservation, ReservationId, State};
use super::super::time::Timestamp;
use super::Ledger;

/// How many reservations one record lets expire: well under a millisecond of work, for that long
/// nobody else is served.
pub const EXPIRE_AT_ONCE_MAX: usize = 250;

/// About how many bytes of reservations one record lets expire; the first always fits.
const EXPIRE_BYTES_MAX: usize = 1024 * 1024;

impl Ledger {
    /// The reservations led here whose deadline has come by `now` and whose end is not recorded
    /// yet, at most `most` and a bounded number of bytes: ask again until nothing is due.
    pub fn due(&self, now: Timestamp, most: usize) -> Vec<Event> {
        let due = self.deadlines.range(..=last_at(now)).take(most);
        let mut bytes = 0;
        let fits = |(_, id): &&(Timestamp, ReservationId)| {
            let first = bytes == 0;
            bytes += self.kept.led[id].reservation.weight_bytes();
            first || bytes <= EXPIRE_BYTES_MAX
        };
        due.take_while(fits)
            .map(|(_, id)| self.expired(*id, now))
            .collect()
    }

    /// What must be recorded before `command` is decided at `now`, ask again until that is
    /// nothing: the end of the reservation it names, if that is due, and any record, of at most
    /// `most`, if a deadline has come since the newest one. To stop a key, all that is due must
    /// be recorded.
    pub fn due_before(&self, command: &Command, now: Timestamp, most: usize) -> Vec<Event> {
        let named = command.reservation().filter(|id| self.is_due(*id, now));
        if let Some(id) = named {
            return vec![self.expired(id, now)];
        }
        let behind = self.next_lapse().is_some_and(|at| at <= now);
        if behind || matches!(command, Command::Stop) {
            self.due(now, most)
        } else {
            Vec::new()
        }
    }

    /// When the next reservation led here is to expire; past, while some that lapsed wait for it.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// The earliest deadline of what is counted in the figures.
    pub(super) fn next_lapse(&self) -> Option<Timestamp> {
        let lapsed = Bound::Excluded(last_at(self.kept.level.updated_at));
        let mut ahead = self.deadlines.range((lapsed, Bound::Unbounded));
        ahead.next().map(|(at, _)| *at)
    }

    /// Whether the deadline of a hold led here had come at the newest record.
    pub fn has_lapsed(&self, hold: &Hold) -> bool {
        let deadline = hold.grant.deadline;
        hold.lead == self.key && deadline.is_some_and(|at| at <= self.kept.level.updated_at)
    }

    /// How many holds lapsed and have yet to come to their end.
    pub(super) fn lapsed_count(&self) -> usize {
        let until = last_at(self.kept.level.updated_at);
        let lapsed = self.deadlines.range(..=until);
        lapsed.filter(|(_, id)| self.hold(*id).is_some()).count()
    }

    /// The figures as of `at`, when the next record is made: what lapses is no longer counted.
    pub(super) fn lapse(&mut self, at: Timestamp) {
        let until = at.max(self.kept.level.updated_at);
        let counted = Bound::Excluded(last_at(self.kept.level.updated_at));
        let lapsing = (counted, Bound::Included(last_at(until)));
        let level = &mut self.kept.level;
        for (_, id) in self.deadlines.range(lapsing) {
            let Some(hold) = self.kept.holds.get(id) else {
                continue;
            };
            let side = if hold.grant.committed {
                &mut level.committed
            } else {
                &mut level.held
            };
            *side -= hold.remaining();
        }
        level.updated_at = until;
    }

    fn is_due(&self, id: ReservationId, now: Timestamp) -> bool {
        let led = self.reservation(id).filter(|led| led.state.is_live());
        let deadline = led.and_then(|led| led.deadline);
        deadline.is_some_and(|at| at <= now)
    }

    fn expired(&self, id: ReservationId, now: Timestamp) -> Event {
        let mut expired = Reservation::clone(&self.kept.led[&id].reservation);
        expired.revision += 1;
        expired.resolve(State::Expired, now);
        let reservation = Arc::new(expired);
        Event::Reserved {
            reservation,
            cause: Cause::Expired,
            idempotency: None,
        }
    }
}

/// The end of a moment in an order by time and name.
fn last_at(at: Timestamp) -> (Timestamp, ReservationId) {
    (at, ReservationId(u128::MAX))
}

impl Reservation {
    /// About how many bytes a record of it takes: never nothing.
    fn weight_bytes(&self) -> usize {
        const BASE_BYTES: usize = 256;
        const LINE_BYTES: usize = 256;
        let metadata = self.metadata.as_ref().map_or(0, |text| text.len());
        BASE_BYTES + LINE_BYTES * (self.lines.len() + self.shares.len()) + metadata
    }
}
