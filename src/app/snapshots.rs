//! Snapshot rounds: what changed since the last one is copied, key by key, while the node works.
//!
//! The cut of a round is the durable position read before its first key is copied. A key is
//! written once its copied version is durable. The round ends with a sync; only then may anything
//! be trimmed. On an error its keys stay to be written.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::pace::Pace;
use crate::actors::{Directory, Gone};
use crate::catalogue::Catalogue;
use crate::clock::Stopwatch;
use crate::journal::codec::stock_entry;
use crate::journal::{EntryChange, Position, Round, Store, StoreError};
use crate::stock::StockKey;
use crate::telemetry::{labels, metrics};

/// How much is copied and written at once; whoever wants the processor or the log waits meanwhile,
/// some 100 µs.
const ENTRIES_AT_ONCE: usize = 16;
const BYTES_AT_ONCE: usize = 4 * 1024;

/// How many times as much is written at once when nobody appends any more.
const HURRIED: usize = 128;

/// How many times as long as a write took the rest after it lasts.
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
        let dirty = self.directory.take_dirty();
        let entities = self.catalogue.take_dirty();
        let written = dirty.len() + entities.len();
        let outcome = self.write(cut, &dirty, &entities).await;
        if outcome.is_err() {
            self.directory.mark_all_dirty(dirty);
            self.catalogue
                .put_back(entities.iter().map(|(key, _)| key.clone()));
        }
        outcome.map(|()| written)
    }

    async fn write(
        &self,
        cut: Position,
        dirty: &[StockKey],
        entities: &[(crate::catalogue::EntityKey, Vec<u8>)],
    ) -> Result<(), StoreError> {
        let times = if self.pace.is_hurried() { HURRIED } else { 1 };
        for keys in dirty.chunks(times * ENTRIES_AT_ONCE) {
            self.write_keys(keys, times * BYTES_AT_ONCE).await?;
        }
        for entities in entities.chunks(ENTRIES_AT_ONCE) {
            let change = |(key, image): &(crate::catalogue::EntityKey, Vec<u8>)| EntryChange {
                key: key.to_string().into_bytes(),
                value: Some(image.clone()),
            };
            let changes = entities.iter().map(change).collect();
            self.put(changes).await?;
        }
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

    async fn write_keys(&self, keys: &[StockKey], bytes_at_once: usize) -> Result<(), StoreError> {
        let images = self.directory.images(keys).await;
        let images = images.map_err(|Gone| StoreError::Closed)?;
        let (mut changes, mut bytes) = (Vec::with_capacity(keys.len()), 0);
        let mut newest = Position::ZERO;
        for (key, image, position) in images {
            let (key, value) = stock_entry(key.as_str(), &image);
            bytes += value.len();
            changes.push(EntryChange {
                key,
                value: Some(value),
            });
            newest = newest.max(position);
            if bytes >= bytes_at_once {
                self.put_durable(mem::take(&mut changes), newest).await?;
                bytes = 0;
            }
        }
        self.put_durable(changes, newest).await
    }

    /// Writes what holds records up to `newest`, once these are durable.
    async fn put_durable(
        &self,
        changes: Vec<EntryChange>,
        newest: Position,
    ) -> Result<(), StoreError> {
        let journal = &self.directory.context.journal;
        let mut durable = journal.watch();
        let settled = durable.wait_for(|durable| *durable >= newest || journal.is_failed());
        if settled.await.is_err() || journal.is_failed() {
            return Err(StoreError::Closed);
        }
        self.put(changes).await
    }

    async fn put(&self, changes: Vec<EntryChange>) -> Result<(), StoreError> {
        fail::fail_point!("snapshots::before_put", |_| std::process::abort());
        let store = self.store.clone();
        let put = blocking(move || store.put_snapshots(changes));
        self.pace.step(REST, put).await
    }
}

pub(super) async fn blocking<T: Send + 'static, E: From<StoreError> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(StoreError::Closed.into()))
}
