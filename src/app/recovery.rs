//! The way back after a stop: snapshots, then the journal's tail, then what is due and what keys
//! owe to each other. Only then is the node ready.

use std::collections::HashMap;
use std::sync::Arc;

use crate::actors::Directory;
use crate::catalogue::{self, CatalogueCodecError, CatalogueRecord, OutOfOrder};
use crate::clock::Stopwatch;
use crate::journal::codec::{self, CodecError, Tagged};
use crate::journal::{Position, Record, RecordReader, Store, StoreError};
use crate::stock::ledger::ReplayError;
use crate::stock::{Ledger, StockKey};

/// How many records are replayed between two lines of progress.
const PROGRESS_RECORDS: u64 = 500_000;

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

/// Fills the directory and the catalogue from the store.
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
            Some((key, image)) => keys.push((key, image.to_vec())),
            None => catalogue.load(&key, &value)?,
        }
    }
    directory.load(keys);
    tracing::info!(keys = directory.len(), elapsed = ?stopwatch.elapsed(), "snapshots loaded");
    let cut = store
        .round()
        .map_or(store.base_position(), |round| round.cut);
    let records = replay_tail(store, cut, directory, catalogue)?;
    directory.index();
    let keys = directory.len();
    tracing::info!(keys, records, elapsed = ?stopwatch.elapsed(), "journal replayed");
    Ok(Recovered { keys, records })
}

fn replay_tail(
    store: &dyn Store,
    cut: Position,
    directory: &Arc<Directory>,
    catalogue: &mut catalogue::Recovery,
) -> Result<u64, RecoveryError> {
    let mut touched: HashMap<StockKey, Ledger> = HashMap::new();
    let mut records = 0;
    for record in RecordReader::open(store, cut.next())? {
        let record = record?;
        match decode(&record)? {
            Tagged::Stock(stock) => {
                let ledger = touched
                    .entry(stock.key.clone())
                    .or_insert_with(|| directory.resting_ledger(&stock.key));
                ledger.replay(&stock, record.position.get())?;
            }
            Tagged::Catalogue(bytes) => catalogue.replay(&CatalogueRecord::decode(bytes)?)?,
        }
        records += 1;
        if records % PROGRESS_RECORDS == 0 {
            tracing::info!(records, last = store.last().get(), "replaying the journal");
        }
    }
    for (_, ledger) in touched {
        directory.load_changed(&ledger);
    }
    Ok(records)
}

pub(super) fn decode(record: &Record) -> Result<Tagged<'_>, RecoveryError> {
    codec::decode(&record.bytes).map_err(|error| RecoveryError::Record(record.position, error))
}

/// The stock key and image of a snapshot entry, unless it is the catalogue's.
pub(super) fn read_entry<'a>(
    key: &[u8],
    value: &'a [u8],
) -> Result<Option<(StockKey, &'a [u8])>, RecoveryError> {
    let named = |error| RecoveryError::Snapshot(String::from_utf8_lossy(key).into_owned(), error);
    let Some((key, image)) = codec::read_stock_entry(key, value).map_err(named)? else {
        return Ok(None);
    };
    let malformed = postcard::Error::DeserializeBadEncoding;
    let key = StockKey::parse(key).map_err(|_| named(CodecError::Malformed(malformed)))?;
    Ok(Some((key, image)))
}
