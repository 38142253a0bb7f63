//! When the keys of one host are next to be woken: one timer for all of them, so that a key need
//! not be awake to wait for its deadlines, and so that a flood of deadlines is taken a few at a
//! time, with all others of the host served in between. It must not know what falls due.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;

use actix::Addr;
use futures::future;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::call::Wake;
use super::directory::hash;
use super::host::Host;
use crate::clock::Clock;
use crate::stock::{StockKey, Timestamp};

/// How many keys are woken before everyone else on the thread has a turn.
const WAKE_AT_ONCE_MAX: usize = 32;

/// When a key is to be woken. The hash of the key orders those of one moment: there may be
/// thousands, and their texts lie all over the memory.
type Entry = (Timestamp, u64, StockKey);

/// When keys are to be woken.
#[derive(Default)]
pub(super) struct Schedule {
    due: Mutex<BTreeSet<Entry>>,
    /// Told when the first entry came to be another, earlier one.
    sooner: Notify,
}

impl Schedule {
    /// Has `key` woken at `new` instead of at `old`.
    pub fn change(&self, key: &StockKey, old: Option<Timestamp>, new: Option<Timestamp>) {
        let hash = hash(key);
        let mut due = self.due.lock();
        if let Some(old) = old {
            due.remove(&(old, hash, key.clone()));
        }
        let Some(new) = new else { return };
        let is_first = due.first().is_none_or(|(first, ..)| new < *first);
        due.insert((new, hash, key.clone()));
        drop(due);
        if is_first {
            self.sooner.notify_one();
        }
    }

    /// Takes many at once: at recovery.
    pub fn load(&self, keys: Vec<(Timestamp, StockKey)>) {
        let entry = |(at, key)| (at, hash(&key), key);
        let mut loaded: BTreeSet<_> = keys.into_iter().map(entry).collect();
        let due = &mut *self.due.lock();
        loaded.append(due);
        *due = loaded;
        self.sooner.notify_one();
    }

    /// Has the host at `addr` wake keys at their time, until it is gone.
    pub async fn run(self: Arc<Self>, addr: Addr<Host>, clock: Clock) {
        while addr.connected() {
            let keys = self.take_due(clock.now());
            if keys.is_empty() {
                self.sleep(&clock).await;
                continue;
            }
            // It goes on once these were woken, and whoever came before them was served.
            if addr.send(Wake(keys)).await.is_err() {
                return;
            }
        }
    }

    fn take_due(&self, now: Timestamp) -> Vec<StockKey> {
        let due = &mut *self.due.lock();
        let mut keys = Vec::new();
        while keys.len() < WAKE_AT_ONCE_MAX
            && due.first().is_some_and(|(first, ..)| *first <= now)
            && let Some((_, _, key)) = due.pop_first()
        {
            keys.push(key);
        }
        keys
    }

    /// Sleeps until the first is due, or another comes to be the first.
    async fn sleep(&self, clock: &Clock) {
        let first = self.due.lock().first().map(|(at, ..)| *at);
        let sooner = pin!(self.sooner.notified());
        match first {
            Some(at) => {
                future::select(sooner, pin!(clock.sleep_until(at))).await;
            }
            None => sooner.await,
        }
    }
}
