//! The catalogue over a real journal in a real data directory: what is answered is durable, what
//! is shown was durable before, and a restart finds all of it.

mod lists;

use std::path::Path;
use std::sync::Arc;

use actix::Arbiter;
use tempfile::TempDir;

use super::*;
use crate::catalogue::command::{ItemChange, LocationChange, Outcome};
use crate::catalogue::fault::CatalogueRefusal;
use crate::catalogue::item::{ItemContent, Offer};
use crate::catalogue::location::{LocationContent, LocationKind};
use crate::catalogue::record::RECORD_TAG;
use crate::catalogue::text::Text;
use crate::catalogue::token::Scope;
use crate::journal::store::EmbeddedStore;
use crate::journal::{EntryChange, JournalConfig, Observers, Position, RecordReader, Round, Store};
use crate::stock::{Currency, LocationId, Money, Sku, Timestamp};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// One life of the process on a data directory.
struct Life {
    catalogue: Catalogue,
    journal: Journal,
    store: Arc<dyn Store>,
}

impl Life {
    fn begin(directory: &Path, clock: &Clock) -> Life {
        Life::with(directory, clock, JournalConfig::default())
    }

    fn with(directory: &Path, clock: &Clock, config: JournalConfig) -> Life {
        let store: Arc<dyn Store> = Arc::new(EmbeddedStore::open(directory).unwrap());
        let observers = Observers {
            failed: Box::new(|_| {}),
            written: Box::new(|_| {}),
        };
        let recovery = recover(&*store);
        let journal = Journal::start(store.clone(), clock.clone(), config, observers).unwrap();
        let (of_journal, clock) = (journal.clone(), clock.clone());
        let config = CatalogueConfig::default();
        let arbiter = Arbiter::current();
        let catalogue = Catalogue::start(recovery, config, of_journal, clock, &arbiter);
        Life {
            catalogue,
            journal,
            store,
        }
    }

    /// Writes what changed as a round of snapshots.
    fn snapshot(&self) {
        let cut = self.journal.durable();
        let entry = |(key, image): (EntityKey, Vec<u8>)| EntryChange {
            key: key.to_string().into_bytes(),
            value: Some(image),
        };
        let changes = self.catalogue.take_dirty().into_iter().map(entry);
        self.store.put_snapshots(Box::new(changes)).unwrap();
        let round = Round {
            cut,
            witness: cut,
            high_water: NOW,
        };
        self.store.finish_round(round).unwrap();
    }

    fn end(self) {
        self.journal.close();
    }

    async fn put(&self, sku: &str, content: ItemContent) -> Written<Item> {
        let written = self.catalogue.write_item(By::default(), put(sku, content));
        written.await.unwrap()
    }

    fn skus(&self, filter: &ItemFilter) -> Vec<String> {
        let page = self.catalogue.items(filter, None, 1000);
        assert_eq!(page.next, None);
        page.items.iter().map(|item| item.sku.to_string()).collect()
    }
}

fn recover(store: &dyn Store) -> Recovery {
    let mut recovery = Recovery::default();
    for entry in store.snapshots().unwrap() {
        let (key, image) = entry.unwrap();
        recovery.load(&key, &image).unwrap();
    }
    let cut = store.round().map_or(Position::ZERO, |round| round.cut);
    for record in RecordReader::open(store, cut.next()).unwrap() {
        let bytes = record.unwrap().bytes;
        assert_eq!(bytes[0], RECORD_TAG);
        let record = CatalogueRecord::decode(&bytes[1..]).unwrap();
        recovery.replay(&record).unwrap();
    }
    recovery
}

fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::parse(text).unwrap()
}

fn named(name: &str) -> ItemContent {
    ItemContent::named(text(name))
}

fn on_offer(from: i64, until: i64) -> ItemContent {
    ItemContent {
        price: Some(Money::new(300.into(), Currency::parse("SEK").unwrap())),
        offer: Some(Offer {
            amount: 240.into(),
            from: Some(NOW.plus_millis(from)),
            until: Some(NOW.plus_millis(until)),
        }),
        ..named("Clogs")
    }
}

fn put(sku: &str, content: ItemContent) -> ItemCommand {
    let sku = Sku::parse(sku).unwrap();
    ItemCommand {
        sku,
        change: ItemChange::Put(content),
    }
}

fn store_at(name: &str) -> LocationCommand {
    LocationCommand {
        location: LocationId::parse(name).unwrap(),
        change: LocationChange::Put(LocationContent {
            name: text(name),
            kind: LocationKind::Store,
            latitude: None,
            longitude: None,
            region: None,
        }),
    }
}

fn fixture() -> (TempDir, Clock) {
    (tempfile::tempdir().unwrap(), Clock::manual(NOW))
}

#[actix::test]
async fn what_is_answered_is_shown_and_survives_a_restart_with_or_without_snapshot() {
    let (directory, clock) = fixture();
    let life = Life::begin(directory.path(), &clock);
    life.put("A", named("Clogs")).await;
    let location = life
        .catalogue
        .write_location(By::default(), store_at("malmo"));
    assert_eq!(location.await.unwrap().outcome, Outcome::Created);
    life.snapshot();
    let renamed = life.put("A", named("Boots")).await;
    assert_eq!(
        (renamed.outcome, renamed.entity.version),
        (Outcome::Updated, 2)
    );
    life.put("B", named("Socks")).await;
    assert_eq!(life.catalogue.item("A"), Some(renamed.entity.clone()));
    life.end();

    for _ in 0..2 {
        let life = Life::begin(directory.path(), &clock);
        assert_eq!(life.catalogue.item("A"), Some(renamed.entity.clone()));
        assert_eq!(life.skus(&ItemFilter::default()), ["A", "B"]);
        assert!(life.catalogue.location("malmo").is_some());
        let again = life.put("A", named("Boots")).await;
        assert_eq!(again.outcome, Outcome::Unchanged);
        life.snapshot();
        life.end();
    }
}

#[actix::test]
async fn a_batch_answers_each_entry_in_its_place() {
    let (directory, clock) = fixture();
    let life = Life::begin(directory.path(), &clock);
    let wrong = ItemContent {
        decimals: 7,
        ..named("Cloth")
    };
    let batch = vec![
        put("A", named("Clogs")),
        put("B", wrong),
        put("A", named("Clogs")),
        put("A", named("Boots")),
    ];
    let answers = life.catalogue.write_items(By::default(), batch).await;
    let outcomes: Vec<_> = (answers.unwrap().into_iter())
        .map(|answer| answer.map(|written| (written.outcome, written.entity.version)))
        .collect();
    assert_eq!(outcomes[0], Ok((Outcome::Created, 1)));
    let refused = matches!(
        &outcomes[1],
        Err(CatalogueError::Refused(CatalogueRefusal::Invalid(_)))
    );
    assert!(refused, "{:?}", outcomes[1]);
    assert_eq!(outcomes[2], Ok((Outcome::Unchanged, 1)));
    assert_eq!(outcomes[3], Ok((Outcome::Updated, 2)));
    assert_eq!(life.skus(&ItemFilter::default()), ["A"]);
    let nothing = life.catalogue.write_items(By::default(), Vec::new()).await;
    assert_eq!(nothing, Ok(Vec::new()));
    life.end();
}

#[actix::test]
async fn without_a_place_in_the_journal_nothing_happens() {
    let (directory, clock) = fixture();
    let config = JournalConfig {
        queue_places_max: 0,
        ..JournalConfig::default()
    };
    let life = Life::with(directory.path(), &clock, config);
    let batch = vec![put("A", named("Clogs")), put("B", named("Boots"))];
    let answers = life.catalogue.write_items(By::default(), batch).await;
    let shed = || Err(CatalogueError::Overloaded);
    assert_eq!(answers, Ok(vec![shed(), shed()]));
    assert_eq!(life.catalogue.item("A"), None);
    assert_eq!(life.journal.appended(), Position::ZERO);
    life.end();
}

#[actix::test]
async fn what_did_not_become_durable_is_neither_answered_as_done_nor_shown() {
    let (directory, clock) = fixture();
    let life = Life::begin(directory.path(), &clock);
    life.put("A", named("Clogs")).await;
    life.journal.close();
    let write = life
        .catalogue
        .write_item(By::default(), put("A", named("Boots")));
    assert_eq!(write.await, Err(CatalogueError::OutcomeUnknown));
    let shown = life.catalogue.item("A").unwrap();
    assert_eq!(shown.content.name.as_str(), "Clogs");
    // A repetition read what is not durable, so it hears the same.
    let write = life
        .catalogue
        .write_item(By::default(), put("A", named("Boots")));
    assert_eq!(write.await, Err(CatalogueError::OutcomeUnknown));
}

#[actix::test]
async fn an_offer_is_recorded_when_it_begins_and_when_it_ends() {
    let (directory, clock) = fixture();
    let life = Life::begin(directory.path(), &clock);
    life.put("A", on_offer(100, 200)).await;
    let mut durable = life.journal.watch();
    for (step, version, price) in [(100, 2, 240), (100, 3, 300)] {
        durable.mark_unchanged();
        clock.advance(step);
        durable.changed().await.unwrap();
        let item = life.catalogue.item("A").unwrap();
        assert_eq!((item.version, item.updated_at), (version, clock.now()));
        let current = item.current_price(clock.now()).unwrap();
        assert_eq!(current.amount, price.into());
    }
    assert_eq!(life.journal.appended(), Position::new(3));
    life.end();
}

#[actix::test]
async fn an_offer_that_turned_while_nobody_ran_is_recorded_at_the_start() {
    let (directory, clock) = fixture();
    let life = Life::begin(directory.path(), &clock);
    life.put("A", on_offer(100, 200)).await;
    life.put("B", on_offer(100, 900)).await;
    life.end();
    let later = Clock::manual(NOW.plus_millis(500));
    let life = Life::begin(directory.path(), &later);
    let mut durable = life.journal.watch();
    let all = Position::new(4);
    durable.wait_for(|durable| *durable >= all).await.unwrap();
    for sku in ["A", "B"] {
        assert_eq!(life.catalogue.item(sku).unwrap().version, 2);
    }
    life.end();
    let life = Life::begin(directory.path(), &later);
    life.put("C", named("Socks")).await;
    assert_eq!(
        life.journal.appended(),
        Position::new(5),
        "nothing is told twice"
    );
    life.end();
}

#[actix::test]
async fn a_token_is_accepted_until_it_is_revoked_and_after_a_restart_not_again() {
    let (directory, clock) = fixture();
    let life = Life::begin(directory.path(), &clock);
    let first = life.catalogue.bootstrap().await.unwrap().unwrap();
    assert_eq!(life.catalogue.bootstrap().await.unwrap().map(|_| ()), None);
    let admin = life.catalogue.token(first.reveal()).unwrap();
    assert!(admin.may(Scope::Admin) && admin.may(Scope::StockWrite));

    clock.advance(1);
    let grant = TokenGrant {
        scopes: [Scope::Reserve].into_iter().collect(),
        ..TokenGrant::all_scopes("shop")
    };
    let made = life.catalogue.create_token(By::default(), grant).await;
    let (token, secret) = made.unwrap();
    assert_eq!(life.catalogue.token(secret.reveal()), Some(token.clone()));
    assert_eq!(life.catalogue.token("onh_guessed"), None);
    let page = life.catalogue.tokens(None, 1);
    assert_eq!(page.items, std::slice::from_ref(&admin));
    assert_eq!(page.next, Some(id_text(admin.id)));
    let page = life.catalogue.tokens(Some(admin.id), 1);
    assert_eq!(page.items, std::slice::from_ref(&token));

    let revoked = life.catalogue.revoke_token(By::default(), admin.id).await;
    assert_eq!(revoked, Ok(()));
    assert_eq!(life.catalogue.token(first.reveal()), None);
    life.end();

    let life = Life::begin(directory.path(), &clock);
    assert_eq!(life.catalogue.token(first.reveal()), None);
    assert_eq!(life.catalogue.token(secret.reveal()), Some(token.clone()));
    assert_eq!(life.catalogue.tokens(None, 9).items, [token]);
    assert_eq!(life.catalogue.bootstrap().await.unwrap().map(|_| ()), None);
    life.catalogue.accept_from_environment("of the operator");
    let operator = life.catalogue.token("of the operator").unwrap();
    assert!(operator.may(Scope::Admin));
    assert_eq!(life.journal.appended(), Position::new(3));
    life.end();
}

#[actix::test]
async fn what_could_not_be_written_as_a_snapshot_stays_to_be_written() {
    let (directory, clock) = fixture();
    let life = Life::begin(directory.path(), &clock);
    life.put("A", named("Clogs")).await;
    let taken = life.catalogue.take_dirty();
    let keys: Vec<_> = taken.iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(keys, [EntityKey::Item(Sku::parse("A").unwrap())]);
    assert_eq!(life.catalogue.take_dirty(), []);
    life.catalogue.put_back(keys);
    assert_eq!(life.catalogue.take_dirty(), taken);
    life.end();
}
