//! What was acknowledged to all workers, and the comparison with what the server says: after a
//! kill nothing of it may be lost, half there, oversold or told in two ways.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::thread;

use serde_json::{Value, json};

use crate::client::Client;
use crate::dice::Dice;
use crate::levels::{Levels, key_of, number};
use crate::server::Server;
use crate::worker::{COUNTER, Known, SHELF, Worker, face};

/// What each key is stocked with before the load begins.
const STOCKED: i64 = 60;

/// How often figures that are being brought into line are looked at before they must fit.
const LOOKS_MAX: usize = 30;

/// First answers that are asked for again after each restart, by worker.
const REPEATED_MAX: usize = 30;

/// All workers and what they were told.
pub struct Book {
    workers: Vec<Worker>,
    levels: Levels,
    dice: Dice,
}

/// What the server says, read at one moment.
struct Shown {
    stock: BTreeMap<String, Value>,
    reservations: BTreeMap<String, Value>,
}

impl Book {
    /// Puts the catalogue and the first stock there.
    pub fn open(server: &Server, seed: u64) -> Book {
        let client = server.client();
        for location in ["malmo", "lund", "web"] {
            let kind = if location == "web" {
                "warehouse"
            } else {
                "store"
            };
            let body = json!({"name": location, "kind": kind});
            client.put(&format!("/v1/locations/{location}"), &body);
        }
        for sku in ["clogs-38", "clogs-39", "cloth", "cheese", "soap"] {
            let price = json!({"amount": "300.00", "currency": "SEK"});
            client.put(
                &format!("/v1/items/{sku}"),
                &json!({"name": sku, "price": price}),
            );
        }
        let stocked = SHELF.iter().chain(COUNTER).map(|(sku, location)| {
            json!({"id": format!("first-{sku}-{location}"), "type": "receipt", "sku": sku,
                "location": location, "quantity": STOCKED})
        });
        let stocked: Vec<Value> = stocked.collect();
        client.post("/v1/movements", &json!({"movements": stocked}));
        let workers = (0..6).map(|n| Worker::new(&format!("w{n}"), seed.wrapping_mul(97) + n));
        Book {
            workers: workers.collect(),
            levels: Levels::default(),
            dice: Dice::new(seed),
        }
    }

    /// Has all workers work at once, beside somebody who looks at levels. After `until` answers
    /// `then` is done to the server; each works on until its answers fail to come, or until it
    /// made `most` requests.
    pub fn work(
        &mut self,
        server: &mut Server,
        most: usize,
        until: usize,
        then: impl FnOnce(&mut Server),
    ) {
        let (told, tells) = mpsc::channel();
        let url = server.url.clone();
        let client = || Client::new(&url, crate::server::ADMIN);
        thread::scope(|scope| {
            for worker in &mut self.workers {
                let (client, told) = (client(), told.clone());
                scope.spawn(move || worker.work(&client, most, || told.send(()).unwrap()));
            }
            drop(told);
            let looker = scope.spawn({
                let client = client();
                move || look(&client)
            });
            let answers = tells.iter().take(until).count();
            then(server);
            let answers = answers + tells.iter().count();
            server.wait();
            self.levels.merge(looker.join().unwrap());
            eprintln!("{answers} answers, {} versions seen", self.levels.len());
        });
    }

    /// Compares all that was acknowledged with what a restarted server says.
    pub fn check(&mut self, client: &Client) {
        for worker in &mut self.workers {
            check_known(client, worker);
            worker.resolve(client);
            let levels = std::mem::take(&mut worker.levels);
            self.levels.merge(levels);
        }
        self.repeat_movements(client);
        self.repeat_requests(client);
        let mut faults = vec!["not looked at yet".to_owned()];
        for _ in 0..LOOKS_MAX {
            let shown = self.read(client);
            faults = self.faults(&shown);
            if faults.is_empty() {
                break;
            }
            // What keys owe to each other is under way; each step of it is an event.
            client.read("/v1/events?after=latest&wait_seconds=1");
        }
        assert!(faults.is_empty(), "{faults:#?}");
    }

    /// The event stream tells the same levels as everybody was told.
    pub fn check_events(&mut self, client: &Client) {
        let events = client.events();
        let changed = events
            .iter()
            .filter(|event| event["type"] == "onhand.stock.changed");
        let mut newest = BTreeMap::new();
        let mut told = 0;
        for event in changed {
            let level = &event["data"];
            self.levels.note(level);
            let version = number(level, "version");
            let before = newest.insert(key_of(level), version);
            assert!(
                before.is_none_or(|before| before < version),
                "{event} after {before:?}"
            );
            told += 1;
        }
        assert!(told > STOCKED, "only {told} changes were told");
    }

    /// Nothing that is available is out of reach: all of it can be reserved, and no more.
    pub fn check_within_reach(&self, client: &Client) {
        let line = |sku: &str, location: &str, quantity: i64| {
            let line = json!({"sku": sku, "location": location, "quantity": quantity});
            json!({"lines": [line]})
        };
        for (sku, location) in SHELF {
            let path = format!("/v1/stock/{sku}/{location}");
            let available = || number(&client.read(&path), "available");
            let more = line(sku, location, available() + 1);
            let more = client.json("POST", "/v1/reservations", &more).unwrap();
            assert_eq!(more.code(), "insufficient_stock", "{}", more.body);
            // What a raise that was cut off set aside comes back when its lead denies it.
            let reserved = (0..LOOKS_MAX).any(|_| {
                let all = line(sku, location, available());
                let done = available() == 0
                    || client
                        .json("POST", "/v1/reservations", &all)
                        .unwrap()
                        .status
                        == 201;
                if !done {
                    client.read("/v1/events?after=latest&wait_seconds=1");
                }
                done
            });
            assert!(reserved, "{sku}@{location} is out of reach");
            assert_eq!(available(), 0);
        }
    }

    fn repeat_movements(&self, client: &Client) {
        let moved: Vec<&Value> = self.workers.iter().flat_map(|w| w.moved.values()).collect();
        for batch in moved.chunks(500) {
            let answer = client.post("/v1/movements", &json!({"movements": batch}));
            for result in answer["results"].as_array().unwrap() {
                assert_eq!(result["status"], "duplicate", "{result}");
            }
        }
    }

    fn repeat_requests(&mut self, client: &Client) {
        for worker in &self.workers {
            let newest = worker.answered.iter().rev().take(REPEATED_MAX);
            let some = (0..REPEATED_MAX.min(worker.answered.len()))
                .map(|_| self.dice.one(&worker.answered));
            for (request, first) in newest.chain(some) {
                let again = request.repeat(client);
                assert_eq!(again.header("idempotent-replayed"), "true", "{request:?}");
                assert_eq!(again.body, *first, "{request:?}");
            }
        }
    }

    /// Reads levels before and after reservations, until both are of one moment.
    fn read(&mut self, client: &Client) -> Shown {
        loop {
            let before = client.list("/v1/stock");
            let reservations = client.list("/v1/reservations");
            if client.list("/v1/stock") != before {
                continue;
            }
            before.iter().for_each(|level| self.levels.note(level));
            let by_id = |one: Value| (one["id"].as_str().unwrap().to_owned(), one);
            return Shown {
                stock: before
                    .into_iter()
                    .map(|level| (key_of(&level), level))
                    .collect(),
                reservations: reservations.into_iter().map(by_id).collect(),
            };
        }
    }

    fn faults(&self, shown: &Shown) -> Vec<String> {
        let mut faults = Vec::new();
        let known: BTreeMap<&String, &Known> = self
            .workers
            .iter()
            .flat_map(|worker| &worker.known)
            .collect();
        let phantoms = shown
            .reservations
            .iter()
            .filter(|(id, _)| !known.contains_key(id));
        faults.extend(phantoms.map(|(_, one)| format!("nobody placed {one}")));
        let mut expected = self.on_hand();
        let mut sums: BTreeMap<String, [i64; 2]> = BTreeMap::new();
        for (id, known) in known {
            let Some(now) = shown.reservations.get(id) else {
                faults.push(format!("lost: {}", known.document));
                continue;
            };
            if known.used.is_empty() && !goes_on(now, known) {
                faults.push(format!("answered {}, is {now}", known.document));
            }
            let promised = match now["state"].as_str().unwrap() {
                "held" => Some(0),
                "confirmed" => Some(1),
                _ => None,
            };
            let mut fulfilled: BTreeMap<String, i64> = BTreeMap::new();
            for line in now["lines"].as_array().unwrap() {
                let (key, gone) = (key_of(line), number(line, "fulfilled"));
                *fulfilled.entry(key.clone()).or_default() += gone;
                if let Some(which) = promised {
                    let left = number(line, "quantity") - gone - number(line, "cancelled");
                    sums.entry(key).or_default()[which] += left;
                }
            }
            for (key, used) in &known.used {
                let fulfilled = fulfilled.get(key).copied().unwrap_or(0);
                if fulfilled < *used {
                    faults.push(format!("tills used {used} at {key} of {now}"));
                }
            }
            for (key, fulfilled) in fulfilled {
                let used = known.used.get(&key).copied().unwrap_or(0);
                *expected.entry(key).or_default() -= fulfilled - used;
            }
        }
        for (key, level) in &shown.stock {
            let sums = sums.get(key).copied().unwrap_or_default();
            let figures = ["on_hand", "held", "committed"].map(|name| number(level, name));
            let right = [expected.get(key).copied().unwrap_or(0), sums[0], sums[1]];
            if figures != right {
                faults.push(format!("expected {right:?} at {key}, it is {level}"));
            }
            if !key.starts_with("soap@") && number(level, "shortfall") != 0 {
                faults.push(format!("oversold: {level}"));
            }
        }
        faults
    }

    /// On hand by the movements that were acknowledged, before what was handed over.
    fn on_hand(&self) -> BTreeMap<String, i64> {
        let all = SHELF.iter().chain(COUNTER);
        let mut on_hand: BTreeMap<String, i64> = all
            .map(|(sku, location)| (format!("{sku}@{location}"), STOCKED))
            .collect();
        for movement in self.workers.iter().flat_map(|worker| worker.moved.values()) {
            let quantity = number(movement, "quantity");
            let here = match movement["type"].as_str().unwrap() {
                "sale" | "transfer" => -quantity,
                _ => quantity,
            };
            *on_hand.get_mut(&key_of(movement)).unwrap() += here;
            if let Some(to) = movement["to"].as_str() {
                let there = format!("{}@{to}", movement["sku"].as_str().unwrap());
                *on_hand.get_mut(&there).unwrap() += quantity;
            }
        }
        on_hand
    }
}

/// What was acknowledged of each reservation is there: the request that was not answered may
/// have gone on from it, but nothing less is true.
fn check_known(client: &Client, worker: &Worker) {
    let pending = worker
        .unknown
        .as_ref()
        .and_then(|request| request.reservation.as_ref());
    let all = client.list("/v1/reservations");
    let now: BTreeMap<&str, &Value> = all
        .iter()
        .map(|one| (one["id"].as_str().unwrap(), one))
        .collect();
    for (id, known) in &worker.known {
        let Some(now) = now.get(id.as_str()) else {
            panic!("lost: {}", known.document);
        };
        let changes = pending == Some(id) || !known.used.is_empty();
        let version = number(&known.document, "version") <= number(now, "version");
        assert!(
            version && (changes || goes_on(now, known)),
            "{} is {now}",
            known.document
        );
    }
}

/// Whether a reservation is what was answered last; its version may have risen since.
fn goes_on(now: &Value, known: &Known) -> bool {
    face(now) == face(&known.document)
        && number(now, "version") >= number(&known.document, "version")
}

/// Looks at all levels again and again until the server is gone.
fn look(client: &Client) -> Levels {
    let mut levels = Levels::default();
    while let Ok(page) = client.get("/v1/stock") {
        for level in page.body["items"].as_array().into_iter().flatten() {
            levels.note(level);
        }
    }
    levels
}
