//! The journal's tail, replayed on as many threads as there are cores. The records of one key are
//! replayed in order, by the thread that has its part of the directory; keys need no order among
//! each other, because each record holds all that its key is to know. It must not know how the
//! tail is made durable anew.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::recovery::{RecoveryError, decode};
use crate::actors::Directory;
use crate::catalogue::{self, CatalogueRecord, EntityKey};
use crate::journal::codec::{self, Tagged};
use crate::journal::{Position, Record, RecordReader, Store};
use crate::stock::{Ledger, StockKey};

/// How many records are replayed between two lines of progress.
const PROGRESS_RECORDS: u64 = 500_000;

/// Records handed to a thread at once, and how many such pieces may wait for it.
const RECORDS_AT_ONCE: usize = 1024;
const PIECES_WAITING_MAX: usize = 4;

/// Records one thread gathers before it replays them, sorted: some megabytes.
const RECORDS_SORTED: usize = 32_768;

/// What the tail changed.
#[derive(Default)]
pub(super) struct Replayed {
    /// Records read.
    pub records: u64,
    /// Stock keys with a record in the tail, some of them more than once.
    pub keys: Vec<StockKey>,
    /// Entities of the catalogue with a record in the tail.
    pub entities: BTreeSet<EntityKey>,
}

/// Replays the records after `cut` over what was loaded.
pub(super) fn replay_tail(
    store: &dyn Store,
    cut: Position,
    directory: &Arc<Directory>,
    catalogue: &mut catalogue::Recovery,
) -> Result<Replayed, RecoveryError> {
    let mut replayed = Replayed::default();
    if store.last() <= cut {
        return Ok(replayed);
    }
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let (mut parts, mut running) = (Vec::new(), Vec::new());
        for _ in 0..threads {
            let (pieces, received) = sync_channel(PIECES_WAITING_MAX);
            parts.push(Part {
                pieces,
                piece: Vec::new(),
            });
            running.push(scope.spawn(|| replay_part(received, directory)));
        }
        let read = deal_out(store, cut, &mut parts, catalogue, &mut replayed);
        drop(parts);
        for thread in running {
            let keys = thread
                .join()
                .expect("a panic stops the process before this");
            // A part that failed says why; that nobody takes its records any more is no news.
            replayed.keys.extend(keys?);
        }
        read
    })?;
    Ok(replayed)
}

/// Where the records of one thread go.
struct Part {
    pieces: SyncSender<Vec<Record>>,
    piece: Vec<Record>,
}

/// Reads the tail and gives each record to the thread of its key.
fn deal_out(
    store: &dyn Store,
    cut: Position,
    parts: &mut [Part],
    catalogue: &mut catalogue::Recovery,
    replayed: &mut Replayed,
) -> Result<(), RecoveryError> {
    for record in RecordReader::open(store, cut.next())? {
        let record = record?;
        replayed.records += 1;
        if replayed.records.is_multiple_of(PROGRESS_RECORDS) {
            let (records, last) = (replayed.records, store.last().get());
            tracing::info!(records, last, "replaying the journal");
        }
        let Some(key) = codec::stock_key_of(&record.bytes) else {
            if let Tagged::Catalogue(bytes) = decode(record.position, &record.bytes)? {
                let record = CatalogueRecord::decode(bytes)?;
                catalogue.replay(&record)?;
                replayed.entities.insert(record.event.key());
            }
            continue;
        };
        let part = Directory::part_of(key) % parts.len();
        let Part { pieces, piece } = &mut parts[part];
        piece.push(record);
        // A thread that is gone has failed, and will say so.
        if piece.len() == RECORDS_AT_ONCE && pieces.send(std::mem::take(piece)).is_err() {
            return Ok(());
        }
    }
    for Part { pieces, piece } in parts {
        if pieces.send(std::mem::take(piece)).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Replays what one thread is given; gives the keys it changed, some of them more than once.
fn replay_part(
    pieces: Receiver<Vec<Record>>,
    directory: &Arc<Directory>,
) -> Result<Vec<StockKey>, RecoveryError> {
    let (mut records, mut keys) = (Vec::new(), Vec::new());
    for piece in pieces {
        records.extend(piece);
        if records.len() >= RECORDS_SORTED {
            replay_sorted(&records, directory, &mut keys)?;
            records.clear();
        }
    }
    replay_sorted(&records, directory, &mut keys)?;
    Ok(keys)
}

/// Replays records key by key: each ledger is unpacked and packed once, and what is looked for
/// lies beside what was looked for before.
fn replay_sorted<'r>(
    records: &'r [Record],
    directory: &Directory,
    keys: &mut Vec<StockKey>,
) -> Result<(), RecoveryError> {
    let keyed = |record: &'r Record| Some((codec::stock_key_of(&record.bytes)?, record));
    let mut sorted: Vec<(&str, &Record)> = records.iter().filter_map(keyed).collect();
    sorted.sort_by_key(|(key, _)| *key);
    for of_key in sorted.chunk_by(|(one, _), (next, _)| one == next) {
        let mut ledger: Option<Ledger> = None;
        for (_, record) in of_key {
            if let Tagged::Stock(stock) = decode(record.position, &record.bytes)? {
                let ledger = ledger.get_or_insert_with(|| directory.resting_ledger(&stock.key));
                ledger.replay(&stock, record.position.get())?;
            }
        }
        if let Some(ledger) = ledger {
            directory.load_changed(&ledger);
            keys.push(ledger.key().clone());
        }
    }
    Ok(())
}
