//! What an active key shows to others without their asking its actor: its published figures, and
//! how many commands wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::journal::Position;
use crate::stock::{Ledger, Level};

/// What an active key shows to others.
pub(super) struct Presence {
    /// The published figures, and where the newest published change of on hand was written.
    published: Mutex<(Level, u64)>,
    /// How many commands wait for the actor. actix's own bound holds per clone of an address,
    /// and every request has its own clone.
    waiting: AtomicUsize,
    /// How many commands found no room since the actor last asked.
    shed: AtomicUsize,
    /// How many holds there are at the key.
    holds: AtomicUsize,
}

impl Presence {
    pub(super) fn new(ledger: &Ledger) -> Arc<Presence> {
        let published = Mutex::new((*ledger.level(), ledger.last_movement()));
        Arc::new(Presence {
            published,
            waiting: AtomicUsize::new(0),
            shed: AtomicUsize::new(0),
            holds: AtomicUsize::new(ledger.holds().len()),
        })
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

    /// The position of the newest durable record that changed on hand; zero: none.
    pub(super) fn last_movement(&self) -> u64 {
        self.published.lock().1
    }

    /// How many commands wait for the actor.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// A command is on its way to the actor.
    pub(super) fn sent(&self) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
    }

    /// The actor took a command.
    pub(super) fn taken(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many holds there are, durable like the figures.
    pub(super) fn holds(&self) -> usize {
        self.holds.load(Ordering::Relaxed)
    }

    /// A command found no room.
    pub(super) fn shed(&self) {
        self.shed.fetch_add(1, Ordering::Relaxed);
    }

    /// How many commands found no room since this was last asked.
    pub(super) fn take_shed(&self) -> usize {
        match self.shed.load(Ordering::Relaxed) {
            0 => 0,
            _ => self.shed.swap(0, Ordering::Relaxed),
        }
    }
}
