//! What an active key shows to others without their asking its actor: its published figures.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::journal::Position;
use crate::stock::{Ledger, Level, StockKey};

/// What an active key shows to others.
pub(super) struct Presence {
    key: StockKey,
    /// The published figures, and where the newest published change of on hand was written.
    published: Mutex<(Level, u64)>,
}

impl Presence {
    pub(super) fn new(ledger: &Ledger) -> Arc<Presence> {
        let published = Mutex::new((*ledger.level(), ledger.last_movement()));
        let key = ledger.key().clone();
        Arc::new(Presence { key, published })
    }

    /// Which key.
    pub(super) fn key(&self) -> &StockKey {
        &self.key
    }

    /// The newest durable figures, and where the record is if it changed on hand.
    pub(super) fn publish(&self, level: Level, moved_at: Option<Position>) {
        let (shown, last_movement) = &mut *self.published.lock();
        *shown = level;
        *last_movement = moved_at.map_or(*last_movement, Position::get);
    }

    /// The newest durable figures.
    pub(super) fn level(&self) -> Level {
        self.published.lock().0
    }

    /// The position of the newest durable record that changed on hand; zero: none.
    pub(super) fn last_movement(&self) -> u64 {
        self.published.lock().1
    }
}
