//! One node: store, journal, keys and catalogue, put together from the configuration.

use std::io::Write;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix::Arbiter;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::companion::Ready;
use super::listen::Listening;
use super::recovery::{Recovered, recover};
use super::snapshots::Snapshots;
use super::{AppError, epoch};
use crate::actors::{
    ActorsConfig, Context, Directory, IdempotencyIndex, PublishedReservations, StockService,
};
use crate::backup::Backups;
use crate::catalogue::{self, Catalogue, CatalogueConfig, CatalogueLimits, Secret};
use crate::clock::Clock;
use crate::config::Config;
use crate::journal::group::GroupLimits;
use crate::journal::{
    EmbeddedStore, GroupWritten, Journal, JournalConfig, Observers, Store, high_water,
};
use crate::stock::{Quantity, Rules};
use crate::telemetry::metrics;

/// How long errands may take to finish at a start and at a stop.
const ERRANDS_MAX: Duration = Duration::from_secs(10);

/// A node that is not serving yet.
pub struct Node {
    store: Arc<dyn Store>,
    journal: Journal,
    directory: Arc<Directory>,
    recovery: Mutex<Option<catalogue::Recovery>>,
    arbiters: Vec<Arbiter>,
    epoch: String,
    failed: Mutex<Option<oneshot::Receiver<()>>>,
}

/// A node that serves.
pub struct Started {
    /// The node.
    pub node: Node,
    /// Stock and reservations.
    pub stock: StockService,
    /// Items, locations, tokens.
    pub catalogue: Catalogue,
    /// What takes snapshots.
    pub snapshots: Snapshots,
    /// The token made at the first start, to be shown once.
    pub secret: Option<Secret>,
    /// Hears when the journal failed.
    pub failed: Option<oneshot::Receiver<()>>,
}

impl Node {
    /// Opens the data directory and starts its journal; nothing is served yet.
    pub fn open(config: &Config) -> Result<Node, AppError> {
        let store: Arc<dyn Store> = Arc::new(EmbeddedStore::open(&config.journal.data_dir)?);
        let clock = Clock::system(high_water(&*store)?)?;
        let epoch = epoch::of(&*store, config.stock.limited_max)?;
        let (tell_failed, failed) = oneshot::channel();
        let observers = Observers {
            failed: Box::new(move |_| {
                // Nobody listens once the process stops by itself.
                tell_failed.send(()).ok();
            }),
            written: Box::new(count_group),
        };
        let journal_config = JournalConfig {
            queue_places_max: config.journal.queue_places_max,
            group: GroupLimits {
                group_bytes_max: config.journal.group_bytes_max,
                ..GroupLimits::default()
            },
            ..JournalConfig::default()
        };
        let journal = Journal::start(store.clone(), clock.clone(), journal_config, observers)?;
        let context = Context {
            journal: journal.clone(),
            clock,
            rules: Rules {
                limited_max: Quantity::from(config.stock.limited_max),
                holds_max: config.stock.holds_max,
                led_max: config.stock.reservations_max,
                remembered_max: config.stock.remembered_ids_max,
                answers_max: config.stock.idempotency_answers_max,
            },
            config: ActorsConfig {
                mailbox_capacity: config.actors.mailbox_capacity,
                command_timeout: Duration::from_millis(config.actors.command_timeout_ms),
                idle_ms: seconds(config.actors.idle_seconds),
                prepare_ms: i64::try_from(config.actors.prepare_timeout_ms).unwrap_or(i64::MAX),
                reservations_max: config.stock.reservations_max,
            },
            reservations: PublishedReservations::default(),
            idempotency: IdempotencyIndex::new(config.stock.idempotency_answers_max),
            listener: OnceLock::new(),
        };
        let arbiters: Vec<Arbiter> = (0..arbiters(config)).map(|_| Arbiter::new()).collect();
        let handles: Vec<_> = arbiters.iter().map(Arbiter::handle).collect();
        Ok(Node {
            store,
            journal,
            directory: Directory::new(context, &handles),
            recovery: Mutex::new(None),
            arbiters,
            epoch,
            failed: Mutex::new(Some(failed)),
        })
    }

    /// Brings back what the data directory holds. The ops listener answers meanwhile.
    pub async fn recover(&self, config: &Config) -> Result<Recovered, AppError> {
        let (store, directory) = (self.store.clone(), self.directory.clone());
        let limits = catalogue_limits(config);
        let recovering = tokio::task::spawn_blocking(move || {
            let mut catalogue = catalogue::Recovery::new(limits);
            recover(&*store, &directory, &mut catalogue).map(|recovered| (recovered, catalogue))
        });
        let (recovered, catalogue) = recovering
            .await
            .expect("a panic stops the process before this")?;
        *self.recovery.lock() = Some(catalogue);
        Ok(recovered)
    }

    /// Settles what is due and owed.
    pub async fn start(self, config: &Config) -> Result<Started, AppError> {
        let recovery = self.recovery.lock().take().unwrap_or_default();
        let (limits, context) = (catalogue_limits(config), &self.directory.context);
        let catalogue = Catalogue::start(
            recovery,
            CatalogueConfig {
                limits,
                command_timeout: context.config.command_timeout,
                ..CatalogueConfig::default()
            },
            self.journal.clone(),
            context.clock.clone(),
            &self.arbiters[0].handle(),
        );
        let woken = self.directory.wake_busy().await;
        self.finish_errands().await;
        tracing::debug!(woken, "keys with deadlines or unfinished work are awake");
        let (directory, store) = (self.directory.clone(), self.store.clone());
        let snapshots = Snapshots::new(directory, catalogue.clone(), store);
        if let Some(secret) = &config.http.admin_token {
            catalogue.accept_from_environment(secret.reveal());
        }
        let stock = StockService::new(self.directory.clone(), &self.epoch);
        let failed = self.failed.lock().take();
        Ok(Started {
            node: self,
            stock,
            catalogue,
            snapshots,
            secret: None,
            failed,
        })
    }
}

impl Node {
    /// What takes copies of the data directory.
    pub fn backups(&self) -> Backups {
        Backups::of(self.store.clone())
    }

    /// Waits for the work between keys, a bounded time.
    async fn finish_errands(&self) {
        if tokio::time::timeout(ERRANDS_MAX, self.directory.idle())
            .await
            .is_err()
        {
            tracing::warn!("work between keys is unfinished; it goes on, or at the next start");
        }
    }
}

impl Started {
    /// Makes the first token, unless the configuration brings one or it was made before. It is
    /// shown only once, so this is the last step of a start that can fail: a start that failed
    /// after it would have swallowed it.
    pub async fn make_first_token(&mut self, config: &Config) -> Result<(), AppError> {
        if config.http.admin_token.is_none() {
            self.secret = self
                .catalogue
                .bootstrap()
                .await
                .map_err(AppError::Bootstrap)?;
        }
        Ok(())
    }

    /// Finishes what runs, takes a last snapshot, closes the journal.
    pub async fn close(&self) -> Result<(), AppError> {
        let node = &self.node;
        self.snapshots.pace.hurry();
        node.store.hurry();
        node.finish_errands().await;
        let outcome = self.snapshots.round().await;
        let journal = node.journal.clone();
        let closed = tokio::task::spawn_blocking(move || journal.close());
        closed.await.expect("a panic stops the process before this");
        outcome?;
        Ok(())
    }

    /// Where it can be asked.
    pub fn ready(&self, public: &Listening, ops: &Listening) -> Ready {
        Ready {
            public: public.to_string(),
            ops: ops.to_string(),
            clock: self.node.directory.context.clock.clone(),
        }
    }

    /// Says what listens where, where the data is, how long recovery took and what to open next.
    pub fn greet(
        &self,
        config: &Config,
        recovered: &Recovered,
        took: Duration,
        (public, ops): (&Listening, &Listening),
        out: &mut dyn Write,
    ) -> std::io::Result<()> {
        let data = config.journal.data_dir.display();
        let Recovered { keys, records } = recovered;
        writeln!(out, "Onhand is ready.")?;
        writeln!(out, "  public   {public}")?;
        writeln!(out, "  ops      {ops}  (/board, /metrics, /livez, /readyz)")?;
        writeln!(out, "  data     {data}")?;
        writeln!(
            out,
            "  start    {} ms: {keys} stock keys, {records} records replayed",
            took.as_millis()
        )?;
        if let Some(secret) = &self.secret {
            writeln!(out, "  token    {}", secret.reveal())?;
            writeln!(
                out,
                "           all scopes; shown only now, kept only as a hash"
            )?;
        }
        writeln!(out, "  next     open {public}/docs")?;
        out.flush()
    }
}

fn catalogue_limits(config: &Config) -> CatalogueLimits {
    CatalogueLimits {
        items_max: config.catalogue.items_max,
        locations_max: config.catalogue.locations_max,
        tokens_max: config.catalogue.tokens_max,
    }
}

fn count_group(group: GroupWritten) {
    let metrics = metrics();
    let records = f64::from(group.records);
    metrics.journal_group_records.observe(records);
    metrics.journal_group_bytes.observe(group.bytes as f64);
    let (appending, completing) = (group.appending, group.completing);
    metrics
        .journal_append_seconds
        .observe(appending.as_secs_f64());
    metrics
        .journal_completion_seconds
        .observe(completing.as_secs_f64());
}

fn arbiters(config: &Config) -> usize {
    match config.actors.arbiters {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        arbiters => arbiters,
    }
}

fn seconds(seconds: u64) -> i64 {
    i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX)
}
