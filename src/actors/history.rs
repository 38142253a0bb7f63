//! The journal as others read it: what happened after a position, and the movements of one key.

use std::time::Duration;

use super::service::StockService;
use crate::journal::codec::{CodecError, Tagged, decode};
use crate::journal::{Journal, Position, StoreError};
use crate::stock::StockKey;
use crate::stock::event::StockRecord;

/// After so many bytes of records no further one is read at once: in memory and when it is told
/// a record is many times as large.
const BYTES_AT_ONCE_MAX: usize = 1 << 20;

/// A record as it is told to others.
#[derive(Debug)]
pub enum JournalRecord {
    /// Of a stock key.
    Stock(Box<StockRecord>),
    /// Of the catalogue, in its own encoding.
    Catalogue(Vec<u8>),
}

impl JournalRecord {
    /// How much happened in it: one thing at least.
    fn events(&self) -> usize {
        match self {
            JournalRecord::Stock(record) => record.events.len().max(1),
            JournalRecord::Catalogue(_) => 1,
        }
    }
}

/// Why the journal cannot be read from there.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// The position is no longer kept.
    #[error("the earliest position kept is after {earliest}")]
    Expired {
        /// Reading may begin after this one.
        earliest: Position,
    },
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
    /// A record does not decode.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The process is stopping.
    #[error("the service is stopping")]
    Stopping,
}

impl StockService {
    /// Durable records after `after`, in order, until they have `limit` events or there is enough
    /// to tell at once; waits up to `wait` for the first.
    pub async fn records_after(
        &self,
        after: Position,
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<(Position, JournalRecord)>, EventsError> {
        let journal = self.directory().context.journal.clone();
        if journal.durable() <= after {
            let mut told = journal.watch();
            let news = told.wait_for(|durable| *durable > after);
            if tokio::time::timeout(wait, news).await.is_err() {
                return Ok(Vec::new());
            }
        }
        blocking(move || read_after(&journal, after, limit)).await
    }

    /// Up to `limit` movements of `key`, newest first, before the one at `before`.
    pub async fn movements_of(
        &self,
        key: &StockKey,
        before: Option<Position>,
        limit: usize,
    ) -> Result<Vec<(Position, StockRecord)>, EventsError> {
        let journal = self.directory().context.journal.clone();
        let newest = self.directory().last_movement(key).unwrap_or_default();
        let key = key.clone();
        blocking(move || {
            let mut next = match before {
                Some(before) => read_at(&journal, before)?.map_or(0, |old| old.previous_movement),
                None => newest,
            };
            let mut found = Vec::new();
            while next > 0 && found.len() < limit {
                let position = Position::new(next);
                let Some(record) = read_at(&journal, position)?.filter(|r| r.key == key) else {
                    break;
                };
                next = record.previous_movement;
                found.push((position, record));
            }
            Ok(found)
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, EventsError> + Send + 'static,
) -> Result<T, EventsError> {
    tokio::task::spawn_blocking(read)
        .await
        .unwrap_or(Err(EventsError::Stopping))
}

fn read_after(
    journal: &Journal,
    after: Position,
    limit: usize,
) -> Result<Vec<(Position, JournalRecord)>, EventsError> {
    let (mut told, mut events, mut bytes) = (Vec::new(), 0, 0);
    for record in journal.read(after.next()).map_err(expired)? {
        let record = record.map_err(expired)?;
        bytes += record.bytes.len();
        let one = match decode(&record.bytes)? {
            Tagged::Stock(stock) => JournalRecord::Stock(stock),
            Tagged::Catalogue(bytes) => JournalRecord::Catalogue(bytes.to_vec()),
        };
        events += one.events();
        told.push((record.position, one));
        if events >= limit || bytes >= BYTES_AT_ONCE_MAX {
            break;
        }
    }
    Ok(told)
}

/// The stock record at `position`, if it is still kept.
fn read_at(journal: &Journal, position: Position) -> Result<Option<StockRecord>, EventsError> {
    let mut records = match journal.read(position) {
        Ok(records) => records,
        Err(StoreError::Trimmed { .. }) => return Ok(None),
        Err(error) => return Err(EventsError::Store(error)),
    };
    let Some(record) = records.next() else {
        return Ok(None);
    };
    match decode(&record.map_err(EventsError::Store)?.bytes)? {
        Tagged::Stock(stock) => Ok(Some(*stock)),
        Tagged::Catalogue(_) => Ok(None),
    }
}

fn expired(error: StoreError) -> EventsError {
    if let StoreError::Trimmed { earliest, .. } = error {
        let earliest = Position::new(earliest.get().saturating_sub(1));
        return EventsError::Expired { earliest };
    }
    EventsError::Store(error)
}
