//! The figures and indexes that follow from what a ledger keeps: sums, deadlines, work owed.
//! Holds and reservations are taken out of them, changed, and put back.

use std::collections::BTreeSet;

use super::super::hold::Hold;
use super::super::level::Level;
use super::super::quantity::Quantity;
use super::super::reservation::ReservationId;
use super::{FORGET_AFTER_MS, Led, Ledger};

impl Ledger {
    /// Takes a hold out of the figures and indexes, to be changed and put back.
    pub(super) fn take_hold(&mut self, id: ReservationId) -> Option<Hold> {
        let hold = self.kept.holds.remove(&id)?;
        self.count_hold(id, &hold, false);
        Some(hold)
    }

    pub(super) fn put_hold(&mut self, id: ReservationId, hold: Hold) {
        if !hold.is_over() {
            self.count_hold(id, &hold, true);
            self.kept.holds.insert(id, hold);
        }
    }

    fn count_hold(&mut self, id: ReservationId, hold: &Hold, present: bool) {
        let signed = |quantity: Quantity| if present { quantity } else { -quantity };
        let lapsed = self.has_lapsed(hold);
        let level = &mut self.kept.level;
        let side = if hold.grant.committed {
            &mut level.committed
        } else {
            &mut level.held
        };
        if !lapsed {
            *side += signed(hold.remaining());
        }
        self.tentative += signed(hold.tentative());
        if hold.lead != self.key {
            let hint = hold
                .grant
                .deadline
                .filter(|_| hold.remaining().is_positive());
            let wait = hold.prepared.map(|prepared| prepared.before);
            mark(&mut self.hints, hint.map(|at| (at, id)), present);
            mark(&mut self.waits, wait.map(|at| (at, id)), present);
            let unreported = hold.has_unreported_use().then_some(id);
            mark(&mut self.unreported, unreported, present);
        }
    }

    pub(super) fn index_led(&mut self, led: &Led) {
        self.mark_led(led, true);
    }

    pub(super) fn unindex_led(&mut self, led: &Led) {
        self.mark_led(led, false);
    }

    fn mark_led(&mut self, led: &Led, present: bool) {
        let reservation = &led.reservation;
        let live = reservation.state.is_live();
        let deadline = reservation
            .deadline
            .filter(|_| live)
            .map(|at| (at, reservation.id));
        let resolved = reservation.resolved_at;
        let forget = resolved.map(|at| (at.plus_millis(FORGET_AFTER_MS), reservation.id));
        mark(&mut self.deadlines, deadline, present);
        mark(&mut self.forgettable, forget, present);
        let owing = (!led.unsettled.is_empty()).then_some(reservation.id);
        mark(&mut self.unsettled, owing, present);
    }

    /// Builds what is derived from what is kept.
    pub(super) fn derive(&mut self) {
        let (holds, led) = (
            std::mem::take(&mut self.kept.holds),
            std::mem::take(&mut self.kept.led),
        );
        self.kept.level.held = Quantity::ZERO;
        self.kept.level.committed = Quantity::ZERO;
        for (id, hold) in &holds {
            self.count_hold(*id, hold, true);
        }
        for led in led.values() {
            self.index_led(led);
        }
        let denied = self.kept.denied.iter();
        self.denials = denied.map(|(id, until)| (*until, *id)).collect();
        self.kept.holds = holds;
        self.kept.led = led;
    }

    /// The invariants that hold after every change; the sums are checked in full in debug builds.
    pub(super) fn check(&self) {
        let level: &Level = &self.kept.level;
        assert!(level.held >= Quantity::ZERO && level.committed >= Quantity::ZERO);
        assert!(self.tentative >= Quantity::ZERO);
        if cfg!(debug_assertions) && self.things() < 100 {
            let mut again = self.clone();
            again.derive_anew();
            assert_eq!(&again, self, "what is derived follows from what is kept");
        }
    }

    fn derive_anew(&mut self) {
        let kept = std::mem::take(&mut self.kept);
        *self = Ledger::with(self.key.clone(), kept);
    }
}

fn mark<T: Ord>(set: &mut BTreeSet<T>, entry: Option<T>, present: bool) {
    let Some(entry) = entry else { return };
    if present {
        set.insert(entry);
    } else {
        set.remove(&entry);
    }
}
