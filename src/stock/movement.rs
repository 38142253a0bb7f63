//! What changes on hand: the six movement types, and what is remembered of each.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::key::StockKey;
use super::quantity::Quantity;
use super::reservation::ReservationId;
use super::time::Timestamp;

/// A movement's name within its key: a hash of the caller's token and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MovementId(pub u128);

impl MovementId {
    /// The id of a transfer's other half. The caller may have used the same id at the destination
    /// for something else, or at another source: ids are unique per key only.
    pub fn at_destination(self, source: &StockKey) -> MovementId {
        let bytes = [&self.0.to_le_bytes(), source.as_str().as_bytes()].concat();
        MovementId(xxhash_rust::xxh3::xxh3_128(&bytes))
    }
}

/// One movement as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Movement {
    /// Token and id, hashed.
    pub id: MovementId,
    /// The caller's own id.
    pub name: Arc<str>,
    /// What happened.
    pub kind: MovementKind,
    /// How much: more than zero, but for a count (zero or more) and an adjustment (not zero).
    pub quantity: Quantity,
    /// When it happened, if not when it is recorded.
    pub occurred_at: Option<Timestamp>,
    /// The caller's reference.
    pub reference: Option<Arc<str>>,
}

impl Movement {
    /// A hash of what was asked for. Stable across releases: it is kept in snapshots.
    pub fn content(&self) -> u64 {
        let bytes = postcard::to_extend(self, Vec::with_capacity(128));
        let bytes = bytes.expect("a movement is plain data and always encodes");
        xxhash_rust::xxh3::xxh3_64(&bytes)
    }

    /// Whether it asked to use up a reservation.
    pub fn names_reservation(&self) -> bool {
        matches!(
            self.kind,
            MovementKind::Sale {
                reservation: Some(_)
            }
        )
    }

    /// The reservation it asked to use up, if the text it gave can be the name of one.
    pub fn reservation(&self) -> Option<ReservationId> {
        let MovementKind::Sale {
            reservation: Some(name),
        } = &self.kind
        else {
            return None;
        };
        ReservationId::parse(name)
    }
}

/// The types of movement with what each says besides its quantity.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MovementKind {
    /// Goods came in.
    Receipt,
    /// A till sold.
    Sale {
        /// The reservation it may use up.
        reservation: Option<Arc<str>>,
    },
    /// A customer brought goods back.
    Return {
        /// Damaged goods are only recorded.
        damaged: bool,
    },
    /// On hand was wrong, or goods spoiled.
    Adjustment {
        /// `damaged`, `shrinkage`, `found`, `correction`, …
        reason: Option<Arc<str>>,
    },
    /// Somebody counted.
    Count {
        /// The moment the count speaks of, if not now.
        counted_at: Option<Timestamp>,
        /// Refused when on hand changed since this version.
        expected_version: Option<u64>,
    },
    /// Goods left for another key.
    Transfer {
        /// The same SKU at the destination.
        to: StockKey,
    },
    /// Goods came from another key: the other half of a transfer, sent by its source.
    Arrival {
        /// The same SKU at the source.
        from: StockKey,
    },
}

impl MovementKind {
    /// The type's name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            MovementKind::Receipt => "receipt",
            MovementKind::Sale { .. } => "sale",
            MovementKind::Return { .. } => "return",
            MovementKind::Adjustment { .. } => "adjustment",
            MovementKind::Count { .. } => "count",
            MovementKind::Transfer { .. } | MovementKind::Arrival { .. } => "transfer",
        }
    }
}

/// A movement as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// What was asked for.
    pub movement: Movement,
    /// What it did to on hand.
    pub delta: Quantity,
    /// Whether it made or deepened a shortfall.
    pub oversold: bool,
    /// Whether a count had already seen it, so that it had no effect.
    pub absorbed: bool,
    /// The hold it used up, and how much of it.
    pub used: Option<(ReservationId, Quantity)>,
}

impl Moved {
    /// The moment it tells of, recorded at `at`. A count tells of the moment it was made: what it
    /// corrected is no part of what moved after a later one.
    pub fn speaks_of(&self, at: Timestamp) -> Timestamp {
        let named = match &self.movement.kind {
            MovementKind::Count { counted_at, .. } => *counted_at,
            MovementKind::Receipt
            | MovementKind::Sale { .. }
            | MovementKind::Return { .. }
            | MovementKind::Adjustment { .. }
            | MovementKind::Transfer { .. }
            | MovementKind::Arrival { .. } => self.movement.occurred_at,
        };
        named.unwrap_or(at)
    }
}

/// What a key remembers of a movement, for at least seven days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// A hash of what was asked for: the same id with other content is refused.
    pub content: u64,
    /// When it happened, for counts that speak of an earlier moment.
    pub occurred_at: Timestamp,
    /// What it did to on hand.
    pub delta: Quantity,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// The answer's `oversold`.
    pub oversold: bool,
    /// The answer's `absorbed`.
    pub absorbed: bool,
    /// The answer's `reservation_used`.
    pub used: Option<Quantity>,
}
