//! A data directory from a copy: filled, given a new epoch, proven by replaying its journal, and
//! only then one that a node opens.

use std::fmt;
use std::io::Read;
use std::path::Path;

use super::epoch;
use super::recovery::RecoveryError;
use super::verify::{Verified, verify};
use crate::backup::{CopyError, CopyReader, Header, Trailer};
use crate::journal::{Part, Restoration, StoreError};

/// What was restored.
#[derive(Debug)]
pub struct Restore {
    /// What the copy said of itself at its beginning.
    pub header: Header,
    /// And at its end.
    pub trailer: Trailer,
    /// The name of the new lineage.
    pub epoch: String,
    /// What replaying the journal gave.
    pub verified: Verified,
}

/// Why nothing was restored. The directory is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The copy cannot be used.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The directory cannot be used.
    #[error(transparent)]
    Store(StoreError),
    /// The directory cannot be filled.
    #[error(
        "{0}; see that the disk works and has room for about twice the backup, then restore again"
    )]
    Filling(StoreError),
    /// What was copied cannot be replayed.
    #[error("the copy is whole, but what was copied cannot be replayed: {0}; use an older backup")]
    Recovery(#[from] RecoveryError),
    /// What was copied contradicts itself.
    #[error(
        "the copy is whole, but the data was damaged when it was taken; use an older backup\n{0}"
    )]
    Differs(Box<Verified>),
}

impl From<StoreError> for RestoreError {
    fn from(error: StoreError) -> RestoreError {
        if matches!(error, StoreError::Engine(_)) {
            return RestoreError::Filling(error);
        }
        RestoreError::Store(error)
    }
}

/// Restores a copy into a directory that does not exist or is empty. `replaying` hears that the
/// copy was read, and then how many records of how many were replayed.
pub fn restore(
    input: impl Read,
    directory: &Path,
    mut replaying: impl FnMut(u64, u64),
) -> Result<Restore, RestoreError> {
    let mut copy = CopyReader::open(input)?;
    let header = copy.header().clone();
    let mut restoration = Restoration::begin(directory)?;
    let mut epoch = String::new();
    while let Some(mut part) = copy.next_part()? {
        if let Part::Meta((name, value)) = &mut part
            && name == epoch::EPOCH.as_bytes()
        {
            (*value, epoch) = epoch::renewed(value);
        }
        restoration.put(part)?;
    }
    let trailer = copy.trailer().expect("the copy was read to its end");
    let restored = restoration.seal(header.base(), header.round())?;
    replaying(0, trailer.records);
    let verified = verify(restored.store(), |records| {
        replaying(records, trailer.records);
    })?;
    if !verified.differences.is_empty() {
        return Err(RestoreError::Differs(Box::new(verified)));
    }
    restored.finish()?;
    Ok(Restore {
        header,
        trailer,
        epoch,
        verified,
    })
}

impl fmt::Display for Restore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Restore { header, epoch, .. } = self;
        writeln!(
            f,
            "taken         {}, by release {}",
            header.taken_at(),
            header.release
        )?;
        writeln!(f, "epoch         {epoch}, new; it was {}", header.epoch)?;
        write!(f, "{}", self.verified)
    }
}
