//! The published figures of one stock key, and the face of them that the public sees.

use serde::{Deserialize, Serialize};

use super::quantity::Quantity;
use super::time::Timestamp;

/// The figures of a stock key after its newest record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// Whether the key is stocked at all; a key that is not has no figures to show.
    pub stocked: bool,
    /// Physically there; below zero when tills sold what was not counted.
    pub on_hand: Quantity,
    /// In live reservations.
    pub held: Quantity,
    /// Promised to confirmed orders, not yet handed over.
    pub committed: Quantity,
    /// Withheld from sale.
    pub safety_stock: Quantity,
    /// Rises by one with each record of the key.
    pub version: u64,
    /// When the newest record was decided.
    pub updated_at: Timestamp,
    /// Rises only when the public face changes.
    pub public_version: u64,
    /// When the public face last changed.
    pub public_at: Timestamp,
    /// The earliest deadline of a hold counted in here: past it these figures are too low.
    pub deadline: Option<Timestamp>,
}

/// What anyone may know of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// More than the limit for `Limited`.
    InStock,
    /// A few left.
    Limited,
    /// Nothing to sell.
    OutOfStock,
}

impl Status {
    /// Its name, wherever it is told.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::InStock => "in_stock",
            Status::Limited => "limited",
            Status::OutOfStock => "out_of_stock",
        }
    }
}

impl Level {
    /// max(0, on hand − held − committed − safety stock).
    pub fn available(&self) -> Quantity {
        (self.on_hand - self.held - self.committed - self.safety_stock).or_zero()
    }

    /// max(0, held + committed − on hand): promises that cannot be kept.
    pub fn shortfall(&self) -> Quantity {
        (self.held + self.committed - self.on_hand).or_zero()
    }

    /// How it is shown, where up to `limited_max` counts as a few.
    pub fn status(&self, limited_max: Quantity) -> Status {
        let available = self.available();
        if available.is_zero() {
            Status::OutOfStock
        } else if available <= limited_max {
            Status::Limited
        } else {
            Status::InStock
        }
    }

    /// Whether anyone may see a difference between this level and `other`.
    pub fn same_face(&self, other: &Level, limited_max: Quantity) -> bool {
        let face = |level: &Level| {
            let status = level.status(limited_max);
            let count = (status == Status::Limited).then(|| level.available());
            (level.stocked, status, count)
        };
        face(self) == face(other)
    }

    /// Whether a reader at `now` must have the key settled before trusting these figures.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }
}
