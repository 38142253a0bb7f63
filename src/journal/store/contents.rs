//! All of a store, to be copied while it is written. Knows no engine, and nothing of where a copy
//! goes.

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

/// Everything a store keeps. The base does not move while this lives, so history is not trimmed.
///
/// What is written meanwhile may be in it or not, but all of it fits together: each snapshot entry
/// is as of some position between the round's cut and the end of the groups, so that replaying
/// them gives the state at their end, and that is no earlier than where it began.
pub struct Contents {
    /// The base position: the groups go on from there.
    pub base: Position,
    /// The position of the last record when this began: the groups reach at least so far.
    pub begun: Position,
    /// The newest round that was finished when this began.
    pub round: Option<Round>,
    /// How many bytes the parts have together, roughly; for those who show progress.
    pub bytes_estimated: u64,
    /// The meta values, the base, the snapshots, the groups, each in its own order; read as they
    /// are asked for. Of no use after an error.
    pub parts: Box<dyn Iterator<Item = Result<Part, StoreError>> + Send>,
}
