//! Snapshot rounds: what changed since the last one is copied, key by key, while the node works.
//!
//! The cut of a round is the durable position read before its first key is copied. A key is
//! written once its copied version is durable. The round ends with a sync; only then may anything
//! be trimmed. On an error its keys stay to be written.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::iter;
use std::sync::Arc;
use std::time::Duration;
use std::vec;

use tokio::sync::{Mutex, mpsc};

use super::pace::Pace;
use crate::actors::{Directory, Gone, Imaged};
use crate::catalogue::{Catalogue, EntityKey};
use crate::clock::Stopwatch;
use crate::journal::codec::{STOCK_KEY_PREFIX, stock_entry};
use crate::journal::{EntryChange, Position, Round, Store, StoreError};
use crate::stock::StockKey;
use crate::telemetry::{labels, metrics};

/// How many keys are copied at once; whoever wants the processor waits meanwhile, some 100 µs.
const KEYS_AT_ONCE: usize = 16;

/// How many keys are put in order at once.
const SORTED_AT_ONCE: usize = 1024;

/// How many times as many when nobody is served any more.
const HURRIED: usize = 128;

/// How many times as long as copying took the rest after it lasts.
const REST: u32 = 4;

/// What takes snapshots.
#[derive(Clone)]
pub struct Snapshots {
    /// The keys.
    pub directory: Arc<Directory>,
    /// The catalogue.
    pub catalogue: Catalogue,
    /// Where to.
    pub store: Arc<dyn Store>,
    /// How fast a round may go.
    pub pace: Pace,
    /// One round at a time.
    turn: Arc<Mutex<()>>,
}

impl Snapshots {
    /// What copies `directory` and `catalogue` to `store`.
    pub fn new(directory: Arc<Directory>, catalogue: Catalogue, store: Arc<dyn Store>) -> Self {
        Snapshots {
            directory,
            catalogue,
            store,
            pace: Pace::default(),
            turn: Arc::default(),
        }
    }

    /// One round; gives the number of entries written.
    ///
    /// It runs to its end even if whoever asked for it goes away: the keys it took are marked
    /// nowhere else, and a later round's cut would pass over them.
    pub async fn round(&self) -> Result<usize, StoreError> {
        let snapshots = self.clone();
        let round = actix::spawn(async move {
            let _turn = snapshots.turn.lock().await;
            let stopwatch = Stopwatch::start();
            let outcome = snapshots.write_all().await;
            snapshots.count(&outcome, stopwatch.elapsed());
            outcome
        });
        round.await.unwrap_or(Err(StoreError::Closed))
    }

    fn count(&self, outcome: &Result<usize, StoreError>, took: Duration) {
        let metrics = metrics();
        let Ok(entries) = outcome else {
            return metrics.snapshots_total.of(labels::WorkResult::Failed).inc();
        };
        metrics.snapshots_total.of(labels::WorkResult::Done).inc();
        metrics.snapshot_seconds.observe(took.as_secs_f64());
        metrics.snapshot_entries_total.inc_by(*entries as u64);
        let now = self.directory.context.clock.now().as_millis() as f64 / 1000.0;
        metrics.snapshot_finished_timestamp_seconds.set(now);
        let history = self.store.history_bytes();
        metrics
            .journal_history_bytes
            .set(history.try_into().unwrap_or(i64::MAX));
    }

    async fn write_all(&self) -> Result<usize, StoreError> {
        let cut = self.directory.context.journal.durable();
        let (directory, pace) = (self.directory.clone(), self.pace.clone());
        let taken = blocking(move || {
            let mut dirty = directory.take_dirty();
            for lot in pace.between(REST, dirty.chunks_mut(SORTED_AT_ONCE)) {
                lot.sort_unstable();
            }
            Ok::<_, StoreError>(dirty)
        });
        let dirty = taken.await?;
        let entities = self.catalogue.take_dirty();
        let written = dirty.len() + entities.len();
        let outcome = self.write(cut, &dirty, &entities).await;
        if outcome.is_err() {
            self.directory.mark_all_dirty(dirty);
            self.catalogue
                .put_back(entities.into_iter().map(|(key, _)| key));
        }
        outcome.map(|()| written)
    }

    async fn write(
        &self,
        cut: Position,
        dirty: &[StockKey],
        entities: &[(EntityKey, Vec<u8>)],
    ) -> Result<(), StoreError> {
        let (outgoing, incoming) = changes(dirty.len() + entities.len());
        let store = self.store.clone();
        let putting = blocking(move || store.put_snapshots(Box::new(incoming)));
        let (put, sent) = tokio::join!(putting, self.send(dirty, entities, outgoing));
        put.and(sent)?;
        let context = &self.directory.context;
        let (witness, high_water) = (context.journal.durable(), context.clock.now());
        fail::fail_point!("snapshots::before_finish", |_| std::process::abort());
        let store = self.store.clone();
        blocking(move || {
            store.finish_round(Round {
                cut,
                witness,
                high_water,
            })
        })
        .await?;
        fail::fail_point!("snapshots::after_finish", |_| std::process::abort());
        Ok(())
    }

    /// Sends all changes, in the order of their keys.
    async fn send(
        &self,
        dirty: &[StockKey],
        entities: &[(EntityKey, Vec<u8>)],
        outgoing: Outgoing,
    ) -> Result<(), StoreError> {
        let change = |(key, image): &(EntityKey, Vec<u8>)| EntryChange {
            key: key.to_string().into_bytes(),
            value: Some(image.clone()),
        };
        let mut before: Vec<_> = entities.iter().map(change).collect();
        before.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        let is_before = |change: &EntryChange| &*change.key < STOCK_KEY_PREFIX;
        let after = before.split_off(before.partition_point(is_before));
        outgoing.send(before).await?;
        let times = if self.pace.is_hurried() { HURRIED } else { 1 };
        let mut keys = ascending(dirty.chunks(SORTED_AT_ONCE));
        loop {
            let keys: Vec<_> = keys.by_ref().take(times * KEYS_AT_ONCE).cloned().collect();
            if keys.is_empty() {
                break;
            }
            let images = self.directory.images(&keys);
            let images = self.pace.step(REST, images).await;
            let mut images = images.map_err(|Gone| StoreError::Closed)?;
            images.sort_unstable_by(|(a, ..), (b, ..)| a.cmp(b));
            let newest = images.iter().map(|(_, _, position)| *position).max();
            self.durable(newest.unwrap_or(Position::ZERO)).await?;
            let change = |(key, image, _): Imaged| {
                let (key, value) = stock_entry(key.as_str(), &image);
                EntryChange {
                    key,
                    value: Some(value),
                }
            };
            outgoing
                .send(images.into_iter().map(change).collect())
                .await?;
        }
        outgoing.send(after).await
    }

    /// Waits until records up to there are durable.
    async fn durable(&self, newest: Position) -> Result<(), StoreError> {
        let journal = &self.directory.context.journal;
        let mut durable = journal.watch();
        let settled = durable.wait_for(|durable| *durable >= newest || journal.is_failed());
        if settled.await.is_err() || journal.is_failed() {
            return Err(StoreError::Closed);
        }
        Ok(())
    }
}

/// The keys of lots that are in order, all in order and each once.
fn ascending<'a>(lots: impl Iterator<Item = &'a [StockKey]>) -> impl Iterator<Item = &'a StockKey> {
    let first = |lot: &'a [StockKey]| lot.split_first().map(Reverse);
    let mut lots: BinaryHeap<_> = lots.filter_map(first).collect();
    let mut last = None;
    iter::from_fn(move || {
        loop {
            let Reverse((key, rest)) = lots.pop()?;
            lots.extend(first(rest));
            if last.replace(key) != Some(key) {
                return Some(key);
            }
        }
    })
}

/// Changes on their way to the thread that writes them, so many at most.
fn changes(at_most: usize) -> (Outgoing, Incoming) {
    let (outgoing, incoming) = mpsc::channel(1);
    let incoming = Incoming {
        lots: incoming,
        lot: Vec::new().into_iter(),
        left: at_most,
    };
    (Outgoing(outgoing), incoming)
}

struct Outgoing(mpsc::Sender<Vec<EntryChange>>);

impl Outgoing {
    /// Fails if nobody writes any more; who did knows why.
    async fn send(&self, lot: Vec<EntryChange>) -> Result<(), StoreError> {
        fail::fail_point!("snapshots::before_put", |_| std::process::abort());
        self.0.send(lot).await.map_err(|_| StoreError::Closed)
    }
}

struct Incoming {
    lots: mpsc::Receiver<Vec<EntryChange>>,
    lot: vec::IntoIter<EntryChange>,
    /// How many may come.
    left: usize,
}

impl Iterator for Incoming {
    type Item = EntryChange;

    fn next(&mut self) -> Option<EntryChange> {
        loop {
            if let Some(change) = self.lot.next() {
                self.left = self.left.saturating_sub(1);
                return Some(change);
            }
            self.lot = self.lots.blocking_recv()?.into_iter();
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

pub(super) async fn blocking<T: Send + 'static, E: From<StoreError> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(StoreError::Closed.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stock::{LocationId, Sku};

    #[test]
    fn lots_in_order_are_one_in_order_without_repetitions() {
        let location = LocationId::parse("l").unwrap();
        let key = |sku: &&str| StockKey::new(&Sku::parse(sku).unwrap(), &location);
        let keys = |skus: &[&str]| -> Vec<StockKey> { skus.iter().map(key).collect() };
        let lots = [keys(&["b", "b", "d"]), keys(&[]), keys(&["a", "b", "e"])];
        let all: Vec<_> = ascending(lots.iter().map(Vec::as_slice)).cloned().collect();
        assert_eq!(all, keys(&["a", "b", "d", "e"]));
    }
}
