//! Places in the journal. Knows nothing of what a record says.

use std::fmt;

/// The place of a record in the journal: the first record has 1, the next one more, without gaps.
/// [`Position::ZERO`] is the place before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

impl Position {
    /// The place before the first record.
    pub const ZERO: Position = Position(0);

    /// The place of the `number`th record.
    pub const fn new(number: u64) -> Position {
        Position(number)
    }

    /// The number of the record, counted from 1.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The place `records` further on. One journal never holds 2⁶⁴ records.
    pub const fn plus(self, records: u64) -> Position {
        Position(self.0 + records)
    }

    /// The place of the next record.
    pub const fn next(self) -> Position {
        self.plus(1)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
