//! The handle through which stock is asked and changed; its signatures only, so that the border
//! can be built against them. Every call answers that it is overloaded.

use std::sync::Arc;

use crate::stock::command::Idempotency;
use crate::stock::command::Place;
use crate::stock::reservation::State;
use crate::stock::{
    Answer, By, Command, Level, Refusal, Reservation, ReservationId, StockKey, StockRecord,
    Timestamp,
};

/// A record's sequence number in the journal.
pub type Position = u64;

/// Why a call was not carried out, or is not known to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The core's answer.
    Refused(Refusal),
    /// Nothing happened.
    Overloaded,
    /// It may have happened.
    OutcomeUnknown,
    /// The first request with this key still runs.
    IdempotencyInProgress,
}

/// What a call answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The core's answer.
    pub answer: Answer,
    /// The key's level after it.
    pub level: Level,
}

/// What a call on a reservation answered.
#[derive(Clone, Debug)]
pub struct Reserved {
    /// As the call left it.
    pub reservation: Arc<Reservation>,
    /// Whether it is the first answer again.
    pub replayed: bool,
}

/// Which reservations are asked for.
#[derive(Clone, Debug, Default)]
pub struct ReservationFilter {
    /// Of this customer.
    pub customer: Option<String>,
    /// With this reference.
    pub reference: Option<String>,
    /// With this order.
    pub order: Option<String>,
    /// Through this channel.
    pub channel: Option<String>,
    /// With a line of this SKU.
    pub sku: Option<String>,
    /// With a line at this location.
    pub location: Option<String>,
    /// In this state.
    pub state: Option<State>,
}

/// Why events cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventsError {
    /// The position is no longer kept.
    Expired {
        /// The earliest that is.
        earliest: Position,
    },
    /// The journal cannot be read now.
    Overloaded,
}

/// A decoded record of the journal.
#[derive(Clone, Debug)]
pub enum JournalRecord {
    /// Of a stock key.
    Stock(StockRecord),
}

/// Stock, as the border sees it.
#[derive(Clone, Debug, Default)]
pub struct StockService {}

type Called<T> = Result<T, CallError>;

#[allow(clippy::unused_async, missing_docs, reason = "signatures only")]
impl StockService {
    pub async fn call(&self, _key: &StockKey, _by: By, _command: Command) -> Called<Reply> {
        Err(CallError::Overloaded)
    }

    pub async fn call_all(&self, calls: Vec<(StockKey, By, Command)>) -> Vec<Called<Reply>> {
        calls.iter().map(|_| Err(CallError::Overloaded)).collect()
    }

    pub fn level(&self, _key: &StockKey) -> Option<Level> {
        None
    }

    pub async fn fresh_level(&self, _key: &StockKey) -> Called<Option<Level>> {
        Err(CallError::Overloaded)
    }

    pub fn keys_of(&self, _sku: &str) -> Vec<StockKey> {
        Vec::new()
    }

    pub fn page(
        &self,
        _sku: Option<&str>,
        _location: Option<&str>,
        _after: Option<&str>,
        _limit: usize,
    ) -> Vec<(StockKey, Level)> {
        Vec::new()
    }

    pub async fn reserve(
        &self,
        _by: By,
        _place: Place,
        _idempotency: Option<Idempotency>,
    ) -> Called<Reserved> {
        Err(CallError::Overloaded)
    }

    pub async fn change(
        &self,
        _by: By,
        _id: ReservationId,
        _change: crate::stock::command::Change,
        _idempotency: Option<Idempotency>,
    ) -> Called<Reserved> {
        Err(CallError::Overloaded)
    }

    /// The first answer to a request that was answered before; asked when the request would be
    /// refused now, for what is archived since must not change the first answer.
    pub async fn replay(&self, _idempotency: Idempotency) -> Called<Option<Reserved>> {
        Err(CallError::Overloaded)
    }

    pub async fn reservation(&self, _id: ReservationId) -> Called<Option<Arc<Reservation>>> {
        Err(CallError::Overloaded)
    }

    pub async fn reservations(
        &self,
        _filter: ReservationFilter,
        _after: Option<ReservationId>,
        _limit: usize,
    ) -> Called<Vec<Arc<Reservation>>> {
        Err(CallError::Overloaded)
    }

    pub fn durable(&self) -> Position {
        0
    }

    pub fn epoch(&self) -> &str {
        "e"
    }

    pub fn new_reservation_id(&self) -> ReservationId {
        ReservationId(0)
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::MIN
    }

    pub async fn records_after(
        &self,
        _after: Position,
        _limit: usize,
        _wait_ms: u64,
    ) -> Result<Vec<(Position, JournalRecord)>, EventsError> {
        Err(EventsError::Overloaded)
    }

    pub async fn movements_of(
        &self,
        _key: &StockKey,
        _before: Option<Position>,
        _limit: usize,
    ) -> Called<Vec<(Position, StockRecord)>> {
        Err(CallError::Overloaded)
    }
}
