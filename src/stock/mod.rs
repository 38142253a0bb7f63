//! The core: what a stock key has, promises and owes, and what each command does to it.
//!
//! Architecture invariant: nothing here does I/O, waits, reads a clock or knows actix, JSON or
//! the journal's bytes. It is given commands and the time, and returns events.

pub mod cause;
pub mod command;
pub mod event;
pub mod hold;
pub mod key;
pub mod ledger;
pub mod level;
pub mod money;
pub mod movement;
pub mod quantity;
pub mod refusal;
pub mod reservation;
pub mod time;

pub use cause::{By, Channel, TokenId};
pub use command::{Answer, Change, Command, Decision};
pub use event::{Event, StockRecord};
pub use key::{LocationId, Sku, StockKey};
pub use ledger::{Ledger, Rules};
pub use level::Level;
pub use money::{Currency, Money};
pub use movement::{Movement, MovementKind};
pub use quantity::Quantity;
pub use refusal::{Refusal, Shortage};
pub use reservation::{Confirmation, Line, Reservation, ReservationId, State};
pub use time::Timestamp;
