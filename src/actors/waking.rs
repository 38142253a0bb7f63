//! Which keys are awake although nobody asks for them: those that owe something, those whose next
//! deadline is near, and those so large that waking them would hold up others. It must not know
//! what they do then.

use std::sync::Arc;

use super::call::Deliver;
use super::directory::{Directory, hash};
use super::reply::Replies;
use super::schedule::Schedule;
use super::slots::Slot;
use crate::stock::{By, Command, Ledger, StockKey, Timestamp};

/// How long before its next deadline a key is awake: to wake it takes its time when thousands
/// share a moment.
pub(super) const AWAKE_BEFORE_MS: i64 = 5_000;

/// The largest image of a key that stays at rest after a start: it is read in some milliseconds.
const REST_BYTES_MAX: usize = 512 * 1024;

impl Directory {
    /// Wakes every key that owes something or that something is due at, and the large ones, and
    /// waits until the figures are right as of now. What they owe is under way then, see
    /// `Beside::idle`. The others are woken in time for their next deadline.
    pub async fn wake_busy(self: &Arc<Self>) -> usize {
        let keys = self.busy(self.context.clock.now());
        let count = keys.len();
        let (mut touched, replies) = Replies::of(count);
        let touches = keys.into_iter().zip(replies).map(|(key, reply)| {
            let touch = Deliver::answering(reply, By::onhand(), Command::Touch);
            let reserved = true;
            (key, Deliver { reserved, ..touch })
        });
        self.tell_all(touches);
        // Whether leads could be asked at once is no matter here: keys go on asking.
        touched.complete().await;
        count
    }

    /// The keys to be woken at `now`; schedules the others that have a deadline.
    fn busy(&self, now: Timestamp) -> Vec<StockKey> {
        let mut busy = Vec::new();
        let mut later: Vec<Vec<(Timestamp, StockKey)>> = vec![Vec::new(); self.hosts.len()];
        for shard in self.slots.each_shard() {
            for slot in shard.read().iter() {
                let Slot::Passive(passive) = slot else {
                    continue;
                };
                let deadline = Ledger::deadline_of_image(passive.image());
                let at = deadline.map(|at| at.plus_millis(-AWAKE_BEFORE_MS));
                let is_large = passive.image().len() > REST_BYTES_MAX;
                let is_busy = is_large || Ledger::is_busy_image(passive.image());
                if is_busy || at.is_some_and(|at| at <= now) {
                    busy.push(passive.stock_key());
                } else if let Some(at) = at {
                    let key = passive.stock_key();
                    later[self.host_of(hash(&key))].push((at, key));
                }
            }
        }
        for (schedule, keys) in self.schedules.iter().zip(later) {
            schedule.load(keys);
        }
        busy
    }

    /// When the keys of the host of `key` are to be woken.
    pub(super) fn schedule_of(&self, key: &StockKey) -> &Arc<Schedule> {
        &self.schedules[self.host_of(hash(key))]
    }
}
