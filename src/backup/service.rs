//! Where backups begin: one at a time, at the pace of whoever takes it. Knows no network.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{CopyError, Copying, Header, Trailer};
use crate::journal::Store;
use crate::stock::Timestamp;

/// Takes backups of a store; a clone is the same.
#[derive(Clone)]
pub struct Backups {
    store: Arc<dyn Store>,
    /// One at a time: each holds back the trimming of history, and reads all there is.
    turn: Arc<Semaphore>,
}

/// A backup that was begun. Dropped, it lets history be trimmed and another begin.
pub struct Backup {
    copying: Copying,
    bytes_estimated: u64,
    _turn: OwnedSemaphorePermit,
}

/// Another backup is being taken.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("another backup is being taken")]
pub struct Busy;

impl Backups {
    /// Backups of that store.
    pub fn of(store: Arc<dyn Store>) -> Backups {
        Backups {
            store,
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    /// Begins a backup of what is durable by now. May block for as long as a step of trimming.
    pub fn begin(&self, epoch: &str, now: Timestamp) -> Result<Backup, Busy> {
        let turn = self.turn.clone().try_acquire_owned();
        let turn = turn.map_err(|_| Busy)?;
        let contents = self.store.contents();
        Ok(Backup {
            bytes_estimated: contents.bytes_estimated,
            copying: Copying::new(contents, epoch, now),
            _turn: turn,
        })
    }
}

impl Backup {
    /// What the copy says of itself.
    pub fn header(&self) -> &Header {
        self.copying.header()
    }

    /// How many bytes the copy will have, roughly.
    pub fn bytes_estimated(&self) -> u64 {
        self.bytes_estimated
    }

    /// What the copy said at its end; none before.
    pub fn trailer(&self) -> Option<&Trailer> {
        self.copying.trailer()
    }

    /// The next chunk; none after the last. Blocks for as long as reading it takes.
    pub fn next_chunk(&mut self) -> Option<Result<Vec<u8>, CopyError>> {
        self.copying.next()
    }
}
