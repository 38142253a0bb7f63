//! The journal's tail, replayed on as many threads as there are cores. The records of one key are
//! replayed in order, by the thread that has its part of the directory; keys need no order among
//! each other, because each record holds all that its key is to know. It must not know where the
//! tail comes from.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::recovery::{RecoveryError, decode};
use crate::actors::Directory;
use crate::catalogue::{self, CatalogueRecord};
use crate::journal::codec::{self, Tagged};
use crate::journal::{Position, Record, RecordReader, Store};
use crate::stock::Ledger;

/// How many records are replayed between two lines of progress.
pub const PROGRESS_RECORDS: u64 = 500_000;

/// Bytes of records read before the threads are given theirs, which they sort. The more, the closer
/// together lie those of keys that follow each other. Three times as many are in memory: one lot is
/// read and one waits while one is replayed. Tests have many lots.
const LOT_BYTES: usize = if cfg!(test) { 16 << 10 } else { 16 << 20 };

/// Replays the records after `cut` over what was loaded; gives how many there are.
pub(super) fn replay_tail(
    store: &dyn Store,
    cut: Position,
    directory: &Arc<Directory>,
    catalogue: &mut catalogue::Recovery,
) -> Result<u64, RecoveryError> {
    if store.last() <= cut {
        return Ok(0);
    }
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let (mut parts, mut running) = (Vec::new(), Vec::new());
        for _ in 0..threads {
            let (lots, received) = sync_channel(1);
            parts.push(Part {
                lots,
                lot: Vec::new(),
            });
            running.push(scope.spawn(|| replay_part(received, directory)));
        }
        let read = deal_out(store, cut, &mut parts, catalogue);
        drop(parts);
        for thread in running {
            // A part that failed says why; that nobody takes its records any more is no news.
            thread
                .join()
                .expect("a panic stops the process before this")?;
        }
        read
    })
}

/// Where the records of one thread go.
struct Part {
    lots: SyncSender<Vec<Record>>,
    lot: Vec<Record>,
}

impl Part {
    /// Gives the thread what was read for it; false if the thread is gone, which will say why.
    fn hand_over(&mut self) -> bool {
        let lot = std::mem::take(&mut self.lot);
        self.lots.send(lot).is_ok()
    }
}

/// Reads the tail and gives each record to the thread of its key; gives how many there are. All
/// threads are given theirs at once: one that had to wait until its own lot was full would stand
/// still while the reader waits for another that is busy.
fn deal_out(
    store: &dyn Store,
    cut: Position,
    parts: &mut [Part],
    catalogue: &mut catalogue::Recovery,
) -> Result<u64, RecoveryError> {
    let (mut records, mut bytes) = (0_u64, 0_usize);
    for record in RecordReader::open(store, cut.next())? {
        let record = record?;
        records += 1;
        if records.is_multiple_of(PROGRESS_RECORDS) {
            let last = store.last().get();
            tracing::info!(records, last, "replaying the journal");
        }
        let Some(key) = codec::stock_key_of(&record.bytes) else {
            if let Tagged::Catalogue(bytes) = decode(record.position, &record.bytes)? {
                catalogue.replay(&CatalogueRecord::decode(bytes)?)?;
            }
            continue;
        };
        let part = Directory::part_of(key) % parts.len();
        bytes += record.bytes.len();
        parts[part].lot.push(record);
        if bytes >= LOT_BYTES {
            bytes = 0;
            if !parts.iter_mut().all(Part::hand_over) {
                return Ok(records);
            }
        }
    }
    // Whoever is gone by now says why as well.
    let _ = parts.iter_mut().all(Part::hand_over);
    Ok(records)
}

/// Replays what one thread is given.
fn replay_part(
    lots: Receiver<Vec<Record>>,
    directory: &Arc<Directory>,
) -> Result<(), RecoveryError> {
    lots.into_iter()
        .try_for_each(|lot| replay_sorted(&lot, directory))
}

/// Replays records key by key: each ledger is unpacked and packed once, and what is looked for
/// lies beside what was looked for before.
fn replay_sorted<'r>(records: &'r [Record], directory: &Directory) -> Result<(), RecoveryError> {
    let mut changed = Vec::new();
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
            changed.push(ledger.key().clone());
        }
    }
    directory.mark_all_dirty(changed);
    Ok(())
}
