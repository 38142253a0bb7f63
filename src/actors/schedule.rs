//! When the keys of one thread of actors are next to be woken for a deadline: one timer for all of
//! them, so that a key needs no actor to wait for its deadlines, and so that a flood of deadlines
//! is taken a few at a time, with all others on the thread served in between. It must not know what
//! falls due.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Weak};

use actix::Addr;
use futures::future;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::call::Wake;
use super::directory::Directory;
use super::stock_actor::StockActor;
use crate::clock::Clock;
use crate::stock::{StockKey, Timestamp};

/// How many keys are woken before everyone else on the thread has a turn.
const WAKE_AT_ONCE_MAX: usize = 32;

/// The actor to be woken, if the key has one: to look for it among all keys would take longer.
type Woken = Option<Addr<StockActor>>;

/// When keys are to be woken.
#[derive(Default)]
pub(super) struct Schedule {
    due: Mutex<BTreeMap<(Timestamp, StockKey), Woken>>,
    /// Told when the first entry came to be another, earlier one.
    sooner: Notify,
}

impl Schedule {
    /// Has `key`, whose actor is `addr`, woken at `new` instead of at `old`.
    pub fn change(
        &self,
        key: &StockKey,
        addr: Woken,
        old: Option<Timestamp>,
        new: Option<Timestamp>,
    ) {
        let mut due = self.due.lock();
        if let Some(old) = old {
            due.remove(&(old, key.clone()));
        }
        let Some(new) = new else { return };
        let is_first = due
            .first_key_value()
            .is_none_or(|((first, _), _)| new < *first);
        due.insert((new, key.clone()), addr);
        drop(due);
        if is_first {
            self.sooner.notify_one();
        }
    }

    /// Takes many at once: at recovery.
    pub fn load(&self, keys: Vec<(Timestamp, StockKey)>) {
        let mut loaded: BTreeMap<_, _> = keys.into_iter().map(|entry| (entry, None)).collect();
        let due = &mut *self.due.lock();
        loaded.append(due);
        *due = loaded;
        self.sooner.notify_one();
    }

    /// Wakes keys at their time until the directory is gone.
    pub async fn run(self: Arc<Self>, directory: Weak<Directory>, clock: Clock) {
        loop {
            let keys = self.take_due(clock.now());
            if keys.is_empty() {
                self.sleep(&clock).await;
                continue;
            }
            let Some(directory) = directory.upgrade() else {
                return;
            };
            for (key, addr) in keys {
                match addr {
                    Some(addr) => addr.do_send(Wake),
                    None => directory.wake(&key),
                }
            }
            drop(directory);
            // It goes on once nothing else on this thread is ready to run.
            tokio::task::yield_now().await;
        }
    }

    fn take_due(&self, now: Timestamp) -> Vec<(StockKey, Woken)> {
        let due = &mut *self.due.lock();
        let mut keys = Vec::new();
        while keys.len() < WAKE_AT_ONCE_MAX
            && let Some(first) = due.first_entry()
            && first.key().0 <= now
        {
            let ((_, key), addr) = first.remove_entry();
            keys.push((key, addr));
        }
        keys
    }

    /// Sleeps until the first is due, or another comes to be the first.
    async fn sleep(&self, clock: &Clock) {
        let first = self.due.lock().first_key_value().map(|((at, _), _)| *at);
        let sooner = pin!(self.sooner.notified());
        match first {
            Some(at) => {
                future::select(sooner, pin!(clock.sleep_until(at))).await;
            }
            None => sooner.await,
        }
    }
}
