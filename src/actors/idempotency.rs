//! The one index of Idempotency-Keys of the node: claimed before anything is held, done when the
//! answer is durable. The answers themselves are in the ledgers of the leads; this knows which.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use super::call::CallError;
use super::slots::KeyHasher;
use crate::stock::ledger::FORGET_AFTER_MS;
use crate::stock::{Refusal, StockKey, Timestamp, command::Idempotency};

/// Which requests run or were answered within a day.
pub struct IdempotencyIndex {
    requests: DashMap<u128, Request, KeyHasher>,
    /// How many there are; the map would lock all its shards to tell.
    keys: AtomicUsize,
    keys_max: usize,
}

enum Request {
    Running,
    Done {
        body: u128,
        at: Timestamp,
        lead: StockKey,
    },
}

/// What a request finds.
pub enum Claimed {
    /// It is the first.
    First(Claim),
    /// It was answered, by this lead.
    Repeated(StockKey),
}

/// A request that runs. Dropped before it was answered, the key is free again.
pub struct Claim {
    index: Arc<IdempotencyIndex>,
    idempotency: Idempotency,
    answered: bool,
}

impl IdempotencyIndex {
    /// An empty index of at most `keys_max` keys.
    pub fn new(keys_max: usize) -> Arc<IdempotencyIndex> {
        Arc::new(IdempotencyIndex {
            requests: DashMap::default(),
            keys: AtomicUsize::new(0),
            keys_max,
        })
    }

    /// Claims the key for this request, or says what became of it.
    pub fn claim(
        self: &Arc<Self>,
        idempotency: Idempotency,
        now: Timestamp,
    ) -> Result<Claimed, CallError> {
        let is_full = self.keys.load(Ordering::Relaxed) >= self.keys_max;
        let limit = now.plus_millis(-FORGET_AFTER_MS);
        match self.requests.entry(idempotency.key) {
            Entry::Vacant(_) if is_full => return Err(CallError::Overloaded),
            Entry::Vacant(vacant) => {
                self.keys.fetch_add(1, Ordering::Relaxed);
                drop(vacant.insert(Request::Running));
            }
            Entry::Occupied(mut occupied) => match occupied.get() {
                Request::Running => return Err(CallError::IdempotencyInProgress),
                // Its lead may have forgotten the answer by now.
                Request::Done { at, .. } if *at <= limit => {
                    occupied.insert(Request::Running);
                }
                Request::Done { body, lead, .. } if *body == idempotency.body => {
                    return Ok(Claimed::Repeated(lead.clone()));
                }
                Request::Done { .. } => return Err(Refusal::IdempotencyMismatch.into()),
            },
        }
        let (index, answered) = (self.clone(), false);
        Ok(Claimed::First(Claim {
            index,
            idempotency,
            answered,
        }))
    }

    /// Takes an answer that a ledger remembers, at recovery.
    pub fn load(&self, key: u128, body: u128, at: Timestamp, lead: &StockKey) {
        let lead = lead.clone();
        if self
            .requests
            .insert(key, Request::Done { body, at, lead })
            .is_none()
        {
            self.keys.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Forgets what was answered a day before `now`.
    pub fn forget(&self, now: Timestamp) {
        let limit = now.plus_millis(-FORGET_AFTER_MS);
        let kept = |request: &Request| match request {
            Request::Running => true,
            Request::Done { at, .. } => *at > limit,
        };
        self.requests.retain(|_, request| {
            let kept = kept(request);
            self.keys.fetch_sub(usize::from(!kept), Ordering::Relaxed);
            kept
        });
    }
}

impl Claim {
    /// The request was answered at `lead`, durably.
    pub fn answered(mut self, at: Timestamp, lead: &StockKey) {
        let done = Request::Done {
            body: self.idempotency.body,
            at,
            lead: lead.clone(),
        };
        self.index.requests.insert(self.idempotency.key, done);
        self.answered = true;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.answered {
            self.index.requests.remove(&self.idempotency.key);
            self.index.keys.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn lead() -> StockKey {
        StockKey::parse("A@B").unwrap()
    }

    fn request(number: u128) -> Idempotency {
        let (key, body) = (number, number);
        Idempotency { key, body }
    }

    fn first(index: &Arc<IdempotencyIndex>, number: u128, now: Timestamp) -> Claim {
        match index.claim(request(number), now).unwrap() {
            Claimed::First(claim) => claim,
            Claimed::Repeated(_) => panic!("{number} was answered"),
        }
    }

    #[track_caller]
    fn is_shed(index: &Arc<IdempotencyIndex>, number: u128, now: Timestamp) {
        let shed = index.claim(request(number), now).err();
        assert_eq!(shed, Some(CallError::Overloaded));
    }

    #[test]
    fn past_its_bound_new_keys_are_shed_and_known_ones_are_as_ever() {
        let index = IdempotencyIndex::new(2);
        first(&index, 1, NOW).answered(NOW, &lead());
        let running = first(&index, 2, NOW);
        is_shed(&index, 3, NOW);
        let repeated = index.claim(request(1), NOW).unwrap();
        assert!(matches!(repeated, Claimed::Repeated(key) if key == lead()));
        let other = Idempotency { key: 1, body: 9 };
        let mismatch = index.claim(other, NOW).err();
        assert_eq!(mismatch, Some(Refusal::IdempotencyMismatch.into()));
        let in_progress = index.claim(request(2), NOW).err();
        assert_eq!(in_progress, Some(CallError::IdempotencyInProgress));

        drop(running);
        drop(first(&index, 3, NOW));
        index.load(4, 4, NOW, &lead());
        is_shed(&index, 3, NOW);
    }

    #[test]
    fn what_is_forgotten_makes_room_and_what_comes_again_takes_none() {
        let index = IdempotencyIndex::new(1);
        first(&index, 1, NOW).answered(NOW, &lead());
        let later = NOW.plus_millis(FORGET_AFTER_MS);
        first(&index, 1, later).answered(later, &lead());
        index.forget(later);
        is_shed(&index, 2, later);
        index.forget(later.plus_millis(FORGET_AFTER_MS));
        let _running = first(&index, 2, later);
        index.forget(later.plus_millis(FORGET_AFTER_MS));
        is_shed(&index, 3, later);
    }
}
