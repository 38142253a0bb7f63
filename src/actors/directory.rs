//! Where every key is, and who serves it. A key is passive, its ledger kept here as bytes, or
//! active, its ledger with its host, which alone takes it and brings it back.

use std::hash::BuildHasher;
use std::mem;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use actix::{Actor, Addr, ArbiterHandle};
use dashmap::DashMap;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::Context;
use super::beside::Beside;
use super::call::{CallError, Deliver, Deliveries, Done, Replied};
use super::contention::Contention;
use super::host::Host;
use super::presence::Presence;
use super::schedule::Schedule;
use super::slots::{Gathered, KeyHasher, Passive, SHARDS, Slot, Slots};
use super::waiting::Waiting;
use crate::stock::command::Acknowledgements;
use crate::stock::{Ledger, Level, StockKey};
use crate::telemetry::{self, timings};

/// The actor that had a key's ledger is gone with its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the actors are stopping")]
pub struct Gone;

/// How many keys a list looks at before it lets others in.
const LOOK_AT_ONCE_MAX: usize = 1000;

/// All stock keys of the node.
pub struct Directory {
    pub(super) slots: Slots,
    /// What the active keys of `slots` show, found without a walk through a tree whose keys lie all
    /// over the memory.
    active: DashMap<StockKey, Arc<Presence>, KeyHasher>,
    /// Keys that changed since the last snapshot round, some of them more than once. No set: one
    /// that grows past a million keys keeps everyone waiting while it is built anew.
    dirty: Mutex<Vec<StockKey>>,
    /// Keys that came to rest since they were last moved together.
    scattered: AtomicUsize,
    /// Who has the ledgers of keys that are awake.
    pub(super) hosts: Vec<Addr<Host>>,
    /// When keys are to be woken, for each host.
    pub(super) schedules: Vec<Arc<Schedule>>,
    /// How many messages wait for keys.
    pub(super) waiting: Waiting,
    /// Where callers contend for the same stock.
    pub(super) contention: Contention,
    /// What runs beside the actors.
    pub(super) beside: Beside,
    /// What the actors share.
    pub context: Context,
}

impl Directory {
    /// An empty directory whose actors live on `arbiters`.
    pub fn new(context: Context, arbiters: &[ArbiterHandle]) -> Arc<Directory> {
        assert!(!arbiters.is_empty(), "actors need an arbiter to live on");
        Arc::new_cyclic(|directory: &Weak<Directory>| {
            let (mut hosts, mut schedules) = (Vec::new(), Vec::new());
            for arbiter in arbiters {
                let (directory, schedule) = (directory.clone(), Arc::<Schedule>::default());
                let host = Host::start_in_arbiter(arbiter, |_| Host::new(directory));
                // An arbiter that is gone has no key to wake.
                arbiter.spawn(schedule.clone().run(host.clone(), context.clock.clone()));
                arbiter.spawn(telemetry::keep_flushed());
                hosts.push(host);
                schedules.push(schedule);
            }
            Directory {
                slots: Slots::default(),
                active: DashMap::with_hasher_and_shard_amount(KeyHasher::default(), SHARDS),
                dirty: Mutex::default(),
                scattered: AtomicUsize::new(0),
                hosts,
                schedules,
                waiting: Waiting::default(),
                contention: Contention::new(arbiters.len()),
                beside: Beside::default(),
                context,
            }
        })
    }

    /// Takes the keys of the snapshots, at recovery.
    pub fn load(&self, keys: Gathered) {
        self.slots.load(keys);
    }

    /// The part of the directory that `key` is in: keys of different parts may be replayed at the
    /// same time without standing in each other's way.
    pub fn part_of(key: &str) -> usize {
        Slots::shard_of(key)
    }

    /// The ledger of a key that no actor has: at recovery.
    pub fn resting_ledger(&self, key: &StockKey) -> Ledger {
        let ledger = self.slots.look(key.as_str(), |slot| match slot {
            Slot::Passive(passive) => passive.ledger(key),
            Slot::Active(_) => unreachable!("no actor runs before recovery is done"),
        });
        ledger.unwrap_or_else(|| Ledger::new(key.clone()))
    }

    /// Takes a ledger that changed since the snapshot, at recovery.
    pub fn load_changed(&self, ledger: &Ledger) {
        let passive = Passive::new(ledger.key().as_str(), &ledger.image());
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
        let ledger = passive.ledger(&passive.stock_key());
        for reservation in ledger.reservations() {
            self.context.reservations.publish(reservation);
        }
        for (key, body, at, _) in ledger.answers() {
            self.context.idempotency.load(key, body, at, ledger.key());
        }
    }

    /// Wakes `key`, whose host asks: its ledger, and what it shows from now on.
    pub(super) fn activate(&self, key: &StockKey) -> (Ledger, Arc<Presence>) {
        let ledger = self.slots.look(key.as_str(), |slot| match slot {
            Slot::Passive(passive) => passive.ledger(key),
            Slot::Active(_) => unreachable!("its host has no actor for it"),
        });
        let ledger = ledger.unwrap_or_else(|| Ledger::new(key.clone()));
        let presence = Presence::new(&ledger);
        let mut shard = self.slots.shard_mut(key.as_str());
        shard.replace(Slot::Active(presence.clone()));
        drop(shard);
        self.active.insert(key.clone(), presence.clone());
        (ledger, presence)
    }

    /// Puts a ledger to rest, whose host gives it up.
    pub(super) fn passivate(&self, ledger: &Ledger) {
        let passive = Passive::new(ledger.key().as_str(), &ledger.image());
        let key = ledger.key().as_str();
        // Who looks now finds the same figures in its slot.
        self.active.remove(key);
        let mut shard = self.slots.shard_mut(key);
        // A key that nothing ever happened to is not kept.
        if ledger.level().version > 0 {
            shard.replace(Slot::Passive(passive));
            self.scattered.fetch_add(1, Ordering::Relaxed);
        } else {
            shard.remove(key.as_bytes());
        }
    }

    /// Which host has the key of this hash.
    pub(super) fn host_of(&self, hash: u64) -> usize {
        // Other bits than those by which the counters and a host's own table find a place.
        (hash >> 48) as usize % self.hosts.len()
    }

    /// Sends a command from outside; shed when too many wait for the key.
    pub(super) fn send(&self, key: &StockKey, deliver: Deliver) -> Result<(), CallError> {
        let hash = hash(key);
        if self.waiting.count(hash) >= self.context.config.mailbox_capacity {
            self.waiting.shed(hash);
            return Err(CallError::Overloaded);
        }
        self.waiting.sent(hash);
        self.hand_in(self.host_of(hash), vec![(key.clone(), deliver)])
            .map_err(|Gone| CallError::Overloaded)
    }

    /// Sends commands from outside, a message for each host; those to a key that too many wait for
    /// are dropped.
    pub(super) fn send_all(&self, deliveries: Vec<(StockKey, Deliver)>) {
        let capacity = self.context.config.mailbox_capacity;
        let has_room = |(key, _): &(StockKey, Deliver)| {
            let has_room = self.waiting.count(hash(key)) < capacity;
            if !has_room {
                self.waiting.shed(hash(key));
            }
            has_room
        };
        self.tell_all(deliveries.into_iter().filter(has_room));
    }

    /// Sends a command that is never shed. Nobody can take it any more when the process is
    /// stopping; who waits for its answer hears that it was dropped.
    pub(super) fn tell(&self, key: &StockKey, deliver: Deliver) -> Result<(), Gone> {
        let hash = hash(key);
        self.waiting.sent(hash);
        self.hand_in(self.host_of(hash), vec![(key.clone(), deliver)])
    }

    /// Sends commands that are never shed, a message for each host. Of a message the last command
    /// is timed, which waits the longest; all are if their spans are looked at.
    pub(super) fn tell_all(&self, deliveries: impl IntoIterator<Item = (StockKey, Deliver)>) {
        let deliveries = deliveries.into_iter();
        let most = deliveries.size_hint().1.unwrap_or_default();
        let share = || Vec::with_capacity(most.div_ceil(self.hosts.len()));
        let mut by_host: Vec<Vec<_>> = self.hosts.iter().map(|_| share()).collect();
        for (key, deliver) in deliveries {
            let hash = hash(&key);
            self.waiting.sent(hash);
            by_host[self.host_of(hash)].push((key, deliver));
        }
        let timings = timings::current();
        for (host, mut deliveries) in by_host.into_iter().enumerate() {
            if let Some(timings) = &timings {
                let timed = if timings.is_traced() {
                    deliveries.len()
                } else {
                    1
                };
                for (_, deliver) in deliveries.iter_mut().rev().take(timed) {
                    deliver.timings = Some(timings.clone());
                }
            }
            if !deliveries.is_empty() && self.hand_in(host, deliveries).is_err() {
                tracing::debug!("commands for actors that are stopping");
            }
        }
    }

    /// Tells a key what others have done for it.
    pub(super) fn done(&self, key: &StockKey, done: Acknowledgements) {
        self.hosts[self.host_of(hash(key))].do_send(Done(key.clone(), done));
    }

    /// Puts commands into the mailbox of a host, whose bound is `waiting`. Fails only when its
    /// thread is gone: the process is stopping.
    fn hand_in(&self, host: usize, deliveries: Vec<(StockKey, Deliver)>) -> Result<(), Gone> {
        let host = &self.hosts[host];
        if !host.connected() {
            return Err(Gone);
        }
        host.do_send(Deliveries(deliveries));
        Ok(())
    }

    /// Sends a command from outside, at once, so that nobody need keep it; then waits for its
    /// durable answer.
    pub(super) fn call(
        &self,
        key: &StockKey,
        deliver: Deliver,
        replied: oneshot::Receiver<Replied>,
    ) -> impl Future<Output = Replied> + use<'_> {
        let sent = self.send(key, deliver);
        async move {
            sent?;
            self.reply(replied).await
        }
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
        let active = self.active.get(key).map(|presence| presence.level());
        active.or_else(|| self.slots.look(key, Slot::level))
    }

    /// The position of the newest published record that changed on hand; zero: none.
    pub(super) fn last_movement(&self, key: &StockKey) -> Option<u64> {
        self.slots.look(key.as_str(), |slot| match slot {
            Slot::Active(presence) => presence.last_movement(),
            Slot::Passive(passive) => passive.ledger(key).last_movement(),
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
        self.dirty.lock().push(key.clone());
    }

    /// The same of many keys.
    pub fn mark_all_dirty(&self, keys: Vec<StockKey>) {
        self.dirty.lock().extend(keys);
    }

    /// The keys that changed since this was last called, some of them more than once.
    pub fn take_dirty(&self) -> Vec<StockKey> {
        mem::take(&mut *self.dirty.lock())
    }
}

/// The hash that says where a key's host is and what else the node keeps by key.
pub(super) fn hash(key: &StockKey) -> u64 {
    KeyHasher::default().hash_one(key)
}
