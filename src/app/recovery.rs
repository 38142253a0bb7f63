//! The way back after a stop: snapshots, then the journal's tail. What is due and what keys owe to
//! each other comes after this, and only then is the node ready.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;

use super::replay::replay_tail;
use crate::actors::{Directory, Gathered};
use crate::catalogue::{self, CatalogueCodecError, OutOfOrder};
use crate::clock::Stopwatch;
use crate::journal::codec::{self, CodecError, StockEntry, Tagged};
use crate::journal::store::Entry;
use crate::journal::{Position, Store, StoreError};
use crate::stock::ledger::ReplayError;

/// Snapshot entries handed from thread to thread at once, and how many such pieces may wait.
const ENTRIES_AT_ONCE: usize = 1024;
const PIECES_WAITING_MAX: usize = 8;

/// Why a data directory cannot be recovered.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record does not decode.
    #[error("record {0}: {1}")]
    Record(Position, CodecError),
    /// A snapshot entry does not decode.
    #[error("snapshot entry {0:?}: {1}")]
    Snapshot(String, CodecError),
    /// An entity of the catalogue does not decode.
    #[error(transparent)]
    Catalogue(#[from] CatalogueCodecError),
    /// A record of the catalogue does not continue what came before.
    #[error(transparent)]
    CatalogueOrder(#[from] OutOfOrder),
    /// A record of a stock key does not continue what came before.
    #[error(transparent)]
    Replay(#[from] ReplayError),
}

/// What recovery found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recovered {
    /// Stock keys.
    pub keys: usize,
    /// Records replayed after the newest snapshot.
    pub records: u64,
}

/// Fills the directory and the catalogue from the store. What was replayed is marked for the next
/// snapshot round.
pub fn recover(
    store: &dyn Store,
    directory: &Arc<Directory>,
    catalogue: &mut catalogue::Recovery,
) -> Result<Recovered, RecoveryError> {
    let stopwatch = Stopwatch::start();
    load_snapshots(store, directory, catalogue)?;
    tracing::info!(keys = directory.len(), elapsed = ?stopwatch.elapsed(), "snapshots loaded");
    let cut = store
        .round()
        .map_or(store.base_position(), |round| round.cut);
    let records = replay_tail(store, cut, directory, catalogue)?;
    tracing::info!(records, elapsed = ?stopwatch.elapsed(), "journal replayed");
    directory.index();
    let keys = directory.len();
    tracing::info!(keys, elapsed = ?stopwatch.elapsed(), "indexes built");
    Ok(Recovered { keys, records })
}

/// Takes in the snapshots: one thread reads them, this one packs them.
fn load_snapshots(
    store: &dyn Store,
    directory: &Directory,
    catalogue: &mut catalogue::Recovery,
) -> Result<(), RecoveryError> {
    let (pieces, received) = sync_channel::<Vec<Entry>>(PIECES_WAITING_MAX);
    let read = move || -> Result<(), StoreError> {
        let mut entries = store.snapshots()?;
        loop {
            let piece = entries.by_ref().take(ENTRIES_AT_ONCE);
            let piece: Vec<Entry> = piece.collect::<Result<_, _>>()?;
            // Nobody takes them once an entry could not be read, which is then what is told.
            if piece.is_empty() || pieces.send(piece).is_err() {
                return Ok(());
            }
        }
    };
    let mut keys = Gathered::default();
    let pack = || -> Result<(), RecoveryError> {
        for (key, value) in received.into_iter().flatten() {
            match read_entry(&key, &value)? {
                Some((key, image)) => keys.push(key, &image),
                None => catalogue.load(&key, &value)?,
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let reading = scope.spawn(read);
        pack()?;
        Ok::<_, RecoveryError>(
            reading
                .join()
                .expect("a panic stops the process before this")?,
        )
    })?;
    directory.load(keys);
    Ok(())
}

pub(super) fn decode(position: Position, bytes: &[u8]) -> Result<Tagged<'_>, RecoveryError> {
    codec::decode(bytes).map_err(|error| RecoveryError::Record(position, error))
}

/// The stock key and image of a snapshot entry, unless it is the catalogue's.
pub(super) fn read_entry<'a>(
    key: &'a [u8],
    value: &'a [u8],
) -> Result<Option<StockEntry<'a>>, RecoveryError> {
    let named = |error| RecoveryError::Snapshot(String::from_utf8_lossy(key).into_owned(), error);
    codec::read_stock_entry(key, value).map_err(named)
}
