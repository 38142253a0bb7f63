//! Backup: a copy of everything, taken while the node works, and read again. Knows the format of
//! a copy; it must not know where a copy goes to or comes from, nor what records say.
//!
//! A copy is everything a store holds, as a stream of bytes. Everything that was acknowledged
//! before the backup began is in it, for it was durable then; the groups in it end somewhat later,
//! and that is the position whose state the copy is. The base generation, which is held where it
//! is meanwhile, and the groups after it are the truth. The snapshots follow from them, each as of
//! some position on the way. They are copied too: they are small beside a month of history, a
//! restored node starts with them as quickly as the one that was copied, and a restore that
//! replays the truth has something to compare it with. Nothing is compressed: the stream can be
//! piped through any compressor.
//!
//! Format, version 1, all numbers little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `89 6F 6E 68 61 6E 64 0A`, the letters `onhand` between two that text tools mangle |
//! | 4 | version of this format, `u32`, `1` |
//! | … | frames |
//!
//! A frame; its link is a checksum that covers, through its seed, all frames before it, so that
//! none can be changed, left out, repeated or moved:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | its kind |
//! | 4 | length of its content, `u32` |
//! | 4 | the lower half of the XXH3-64 of the five bytes before, seeded with the last link |
//! | … | its content |
//! | 8 | its link: XXH3-64 of all of the frame before, seeded with the last link (at first 0) |
//!
//! The kinds, in the order in which they come:
//!
//! | kind | frames | content |
//! |---|---|---|
//! | 1 | one | [`Header`] (postcard, fields in the order of their declaration) |
//! | 2 | any | a meta value: length of the name (`u32`), name, value |
//! | 3 | any | an entry of the base: length of the key (`u32`), key, value; by rising keys |
//! | 4 | any | a snapshot entry, likewise |
//! | 5 | any | a group: position of its first record (`u64`), the group; without gaps |
//! | 6 | one | [`Trailer`] (postcard, likewise) |
//!
//! Nothing follows the trailer. A copy without it was cut short.

mod copying;
mod frame;
mod reading;
mod service;
mod tally;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use copying::Copying;
pub use reading::{CopyReader, check};
pub use service::{Backup, Backups, Busy};

use crate::journal::{Position, Round, StoreError};
use crate::stock::Timestamp;

/// The version this release writes and reads.
pub const VERSION: u32 = 1;

/// What a copy begins with.
const MAGIC: [u8; 8] = *b"\x89onhand\n";

/// What a copy says of itself before its contents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The release that took it.
    pub release: String,
    /// The epoch of the data it was taken from.
    pub epoch: String,
    /// When it was taken, in milliseconds since 1970.
    pub taken_at_ms: i64,
    /// The base position.
    base: u64,
    /// The position of the last record when it was begun.
    begun: u64,
    /// The newest snapshot round: cut, witness, high-water mark in milliseconds since 1970.
    round: Option<(u64, u64, i64)>,
}

impl Header {
    /// When it was taken, for people.
    pub fn taken_at(&self) -> String {
        match jiff::Timestamp::from_millisecond(self.taken_at_ms) {
            Ok(time) => format!("{time:.0}"),
            Err(_) => format!("{} ms since 1970", self.taken_at_ms),
        }
    }

    /// The base position: the groups go on from there.
    pub fn base(&self) -> Position {
        Position::new(self.base)
    }

    /// The position of the last record when it was begun: the copy reaches at least so far.
    pub fn begun(&self) -> Position {
        Position::new(self.begun)
    }

    /// The newest snapshot round.
    pub fn round(&self) -> Option<Round> {
        self.round.map(|(cut, witness, high_water)| Round {
            cut: Position::new(cut),
            witness: Position::new(witness),
            high_water: Timestamp::from_millis(high_water),
        })
    }
}

/// What a copy says of itself after its contents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trailer {
    /// The position of the last record.
    pub last: u64,
    /// Meta values.
    pub meta: u64,
    /// Entries of the base.
    pub base: u64,
    /// Snapshot entries.
    pub snapshots: u64,
    /// Groups.
    pub groups: u64,
    /// Records in the groups.
    pub records: u64,
    /// XXH3-128 of every byte before the trailer's frame.
    pub digest: u128,
}

/// Why a copy cannot be taken or read.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Something else.
    #[error("this is not a backup: it does not begin as `onhand backup` writes it")]
    NotACopy,
    /// Another format.
    #[error(
        "the backup has format {found}, this release reads format {VERSION}: restore it with the \
         release that took it, or with a newer one"
    )]
    Version {
        /// The format found.
        found: u32,
    },
    /// It ends too early.
    #[error(
        "the backup was cut short: it ends after {bytes} bytes, before its trailer; it cannot be \
         used, take another"
    )]
    Short {
        /// How many bytes there are.
        bytes: u64,
    },
    /// Its bytes are not those that were written.
    #[error(
        "the backup is damaged within the frame at byte {at} ({what}); it cannot be used, fetch \
         it again from where it is kept, or take another"
    )]
    Damaged {
        /// Where the frame begins.
        at: u64,
        /// What does not fit.
        what: &'static str,
    },
    /// It goes on after its end.
    #[error(
        "the backup is whole up to byte {at}, but something follows it: it was written over or \
         joined with another file; use a clean copy of it"
    )]
    Trailing {
        /// Where it ends.
        at: u64,
    },
    /// It cannot be read from where it is.
    #[error("the backup cannot be read: {0}")]
    Read(std::io::Error),
    /// What is to be copied is itself damaged.
    #[error(
        "the data cannot be copied: {0}; `onhand verify` on the stopped data directory tells more"
    )]
    Source(&'static str),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
