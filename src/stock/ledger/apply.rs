//! How events change a ledger: the only code that does, live and at recovery.

use std::sync::Arc;

use super::super::cause::By;
use super::super::command::{Acknowledgements, Idempotency};
use super::super::event::{Event, StockRecord};
use super::super::hold::{Grant, Hold};
use super::super::movement::{Moved, Movement, MovementId, MovementKind, Remembered};
use super::super::quantity::Quantity;
use super::super::reservation::{Reservation, ReservationId};
use super::super::time::Timestamp;
use super::{Answered, Led, Ledger, Outgoing, Rules};

/// Why a record does not continue a ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// A record in between is missing.
    #[error("{key}: version {found} follows {have}; a record in between is missing")]
    Gap {
        /// Which key.
        key: String,
        /// The ledger's version.
        have: u64,
        /// The record's.
        found: u64,
    },
    /// The record's figures are not what its events lead to.
    #[error("{key} version {version}: the record says {recorded}, its events give {computed}")]
    Differs {
        /// Which key.
        key: String,
        /// The record's version.
        version: u64,
        /// The record's figures.
        recorded: String,
        /// What replay gives.
        computed: String,
    },
}

impl Ledger {
    /// Applies `events`, decided at `now` for `by`, and gives the journal's record of them.
    pub fn record(
        &mut self,
        by: By,
        events: Vec<Event>,
        now: Timestamp,
        rules: &Rules,
    ) -> StockRecord {
        let before = self.kept.level;
        let previous_movement = self.kept.last_movement;
        self.apply_all(&events, &by, now);
        let level = &mut self.kept.level;
        if !level.same_face(&before, rules.limited_max) {
            level.public_version += 1;
            level.public_at = now;
        }
        StockRecord {
            key: self.key.clone(),
            at: now,
            by,
            events,
            level: *level,
            before: (before.available(), before.shortfall()),
            previous_movement,
        }
    }

    /// Applies a record that was written before. `Ok(false)`: the ledger already has it.
    pub fn replay(&mut self, record: &StockRecord, position: u64) -> Result<bool, ReplayError> {
        let (have, found) = (self.kept.level.version, record.level.version);
        if found <= have {
            return Ok(false);
        }
        if found != have + 1 {
            return Err(ReplayError::Gap {
                key: self.key.to_string(),
                have,
                found,
            });
        }
        self.apply_all(&record.events, &record.by, record.at);
        self.kept.level.public_version = record.level.public_version;
        self.kept.level.public_at = record.level.public_at;
        if self.kept.level != record.level {
            return Err(ReplayError::Differs {
                key: self.key.to_string(),
                version: found,
                recorded: format!("{:?}", record.level),
                computed: format!("{:?}", self.kept.level),
            });
        }
        self.note_position(record, position);
        Ok(true)
    }

    /// Remembers where `record` was written, for the list of movements.
    pub fn note_position(&mut self, record: &StockRecord, position: u64) {
        if self.is_movement(record) {
            self.kept.last_movement = position;
        }
    }

    /// Whether the newest record, just applied, belongs in the list of movements.
    pub fn is_movement(&self, newest: &StockRecord) -> bool {
        let changed = self.kept.on_hand_version == newest.level.version;
        changed
            || newest
                .events
                .iter()
                .any(|event| matches!(event, Event::Moved(_)))
    }

    fn apply_all(&mut self, events: &[Event], by: &By, at: Timestamp) {
        let on_hand = self.kept.level.on_hand;
        self.remember_through_silence(at);
        self.lapse(at);
        for event in events {
            self.apply(event, by, at);
        }
        let first_deadline = self.next_lapse();
        let first_hint = self.hints.first().map(|(at, _)| *at);
        let level = &mut self.kept.level;
        level.version += 1;
        level.deadline = [first_deadline, first_hint].into_iter().flatten().min();
        if level.on_hand != on_hand {
            self.kept.on_hand_version = level.version;
        }
        self.forget_some(at);
        self.check();
    }

    fn apply(&mut self, event: &Event, by: &By, at: Timestamp) {
        match event {
            Event::Moved(moved) => self.apply_moved(moved, by, at),
            Event::SafetyStockSet(quantity) => self.kept.level.safety_stock = *quantity,
            Event::Stopped => {
                self.kept.level.stocked = false;
                self.kept.level.safety_stock = Quantity::ZERO;
            }
            Event::Prepared {
                reservation,
                lead,
                base,
                prepared,
            } => {
                let mut hold = self.take_hold(*reservation).unwrap_or_else(|| Hold {
                    lead: lead.clone(),
                    grant: *base,
                    till_used: base.acknowledged,
                    prepared: None,
                });
                hold.prepared = Some(*prepared);
                self.put_hold(*reservation, hold);
            }
            Event::Abandoned { reservation } => {
                if let Some(mut hold) = self.take_hold(*reservation) {
                    hold.prepared = None;
                    self.put_hold(*reservation, hold);
                }
            }
            Event::Settled { reservation, grant } => self.apply_settled(*reservation, *grant, at),
            Event::Reserved {
                reservation,
                idempotency,
                ..
            } => {
                self.apply_reserved(reservation, *idempotency, at);
            }
            Event::Answered {
                reservation,
                idempotency,
            } => {
                self.remember_answer(*reservation, *idempotency, at);
            }
            Event::Denied { reservation, until } => {
                if let Some(old) = self.kept.denied.insert(*reservation, *until) {
                    self.denials.remove(&(old, *reservation));
                }
                self.denials.insert((*until, *reservation));
            }
            Event::Acknowledged(done) => self.apply_acknowledged(done),
        }
    }

    fn apply_moved(&mut self, moved: &Moved, by: &By, at: Timestamp) {
        let movement = &moved.movement;
        self.kept.level.stocked = true;
        self.kept.level.on_hand += moved.delta;
        if let Some((reservation, used)) = moved.used {
            let mut hold = self
                .take_hold(reservation)
                .expect("a use names a hold that is here");
            hold.till_used += used;
            self.put_hold(reservation, hold);
        }
        if let MovementKind::Count { counted_at, .. } = &movement.kind
            && !moved.absorbed
        {
            self.kept.last_count_at = counted_at.unwrap_or(at).max(self.kept.last_count_at);
            let spoken_of = counted_at.unwrap_or(Timestamp::MIN);
            self.kept.counted_until = spoken_of.max(self.kept.counted_until);
        }
        if let MovementKind::Transfer { to } = &movement.kind {
            let arrival = Movement {
                id: movement.id.at_destination(&self.key),
                kind: MovementKind::Arrival {
                    from: self.key.clone(),
                },
                ..movement.clone()
            };
            self.kept.outgoing.push(Outgoing {
                to: to.clone(),
                arrival,
                by: by.clone(),
            });
        }
        let remembered = Remembered {
            content: movement.content(),
            occurred_at: moved.speaks_of(at),
            delta: moved.delta,
            recorded_at: at,
            oversold: moved.oversold,
            absorbed: moved.absorbed,
            used: movement
                .names_reservation()
                .then(|| moved.used.map_or(Quantity::ZERO, |u| u.1)),
        };
        // Only an id past its time is ever replaced; it must not keep its old place.
        if self.kept.remembered.contains_key(&movement.id) {
            self.forget_movements(at);
        }
        self.kept.remembered.insert(movement.id, remembered);
    }

    fn apply_settled(&mut self, id: ReservationId, grant: Grant, at: Timestamp) {
        let mut hold = self
            .take_hold(id)
            .expect("only a hold that is here is settled");
        let mut delta = hold.grant.handed_over - grant.handed_over;
        if !delta.is_zero() {
            // A prepare that came twice may have brought back a hold that had ended: what was
            // handed over is never taken off a second time.
            delta += self.handed_over_between(id, hold.grant.revision, grant.revision);
        }
        if hold
            .prepared
            .is_some_and(|prepared| prepared.revision <= grant.revision)
        {
            hold.prepared = None;
        }
        hold.grant = grant;
        self.put_hold(id, hold);
        self.hand_over(id, grant.revision, delta, at);
    }

    fn apply_reserved(
        &mut self,
        reservation: &Arc<Reservation>,
        idempotency: Option<Idempotency>,
        at: Timestamp,
    ) {
        let id = reservation.id;
        let old = self.kept.led.remove(&id);
        let old_handed = old
            .as_ref()
            .map(|led| led.reservation.grant(&self.key).handed_over);
        let mut led = self.next_led(old, reservation);
        led.answers.clear();
        self.index_led(&led);
        self.kept.led.insert(id, led);

        let grant = reservation.grant(&self.key);
        let hold = self
            .take_hold(id)
            .unwrap_or_else(|| Hold::new(self.key.clone()));
        let till_used = grant.acknowledged;
        self.put_hold(
            id,
            Hold {
                grant,
                till_used,
                prepared: None,
                ..hold
            },
        );
        let delta = old_handed.unwrap_or_default() - grant.handed_over;
        self.hand_over(id, reservation.revision, delta, at);
        if let Some(idempotency) = idempotency {
            self.remember_answer(id, idempotency, at);
        }
    }

    /// What is led after a change: the followers whose grant changed have yet to settle, and the
    /// answers that showed the old revision keep it.
    fn next_led(&mut self, old: Option<Led>, reservation: &Arc<Reservation>) -> Led {
        let Some(mut led) = old else {
            let to_settle = reservation
                .followers()
                .map(|key| (key.clone(), reservation.revision));
            let unsettled = to_settle.collect();
            return Led {
                reservation: reservation.clone(),
                unsettled,
                answers: Vec::new(),
            };
        };
        self.unindex_led(&led);
        for request in &led.answers {
            self.keep_shown(*request, &led.reservation);
        }
        let old = led.reservation.clone();
        let gone = old
            .followers()
            .filter(|key| reservation.share(key).is_none());
        for key in reservation.followers().chain(gone) {
            if led.reservation.grant(key).differs(&reservation.grant(key)) {
                led.unsettled.retain(|(follower, _)| follower != key);
                led.unsettled.push((key.clone(), reservation.revision));
            }
        }
        led.reservation = reservation.clone();
        led
    }

    fn remember_answer(&mut self, id: ReservationId, idempotency: Idempotency, at: Timestamp) {
        // Only an answer past its time is ever replaced; it must not keep its old place.
        if self.kept.answers.contains_key(&idempotency.key) {
            self.forget_answers(at);
        }
        let answered = Answered {
            body: idempotency.body,
            at,
            reservation: id,
            past: None,
        };
        self.kept.answers.insert(idempotency.key, answered);
        if let Some(led) = self.kept.led.get_mut(&id) {
            // Hardly ever is there a second one.
            led.answers.reserve_exact(1);
            led.answers.push(idempotency.key);
        }
    }

    fn apply_acknowledged(&mut self, done: &Acknowledgements) {
        for (id, follower, revision) in &done.settled {
            let Some(led) = self.kept.led.get_mut(id) else {
                continue;
            };
            led.unsettled
                .retain(|(key, since)| key != follower || since > revision);
            if led.unsettled.is_empty() {
                self.unsettled.remove(id);
            }
        }
        self.kept
            .outgoing
            .retain(|outgoing| !done.arrived.contains(&outgoing.arrival.id));
    }

    /// Takes what was handed over off on hand; `delta` is zero or less.
    fn hand_over(&mut self, id: ReservationId, revision: u64, delta: Quantity, at: Timestamp) {
        if delta.is_zero() {
            return;
        }
        assert!(delta < Quantity::ZERO, "a hand-over is never undone");
        self.kept.level.on_hand += delta;
        let remembered = Remembered {
            content: revision,
            occurred_at: at,
            delta,
            recorded_at: at,
            oversold: false,
            absorbed: false,
            used: None,
        };
        self.kept
            .remembered
            .insert(hand_over_name(id, revision), remembered);
    }

    /// What was handed over for `id` here by revisions after `since`, up to `until`.
    fn handed_over_between(&self, id: ReservationId, since: u64, until: u64) -> Quantity {
        let names = (since..until).map(|before| hand_over_name(id, before + 1));
        let deltas = names.filter_map(|name| self.kept.remembered.get(&name));
        -deltas.map(|one| one.delta).sum::<Quantity>()
    }
}

/// What a hand-over by one revision is remembered as, beside the movements.
fn hand_over_name(id: ReservationId, revision: u64) -> MovementId {
    let mut bytes = [0; 24];
    bytes[..16].copy_from_slice(&id.0.to_le_bytes());
    bytes[16..].copy_from_slice(&revision.to_le_bytes());
    MovementId(xxhash_rust::xxh3::xxh3_128(&bytes))
}
