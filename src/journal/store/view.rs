//! All of a store at one instant, to be copied while it is written. Knows no engine, and nothing
//! of where a copy goes.

use super::{Entry, Round, StoreError};
use crate::journal::Position;

/// One thing that a store keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A meta value with its name.
    Meta(Entry),
    /// An entry of the base generation.
    Base(Entry),
    /// A snapshot entry.
    Snapshot(Entry),
    /// A group with the position of its first record.
    Group(Position, Vec<u8>),
}

/// What a store kept at one instant.
pub struct View {
    /// The base position: the groups go on from there.
    pub base: Position,
    /// The position of the last record; that of the base if there are no groups.
    pub last: Position,
    /// The newest finished round.
    pub round: Option<Round>,
    /// How many bytes the parts have together, roughly; for those who show progress.
    pub bytes_estimated: u64,
    /// Everything: the meta values, the base, the snapshots, the groups, each in its own order.
    /// Ends after an error.
    pub parts: Box<dyn Iterator<Item = Result<Part, StoreError>> + Send>,
}
