//! What happened at a stock key, in the past tense: the journal's record of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::cause::By;
use super::command::{Acknowledgements, Idempotency};
use super::hold::{Grant, Prepared};
use super::key::StockKey;
use super::level::Level;
use super::movement::Moved;
use super::quantity::Quantity;
use super::reservation::{Reservation, ReservationId};
use super::time::Timestamp;

/// How a reservation came to its newest revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cause {
    /// It was placed.
    Placed,
    /// Its lines were replaced.
    LinesReplaced,
    /// Its deadline moved.
    Extended,
    /// It was confirmed.
    Confirmed,
    /// Some of it was handed over.
    HandedOver,
    /// A till used some of it.
    Used,
    /// It was given up while held.
    Released,
    /// Its deadline passed.
    Expired,
    /// Some or all of it was given up after it was confirmed.
    Cancelled,
    /// A raise that nobody finished was denied; nothing else changed.
    Denied,
}

/// One thing that happened. The order of the variants is part of the disk format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A movement was recorded.
    Moved(Moved),
    /// Safety stock was set.
    SafetyStockSet(Quantity),
    /// The key is no longer stocked.
    Stopped,
    /// A raise was set aside.
    Prepared {
        /// Whose.
        reservation: ReservationId,
        /// Who decides.
        lead: StockKey,
        /// What the lead granted so far, for a hold that begins here.
        base: Grant,
        /// What was set aside.
        prepared: Prepared,
    },
    /// A raise that was set aside will not come.
    Abandoned {
        /// Whose.
        reservation: ReservationId,
    },
    /// The lead's word took effect at a follower.
    Settled {
        /// Whose.
        reservation: ReservationId,
        /// The word.
        grant: Grant,
    },
    /// A reservation came to its next revision, at its lead.
    Reserved {
        /// The whole of it.
        reservation: Arc<Reservation>,
        /// How.
        cause: Cause,
        /// The request that asked for it.
        idempotency: Option<Idempotency>,
    },
    /// A request was answered without a change, and its repetition gets the same answer.
    Answered {
        /// The reservation as it was.
        reservation: ReservationId,
        /// The request.
        idempotency: Idempotency,
    },
    /// A raise of a reservation that never came to be is denied from now on.
    Denied {
        /// Whose.
        reservation: ReservationId,
        /// The denial may be forgotten then: a later commit is too late anyway.
        until: Timestamp,
    },
    /// Others have done what this key owed them.
    Acknowledged(Acknowledgements),
}

/// One record of a stock key: all that must agree, together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockRecord {
    /// Which key.
    pub key: StockKey,
    /// When it was decided.
    pub at: Timestamp,
    /// Who asked, through which channel.
    pub by: By,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// The key's figures after it; its version is the record's.
    pub level: Level,
    /// Available and shortfall before it, so that a reader of the stream sees what was crossed.
    pub before: (Quantity, Quantity),
    /// The key's last record before this one that changed on hand; zero: none.
    pub previous_movement: u64,
}
