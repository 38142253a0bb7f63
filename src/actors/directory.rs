//! Which actor serves which key. A key is passive, its ledger kept as bytes, or active, its
//! ledger in an actor; it goes from one to the other under its entry's lock, so that there is
//! never a second ledger of a key, nor none.

use std::collections::{BTreeSet, HashSet};
use std::hash::BuildHasher;
use std::mem;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix::prelude::SendError;
use actix::{Actor, Addr, ArbiterHandle, AsyncContext};
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use futures::future;
use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, Semaphore, SemaphorePermit, oneshot};

use super::Context;
use super::call::{CallError, Deliver, Replied, TakeImage};
use super::presence::Presence;
use super::stock_actor::StockActor;
use crate::journal::Position;
use crate::stock::{By, Command, Ledger, Level, StockKey};

/// How many messages that nobody waits for are under way to followers.
const SETTLING_AT_ONCE_MAX: usize = 64;

/// The actor that had a key's ledger is gone with its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the actors are stopping")]
pub struct Gone;

/// Hashes keys: they come from the catalogue, not from strangers, so a fast hash will do.
type KeyHasher = xxhash_rust::xxh3::Xxh3DefaultBuilder;

/// All stock keys of the node.
pub struct Directory {
    slots: DashMap<StockKey, Slot, KeyHasher>,
    /// The same keys in order, for lists.
    ordered: RwLock<BTreeSet<StockKey>>,
    /// Keys that changed since the last snapshot round.
    dirty: Mutex<HashSet<StockKey>>,
    arbiters: Vec<ArbiterHandle>,
    /// Tasks that run beside actors.
    errands: AtomicUsize,
    errands_done: Notify,
    /// Turns of messages that nobody waits for.
    settling: Semaphore,
    /// What the actors share.
    pub context: Context,
}

enum Slot {
    Passive(Box<[u8]>),
    Active(Active),
}

#[derive(Clone)]
struct Active {
    addr: Addr<StockActor>,
    presence: Arc<Presence>,
}

impl Slot {
    fn level(&self) -> Level {
        match self {
            Slot::Passive(image) => level_of(image),
            Slot::Active(active) => active.presence.level(),
        }
    }
}

fn ledger_of(key: &StockKey, image: &[u8]) -> Ledger {
    let ledger = Ledger::from_image(key.clone(), image);
    ledger.expect("an image is read only as it was written")
}

fn level_of(image: &[u8]) -> Level {
    Ledger::level_of_image(image).expect("an image is read only as it was written")
}

impl Directory {
    /// An empty directory whose actors live on `arbiters`.
    pub fn new(context: Context, arbiters: Vec<ArbiterHandle>) -> Arc<Directory> {
        assert!(!arbiters.is_empty(), "actors need an arbiter to live on");
        Arc::new(Directory {
            slots: DashMap::with_hasher(KeyHasher::default()),
            ordered: RwLock::default(),
            dirty: Mutex::default(),
            arbiters,
            errands: AtomicUsize::new(0),
            errands_done: Notify::new(),
            settling: Semaphore::new(SETTLING_AT_ONCE_MAX),
            context,
        })
    }

    /// Takes the keys and images of the snapshots, at recovery.
    pub fn load(&self, keys: Vec<(StockKey, Vec<u8>)>) {
        self.ordered
            .write()
            .extend(keys.iter().map(|(key, _)| key.clone()));
        for (key, image) in keys {
            self.slots.insert(key, Slot::Passive(image.into()));
        }
    }

    /// The ledger of a key that no actor has: at recovery.
    pub fn resting_ledger(&self, key: &StockKey) -> Ledger {
        match self.slots.get(key).as_deref() {
            Some(Slot::Passive(image)) => ledger_of(key, image),
            Some(Slot::Active(_)) => unreachable!("no actor runs before recovery is done"),
            None => Ledger::new(key.clone()),
        }
    }

    /// Takes a ledger that changed since the snapshot, at recovery.
    pub fn load_changed(&self, ledger: &Ledger) {
        self.mark_dirty(ledger.key());
        self.ordered.write().insert(ledger.key().clone());
        let image = ledger.image().into();
        self.slots
            .insert(ledger.key().clone(), Slot::Passive(image));
    }

    /// Builds the indexes from what was loaded.
    pub fn index(&self) {
        for slot in &self.slots {
            if let Slot::Passive(image) = slot.value() {
                let ledger = ledger_of(slot.key(), image);
                for reservation in ledger.reservations() {
                    self.context.reservations.publish(reservation);
                }
                for (key, body, at, _) in ledger.answers() {
                    self.context.idempotency.load(key, body, at, ledger.key());
                }
            }
        }
    }

    /// Wakes every key that something will happen to by itself, or that owes something, and
    /// waits until what is due by now is recorded. What they owe is under way then, see `idle`.
    pub async fn wake_busy(self: &Arc<Self>) -> usize {
        let busy = |key: &StockKey, slot: &Slot| match slot {
            Slot::Passive(image) => !ledger_of(key, image).is_idle(),
            Slot::Active(_) => false,
        };
        let slots = self.slots.iter();
        let busy = slots.filter(|slot| busy(slot.key(), slot.value()));
        let keys: Vec<StockKey> = busy.map(|slot| slot.key().clone()).collect();
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

    /// The actor of `key`, woken or made if need be.
    fn active(self: &Arc<Self>, key: &StockKey) -> Active {
        if let Some(slot) = self.slots.get(key)
            && let Slot::Active(active) = slot.value()
        {
            return active.clone();
        }
        match self.slots.entry(key.clone()) {
            Entry::Occupied(mut slot) => match slot.get_mut() {
                Slot::Active(active) => active.clone(),
                Slot::Passive(image) => {
                    let active = self.start(ledger_of(key, image));
                    slot.insert(Slot::Active(active.clone()));
                    active
                }
            },
            Entry::Vacant(slot) => {
                self.ordered.write().insert(key.clone());
                let active = self.start(Ledger::new(key.clone()));
                slot.insert(Slot::Active(active.clone()));
                active
            }
        }
    }

    /// Starts the actor on the arbiter that its key's hash says.
    fn start(self: &Arc<Self>, ledger: Ledger) -> Active {
        let presence = Presence::new(&ledger);
        let place = KeyHasher::default().hash_one(ledger.key()) as usize % self.arbiters.len();
        let (directory, shown) = (self.clone(), presence.clone());
        let addr = StockActor::start_in_arbiter(&self.arbiters[place], move |ctx| {
            StockActor::new(ledger, directory, shown, ctx.address())
        });
        Active { addr, presence }
    }

    /// The ledger of the actor at `addr` goes to rest; called by the actor, which then only
    /// forwards.
    pub(super) fn passivate(&self, ledger: &Ledger, addr: &Addr<StockActor>) {
        let image = ledger.image().into();
        let Entry::Occupied(mut slot) = self.slots.entry(ledger.key().clone()) else {
            unreachable!("{} goes to rest and was never awake", ledger.key())
        };
        let awake = matches!(slot.get(), Slot::Active(active) if active.addr == *addr);
        assert!(awake, "{} has a second ledger", ledger.key());
        if ledger.level().version > 0 {
            slot.insert(Slot::Passive(image));
            return;
        }
        // Under the entry's lock, so that nobody who makes the key anew comes in between.
        self.ordered.write().remove(ledger.key());
        slot.remove();
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
        mut active: Active,
        mut deliver: Deliver,
    ) -> Result<(), Gone> {
        loop {
            active.presence.sent();
            // actix's own bound is per clone of an address, so a fresh one always takes one.
            deliver = match active.addr.try_send(deliver) {
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
        self.slots.get(key).map(|slot| slot.level())
    }

    /// The position of the newest published record that changed on hand; zero: none.
    pub(super) fn last_movement(&self, key: &StockKey) -> Option<u64> {
        Some(match self.slots.get(key)?.value() {
            Slot::Active(active) => active.presence.last_movement(),
            Slot::Passive(image) => ledger_of(key, image).last_movement(),
        })
    }

    /// Up to `limit` keys after `after`, in order, that begin with `prefix`.
    pub(super) fn keys(&self, prefix: &str, after: Option<&str>, limit: usize) -> Vec<StockKey> {
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            Some(_) | None => Bound::Included(prefix),
        };
        let ordered = self.ordered.read();
        let keys = ordered.range::<str, _>((from, Bound::Unbounded));
        keys.take_while(|key| key.as_str().starts_with(prefix))
            .take(limit)
            .cloned()
            .collect()
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.ordered.read().len()
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
            let addr = match self.slots.get(key).as_deref() {
                None => return Ok(None),
                Some(Slot::Passive(image)) => {
                    return Ok(Some((image.to_vec(), Position::ZERO)));
                }
                Some(Slot::Active(active)) => active.addr.clone(),
            };
            let (reply, image) = oneshot::channel();
            addr.do_send(TakeImage { reply });
            if let Ok(image) = image.await {
                return Ok(Some(image));
            }
            if matches!(self.slots.get(key).as_deref(), Some(Slot::Active(now)) if now.addr == addr)
            {
                return Err(Gone);
            }
        }
    }

    /// Runs work beside an actor; `idle` waits for all of it.
    pub(super) fn run_errand(self: &Arc<Self>, work: impl Future<Output = ()> + 'static) {
        self.errands.fetch_add(1, Ordering::Relaxed);
        let running = Running(self.clone());
        actix::spawn(async move {
            work.await;
            drop(running);
        });
    }

    /// A turn to tell a follower what nobody waits for.
    pub(super) async fn settling_turn(&self) -> SemaphorePermit<'_> {
        let turn = self.settling.acquire().await;
        turn.expect("it is never closed")
    }

    /// Waits until no work runs beside the actors.
    pub async fn idle(&self) {
        loop {
            let done = self.errands_done.notified();
            if self.errands.load(Ordering::Acquire) == 0 {
                return;
            }
            done.await;
        }
    }
}

/// An errand that runs, until it is done or its thread is gone.
struct Running(Arc<Directory>);

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.errands.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.errands_done.notify_waiters();
        }
    }
}
