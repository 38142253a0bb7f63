//! What the journal asks of whatever keeps its bytes. A store knows positions and the header of a
//! group; records, snapshots and the base are opaque to it.
//!
//! A store keeps four things:
//! - the **groups**, each at the position of its first record, without gaps;
//! - the **snapshots**, an entry per key, as of some position at or after the cut of the newest
//!   finished **round**;
//! - the **base generation**: an entry per key, the exact state at the base position (ahead of it
//!   only while it moves and after a crash, see `advance_base`). The groups after it are the
//!   history; those up to it are gone;
//! - **meta** values, few and small.

mod contents;
mod embedded;
mod memory;

use std::path::PathBuf;

use thiserror::Error;

pub use contents::{Contents, Part};
pub use embedded::{EmbeddedStore, Restoration, Restored};
pub use memory::MemoryStore;

use super::Position;
use super::group::GroupError;
use crate::stock::time::Timestamp;

/// An entry of the snapshots or of the base: key and value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// Groups in order, each with the position of its first record.
pub type Groups = Box<dyn Iterator<Item = Result<(Position, Vec<u8>), StoreError>> + Send>;

/// Entries in the order of their keys.
pub type Entries = Box<dyn Iterator<Item = Result<Entry, StoreError>> + Send>;

/// Changes of entries, each made when it is written.
pub type Changes<'a> = Box<dyn Iterator<Item = EntryChange> + 'a>;

/// A change to one entry of the snapshots or of the base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryChange {
    /// Whose entry.
    pub key: Vec<u8>,
    /// The new value; none removes the entry.
    pub value: Option<Vec<u8>>,
}

/// A finished snapshot round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// Replay starts after this position: the durable position read before the first key of the
    /// round was copied.
    pub cut: Position,
    /// The durable position when the round ended: the journal must reach at least so far for ever.
    pub witness: Position,
    /// No record up to the witness was decided later than this.
    pub high_water: Timestamp,
}

/// Keeps groups, snapshots, the base and meta values. All calls block; one thread appends.
pub trait Store: Send + Sync + 'static {
    /// Adds a group whose first record is at `first`. Durable on return. Refuses any `first` but
    /// the next one expected. After an error nothing may be appended any more: the group may or
    /// may not be there.
    fn append(&self, first: Position, group: &[u8]) -> Result<(), StoreError>;

    /// The groups from the one that holds the record at `from` to the last. The reader checks
    /// that none is missing. Holds back the freeing of space while it lives.
    fn read(&self, from: Position) -> Result<Groups, StoreError>;

    /// The first position that can be read: the one after the base.
    fn earliest(&self) -> Position {
        self.base_position().next()
    }

    /// The position of the last record; that of the base if there are no groups.
    fn last(&self) -> Position;

    /// Writes snapshot entries at the pace at which they come; durable with the end of the round.
    /// If there may be many, say so in the upper bound of what is left, and bring them in the order
    /// of their keys.
    fn put_snapshots(&self, changes: Changes<'_>) -> Result<(), StoreError>;

    /// Makes all snapshot entries written so far durable and records the round, atomically.
    fn finish_round(&self, round: Round) -> Result<(), StoreError>;

    /// All snapshot entries, in the order of their keys.
    fn snapshots(&self) -> Result<Entries, StoreError>;

    /// The newest finished round.
    fn round(&self) -> Option<Round>;

    /// Moves the base generation on to `cut`: writes its changed entries, then forgets the groups
    /// up to the cut; `free_trimmed` frees their space. The cut must end a group and lie within the
    /// newest round. A crash in between leaves entries that are ahead of the base position, which
    /// replay passes over. Appends may wait meanwhile, so history should be fed in small pieces.
    fn advance_base(&self, cut: Position, changes: Changes<'_>) -> Result<(), StoreError>;

    /// All entries of the base generation, in the order of their keys.
    fn base(&self) -> Result<Entries, StoreError>;

    /// An entry of the base generation.
    fn base_entry(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Gives back the space of the groups that the base has passed, as far as that is possible by
    /// now. What is left of them is no part of the history any more.
    fn free_trimmed(&self) -> Result<(), StoreError>;

    /// About how many bytes the groups take, those included whose space is yet to be given back.
    fn history_bytes(&self) -> u64;

    /// The position whose exact state the base generation is; zero at first, when it is empty.
    fn base_position(&self) -> Position;

    /// The meta value of that name.
    fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Sets a meta value. Durable on return.
    fn put_meta(&self, name: &str, value: &[u8]) -> Result<(), StoreError>;

    /// From now on nobody appends, and somebody waits for the end: nothing need rest between what
    /// it writes.
    fn hurry(&self) {}

    /// All that is there, to be copied while more is written. Every group that was durable before
    /// the call is in it. The base stays where it is meanwhile.
    fn contents(&self) -> Contents;
}

/// Why a store could not do what it was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another process has the data directory.
    #[error("another process uses the data directory {}: stop it first", directory.display())]
    InUse {
        /// The data directory.
        directory: PathBuf,
    },
    /// A release with another layout wrote the data directory.
    #[error(
        "the data directory has format {found}, this release reads format {known}: start the \
         release that wrote it, or a newer one"
    )]
    Format {
        /// The format found, as far as it can be told.
        found: String,
        /// The format this release reads.
        known: u32,
    },
    /// A restore into the data directory did not come to its end.
    #[error(
        "a restore into {} was cut short, so what is there is not whole: run `onhand restore` \
         again, it starts over", directory.display()
    )]
    Unfinished {
        /// The data directory.
        directory: PathBuf,
    },
    /// It was to have data in it.
    #[error(
        "there is no Onhand data in {}: name the server's data directory with --data-dir, or its \
         configuration with --config", directory.display()
    )]
    Nothing {
        /// Where it was looked for.
        directory: PathBuf,
    },
    /// A directory to restore into has something in it.
    #[error(
        "{} is not empty, it holds {found}: nothing is overwritten; name a directory that does \
         not exist, or move this one away first", directory.display()
    )]
    NotEmpty {
        /// The directory.
        directory: PathBuf,
        /// One of its entries.
        found: String,
    },
    /// The end of the journal is gone.
    #[error(
        "the journal ends at position {last}, but {witness} was durable once: records are lost; \
         restore the data directory from a backup"
    )]
    Truncated {
        /// The last position there is.
        last: Position,
        /// The position that was durable once.
        witness: Position,
    },
    /// A group is missing in the middle.
    #[error("the journal has no record {expected}, it goes on with {found}: restore from a backup")]
    Gap {
        /// The position that should come next.
        expected: Position,
        /// The position that comes next.
        found: Position,
    },
    /// The position lies before the kept history.
    #[error("position {asked} is no longer kept, the earliest is {earliest}")]
    Trimmed {
        /// The position asked for.
        asked: Position,
        /// The earliest one kept.
        earliest: Position,
    },
    /// Somebody else appends, or the caller lost count.
    #[error("a group at {first} was to be appended where {expected} comes next")]
    OutOfOrder {
        /// The position of the group.
        first: Position,
        /// The position that comes next.
        expected: Position,
    },
    /// The base may move only to the end of a group, forwards, and within the newest round.
    #[error("the base at {base} cannot move to {cut}: {reason}")]
    Base {
        /// Where the base is.
        base: Position,
        /// Where it was to go.
        cut: Position,
        /// Why not.
        reason: &'static str,
    },
    /// A backup is being taken, for which the base must stay where it is.
    #[error("a backup is being taken; history is trimmed after it")]
    Held,
    /// A group that cannot be read.
    #[error("the group at position {first} is damaged: {source}; restore from a backup")]
    Group {
        /// The position of its first record.
        first: Position,
        /// What is wrong with it.
        source: GroupError,
    },
    /// Bytes the store wrote for itself make no sense.
    #[error("the data directory is damaged ({what}): restore from a backup")]
    Damaged {
        /// What cannot be read.
        what: &'static str,
    },
    /// A file operation failed.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The embedded engine failed.
    #[error("the embedded store failed: {}", root(.0))]
    Engine(#[from] fjall::Error),
    /// A file that was filled for the engine could not be written, or not put on its list: what the
    /// list on the disk says is unknown then.
    #[error("the embedded store could not take a file of entries: {}", root(.0))]
    Run(fjall::Error),
    /// The system gives no thread to write with.
    #[error("cannot start the journal's thread: {0}")]
    Thread(std::io::Error),
    /// The journal was closed before.
    #[error("the journal is closed")]
    Closed,
    /// A test made it fail.
    #[error("made to fail by a test")]
    Injected,
}

impl StoreError {
    /// Whether nothing will ever be written again, however often it is tried: the engine takes no
    /// more once a write of its own failed, for what is in its log is unknown then.
    pub fn is_for_good(&self) -> bool {
        matches!(
            self,
            StoreError::Engine(fjall::Error::Poisoned) | StoreError::Run(_)
        )
    }
}

/// What lies at the bottom of an engine's error, as in `No space left on device`: the engine's own
/// words around it are for its makers.
fn root(error: &fjall::Error) -> String {
    if matches!(error, fjall::Error::Poisoned) {
        // It keeps to itself what.
        return "something it wrote in the background failed, as on a full disk".to_owned();
    }
    let mut root: &dyn std::error::Error = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root.to_string()
}
