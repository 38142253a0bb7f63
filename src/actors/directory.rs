//! Which actor serves which key. A key is passive, its ledger kept as bytes, or active, its
//! ledger in an actor; it goes from one to the other under its entry's lock, so that there is
//! never a second ledger of a key, nor none.

use std::collections::HashSet;
use std::mem;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use actix::prelude::SendError;
use actix::{Actor, Addr, ArbiterHandle, AsyncContext};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::Context;
use super::beside::Beside;
use super::call::{CallError, Deliver, Replied, TakeImage};
use super::contention::Contention;
use super::presence::Presence;
use super::schedule::Schedule;
use super::slots::{Active, Passive, SHARDS, Slot, Slots};
use super::stock_actor::StockActor;
use crate::journal::Position;
use crate::stock::{Ledger, Level, StockKey};
use crate::telemetry;

/// The actor that had a key's ledger is gone with its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the actors are stopping")]
pub struct Gone;

/// How many keys a list looks at before it lets others in.
const LOOK_AT_ONCE_MAX: usize = 1000;

/// All stock keys of the node.
pub struct Directory {
    pub(super) slots: Slots,
    /// Keys that changed since the last snapshot round.
    dirty: Mutex<HashSet<StockKey>>,
    /// Keys that came to rest since they were last moved together.
    scattered: AtomicUsize,
    pub(super) arbiters: Vec<ArbiterHandle>,
    /// When keys are to be woken, for each arbiter.
    pub(super) schedules: Vec<Arc<Schedule>>,
    /// Where callers contend for the same stock.
    pub(super) contention: Contention,
    /// What runs beside the actors.
    pub(super) beside: Beside,
    /// What the actors share.
    pub context: Context,
}

impl Directory {
    /// An empty directory whose actors live on `arbiters`.
    pub fn new(context: Context, arbiters: Vec<ArbiterHandle>) -> Arc<Directory> {
        assert!(!arbiters.is_empty(), "actors need an arbiter to live on");
        let schedules: Vec<Arc<Schedule>> = arbiters.iter().map(|_| Arc::default()).collect();
        Arc::new_cyclic(|directory: &Weak<Directory>| {
            for (arbiter, schedule) in arbiters.iter().zip(&schedules) {
                let clock = context.clock.clone();
                // An arbiter that is gone has no key to wake.
                arbiter.spawn(schedule.clone().run(directory.clone(), clock));
                arbiter.spawn(telemetry::keep_flushed());
            }
            Directory {
                slots: Slots::default(),
                dirty: Mutex::default(),
                scattered: AtomicUsize::new(0),
                contention: Contention::new(arbiters.len()),
                arbiters,
                schedules,
                beside: Beside::default(),
                context,
            }
        })
    }

    /// Takes keys of the snapshots, at recovery; those given later come after.
    pub fn load(&self, keys: Vec<Passive>) {
        self.slots.load(keys);
    }

    /// The part of the directory that `key` is in: keys of different parts may be replayed at the
    /// same time without standing in each other's way.
    pub fn part_of(key: &str) -> usize {
        Slots::shard_of(key)
    }

    /// The ledger of a key that no actor has: at recovery.
    pub fn resting_ledger(&self, key: &StockKey) -> Ledger {
        self.resting(key, Passive::ledger)
            .unwrap_or_else(|| Ledger::new(key.clone()))
    }

    /// The image of a key that no actor has: at recovery.
    pub fn resting_image(&self, key: &StockKey) -> Vec<u8> {
        self.resting(key, |passive| passive.image().to_vec())
            .unwrap_or_else(|| Ledger::new(key.clone()).image())
    }

    /// The next `limit` keys after `after` and their images, when no actor runs: at recovery.
    pub fn resting_after(
        &self,
        after: Option<&StockKey>,
        limit: usize,
    ) -> Vec<(StockKey, Vec<u8>)> {
        let mut found = Vec::with_capacity(limit);
        self.slots.walk("", after.map(StockKey::as_str), |slot| {
            if let Slot::Passive(passive) = slot {
                found.push((passive.stock_key(), passive.image().to_vec()));
            }
            match found.len() < limit {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        });
        found
    }

    fn resting<T>(&self, key: &StockKey, look: impl FnOnce(&Passive) -> T) -> Option<T> {
        self.slots.look(key.as_str(), |slot| match slot {
            Slot::Passive(passive) => look(passive),
            Slot::Active(_) => unreachable!("no actor runs before recovery is done"),
        })
    }

    /// Takes a ledger that changed since the snapshot, at recovery.
    pub fn load_changed(&self, ledger: &Ledger) {
        let passive = Passive::new(ledger.key(), &ledger.image());
        let mut shard = self.slots.shard_mut(ledger.key().as_str());
        shard.replace(Slot::Passive(passive));
    }

    /// Builds the indexes from what was loaded, on as many threads as there are cores.
    pub fn index(&self) {
        let shards: Vec<_> = self.slots.each_shard().collect();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            for part in shards.chunks(shards.len().div_ceil(threads)) {
                scope.spawn(move || {
                    for shard in part {
                        shard.read().iter().for_each(|slot| self.index_slot(slot));
                    }
                });
            }
        });
    }

    fn index_slot(&self, slot: &Slot) {
        let Slot::Passive(passive) = slot else { return };
        if !Ledger::is_indexed_image(passive.image()) {
            return;
        }
        let ledger = passive.ledger();
        for reservation in ledger.reservations() {
            self.context.reservations.publish(reservation);
        }
        for (key, body, at, _) in ledger.answers() {
            self.context.idempotency.load(key, body, at, ledger.key());
        }
    }

    /// The actor of `key`, woken or made if need be.
    pub(super) fn active(self: &Arc<Self>, key: &StockKey) -> Arc<Active> {
        let awake = self.slots.look(key.as_str(), |slot| match slot {
            Slot::Active(active) => Some(active.clone()),
            Slot::Passive(_) => None,
        });
        if let Some(active) = awake.flatten() {
            return active;
        }
        let mut shard = self.slots.shard_mut(key.as_str());
        let ledger = match shard.get(key.as_str().as_bytes()) {
            Some(Slot::Active(active)) => return active.clone(),
            Some(Slot::Passive(passive)) => passive.ledger(),
            None => Ledger::new(key.clone()),
        };
        let active = self.start(ledger);
        shard.replace(Slot::Active(active.clone()));
        active
    }

    /// Starts the actor on the arbiter that its key's hash says.
    fn start(self: &Arc<Self>, ledger: Ledger) -> Arc<Active> {
        let presence = Presence::new(&ledger);
        let key = ledger.key().clone();
        let arbiter = &self.arbiters[self.arbiter_of(&key)];
        let (directory, shown) = (self.clone(), presence.clone());
        let addr = StockActor::start_in_arbiter(arbiter, move |ctx| {
            StockActor::new(ledger, directory, shown, ctx.address())
        });
        Arc::new(Active {
            key,
            addr,
            presence,
        })
    }

    /// The ledger of the actor at `addr` goes to rest; called by the actor, which then only
    /// forwards.
    pub(super) fn passivate(&self, ledger: &Ledger, addr: &Addr<StockActor>) {
        let passive = Passive::new(ledger.key(), &ledger.image());
        let key = ledger.key().as_str();
        let mut shard = self.slots.shard_mut(key);
        let awake = matches!(
            shard.get(key.as_bytes()),
            Some(Slot::Active(active)) if active.addr == *addr
        );
        assert!(awake, "{key} has a second ledger");
        // A key that nothing ever happened to is not kept.
        if ledger.level().version > 0 {
            shard.replace(Slot::Passive(passive));
            self.scattered.fetch_add(1, Ordering::Relaxed);
        } else {
            shard.remove(key.as_bytes());
        }
    }

    /// Sends a command from outside; shed when too many wait for the actor.
    pub(super) fn send(
        self: &Arc<Self>,
        key: &StockKey,
        deliver: Deliver,
    ) -> Result<(), CallError> {
        let active = self.active(key);
        let waiting = active.presence.waiting();
        if waiting >= self.context.config.mailbox_capacity {
            active.presence.shed();
            return Err(CallError::Overloaded);
        }
        self.hand_in(key, active, deliver)
            .map_err(|Gone| CallError::Overloaded)
    }

    /// Sends a command that is never shed. Nobody can take it any more when the process is
    /// stopping; who waits for its answer hears that it was dropped.
    pub(super) fn tell(self: &Arc<Self>, key: &StockKey, deliver: Deliver) -> Result<(), Gone> {
        self.hand_in(key, self.active(key), deliver)
    }

    /// Puts a command into the mailbox of `active`, or of the actor that took its place. Fails
    /// only when the thread of the actors is gone: the process is stopping.
    fn hand_in(
        self: &Arc<Self>,
        key: &StockKey,
        mut active: Arc<Active>,
        mut deliver: Deliver,
    ) -> Result<(), Gone> {
        loop {
            active.presence.sent();
            // actix's own bound is per clone of an address, so a fresh one always takes one.
            deliver = match active.addr.clone().try_send(deliver) {
                Ok(()) => return Ok(()),
                Err(SendError::Full(deliver) | SendError::Closed(deliver)) => deliver,
            };
            active.presence.taken();
            let successor = self.active(key);
            if successor.addr == active.addr && !active.addr.connected() {
                return Err(Gone);
            }
            active = successor;
        }
    }

    /// Sends a command from outside and waits for its durable answer.
    pub(super) async fn call(
        self: &Arc<Self>,
        key: &StockKey,
        deliver: Deliver,
        replied: oneshot::Receiver<Replied>,
    ) -> Replied {
        self.send(key, deliver)?;
        self.reply(replied).await
    }

    /// Waits for an answer, a bounded time. An actor that drops a message did nothing with it.
    pub(super) async fn reply(&self, replied: oneshot::Receiver<Replied>) -> Replied {
        match tokio::time::timeout(self.context.config.command_timeout, replied).await {
            Ok(Ok(replied)) => replied,
            Ok(Err(_)) => Err(CallError::Overloaded),
            Err(_) => Err(CallError::OutcomeUnknown),
        }
    }

    /// The published figures of `key`; none if nobody ever heard of it.
    pub fn level(&self, key: &str) -> Option<Level> {
        self.slots.look(key, Slot::level)
    }

    /// The position of the newest published record that changed on hand; zero: none.
    pub(super) fn last_movement(&self, key: &StockKey) -> Option<u64> {
        self.slots.look(key.as_str(), |slot| match slot {
            Slot::Active(active) => active.presence.last_movement(),
            Slot::Passive(passive) => passive.ledger().last_movement(),
        })
    }

    /// Up to `limit` stocked keys after `after`, in order, that begin with `prefix` and end with
    /// `suffix`, with their figures; and after which key to go on, if there may be more.
    pub(super) fn page(
        &self,
        (prefix, suffix): (&str, &str),
        after: Option<&str>,
        limit: usize,
    ) -> (Vec<(StockKey, Level)>, Option<StockKey>) {
        let (mut found, mut looked, mut last) = (Vec::new(), 0, None);
        self.slots.walk(prefix, after, |slot| {
            looked += 1;
            if slot.key().ends_with(suffix.as_bytes()) {
                let level = slot.level();
                if level.stocked {
                    found.push((slot.stock_key(), level));
                }
            }
            if found.len() < limit && looked < LOOK_AT_ONCE_MAX {
                return ControlFlow::Continue(());
            }
            last = Some(slot.stock_key());
            ControlFlow::Break(())
        });
        (found, last)
    }

    /// Moves the passive keys together in memory once a good part of them came to rest one by one;
    /// `pause` is awaited between the steps, each of which keeps others waiting some 100 µs.
    pub async fn gather<F: Future<Output = ()>>(&self, pause: impl Fn() -> F) {
        const KEYS_AT_ONCE: usize = 128;
        if self.scattered.load(Ordering::Relaxed) * 8 < self.len() {
            return;
        }
        self.scattered.store(0, Ordering::Relaxed);
        for shard in 0..SHARDS {
            let mut after = None;
            while let Some(last) = self.slots.repack(shard, after.as_deref(), KEYS_AT_ONCE) {
                after = Some(last);
                pause().await;
            }
        }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The key changed and is to be part of the next snapshot round.
    pub fn mark_dirty(&self, key: &StockKey) {
        self.dirty.lock().insert(key.clone());
    }

    /// The keys that changed since this was last called.
    pub fn take_dirty(&self) -> HashSet<StockKey> {
        mem::take(&mut *self.dirty.lock())
    }

    /// The image of a key and the position of the newest record in it; none if it never had one.
    ///
    /// # Errors
    /// The thread of the key's actor is gone, and its ledger with it: the process is stopping.
    pub async fn image(&self, key: &StockKey) -> Result<Option<(Vec<u8>, Position)>, Gone> {
        loop {
            let found = self.slots.look(key.as_str(), |slot| match slot {
                Slot::Passive(passive) => Err(passive.image().to_vec()),
                Slot::Active(active) => Ok(active.clone()),
            });
            let active = match found {
                None => return Ok(None),
                Some(Err(image)) => return Ok(Some((image, Position::ZERO))),
                Some(Ok(active)) => active,
            };
            let (reply, image) = oneshot::channel();
            active.addr.do_send(TakeImage { reply });
            if let Ok(image) = image.await {
                return Ok(Some(image));
            }
            let same = |slot: &Slot| matches!(slot, Slot::Active(now) if now.addr == active.addr);
            if self.slots.look(key.as_str(), same) == Some(true) {
                return Err(Gone);
            }
        }
    }
}
