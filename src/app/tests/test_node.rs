//! A node under test, on two threads of actors, with a clock that a test moves and a disk that a
//! test breaks. It can be stopped and killed, and comes back from what its store kept.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Once, OnceLock};
use std::time::Duration;

use actix::Arbiter;

use super::asking::key;
use super::breaking_store::{BreakingStore, Disk};
use crate::actors::{
    ActorsConfig, Context, Directory, IdempotencyIndex, PublishedReservations, StockService,
};
use crate::app::recovery::{Recovered, recover};
use crate::app::snapshots::Snapshots;
use crate::app::verify::{Verified, verify};
use crate::catalogue::{self, Catalogue, CatalogueConfig};
use crate::clock::Clock;
use crate::journal::{
    EmbeddedStore, Journal, JournalConfig, MemoryStore, Observers, Position, Store,
};
use crate::stock::{Ledger, Rules, StockKey, Timestamp};

/// When every test begins.
pub const BEGIN: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// How long a reservation is held where a test says nothing else.
pub const TTL_MS: i64 = 600_000;

/// How often a key is looked at before it is said never to come to what a test waits for.
const LOOKS_MAX: usize = 20_000;

/// What a node is made of that a test may want otherwise.
#[derive(Clone)]
pub struct Settings {
    pub actors: ActorsConfig,
    pub journal: JournalConfig,
    pub arbiters: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        let actors = ActorsConfig {
            prepare_ms: 5_000,
            command_timeout: Duration::from_secs(60),
            ..ActorsConfig::default()
        };
        Settings {
            actors,
            journal: JournalConfig::default(),
            arbiters: 2,
        }
    }
}

/// How many actors of this process panicked: in tests a thread survives the panic of a task.
static PANICS: AtomicU64 = AtomicU64::new(0);

fn count_panics_of_actors() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let thread = std::thread::current();
            if thread
                .name()
                .is_some_and(|name| name.starts_with("actix-rt"))
            {
                PANICS.fetch_add(1, Ordering::Relaxed);
            }
            tell(panic);
        }));
    });
}

/// A node and what outlives it.
pub struct TestNode {
    pub clock: Clock,
    pub settings: Settings,
    kept: Kept,
    life: Option<Life>,
    names: AtomicU64,
}

/// What a stop leaves behind.
enum Kept {
    Memory(Arc<MemoryStore>),
    Directory(tempfile::TempDir),
}

/// From one start to the next stop.
struct Life {
    disk: Arc<BreakingStore>,
    journal: Journal,
    directory: Arc<Directory>,
    stock: StockService,
    snapshots: Snapshots,
    arbiters: Vec<Arbiter>,
    recovered: Recovered,
}

impl TestNode {
    /// A node that keeps its data in memory.
    pub async fn begin() -> TestNode {
        TestNode::begin_with(Settings::default()).await
    }

    pub async fn begin_with(settings: Settings) -> TestNode {
        TestNode::on(Kept::Memory(Arc::default()), settings).await
    }

    /// A node on a data directory.
    pub async fn begin_in_directory(settings: Settings) -> TestNode {
        TestNode::on(Kept::Directory(tempfile::tempdir().unwrap()), settings).await
    }

    async fn on(kept: Kept, settings: Settings) -> TestNode {
        count_panics_of_actors();
        let mut node = TestNode {
            clock: Clock::manual(BEGIN),
            settings,
            kept,
            life: None,
            names: AtomicU64::new(1),
        };
        node.start().await;
        node
    }

    /// Starts from what the store kept.
    pub async fn start(&mut self) {
        let inner: Arc<dyn Store> = match &self.kept {
            Kept::Memory(store) => store.clone(),
            Kept::Directory(directory) => open(directory.path()),
        };
        let disk = BreakingStore::before(inner);
        let store: Arc<dyn Store> = disk.clone();
        let observers = Observers {
            failed: Box::new(|_| {}),
            written: Box::new(|_| {}),
        };
        let clock = self.clock.clone();
        let journal = self.settings.journal;
        let journal = Journal::start(store.clone(), clock.clone(), journal, observers).unwrap();
        let context = Context {
            journal: journal.clone(),
            clock: clock.clone(),
            rules: Rules::default(),
            config: self.settings.actors,
            reservations: PublishedReservations::default(),
            idempotency: IdempotencyIndex::new(1_000_000),
            listener: OnceLock::new(),
        };
        let arbiters: Vec<Arbiter> = (0..self.settings.arbiters)
            .map(|_| Arbiter::new())
            .collect();
        let handles: Vec<_> = arbiters.iter().map(Arbiter::handle).collect();
        let directory = Directory::new(context, &handles);
        let mut recovery = catalogue::Recovery::default();
        let recovered = recover(&*store, &directory, &mut recovery).unwrap();
        let config = CatalogueConfig::default();
        let on = arbiters[0].handle();
        let catalogue = Catalogue::start(recovery, config, journal.clone(), clock, &on);
        directory.wake_busy().await;
        self.life = Some(Life {
            stock: StockService::new(directory.clone(), "epoch"),
            snapshots: Snapshots::new(directory.clone(), catalogue, store),
            disk,
            journal,
            directory,
            arbiters,
            recovered,
        });
    }

    fn life(&self) -> &Life {
        self.life.as_ref().expect("the node runs")
    }

    pub fn stock(&self) -> &StockService {
        &self.life().stock
    }

    pub fn directory(&self) -> &Arc<Directory> {
        &self.life().directory
    }

    pub fn snapshots(&self) -> &Snapshots {
        &self.life().snapshots
    }

    pub fn recovered(&self) -> Recovered {
        self.life().recovered
    }

    pub fn disk(&self) -> &Arc<BreakingStore> {
        &self.life().disk
    }

    /// Stops as the service does: errands, a last snapshot, the journal. Then starts again.
    pub async fn reopen(&mut self) {
        self.directory().idle().await;
        self.snapshots().round().await.unwrap();
        self.end().await;
        self.start().await;
    }

    /// Is killed, then starts again. What was on its way to the disk is lost.
    pub async fn crash(&mut self) {
        self.die().await;
        self.start().await;
    }

    /// Is killed.
    pub async fn die(&mut self) {
        self.disk().set(Disk::Gone);
        self.end().await;
    }

    /// Ends journal and actors as they are. A panic of an actor, which would have stopped a real
    /// process at once, comes to light here.
    async fn end(&mut self) {
        let life = self.life.take().expect("the node runs");
        life.journal.close();
        for arbiter in life.arbiters {
            arbiter.stop();
            arbiter.join().unwrap();
        }
        life.directory.idle().await;
        assert_eq!(
            PANICS.load(Ordering::Relaxed),
            0,
            "panics of actors, told above"
        );
    }

    /// Keeps the threads of the actors from working until what this gives is dropped.
    pub fn halt_actors(&self) -> Vec<Sender<()>> {
        let halt = |arbiter: &Arbiter| {
            let (release, halted) = channel::<()>();
            let (tell, told) = channel();
            assert!(arbiter.spawn_fn(move || {
                tell.send(()).unwrap();
                assert!(halted.recv().is_err(), "released by being dropped");
            }));
            told.recv().unwrap();
            release
        };
        self.life().arbiters.iter().map(halt).collect()
    }

    /// Counts what is named.
    pub fn next_number(&self) -> u128 {
        u128::from(self.names.fetch_add(1, Ordering::Relaxed))
    }

    pub fn verify(&self) -> Verified {
        verify(&**self.disk(), |_| {}).unwrap()
    }

    /// The ledger of a key as it is in memory.
    pub async fn ledger(&self, key: &StockKey) -> Ledger {
        match self.image(key).await {
            Some((image, _)) => Ledger::from_image(key.clone(), &image).unwrap(),
            None => Ledger::new(key.clone()),
        }
    }

    /// The image of a key and the position of the newest record in it, zero at rest.
    pub async fn image(&self, key: &StockKey) -> Option<(Vec<u8>, Position)> {
        let keys = std::slice::from_ref(key);
        let images = self.directory().images(keys).await.unwrap();
        let image = images.into_iter().next();
        image.map(|(_, image, position)| (image, position))
    }

    /// Whether no actor serves the key.
    pub fn is_at_rest(&self, name: &str) -> bool {
        self.directory().image_at_rest(&key(name)).is_some()
    }

    /// Waits until no actor serves the key.
    pub async fn comes_to_rest(&self, name: &str) {
        for _ in 0..LOOKS_MAX {
            if self.is_at_rest(name) {
                return;
            }
            self.clock.advance(10);
            tokio::task::yield_now().await;
        }
        panic!("{name} never comes to rest");
    }

    /// Lets all work between keys come to its end, moving the clock where they wait for it.
    pub async fn quiesce(&self, keys: &[&str]) {
        self.until("work between keys ends", keys, |ledger| {
            let raised = ledger.holds().any(|(_, hold)| hold.prepared.is_some());
            let overdue = ledger.level().is_overdue(self.clock.now());
            ledger.errands().is_empty() && !raised && !overdue
        })
        .await;
        let journal = &self.life().journal;
        let (mut told, last) = (journal.watch(), journal.appended());
        told.wait_for(|durable| *durable >= last).await.unwrap();
    }

    /// Waits until all these ledgers are as `done` says, moving the clock meanwhile.
    pub async fn until(&self, what: &str, keys: &[&str], done: impl Fn(&Ledger) -> bool) {
        const STEP_MS: i64 = 20;
        for _ in 0..LOOKS_MAX {
            self.directory().idle().await;
            let mut all = true;
            for name in keys {
                all = all && done(&self.ledger(&key(name)).await);
            }
            if all {
                return;
            }
            self.clock.advance(STEP_MS);
        }
        for name in keys {
            eprintln!("{name}: {:#?}", self.ledger(&key(name)).await);
        }
        panic!("never: {what}");
    }
}

fn open(directory: &Path) -> Arc<dyn Store> {
    Arc::new(EmbeddedStore::open(directory).unwrap())
}
