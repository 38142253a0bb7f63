//! Concurrency: one actor per stock key, a directory that starts, places and passivates them,
//! and the protocol by which a reservation over several keys is decided at one of them.
//!
//! Architecture invariant: nothing here knows HTTP or JSON. An actor never waits: neither for
//! the disk nor for another actor. What waits runs beside it, in tasks.

mod beside;
mod call;
mod completion;
mod contention;
mod directory;
mod errand;
mod history;
mod host;
mod idempotency;
mod images;
mod presence;
mod published;
mod raise;
mod reply;
mod reserve;
mod schedule;
mod service;
mod slots;
mod stock_actor;
mod waiting;
mod waking;

pub use call::{CallError, Reply, Reserved};
pub use contention::{Contended, Hot};
pub use directory::{Directory, Gone};
pub use history::{EventsError, JournalRecord};
pub use idempotency::IdempotencyIndex;
pub use images::Imaged;
pub use published::{PublishedReservations, ReservationFilter, ReservationPage};
pub use service::{Levels, Look, Sight, StockService};
pub use slots::Gathered;

pub use crate::journal::Position;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::clock::Clock;
use crate::journal::Journal;
use crate::stock::{Level, Rules, StockKey};

/// The bounds and times of the actors. From the configuration.
#[derive(Clone, Copy, Debug)]
pub struct ActorsConfig {
    /// Messages that may wait for one actor before new ones are shed.
    pub mailbox_capacity: usize,
    /// How long a caller waits before it is told that the outcome is unknown.
    pub command_timeout: Duration,
    /// How long an actor lives without work, milliseconds.
    pub idle_ms: i64,
    /// How long a prepared raise waits before its key asks what became of it, milliseconds.
    pub prepare_ms: i64,
    /// Reservations known to the node, resolved ones included while they are remembered.
    pub reservations_max: usize,
}

impl Default for ActorsConfig {
    fn default() -> ActorsConfig {
        ActorsConfig {
            mailbox_capacity: 4096,
            command_timeout: Duration::from_secs(5),
            idle_ms: 10_000,
            prepare_ms: 5_000,
            reservations_max: 20_000_000,
        }
    }
}

/// Told of each level, on the journal's thread, once it is durable and can be read. It must be
/// short.
pub type LevelListener = Box<dyn Fn(&StockKey, &Level) + Send + Sync>;

/// What every actor needs besides its ledger.
pub struct Context {
    /// Where records go.
    pub journal: Journal,
    /// The time.
    pub clock: Clock,
    /// The bounds of a key.
    pub rules: Rules,
    /// The bounds of the actors.
    pub config: ActorsConfig,
    /// Reservations as published.
    pub reservations: PublishedReservations,
    /// Requests answered or running.
    pub idempotency: Arc<IdempotencyIndex>,
    /// Who is told of published levels, once there is somebody.
    pub listener: OnceLock<LevelListener>,
}
