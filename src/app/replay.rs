//! The journal's tail, replayed on as many threads as there are cores. The records of one key are
//! replayed in order, by the thread that has its part of the directory; keys need no order among
//! each other, because each record holds all that its key is to know. It must not know how the
//! tail is made durable anew.

use std::collections::{BTreeSet, HashMap};
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

/// Ledgers one thread keeps unpacked; past it all are packed again. A tail may touch every key of
/// the node, and unpacked they would take many times their place.
const LEDGERS_MAX: usize = 4096;

/// What the tail changed.
#[derive(Default)]
pub(super) struct Replayed {
    /// Records read.
    pub records: u64,
    /// Stock keys with a record in the tail.
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
    replayed.keys.sort_unstable();
    replayed.keys.dedup();
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
        if replayed.records % PROGRESS_RECORDS == 0 {
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

/// Replays what one thread is given; gives the keys it changed, some of them twice.
fn replay_part(
    pieces: Receiver<Vec<Record>>,
    directory: &Arc<Directory>,
) -> Result<Vec<StockKey>, RecoveryError> {
    let mut ledgers: HashMap<StockKey, Ledger> = HashMap::new();
    let mut keys = Vec::new();
    let mut pack = |ledgers: &mut HashMap<StockKey, Ledger>| {
        for (key, ledger) in ledgers.drain() {
            directory.load_changed(&ledger);
            keys.push(key);
        }
    };
    for record in pieces.into_iter().flatten() {
        if let Tagged::Stock(stock) = decode(record.position, &record.bytes)? {
            if ledgers.len() >= LEDGERS_MAX && !ledgers.contains_key(&stock.key) {
                pack(&mut ledgers);
            }
            let ledger = ledgers
                .entry(stock.key.clone())
                .or_insert_with(|| directory.resting_ledger(&stock.key));
            ledger.replay(&stock, record.position.get())?;
        }
    }
    pack(&mut ledgers);
    Ok(keys)
}
