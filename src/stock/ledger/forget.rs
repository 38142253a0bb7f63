//! What a ledger forgets: answers and resolved reservations after a day, movement ids after seven.

use super::super::reservation::ReservationId;
use super::super::time::Timestamp;
use super::{FORGET_AFTER_MS, Kept, Ledger, REMEMBER_MOVEMENTS_MS, Rules};

impl Ledger {
    /// Forgets what is past its time, once that is a good part of what is remembered.
    pub(super) fn forget_some(&mut self, now: Timestamp) {
        let lazily = |expired: usize, all: usize| expired > 0 && expired * 4 >= all;
        let kept = &self.kept;
        if lazily(expired_answers(kept, now), kept.answers.len())
            || lazily(expired_movements(kept, now), kept.remembered.len())
            || self.forgettable.first().is_some_and(|(at, _)| *at <= now)
        {
            self.forget(now);
        }
        while let Some((until, id)) = self.denials.first().copied()
            && until <= now
        {
            self.denials.pop_first();
            self.kept.denied.remove(&id);
        }
    }

    /// Forgets all that is past its time: answers and resolved reservations after a day,
    /// movement ids after seven.
    pub fn forget(&mut self, now: Timestamp) {
        self.forget_answers(now);
        let movements = expired_movements(&self.kept, now);
        self.kept.remembered.drain(..movements);
        let until = (now, ReservationId(u128::MAX));
        let due: Vec<_> = self.forgettable.range(..=until).copied().collect();
        for (at, id) in due {
            if !self.unsettled.contains(&id) {
                self.forgettable.remove(&(at, id));
                let forgotten = self.kept.led.remove(&id);
                let forgotten = forgotten.expect("what may be forgotten is led here");
                for request in &forgotten.answers {
                    self.keep_shown(*request, &forgotten.reservation);
                }
            }
        }
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
        full && {
            let until = (now, ReservationId(u128::MAX));
            let past = self.forgettable.range(..=until);
            let past = past.filter(|(_, id)| !self.unsettled.contains(id));
            self.kept.led.len() - past.count() >= rules.led_max
        }
    }

    pub(super) fn is_full_of_movements(&self, now: Timestamp, rules: &Rules) -> bool {
        self.kept.remembered.len() - expired_movements(&self.kept, now) >= rules.remembered_max
    }

    pub(super) fn is_full_of_answers(&self, now: Timestamp, rules: &Rules) -> bool {
        self.kept.answers.len() - expired_answers(&self.kept, now) >= rules.answers_max
    }
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
