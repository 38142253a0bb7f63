//! The one index of Idempotency-Keys of the node: claimed before anything is held, done when the
//! answer is durable. The answers themselves are in the ledgers of the leads; this knows which.

use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use super::call::CallError;
use crate::stock::ledger::FORGET_AFTER_MS;
use crate::stock::{Refusal, StockKey, Timestamp, command::Idempotency};

/// Which requests run or were answered within a day.
pub struct IdempotencyIndex {
    requests: DashMap<u128, Request>,
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
            requests: DashMap::new(),
            keys_max,
        })
    }

    /// Claims the key for this request, or says what became of it.
    pub fn claim(self: &Arc<Self>, idempotency: Idempotency) -> Result<Claimed, CallError> {
        if self.requests.len() >= self.keys_max {
            return Err(CallError::Overloaded);
        }
        match self.requests.entry(idempotency.key) {
            Entry::Vacant(vacant) => {
                vacant.insert(Request::Running);
                let (index, answered) = (self.clone(), false);
                Ok(Claimed::First(Claim {
                    index,
                    idempotency,
                    answered,
                }))
            }
            Entry::Occupied(occupied) => match occupied.get() {
                Request::Running => Err(CallError::IdempotencyInProgress),
                Request::Done { body, lead, .. } if *body == idempotency.body => {
                    Ok(Claimed::Repeated(lead.clone()))
                }
                Request::Done { .. } => Err(Refusal::IdempotencyMismatch.into()),
            },
        }
    }

    /// Takes an answer that a ledger remembers, at recovery.
    pub fn load(&self, key: u128, body: u128, at: Timestamp, lead: &StockKey) {
        self.requests.insert(
            key,
            Request::Done {
                body,
                at,
                lead: lead.clone(),
            },
        );
    }

    /// Forgets what was answered a day before `now`.
    pub fn forget(&self, now: Timestamp) {
        let limit = now.plus_millis(-FORGET_AFTER_MS);
        self.requests.retain(|_, request| match request {
            Request::Running => true,
            Request::Done { at, .. } => *at > limit,
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
        }
    }
}
