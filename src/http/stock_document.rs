//! A stock key's figures as JSON, the same wherever they are shown. Knows no route.

use serde::Serialize;

use super::wire::{Number, Time};
use crate::stock::{Level, StockKey};

/// The fields of the contract, in its order.
#[derive(Serialize)]
pub struct StockDocument<'a> {
    sku: &'a str,
    location: &'a str,
    on_hand: Number,
    held: Number,
    committed: Number,
    safety_stock: Number,
    available: Number,
    shortfall: Number,
    version: u64,
    updated_at: Time,
}

impl<'a> StockDocument<'a> {
    /// The figures of `key`.
    pub fn new(key: &'a StockKey, level: &Level) -> StockDocument<'a> {
        StockDocument {
            sku: key.sku(),
            location: key.location(),
            on_hand: Number(level.on_hand),
            held: Number(level.held),
            committed: Number(level.committed),
            safety_stock: Number(level.safety_stock),
            available: Number(level.available()),
            shortfall: Number(level.shortfall()),
            version: level.version,
            updated_at: Time(level.updated_at),
        }
    }
}
