//! Which keys are awake although nobody asks for them: those that owe something, and those whose
//! next deadline is near. It must not know what they do then.

use std::hash::BuildHasher;
use std::sync::Arc;

use futures::future;

use super::call::{Deliver, Wake};
use super::directory::Directory;
use super::schedule::Schedule;
use super::slots::{KeyHasher, Slot};
use crate::stock::{By, Command, Ledger, StockKey, Timestamp};

/// How long before its next deadline a key is awake: to wake it takes its time when thousands
/// share a moment.
pub(super) const AWAKE_BEFORE_MS: i64 = 5_000;

impl Directory {
    /// Wakes every key that owes something or that something is due at, and waits until the
    /// figures are right as of now. What they owe is under way then, see `Beside::idle`. The
    /// others are woken in time for their next deadline.
    pub async fn wake_busy(self: &Arc<Self>) -> usize {
        let keys = self.busy(self.context.clock.now());
        let mut awake = Vec::with_capacity(keys.len());
        for key in &keys {
            let (deliver, replied) = Deliver::reserved(By::onhand(), Command::Touch);
            if self.tell(key, deliver).is_ok() {
                awake.push(replied);
            }
        }
        // Whether leads could be asked at once is no matter here: keys go on asking.
        drop(future::join_all(awake).await);
        keys.len()
    }

    /// The keys to be woken at `now`; schedules the others that have a deadline.
    fn busy(&self, now: Timestamp) -> Vec<StockKey> {
        let mut busy = Vec::new();
        let mut later: Vec<Vec<(Timestamp, StockKey)>> = vec![Vec::new(); self.arbiters.len()];
        for shard in self.slots.each_shard() {
            for slot in shard.read().iter() {
                let Slot::Passive(passive) = slot else {
                    continue;
                };
                let deadline = Ledger::deadline_of_image(passive.image());
                let at = deadline.map(|at| at.plus_millis(-AWAKE_BEFORE_MS));
                if Ledger::is_busy_image(passive.image()) || at.is_some_and(|at| at <= now) {
                    busy.push(passive.stock_key());
                } else if let Some(at) = at {
                    let key = passive.stock_key();
                    later[self.arbiter_of(&key)].push((at, key));
                }
            }
        }
        for (schedule, keys) in self.schedules.iter().zip(later) {
            schedule.load(keys);
        }
        busy
    }

    /// When keys on the arbiter of `key` are to be woken.
    pub(super) fn schedule_of(&self, key: &StockKey) -> &Arc<Schedule> {
        &self.schedules[self.arbiter_of(key)]
    }

    pub(super) fn arbiter_of(&self, key: &StockKey) -> usize {
        KeyHasher::default().hash_one(key) as usize % self.arbiters.len()
    }

    /// Has the actor of `key` see to what is due; one that is woken for it does so by itself.
    pub(super) fn wake(self: &Arc<Self>, key: &StockKey) {
        self.active(key).addr.do_send(Wake);
    }
}
