//! The way back after a stop: snapshots, then the journal's tail, which is written and synced anew
//! as snapshots. What is due and what keys owe to each other comes after this, and only then is
//! the node ready.

use std::borrow::Cow;
use std::sync::Arc;

use super::replay::{Replayed, replay_tail};
use crate::actors::{Directory, Passive};
use crate::catalogue::{self, CatalogueCodecError, OutOfOrder};
use crate::clock::Stopwatch;
use crate::journal::codec::{self, CodecError, Tagged, stock_entry};
use crate::journal::store::Entry;
use crate::journal::{Position, Round, Store, StoreError, high_water};
use crate::stock::StockKey;
use crate::stock::ledger::ReplayError;

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

/// Fills the directory and the catalogue from the store. What was replayed is in the snapshots when
/// this returns, and synced: a sync that failed before may have left pages that only look clean.
pub fn recover(
    store: &dyn Store,
    directory: &Arc<Directory>,
    catalogue: &mut catalogue::Recovery,
) -> Result<Recovered, RecoveryError> {
    let stopwatch = Stopwatch::start();
    let mut keys = Vec::new();
    for entry in store.snapshots()? {
        let (key, value) = entry?;
        match read_entry(&key, &value)? {
            Some((key, image)) => keys.push(Passive::new(&key, &image)),
            None => catalogue.load(&key, &value)?,
        }
    }
    directory.load(keys);
    tracing::info!(keys = directory.len(), elapsed = ?stopwatch.elapsed(), "snapshots loaded");
    let cut = store
        .round()
        .map_or(store.base_position(), |round| round.cut);
    let replayed = replay_tail(store, cut, directory, catalogue)?;
    let records = replayed.records;
    tracing::info!(records, elapsed = ?stopwatch.elapsed(), "journal replayed");
    if records > 0 {
        renew(store, directory, catalogue, &replayed)?;
        let changed = replayed.keys.len();
        tracing::info!(changed, elapsed = ?stopwatch.elapsed(), "what was replayed is synced");
    }
    directory.index();
    let keys = directory.len();
    tracing::info!(keys, elapsed = ?stopwatch.elapsed(), "indexes built");
    Ok(Recovered { keys, records })
}

/// Writes what the tail changed as a snapshot round of its own.
fn renew(
    store: &dyn Store,
    directory: &Directory,
    catalogue: &catalogue::Recovery,
    replayed: &Replayed,
) -> Result<(), RecoveryError> {
    let of_key = |key: &StockKey| -> Entry {
        let ledger = directory.resting_image(key);
        stock_entry(key.as_str(), &ledger)
    };
    let of_entity = |key: &catalogue::EntityKey| {
        let image = catalogue.register().image(key)?;
        Some((key.to_string().into_bytes(), image))
    };
    let mut entities: Vec<Entry> = replayed.entities.iter().filter_map(of_entity).collect();
    entities.sort_unstable();
    fail::fail_point!("recovery::before_renewal", |_| std::process::abort());
    store.load_snapshots(&mut entities.into_iter())?;
    store.load_snapshots(&mut replayed.keys.iter().map(of_key))?;
    let last = store.last();
    fail::fail_point!("recovery::before_finish", |_| std::process::abort());
    Ok(store.finish_round(Round {
        cut: last,
        witness: last,
        high_water: high_water(store)?,
    })?)
}

pub(super) fn decode(position: Position, bytes: &[u8]) -> Result<Tagged<'_>, RecoveryError> {
    codec::decode(bytes).map_err(|error| RecoveryError::Record(position, error))
}

/// The stock key and image of a snapshot entry, unless it is the catalogue's.
pub(super) fn read_entry<'a>(
    key: &[u8],
    value: &'a [u8],
) -> Result<Option<(StockKey, Cow<'a, [u8]>)>, RecoveryError> {
    let named = |error| RecoveryError::Snapshot(String::from_utf8_lossy(key).into_owned(), error);
    codec::read_stock_entry(key, value).map_err(named)
}
