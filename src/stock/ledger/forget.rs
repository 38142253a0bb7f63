//! What a ledger forgets: answers and resolved reservations after a day, movement ids after seven.

use std::sync::Arc;

use super::super::reservation::{Reservation, ReservationId};
use super::super::time::{DAY_MS, Timestamp};
use super::{FORGET_AFTER_MS, Kept, Ledger, REMEMBER_MOVEMENTS_MS, Rules};

/// How many resolved reservations are forgotten at once, which takes a millisecond or two: the day
/// of those of a flash sale may end within a second, and others of the thread want their turn.
const FORGET_AT_ONCE_MAX: usize = 1_000;

/// What was recorded so shortly before a key fell silent may not have been heard by who asked for
/// it, and is remembered for as long once more when the key speaks again.
const UNHEARD_MS: i64 = DAY_MS;

impl Ledger {
    /// Whether a record at `now` has it forget something, or remember for a day more what will be
    /// forgotten then.
    pub fn forgets(&self, now: Timestamp) -> bool {
        self.forgets_answers(now)
            || self.forgets_movements(now)
            || self.forgettable(now).next().is_some()
    }

    /// Forgets some of what is past its time, with a record.
    pub(super) fn forget_some(&mut self, now: Timestamp) {
        if self.forgets_answers(now) {
            self.forget_answers(now);
        }
        if self.forgets_movements(now) {
            self.forget_movements(now);
        }
        self.forget_resolved(now, FORGET_AT_ONCE_MAX);
        while let Some((until, id)) = self.denials.first().copied()
            && until <= now
        {
            self.denials.pop_first();
            self.kept.denied.remove(&id);
        }
    }

    /// Before the record at `now`. A node that was down for longer than movements are remembered
    /// must know those again that are repeated now: of a transfer's source that was not told of
    /// the arrival, or of a till that was offline, too.
    pub(super) fn remember_through_silence(&mut self, now: Timestamp) {
        let silent_since = self.kept.level.updated_at;
        let floor = now.plus_millis(UNHEARD_MS - REMEMBER_MOVEMENTS_MS);
        if silent_since > floor {
            return;
        }
        let unheard = silent_since.plus_millis(-UNHEARD_MS);
        let newest_first = self.kept.remembered.values_mut().rev();
        for one in newest_first.take_while(|one| one.recorded_at >= unheard) {
            one.recorded_at = floor;
        }
    }

    /// Forgets all that is past its time, so that ledgers can be compared whatever each forgot so
    /// far: answers and resolved reservations after a day, movement ids after six, since a release
    /// that did not remember through silences may have forgotten them.
    pub fn forget(&mut self, now: Timestamp) {
        self.forget_answers(now);
        self.forget_movements(now.plus_millis(UNHEARD_MS));
        self.forget_resolved(now, usize::MAX);
    }

    /// An answer that showed the newest revision of a reservation goes on showing that one.
    pub(super) fn keep_shown(&mut self, request: u128, reservation: &Arc<Reservation>) {
        if let Some(answered) = self.kept.answers.get_mut(&request)
            && answered.reservation == reservation.id
            && answered.past.is_none()
        {
            answered.past = Some(reservation.clone());
        }
    }

    fn forgets_answers(&self, now: Timestamp) -> bool {
        let kept = &self.kept;
        is_good_part(expired_answers(kept, now), kept.answers.len())
    }

    fn forgets_movements(&self, now: Timestamp) -> bool {
        let kept = &self.kept;
        is_good_part(expired_movements(kept, now), kept.remembered.len())
    }

    /// Resolved reservations past their time.
    fn forgettable(&self, now: Timestamp) -> impl Iterator<Item = &(Timestamp, ReservationId)> {
        let until = (now, ReservationId(u128::MAX));
        let past = self.forgettable.range(..=until);
        past.filter(|(_, id)| !self.unsettled.contains(id))
    }

    fn forget_resolved(&mut self, now: Timestamp, most: usize) {
        let due: Vec<_> = self.forgettable(now).take(most).copied().collect();
        let limit = now.plus_millis(-FORGET_AFTER_MS);
        for (at, id) in due {
            self.forgettable.remove(&(at, id));
            let forgotten = self.kept.led.remove(&id);
            let forgotten = forgotten.expect("what may be forgotten is led here");
            for request in &forgotten.answers {
                let answered = self.kept.answers.get(request);
                if answered.is_some_and(|answered| answered.at > limit) {
                    self.keep_shown(*request, &forgotten.reservation);
                }
            }
        }
    }

    pub(super) fn forget_movements(&mut self, now: Timestamp) {
        let movements = expired_movements(&self.kept, now);
        self.kept.remembered.drain(..movements);
    }

    pub(super) fn forget_answers(&mut self, now: Timestamp) {
        let answers = expired_answers(&self.kept, now);
        self.kept.answers.drain(..answers);
    }

    // What is past its time is forgotten lazily, when a record is applied; a bound is reached by
    // what is not, or nothing could ever be recorded again.

    pub(super) fn is_full_of_holds(&self, rules: &Rules) -> bool {
        let all = self.kept.holds.len();
        all >= rules.holds_max && all - self.lapsed_count() >= rules.holds_max
    }

    pub(super) fn is_full_of_led(&self, now: Timestamp, rules: &Rules) -> bool {
        let full = self.kept.led.len() >= rules.led_max;
        full && { self.kept.led.len() - self.forgettable(now).count() >= rules.led_max }
    }

    pub(super) fn is_full_of_movements(&self, now: Timestamp, rules: &Rules) -> bool {
        // What happened is not refused for the sake of what is remembered a day longer.
        let expired = expired_movements(&self.kept, now.plus_millis(UNHEARD_MS));
        self.kept.remembered.len() - expired >= rules.remembered_max
    }

    pub(super) fn is_full_of_answers(&self, now: Timestamp, rules: &Rules) -> bool {
        self.kept.answers.len() - expired_answers(&self.kept, now) >= rules.answers_max
    }
}

/// What is remembered in order is forgotten once it is a good part: the others are moved up then.
fn is_good_part(expired: usize, all: usize) -> bool {
    expired > 0 && expired * 4 >= all
}

fn expired_answers(kept: &Kept, now: Timestamp) -> usize {
    let limit = now.plus_millis(-FORGET_AFTER_MS);
    kept.answers
        .as_slice()
        .partition_point(|_, answered| answered.at <= limit)
}

fn expired_movements(kept: &Kept, now: Timestamp) -> usize {
    let limit = now.plus_millis(-REMEMBER_MOVEMENTS_MS);
    kept.remembered
        .as_slice()
        .partition_point(|_, one| one.recorded_at <= limit)
}
