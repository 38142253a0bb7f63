//! The calls that take something from stock, as the lead decides them: place, replace lines,
//! reclaim. What followers give was prepared before; the lead's own part is decided here.

use std::sync::Arc;

use super::super::command::{Answer, Decision, NewLine, Place};
use super::super::event::{Cause, Event};
use super::super::key::StockKey;
use super::super::quantity::Quantity;
use super::super::refusal::{Refusal, Shortage};
use super::super::reservation::{Confirmation, Line, Reservation, Share, State};
use super::lead::{Call, Outcome, changed};
use super::{Ledger, Rules};

impl Ledger {
    pub(super) fn decide_place(
        &self,
        call: &Call<'_>,
        place: &Place,
        rules: &Rules,
    ) -> Result<Decision, Refusal> {
        if let Some(known) = self.reservation(place.id) {
            return Ok(self.decided(call, known, Outcome::TookEffect));
        }
        if self.is_denied(place.id) {
            return Err(Refusal::TooLate);
        }
        self.expect_stocked()?;
        if self.is_full_of_holds(rules) {
            return Err(Refusal::Full("holds"));
        }
        if self.is_full_of_led(call.now, rules) {
            return Err(Refusal::Full("remembered reservations"));
        }
        let mut reservation = self.new_reservation(call, place);
        let short = self.take(call, &mut reservation, place.partial);
        if !short.is_empty() {
            return self.refuse(Refusal::InsufficientStock(short), call.now);
        }
        let Some(confirmation) = &place.confirm else {
            return Ok(changed(call, reservation, Cause::Placed));
        };
        let mut confirmed = reservation.clone();
        confirmed.confirm(confirmation)?;
        confirmed.revision += 1;
        let (held, confirmed) = (Arc::new(reservation), Arc::new(confirmed));
        let answer = Answer::Reservation {
            reservation: confirmed.clone(),
            replayed: false,
        };
        let cause = Cause::Placed;
        let placed = Event::Reserved {
            reservation: held,
            cause,
            idempotency: None,
        };
        let (cause, idempotency) = (Cause::Confirmed, call.idempotency);
        let confirmed = Event::Reserved {
            reservation: confirmed,
            cause,
            idempotency,
        };
        Ok(Decision::Record(vec![placed, confirmed], answer))
    }

    fn new_reservation(&self, call: &Call<'_>, place: &Place) -> Reservation {
        let mut reservation = Reservation {
            id: place.id,
            lead: self.key.clone(),
            revision: 1,
            state: State::Held,
            lines: place.lines.iter().map(|new| new_line(new, None)).collect(),
            shares: [Share::of(&self.key)].into(),
            deadline: Some(call.now.plus_millis(place.ttl_ms)),
            ttl_ms: place.ttl_ms,
            by: call.by.clone(),
            customer: place.customer.clone(),
            reference: place.reference.clone(),
            metadata: place.metadata.clone(),
            confirmation: None,
            created_at: call.now,
            resolved_at: None,
        };
        share_all(&mut reservation);
        reservation
    }

    pub(super) fn decide_lines(
        &self,
        call: &Call<'_>,
        mut reservation: Reservation,
        lines: &[NewLine],
    ) -> Result<Decision, Refusal> {
        if reservation.state != State::Held {
            return Err(reservation.does_not_fit());
        }
        reservation.lines = lines
            .iter()
            .map(|new| new_line(new, reservation.continued(&new.key, new.line.as_deref())))
            .collect();
        let currency = reservation.currency();
        let prices = reservation.lines.iter().filter_map(|line| line.unit_price);
        if prices
            .into_iter()
            .any(|price| Some(price.currency) != currency)
        {
            return Err(Refusal::CurrencyMismatch);
        }
        reservation.drop_unused_shares();
        share_all(&mut reservation);
        reservation.deadline = Some(call.now.plus_millis(reservation.ttl_ms));
        let short = self.take(call, &mut reservation, false);
        if !short.is_empty() {
            return self.refuse(Refusal::InsufficientStock(short), call.now);
        }
        reservation.advance(call.now);
        Ok(changed(call, reservation, Cause::LinesReplaced))
    }

    pub(super) fn decide_reclaim(
        &self,
        call: &Call<'_>,
        mut reservation: Reservation,
        confirmation: &Confirmation,
    ) -> Result<Decision, Refusal> {
        reservation.confirm(confirmation)?;
        let short = self.take(call, &mut reservation, false);
        if !short.is_empty() {
            return self.refuse(Refusal::InsufficientStock(short), call.now);
        }
        reservation.advance(call.now);
        Ok(changed(call, reservation, Cause::Confirmed))
    }

    /// Fits the lines to what followers prepared and to what is free here. Gives the shortages,
    /// if any: with `partial` only when nothing at all can be had.
    fn take(&self, call: &Call<'_>, reservation: &mut Reservation, partial: bool) -> Vec<Shortage> {
        let keys: Vec<StockKey> = reservation
            .shares
            .iter()
            .map(|share| share.key.clone())
            .collect();
        let mut short = Vec::new();
        for key in keys {
            let wanted = reservation.wanted(&key);
            let grantable = self.grantable_at(call, &key);
            if wanted <= grantable || wanted <= reservation.used(&key) {
                continue;
            }
            short.push(Shortage {
                key: key.clone(),
                requested: wanted,
                available: grantable,
            });
            if partial {
                fit(Arc::make_mut(&mut reservation.lines), &key, grantable);
            }
        }
        if partial {
            let nothing = reservation.lines.iter().all(|line| line.quantity.is_zero());
            short.retain(|_| nothing);
            for line in Arc::make_mut(&mut reservation.lines) {
                line.requested = line.requested.or(Some(line.quantity));
            }
        }
        short
    }

    /// The most that may be granted at `key`: here what is free, elsewhere what was prepared, or
    /// else what the newest revision already grants.
    fn grantable_at(&self, call: &Call<'_>, key: &StockKey) -> Quantity {
        if *key == self.key {
            let known = self.reservation(call.id);
            let used = known.map_or(Quantity::ZERO, |known| known.used(key));
            return if self.level().stocked {
                self.grantable(call.id, used)
            } else {
                used
            };
        }
        let prepared = call
            .raise
            .and_then(|raise| raise.prepared.iter().find(|(k, _)| k == key));
        let granted = self
            .reservation(call.id)
            .map(|known| known.grant(key).granted);
        prepared.map_or(granted.unwrap_or_default(), |(_, quantity)| *quantity)
    }
}

/// Cuts the lines at `key` to what is there, the first lines first.
fn fit(lines: &mut [Line], key: &StockKey, mut there: Quantity) {
    for line in lines.iter_mut().filter(|line| line.key == *key) {
        let taken = line.quantity.min(there);
        line.requested = Some(line.quantity);
        line.quantity = taken;
        there -= taken;
    }
}

/// A line as it is kept: an old line's price holds.
fn new_line(new: &NewLine, old: Option<&Line>) -> Line {
    Line {
        line: new.line.clone(),
        key: new.key.clone(),
        quantity: new.quantity,
        requested: None,
        unit_price: old.map_or(new.unit_price, |old| old.unit_price),
        cancelled: Quantity::ZERO,
    }
}

impl Reservation {
    /// Forgets keys that no line names any more and that used nothing, so that a reservation
    /// whose lines are replaced over and over does not grow.
    fn drop_unused_shares(&mut self) {
        let (lines, lead) = (&self.lines, &self.lead);
        let named = |key: &StockKey| lines.iter().any(|line| line.key == *key);
        let is_kept = |share: &&Share| {
            let used = !(share.handed_over + share.till_used).is_zero();
            used || share.key == *lead || named(&share.key)
        };
        self.shares = self.shares.iter().filter(is_kept).cloned().collect();
    }
}

fn share_all(reservation: &mut Reservation) {
    let Reservation { lines, shares, .. } = reservation;
    let shared = |shares: &[Share], line: &Line| shares.iter().any(|share| share.key == line.key);
    if lines.iter().all(|line| shared(shares, line)) {
        return;
    }
    let mut all = shares.to_vec();
    for line in lines.iter() {
        if !shared(&all, line) {
            all.push(Share::of(&line.key));
        }
    }
    *shares = all.into();
}
