//! The six movement types. A physical fact is never refused for want of stock.

use std::sync::Arc;

use super::super::command::{Answer, Decision};
use super::super::event::{Cause, Event};
use super::super::hold::Hold;
use super::super::movement::{Moved, Movement, MovementKind, Remembered};
use super::super::quantity::Quantity;
use super::super::refusal::Refusal;
use super::super::reservation::{Reservation, ReservationId};
use super::super::time::Timestamp;
use super::{Ledger, Rules};

impl Ledger {
    pub(super) fn decide_move(
        &self,
        movement: &Movement,
        now: Timestamp,
        rules: &Rules,
    ) -> Result<Decision, Refusal> {
        if let Some(seen) = self.kept.remembered.get(&movement.id) {
            return repeat(seen, movement);
        }
        if self.is_full_of_movements(now, rules) {
            return Err(Refusal::Full("remembered movements"));
        }
        let named = self.named_hold(movement);
        if let Some(id) = named
            && self.is_in_doubt(id, now)
        {
            return Ok(Decision::SettleFirst(vec![self.inquiry(id, now)]));
        }
        let absorbed = self.absorbs(movement);
        let delta = if absorbed {
            Quantity::ZERO
        } else {
            self.delta(movement)?
        };
        let level = self.level();
        let on_hand = level
            .on_hand
            .checked_add(delta)
            .ok_or(Refusal::OutOfRange)?;
        // What left its source has to arrive: refused here, it would be nowhere.
        let arrives = matches!(movement.kind, MovementKind::Arrival { .. });
        if !arrives && !on_hand.is_representable() {
            return Err(Refusal::OutOfRange);
        }
        let remaining = |id| {
            self.hold(id)
                .map_or(Quantity::ZERO, |hold| hold.remaining())
        };
        let used = named.map(|id| (id, remaining(id).min(movement.quantity)));
        let used = used.filter(|(_, quantity)| quantity.is_positive());
        let promised = level.held + level.committed - used.map_or(Quantity::ZERO, |used| used.1);
        let oversold = (promised - on_hand).or_zero() > level.shortfall();
        let moved = Moved {
            movement: movement.clone(),
            delta,
            oversold,
            absorbed,
            used,
        };
        let answer = Answer::Moved {
            duplicate: false,
            oversold,
            absorbed,
            used: movement
                .names_reservation()
                .then(|| used.map_or(Quantity::ZERO, |used| used.1)),
        };
        let mut events = vec![Event::Moved(moved)];
        if let Some((id, quantity)) = used {
            events.extend(self.use_at_lead(id, quantity, now));
        }
        Ok(Decision::Record(events, answer))
    }

    /// The hold here that a sale names, if there is one.
    fn named_hold(&self, movement: &Movement) -> Option<ReservationId> {
        let id = movement.reservation()?;
        self.hold(id).map(|_| id)
    }

    /// Whether a hold led elsewhere may have lapsed, or been handed over or cancelled, without this
    /// key knowing.
    fn is_in_doubt(&self, id: ReservationId, now: Timestamp) -> bool {
        let hold = self.hold(id);
        let hold = hold.filter(|hold| hold.lead != self.key && hold.remaining().is_positive());
        let lapsed = |hold: &Hold| hold.grant.deadline.is_some_and(|hint| hint <= now);
        hold.is_some_and(|hold| hold.is_set_aside() || lapsed(hold))
    }

    /// Whether a count has already seen what this movement tells.
    fn absorbs(&self, movement: &Movement) -> bool {
        if let MovementKind::Count { counted_at, .. } = &movement.kind {
            return counted_at.is_some_and(|at| at < self.kept.last_count_at);
        }
        // A key that was never counted has seen nothing, not even what a clock that was never set
        // says happened in 1970.
        let counted_until = self.kept.counted_until;
        counted_until > Timestamp::default()
            && movement.occurred_at.is_some_and(|at| at <= counted_until)
    }

    /// What the movement does to on hand.
    fn delta(&self, movement: &Movement) -> Result<Quantity, Refusal> {
        let quantity = movement.quantity;
        Ok(match &movement.kind {
            MovementKind::Receipt | MovementKind::Arrival { .. } => quantity,
            MovementKind::Return { damaged } => {
                if *damaged {
                    Quantity::ZERO
                } else {
                    quantity
                }
            }
            MovementKind::Adjustment { .. } => quantity,
            MovementKind::Sale { .. } | MovementKind::Transfer { .. } => -quantity,
            MovementKind::Count {
                counted_at,
                expected_version,
            } => {
                self.expect_unchanged_since(*expected_version)?;
                quantity + self.moved_since(*counted_at) - self.level().on_hand
            }
        })
    }

    fn expect_unchanged_since(&self, version: Option<u64>) -> Result<(), Refusal> {
        let known =
            |version: u64| version >= self.kept.on_hand_version && version <= self.level().version;
        if version.is_none_or(known) {
            Ok(())
        } else {
            Err(Refusal::StaleVersion)
        }
    }

    /// What later movements did to on hand after the moment a count speaks of.
    fn moved_since(&self, counted_at: Option<Timestamp>) -> Quantity {
        let Some(counted_at) = counted_at else {
            return Quantity::ZERO;
        };
        let later = self
            .kept
            .remembered
            .values()
            .filter(|one| one.occurred_at > counted_at);
        later.map(|one| one.delta).sum()
    }

    /// The next revision of a reservation led here that a till just used.
    fn use_at_lead(&self, id: ReservationId, used: Quantity, now: Timestamp) -> Option<Event> {
        let mut reservation = Reservation::clone(self.reservation(id)?);
        reservation.share_mut(&self.key).till_used += used;
        reservation.advance(now);
        let (reservation, cause) = (Arc::new(reservation), Cause::Used);
        Some(Event::Reserved {
            reservation,
            cause,
            idempotency: None,
        })
    }
}

/// The first answer again, or a refusal if the id was used for something else.
fn repeat(seen: &Remembered, movement: &Movement) -> Result<Decision, Refusal> {
    if seen.content != movement.content() {
        return Err(Refusal::IdReused);
    }
    let Remembered {
        oversold,
        absorbed,
        used,
        ..
    } = *seen;
    Ok(Decision::Nothing(Answer::Moved {
        duplicate: true,
        oversold,
        absorbed,
        used,
    }))
}
