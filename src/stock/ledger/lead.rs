//! What the lead of a reservation does: it decides every change and tells followers what became
//! of a raise.

use std::sync::Arc;

use super::super::cause::By;
use super::super::command::{Answer, Change, Decision, Idempotency, Raise};
use super::super::event::{Cause, Event};
use super::super::hold::Grant;
use super::super::key::StockKey;
use super::super::quantity::Quantity;
use super::super::refusal::Refusal;
use super::super::reservation::{Reservation, ReservationId, State};
use super::super::time::Timestamp;
use super::{FORGET_AFTER_MS, Ledger, Rules};

/// How long a denied raise is remembered past its time.
const DENIED_MS: i64 = 10 * 60 * 1000;

/// A call on a reservation, but for what it asks.
pub(super) struct Call<'a> {
    pub id: ReservationId,
    pub by: &'a By,
    pub raise: Option<&'a Raise>,
    pub uses: &'a [(StockKey, Quantity)],
    pub idempotency: Option<Idempotency>,
    pub now: Timestamp,
}

/// What a call does to a reservation.
pub(super) enum Outcome {
    /// It comes to its next revision.
    Changed(Box<Reservation>, Cause),
    /// It already is what was asked for.
    TookEffect,
}

impl Ledger {
    pub(super) fn decide_change(
        &self,
        call: &Call<'_>,
        change: &Change,
        rules: &Rules,
    ) -> Result<Decision, Refusal> {
        if let Some(request) = call.idempotency {
            if let Some(first) = self.first_answer(request, call.now)? {
                return Ok(first);
            }
            if self.is_full_of_answers(call.now, rules) {
                return Err(Refusal::Full("remembered answers"));
            }
        }
        if call.raise.is_some_and(|raise| call.now >= raise.before) {
            return Err(Refusal::TooLate);
        }
        if let Change::Place(place) = change {
            return self.decide_place(call, place, rules);
        }
        let known = self
            .reservation(call.id)
            .ok_or(Refusal::ReservationNotFound)?;
        if call
            .raise
            .is_some_and(|raise| raise.base_revision != known.revision)
        {
            return Err(Refusal::Superseded);
        }
        if let Change::Fulfil(parts) | Change::Cancel(parts) = change
            && !is_set_aside(known, parts.as_deref(), call.raise)
        {
            return Err(Refusal::Superseded);
        }
        let mut reservation = Reservation::clone(known);
        for (key, till_used) in call.uses {
            let share = reservation.share_mut(key);
            share.till_used = share.till_used.max(*till_used);
        }
        let outcome = match change {
            Change::Place(_) => unreachable!("placed above"),
            Change::ReplaceLines(lines) => return self.decide_lines(call, reservation, lines),
            Change::Confirm {
                confirmation,
                reclaim: true,
            } if reservation.state == State::Expired => {
                return self.decide_reclaim(call, reservation, confirmation);
            }
            Change::Extend { ttl_ms } => reservation.extended(*ttl_ms, call.now),
            Change::Confirm { confirmation, .. } => reservation.confirmed(confirmation, call.now),
            Change::Fulfil(lines) => reservation.handed_over(lines.as_deref(), call.now),
            Change::Release => reservation.released(call.now),
            Change::Cancel(lines) => reservation.cancelled(lines.as_deref(), call.now),
        }?;
        Ok(self.decided(call, known, outcome))
    }

    /// The first answer to a request that was answered within the last day.
    fn first_answer(
        &self,
        request: Idempotency,
        now: Timestamp,
    ) -> Result<Option<Decision>, Refusal> {
        let limit = now.plus_millis(-FORGET_AFTER_MS);
        let answered = self.kept.answers.get(&request.key);
        let Some(answered) = answered.filter(|answered| answered.at > limit) else {
            return Ok(None);
        };
        if answered.body != request.body {
            return Err(Refusal::IdempotencyMismatch);
        }
        let reservation = self.shown(answered).ok_or(Refusal::ReservationNotFound)?;
        Ok(Some(Decision::Nothing(Answer::Reservation {
            reservation,
            replayed: true,
        })))
    }

    pub(super) fn decided(
        &self,
        call: &Call<'_>,
        known: &Arc<Reservation>,
        outcome: Outcome,
    ) -> Decision {
        match outcome {
            Outcome::Changed(reservation, cause) => changed(call, *reservation, cause),
            Outcome::TookEffect => {
                let answer = Answer::Reservation {
                    reservation: known.clone(),
                    replayed: false,
                };
                let Some(idempotency) = call.idempotency else {
                    return Decision::Nothing(answer);
                };
                let event = Event::Answered {
                    reservation: call.id,
                    idempotency,
                };
                Decision::Record(vec![event], answer)
            }
        }
    }

    pub(super) fn is_denied(&self, id: ReservationId) -> bool {
        self.kept.denied.contains_key(&id)
    }

    /// Tells a follower what it is granted. A raise it waits for that never came is denied for
    /// good: a commit of it would now be refused.
    pub(super) fn decide_inquire(
        &self,
        id: ReservationId,
        follower: &StockKey,
        prepared: Option<u64>,
        now: Timestamp,
    ) -> Decision {
        let Some(reservation) = self.reservation(id) else {
            let revision = prepared.unwrap_or(u64::MAX);
            let grant = Grant {
                revision,
                closed: true,
                ..Grant::default()
            };
            if prepared.is_none() || self.is_denied(id) {
                return Decision::Nothing(Answer::Grant(grant));
            }
            let until = now.plus_millis(DENIED_MS);
            let event = Event::Denied {
                reservation: id,
                until,
            };
            return Decision::Record(vec![event], Answer::Grant(grant));
        };
        if prepared.is_none_or(|revision| revision <= reservation.revision) {
            return Decision::Nothing(Answer::Grant(reservation.grant(follower)));
        }
        let mut denied = Reservation::clone(reservation);
        denied.revision += 1;
        let grant = denied.grant(follower);
        let (reservation, cause) = (Arc::new(denied), Cause::Denied);
        let event = Event::Reserved {
            reservation,
            cause,
            idempotency: None,
        };
        Decision::Record(vec![event], Answer::Grant(grant))
    }

    /// Records what tills used at a follower. A reservation that was forgotten has nothing left
    /// to say: the follower may forget it too.
    pub(super) fn decide_report(
        &self,
        id: ReservationId,
        follower: &StockKey,
        till_used: Quantity,
        now: Timestamp,
    ) -> Decision {
        let Some(known) = self.reservation(id) else {
            let revision = u64::MAX;
            let closed = Grant {
                revision,
                closed: true,
                acknowledged: till_used,
                ..Grant::default()
            };
            return Decision::Nothing(Answer::Grant(closed));
        };
        let recorded = known
            .share(follower)
            .map_or(Quantity::ZERO, |share| share.till_used);
        if till_used <= recorded {
            return Decision::Nothing(Answer::Grant(known.grant(follower)));
        }
        let mut reservation = Reservation::clone(known);
        reservation.share_mut(follower).till_used = till_used;
        reservation.advance(now);
        let grant = reservation.grant(follower);
        let (reservation, cause) = (Arc::new(reservation), Cause::Used);
        let event = Event::Reserved {
            reservation,
            cause,
            idempotency: None,
        };
        Decision::Record(vec![event], Answer::Grant(grant))
    }
}

/// Whether every follower that gives some has set it aside, so that no till sells it meanwhile. One
/// has not if the call was reckoned from before the reservation was confirmed.
fn is_set_aside(
    known: &Reservation,
    parts: Option<&[(StockKey, Quantity)]>,
    raise: Option<&Raise>,
) -> bool {
    let prepared = raise.map_or(&[][..], |raise| &raise.prepared);
    let is_prepared = |key: &StockKey| prepared.iter().any(|(one, _)| one == key);
    known.state != State::Confirmed || known.gives_from(parts).all(is_prepared)
}

/// The record of a reservation that came to its next revision, and the answer that shows it.
pub(super) fn changed(call: &Call<'_>, reservation: Reservation, cause: Cause) -> Decision {
    let reservation = Arc::new(reservation);
    let answer = Answer::Reservation {
        reservation: reservation.clone(),
        replayed: false,
    };
    let event = Event::Reserved {
        reservation,
        cause,
        idempotency: call.idempotency,
    };
    Decision::Record(vec![event], answer)
}
