//! The state × call table of the contract, for the calls that take nothing more from stock.
//! Each gives the reservation's next revision, says that it already took effect, or refuses.

use std::sync::Arc;

use super::super::event::Cause;
use super::super::key::StockKey;
use super::super::money::sum;
use super::super::quantity::Quantity;
use super::super::refusal::{Refusal, Shortage};
use super::super::reservation::{Confirmation, Reservation, State};
use super::super::time::Timestamp;
use super::lead::Outcome;

type Called = Result<Outcome, Refusal>;

impl Reservation {
    /// Comes to the next revision; fulfilled if nothing is left of it.
    pub(super) fn advance(&mut self, now: Timestamp) {
        self.revision += 1;
        if self.state.is_live() && self.is_used_up() {
            self.resolve(State::Fulfilled, now);
        }
    }

    pub(super) fn resolve(&mut self, state: State, now: Timestamp) {
        self.state = state;
        self.resolved_at = Some(now);
    }

    fn changed(mut self, cause: Cause, now: Timestamp) -> Called {
        self.advance(now);
        Ok(Outcome::Changed(Box::new(self), cause))
    }

    /// The refusal of a call that does not fit the state.
    pub(super) fn does_not_fit(&self) -> Refusal {
        match self.state {
            State::Held | State::Confirmed => Refusal::WrongState(self.state),
            State::Expired => Refusal::ReservationExpired,
            State::Fulfilled | State::Released | State::Cancelled => {
                Refusal::ReservationResolved(self.state)
            }
        }
    }

    pub(super) fn extended(mut self, ttl_ms: i64, now: Timestamp) -> Called {
        if self.state != State::Held {
            return Err(self.does_not_fit());
        }
        self.deadline = Some(now.plus_millis(ttl_ms));
        self.changed(Cause::Extended, now)
    }

    pub(super) fn released(mut self, now: Timestamp) -> Called {
        match self.state {
            State::Held => {
                self.resolve(State::Released, now);
                self.changed(Cause::Released, now)
            }
            State::Released => Ok(Outcome::TookEffect),
            State::Confirmed | State::Fulfilled | State::Expired | State::Cancelled => {
                Err(self.does_not_fit())
            }
        }
    }

    pub(super) fn confirmed(mut self, confirmation: &Confirmation, now: Timestamp) -> Called {
        let equal = self.confirmation.as_deref() == Some(confirmation);
        match self.state {
            State::Held => {
                self.confirm(confirmation)?;
                self.changed(Cause::Confirmed, now)
            }
            State::Confirmed | State::Fulfilled if equal => Ok(Outcome::TookEffect),
            State::Confirmed => Err(Refusal::AlreadyConfirmed(std::sync::Arc::new(self))),
            State::Fulfilled | State::Released | State::Expired | State::Cancelled => {
                Err(self.does_not_fit())
            }
        }
    }

    /// Becomes confirmed, if the payments add up.
    pub(super) fn confirm(&mut self, confirmation: &Confirmation) -> Result<(), Refusal> {
        self.check_payments(confirmation)?;
        self.state = State::Confirmed;
        self.resolved_at = None;
        self.deadline = confirmation.expires_at;
        self.confirmation = Some(Box::new(confirmation.clone()));
        Ok(())
    }

    /// Payments, where the shop names them, are in the reservation's currency and sum to its
    /// total plus the adjustments.
    fn check_payments(&self, confirmation: &Confirmation) -> Result<(), Refusal> {
        let Some(payments) = &confirmation.payments else {
            return Ok(());
        };
        let total = self.total();
        let first = payments.first().map(|payment| payment.money.currency);
        let currency = total.map(|total| total.currency).or(first);
        let foreign: Vec<usize> = (0..payments.len())
            .filter(|index| Some(payments[*index].money.currency) != currency)
            .collect();
        if !foreign.is_empty() {
            return Err(Refusal::ForeignPayments(foreign));
        }
        let paid = sum(payments.iter().map(|payment| payment.money.amount));
        let lines = total.map_or(Quantity::ZERO, |total| total.amount);
        let on_top = confirmation
            .adjustments
            .iter()
            .map(|adjustment| adjustment.amount);
        let due = sum(std::iter::once(lines).chain(on_top));
        if paid == due {
            Ok(())
        } else {
            Err(Refusal::PaymentMismatch {
                paid,
                due,
                currency,
            })
        }
    }

    pub(super) fn handed_over(
        mut self,
        parts: Option<&[(StockKey, Quantity)]>,
        now: Timestamp,
    ) -> Called {
        match (self.state, parts) {
            (State::Confirmed, _) => {}
            (State::Fulfilled, None) => return Ok(Outcome::TookEffect),
            _ => return Err(self.does_not_fit()),
        }
        for (key, quantity) in self.parts(parts)? {
            self.share_mut(&key).handed_over += quantity;
        }
        self.changed(Cause::HandedOver, now)
    }

    pub(super) fn cancelled(
        mut self,
        parts: Option<&[(StockKey, Quantity)]>,
        now: Timestamp,
    ) -> Called {
        match (self.state, parts) {
            (State::Confirmed, _) => {}
            (State::Cancelled, None) => return Ok(Outcome::TookEffect),
            _ => return Err(self.does_not_fit()),
        }
        for (key, quantity) in self.parts(parts)? {
            self.cancel_at(&key, quantity);
        }
        if self
            .shares
            .iter()
            .all(|share| self.remaining(&share.key).is_zero())
        {
            self.resolve(State::Cancelled, now);
        }
        self.changed(Cause::Cancelled, now)
    }

    /// The named parts, one for each key, or all that is left; refused if one is more than what
    /// is left.
    fn parts(
        &self,
        parts: Option<&[(StockKey, Quantity)]>,
    ) -> Result<Vec<(StockKey, Quantity)>, Refusal> {
        let left = |key: &StockKey| (key.clone(), self.remaining(key));
        let Some(parts) = parts else {
            return Ok(self.shares.iter().map(|share| left(&share.key)).collect());
        };
        let mut sums: Vec<(StockKey, Quantity)> = Vec::new();
        for (key, quantity) in parts {
            match sums.iter_mut().find(|(known, _)| known == key) {
                Some((_, sum)) => *sum += *quantity,
                None => sums.push((key.clone(), *quantity)),
            }
        }
        let too_much: Vec<Shortage> = sums
            .iter()
            .filter(|(key, quantity)| *quantity > self.remaining(key))
            .map(|(key, requested)| Shortage {
                key: key.clone(),
                requested: *requested,
                available: self.remaining(key),
            })
            .collect();
        if !too_much.is_empty() {
            return Err(Refusal::OverFulfilled(too_much));
        }
        // What is left has to be a quantity again.
        let left = |(key, quantity): &(StockKey, Quantity)| self.remaining(key) - *quantity;
        if !sums.iter().map(left).all(Quantity::is_representable) {
            return Err(Refusal::OutOfRange);
        }
        Ok(sums)
    }

    /// Cancels `quantity` over the key's lines, one after the other.
    fn cancel_at(&mut self, key: &StockKey, quantity: Quantity) {
        let fulfilled = self.fulfilled_by_line();
        let mut left = quantity;
        let lines = Arc::make_mut(&mut self.lines);
        for (line, fulfilled) in lines.iter_mut().zip(fulfilled) {
            if line.key == *key {
                let part = left.min(line.quantity - line.cancelled - fulfilled);
                line.cancelled += part;
                left -= part;
            }
        }
        assert!(left.is_zero(), "what is left of a key is left on its lines");
    }
}
