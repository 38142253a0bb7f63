//! A backup taken by the real binary while 64 callers write, restored elsewhere: everything
//! acknowledged before it is there, and what is there is what the source was at that position.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use onhand::app::state::State;
use onhand::journal::{EmbeddedStore, Position, Record, RecordReader, Store};
use onhand::stock::StockKey;
use serde_json::{Value, json};

use crate::client::Client;
use crate::dice::{Dice, seed};
use crate::levels::{key_of, number};
use crate::server::{ADMIN, DataDir, Server, Start, run, verify};

const WRITERS: u64 = 64;

/// Answers before the backup begins, and after it ended.
const ANSWERS: usize = 1_500;

const SKUS: &[&str] = &["clogs-38", "clogs-39", "cloth", "cheese"];
const LOCATIONS: &[&str] = &["malmo", "lund", "web"];

/// Something that was acknowledged.
enum Told {
    /// A call on a reservation under an Idempotency-Key, and its answer.
    Call {
        path: String,
        key: String,
        body: Value,
        answer: Value,
    },
    /// A movement.
    Moved(Value),
    /// An item got the name `SKU N`.
    Named(&'static str, u64),
}

/// Everything that was acknowledged, in the order in which it was heard.
#[derive(Default)]
struct Acknowledged {
    told: Mutex<Vec<Told>>,
    stop: AtomicBool,
}

impl Acknowledged {
    fn tell(&self, told: Told) {
        self.told.lock().unwrap().push(told);
    }

    fn count(&self) -> usize {
        self.told.lock().unwrap().len()
    }
}

/// Runs `onhand backup`.
pub fn backup(server: &Server, file: &Path, more: &[&str]) -> Output {
    let file = file.to_str().unwrap();
    let arguments = ["backup", file, "--url", &server.url, "--token", ADMIN];
    run(&[&arguments, more].concat())
}

/// Runs `onhand restore`.
pub fn restore(file: &Path, data: &Path) -> Output {
    let (file, data) = (file.to_str().unwrap(), data.to_str().unwrap());
    run(&["restore", file, "--data-dir", data])
}

/// What a command said on its standard output, which must have done what it was to do.
#[track_caller]
pub fn done(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{errors}");
    told.into_owned()
}

/// The value of a line such as `position      1204`.
#[track_caller]
pub fn value<'a>(told: &'a str, name: &str) -> &'a str {
    let line = told.lines().find(|line| line.starts_with(name));
    let line = line.unwrap_or_else(|| panic!("no {name} in {told}"));
    line.split_whitespace().nth(1).unwrap()
}

fn open(client: &Client) {
    for location in LOCATIONS {
        let body = json!({"name": location, "kind": "store"});
        client.put(&format!("/v1/locations/{location}"), &body);
    }
    for sku in SKUS {
        client.put(
            &format!("/v1/items/{sku}"),
            &json!({"name": format!("{sku} 0")}),
        );
        let receipts = LOCATIONS.iter().map(|location| {
            json!({"id": format!("first-{sku}-{location}"), "type": "receipt", "sku": sku,
                "location": location, "quantity": 100_000})
        });
        let receipts: Vec<Value> = receipts.collect();
        client.post("/v1/movements", &json!({"movements": receipts}));
    }
}

/// Writes until it is told to stop: reservations over one to three keys and what becomes of
/// them, movements, names of items.
fn write(client: &Client, writer: u64, seed: u64, acknowledged: &Acknowledged) {
    let mut dice = Dice::new(seed.wrapping_mul(131) + writer);
    let mut round = 0;
    while !acknowledged.stop.load(Ordering::Relaxed) {
        round += 1;
        let name = format!("{writer}-{round}");
        match dice.below(10) {
            0..7 => reserve(client, &name, &mut dice, acknowledged),
            7..9 => movement(client, &name, &mut dice, acknowledged),
            _ => {
                let sku = SKUS[usize::try_from(writer).unwrap() % SKUS.len()];
                if writer < SKUS.len() as u64 {
                    let body = json!({"name": format!("{sku} {round}")});
                    client.put(&format!("/v1/items/{sku}"), &body);
                    acknowledged.tell(Told::Named(sku, round));
                }
            }
        }
    }
}

fn reserve(client: &Client, name: &str, dice: &mut Dice, acknowledged: &Acknowledged) {
    let sku = *dice.one(SKUS);
    let count = usize::try_from(1 + dice.below(3)).unwrap();
    let lines = LOCATIONS
        .iter()
        .take(count)
        .map(|location| json!({"sku": sku, "location": location, "quantity": 1 + dice.below(2)}));
    let lines: Vec<Value> = lines.collect();
    let mut path = "/v1/reservations".to_owned();
    let body = json!({"lines": lines, "ttl_seconds": 14_400});
    let Some(placed) = call(client, &path, name, &body, acknowledged) else {
        return;
    };
    path = format!("{path}/{}", placed["id"].as_str().unwrap());
    let then: &[&str] = match dice.below(4) {
        0 => &[],
        1 => &["release"],
        2 => &["confirm"],
        _ => &["confirm", "fulfil"],
    };
    for what in then {
        let (path, key) = (format!("{path}/{what}"), format!("{name}-{what}"));
        if call(client, &path, &key, &json!({}), acknowledged).is_none() {
            return;
        }
    }
}

/// A call that is noted once it was answered; none if there was too much to do.
fn call(
    client: &Client,
    path: &str,
    key: &str,
    body: &Value,
    acknowledged: &Acknowledged,
) -> Option<Value> {
    let answer = client.keyed("POST", path, key, body).unwrap();
    if answer.status == 503 {
        return None;
    }
    let answer = answer.ok();
    acknowledged.tell(Told::Call {
        path: path.to_owned(),
        key: key.to_owned(),
        body: body.clone(),
        answer: answer.clone(),
    });
    Some(answer)
}

fn movement(client: &Client, name: &str, dice: &mut Dice, acknowledged: &Acknowledged) {
    let kind = *dice.one(&["receipt", "sale", "return"]);
    let movement = json!({"id": name, "type": kind, "sku": dice.one(SKUS),
        "location": dice.one(LOCATIONS), "quantity": 1});
    let answer = client.post("/v1/movements", &json!({"movements": [movement]}));
    if answer["results"][0]["status"] == "applied" {
        acknowledged.tell(Told::Moved(movement));
    }
}

/// Has all writers write while a backup is taken; what was acknowledged before it began.
fn taken_under_load(server: &Server, file: &Path) -> (Vec<Told>, String) {
    let acknowledged = Acknowledged::default();
    let seed = seed();
    let (before, told) = thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (client, acknowledged) = (server.client(), &acknowledged);
            scope.spawn(move || write(&client, writer, seed, acknowledged));
        }
        let reached = |count: usize| {
            while acknowledged.count() < count {
                server
                    .client()
                    .read("/v1/events?after=latest&wait_seconds=1");
            }
        };
        reached(ANSWERS);
        let before = acknowledged.count();
        let taken = backup(server, file, &[]);
        let during = acknowledged.count() - before;
        reached(before + during + ANSWERS / 3);
        acknowledged.stop.store(true, Ordering::Relaxed);
        eprintln!("{before} answers before the backup, {during} during it");
        (before, done(&taken))
    });
    let mut acknowledged = acknowledged.told.into_inner().unwrap();
    acknowledged.truncate(before);
    (acknowledged, told)
}

/// Everything that was acknowledged is there: asked again, it is answered as it was then.
fn check_acknowledged(client: &Client, acknowledged: &[Told]) {
    for told in acknowledged {
        match told {
            Told::Call {
                path,
                key,
                body,
                answer,
            } => {
                let again = client.keyed("POST", path, key, body).unwrap();
                assert_eq!(again.header("idempotent-replayed"), "true", "{path} {key}");
                assert_eq!(again.body, *answer, "{path} {key}");
            }
            Told::Moved(movement) => {
                let again = client.post("/v1/movements", &json!({"movements": [movement]}));
                assert_eq!(again["results"][0]["status"], "duplicate", "{movement}");
            }
            Told::Named(sku, round) => {
                let item = client.read(&format!("/v1/items/{sku}"));
                let name = item["name"].as_str().unwrap();
                let now: u64 = name.rsplit(' ').next().unwrap().parse().unwrap();
                assert!(now >= *round, "{name}, but {round} was acknowledged");
            }
        }
    }
}

/// The position in an event's id, `EPOCH.POSITION.INDEX`.
fn position_of(event: &Value) -> u64 {
    let id = event["id"].as_str().unwrap();
    id.split('.').nth(1).unwrap().parse().unwrap()
}

/// Events up to a position, without the epoch in their ids.
fn up_to(events: &[Value], position: u64) -> Vec<Value> {
    let events = events.iter().filter(|event| position_of(event) <= position);
    let without_epoch = |event: &Value| {
        let mut event = event.clone();
        let id = event["id"].as_str().unwrap().split_once('.').unwrap().1;
        event["id"] = json!(id);
        event
    };
    events.map(without_epoch).collect()
}

/// The figures of each key after all events.
fn folded(events: &[Value]) -> BTreeMap<String, [i64; 4]> {
    let changed = events
        .iter()
        .filter(|event| event["type"] == "onhand.stock.changed");
    changed
        .map(|event| (key_of(&event["data"]), figures(&event["data"])))
        .collect()
}

fn figures(level: &Value) -> [i64; 4] {
    ["on_hand", "held", "committed", "available"].map(|name| number(level, name))
}

/// The stock that a data directory amounts to at a position, replayed from its base.
fn replayed(store: &dyn Store, until: Position) -> State {
    let mut state = State::of(store.base().unwrap()).unwrap();
    for record in RecordReader::until(store, store.earliest(), until).unwrap() {
        state.replay(&record.unwrap()).unwrap();
    }
    state
}

/// The stock that a node starts with: the snapshots, and what came after them.
fn started_with(store: &dyn Store) -> State {
    let mut state = State::of(store.snapshots().unwrap()).unwrap();
    let cut = store
        .round()
        .map_or(store.base_position(), |round| round.cut);
    for record in RecordReader::open(store, cut.next()).unwrap() {
        state.replay(&record.unwrap()).unwrap();
    }
    state
}

fn check_directories(source: &Path, restored: &Path, position: u64) {
    let (source, restored) = (
        EmbeddedStore::open(source).unwrap(),
        EmbeddedStore::open(restored).unwrap(),
    );
    let position = Position::new(position);
    assert_eq!(restored.last(), position);
    assert!(
        source.last() > position,
        "nothing was written after the copy"
    );
    let records = |store: &EmbeddedStore| -> Vec<Record> {
        let records = RecordReader::until(store, store.earliest(), position).unwrap();
        records.map(Result::unwrap).collect()
    };
    assert!(records(&source) == records(&restored), "other records");
    let (mut then, mut now) = (replayed(&source, position), started_with(&restored));
    let keys: Vec<StockKey> = then.keys().cloned().collect();
    assert_eq!(keys.len(), SKUS.len() * LOCATIONS.len());
    for key in keys {
        let (then, now) = (then.ledger(&key).unwrap(), now.ledger(&key).unwrap());
        assert!(then == now, "{key} is another");
    }
}

#[test]
fn a_copy_taken_under_64_writers_is_the_source_at_its_position() {
    let (data, elsewhere) = (DataDir::new(), DataDir::new());
    let mut source = Start::on(&data.path)
        .with("ONHAND_JOURNAL_SNAPSHOT_INTERVAL_SECONDS", "1")
        .run();
    open(&source.client());
    let file = elsewhere.path.with_file_name("copy");
    let (acknowledged, told) = taken_under_load(&source, &file);
    let position: u64 = value(&told, "position").parse().unwrap();
    let events = source.client().events();
    let epoch = value(&told, "epoch").to_owned();
    assert!(events[0]["id"].as_str().unwrap().starts_with(&epoch));
    source.stop();

    let restored = done(&restore(&file, &elsewhere.path));
    assert!(restored.contains("everything agrees"), "{restored}");
    let new_epoch = value(&restored, "epoch").to_owned();
    assert_ne!(new_epoch.trim_end_matches(','), epoch);
    check_directories(&data.path, &elsewhere.path, position);
    verify(&elsewhere.path);

    let mut server = Server::start(&elsewhere.path);
    let client = server.client();
    let now = client.events();
    assert_eq!(up_to(&now, position), up_to(&events, position));
    let levels = client.list("/v1/stock");
    let levels = levels.iter().map(|level| (key_of(level), figures(level)));
    assert_eq!(levels.collect::<BTreeMap<_, _>>(), folded(&client.events()));
    check_acknowledged(&client, &acknowledged);
    check_epoch(&client, &epoch, position);
    server.stop();
    verify(&elsewhere.path);
}

/// No position of the old lineage is read on from, be it before the copy's end or past it.
fn check_epoch(client: &Client, old: &str, position: u64) {
    let item = client.read("/v1/availability/clogs-38");
    let epoch = item["epoch"].as_str().unwrap();
    assert_ne!(epoch, old);
    for at in [1, position, position + 1, position + 1_000] {
        let gone = client.get(&format!("/v1/events?after={old}.{at}")).unwrap();
        assert_eq!((gone.status, gone.code()), (410, "position_expired"));
        let earliest = gone.body["earliest"].as_str().unwrap();
        assert!(earliest.starts_with(epoch), "{}", gone.body);
    }
    let tag = client.get("/v1/stock/clogs-38/malmo").unwrap();
    assert!(tag.header("etag").contains(epoch), "{}", tag.header("etag"));
}

#[test]
fn a_copy_taken_while_history_is_trimmed_holds_everything_acknowledged() {
    let (data, elsewhere) = (DataDir::new(), DataDir::new());
    let source = Start::on(&data.path)
        .with("ONHAND_JOURNAL_SNAPSHOT_INTERVAL_SECONDS", "1")
        .with("ONHAND_JOURNAL_HISTORY_DAYS", "0")
        .with("ONHAND_JOURNAL_TRIM_INTERVAL_SECONDS", "1")
        .run();
    open(&source.client());
    let file = elsewhere.path.with_file_name("copy");
    let (acknowledged, _) = taken_under_load(&source, &file);
    drop(source);

    done(&restore(&file, &elsewhere.path));
    verify(&elsewhere.path);
    let mut server = Server::start(&elsewhere.path);
    check_acknowledged(&server.client(), &acknowledged);
    server.stop();
    verify(&elsewhere.path);
}
