//! What an active key shows to others without their asking its actor: its published figures.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::journal::Position;
use crate::stock::{Ledger, Level, StockKey};

/// What an active key shows to others.
pub(super) struct Presence {
    key: StockKey,
    /// The published figures, and where the newest published change of on hand was written.
    published: Mutex<(Level, u64)>,
    /// How many holds there are at the key.
    holds: AtomicUsize,
}

impl Presence {
    pub(super) fn new(ledger: &Ledger) -> Arc<Presence> {
        let published = Mutex::new((*ledger.level(), ledger.last_movement()));
        let key = ledger.key().clone();
        let holds = AtomicUsize::new(ledger.holds().len());
        Arc::new(Presence {
            key,
            published,
            holds,
        })
    }

    /// Which key.
    pub(super) fn key(&self) -> &StockKey {
        &self.key
    }

    /// The newest durable figures, and where the record is if it changed on hand.
    pub(super) fn publish(&self, level: Level, holds: usize, moved_at: Option<Position>) {
        self.holds.store(holds, Ordering::Relaxed);
        let (shown, last_movement) = &mut *self.published.lock();
        *shown = level;
        *last_movement = moved_at.map_or(*last_movement, Position::get);
    }

    /// The newest durable figures.
    pub(super) fn level(&self) -> Level {
        self.published.lock().0
    }

    /// How many holds there are, durable like the figures.
    pub(super) fn holds(&self) -> usize {
        self.holds.load(Ordering::Relaxed)
    }

    /// The position of the newest durable record that changed on hand; zero: none.
    pub(super) fn last_movement(&self) -> u64 {
        self.published.lock().1
    }
}
