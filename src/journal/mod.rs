//! Durability: one queue of records, written as groups with one sync each, read again in the same
//! order. What a record says is its caller's affair; no actor, socket or wire shape is known here.
//!
//! ```text
//! place ─▶ append ─▶ queue ─▶ writer ─▶ store (one group, one sync)
//!                               ├─▶ publish each ─▶ durable position ─▶ answer each
//! ```

pub mod codec;
pub mod group;
pub mod position;
pub mod queue;
pub mod reader;
pub mod store;
mod writer;

#[cfg(test)]
mod tests;

pub use position::Position;
pub use queue::{Completion, Full, Journal, JournalConfig, OutcomeUnknown, Place};
pub use reader::{Record, RecordReader, high_water};
pub use store::{
    Contents, EmbeddedStore, EntryChange, MemoryStore, Part, Restoration, Restored, Round,
};
pub use store::{Store, StoreError};
pub use writer::{GroupWritten, Observers};
