//! Clients that take little or nothing: they cost bounded memory, get the newest levels when
//! they wake, are closed when they do not, and slow nobody.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use crate::client::Client;
use crate::follower::{Follower, name};
use crate::server::{ADMIN, DataDir, Server, Start};

/// Enough keys that a few rounds of news fill all that lies between server and client.
const KEYS: usize = 400;

/// A shop of many items, all of which are followed at once.
struct Store {
    server: Server,
    client: Client,
    _data: DataDir,
    rounds: usize,
}

impl Store {
    fn open(options: &[(&str, &str)]) -> Store {
        let data = DataDir::new();
        let start = options
            .iter()
            .fold(Start::on(&data.path), |start, (name, value)| {
                start.with(name, value)
            });
        let server = start.run();
        let client = server.client();
        let place = json!({"name": "malmo", "kind": "store"});
        client.put("/v1/locations/malmo", &place);
        let items: Vec<Value> = (0..KEYS)
            .map(|number| json!({"sku": sku(number), "name": "x"}))
            .collect();
        client.post("/v1/items/batch", &json!({"items": items}));
        let mut store = Store {
            server,
            client,
            _data: data,
            rounds: 0,
        };
        store.round();
        store
    }

    /// Every key changes once.
    fn round(&mut self) {
        self.rounds += 1;
        let movements: Vec<Value> = (0..KEYS)
            .map(|number| {
                json!({"id": format!("{}-{}", self.rounds, sku(number)), "type": "receipt",
                    "sku": sku(number), "location": "malmo", "quantity": 1})
            })
            .collect();
        self.client
            .post("/v1/movements", &json!({"movements": movements}));
    }

    /// One who follows everything through a small window, and heard the state.
    fn stalling(&self) -> Follower {
        let mut follower = self.narrow();
        let state = follower.subscribe(&["*@malmo"], &json!({}));
        assert_eq!(state["levels"].as_array().unwrap().len(), KEYS);
        follower
    }

    /// One with a token and a small window, who follows nothing.
    fn narrow(&self) -> Follower {
        let address: SocketAddr = self.server.url["http://".len()..].parse().unwrap();
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket.connect(&address.into()).unwrap();
        let stream = TcpStream::from(socket);
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let mut follower = Follower::try_open_on(stream, &self.server, &[]).unwrap();
        follower.next();
        follower.say(&json!({"op": "hello", "token": ADMIN}));
        follower.next();
        follower
    }

    fn healthy(&self) -> Follower {
        let mut follower = Follower::open_with(&self.server, ADMIN);
        follower.subscribe(&["*@malmo"], &json!({}));
        follower
    }
}

fn sku(number: usize) -> String {
    format!("an-item-with-a-rather-long-name-{number}")
}

/// Reads news until every key is at that version; how many levels were told.
fn read_to(follower: &mut Follower, version: usize) -> usize {
    let mut told = 0;
    let mut newest = std::collections::HashMap::new();
    while newest.len() < KEYS || newest.values().any(|known| *known < version) {
        let update = follower.next_of("update");
        for level in update["levels"].as_array().unwrap() {
            told += 1;
            let version = usize::try_from(level["version"].as_u64().unwrap()).unwrap();
            let before = newest.insert(name(level), version);
            assert!(before < Some(version), "{before:?} then {version}");
        }
    }
    told
}

#[test]
fn stalled_readers_cost_bounded_memory_slow_nobody_and_wake_to_the_newest() {
    const READERS: usize = 20;
    const ROUNDS: usize = 150;
    let mut store = Store::open(&[
        ("ONHAND_FEED_TICK_MS", "1"),
        // However slow the machine is that runs this.
        ("ONHAND_FEED_STALLED_MS_MAX", "600000"),
        ("ONHAND_FEED_PING_SECONDS", "3600"),
        ("ONHAND_HTTP_UNACKNOWLEDGED_MS_MAX", "600000"),
    ]);
    let mut stalled: Vec<Follower> = (0..READERS).map(|_| store.stalling()).collect();
    let mut healthy = store.healthy();
    let before = store.server.resident_bytes();
    for _ in 0..ROUNDS {
        store.round();
        // The healthy one hears of each before the next is made.
        let rounds = store.rounds as u64;
        healthy.until(&format!("{}@malmo", sku(KEYS - 1)), |level| {
            level["version"] == rounds
        });
    }
    let grown = store.server.resident_bytes().saturating_sub(before);
    // A backlog would be some 7 MB for each of them.
    assert!(grown < READERS * 400_000 + 24_000_000, "{grown} bytes more");
    for follower in &mut stalled {
        let told = read_to(follower, store.rounds);
        assert!(told < KEYS * ROUNDS / 4, "{told} levels lay in wait");
    }
}

#[test]
fn who_takes_nothing_for_too_long_hears_4008_when_it_wakes() {
    let options = [
        ("ONHAND_FEED_STALLED_MS_MAX", "300"),
        ("ONHAND_FEED_PING_SECONDS", "1"),
    ];
    let mut store = Store::open(&options);
    let mut stalled = store.stalling();
    let mut healthy = store.healthy();
    // Two pings: more than a second in which there was always something to take.
    let mut pings = 0;
    while pings < 2 {
        store.round();
        let rounds = store.rounds;
        loop {
            let frame = healthy.next();
            if frame["type"] == "ping" {
                pings += 1;
                healthy.say(&json!({"op": "pong"}));
                continue;
            }
            let levels = frame["levels"].as_array().unwrap();
            if levels.iter().any(|level| level["version"] == rounds) {
                break;
            }
        }
    }
    assert_eq!(stalled.closed(), Some(4008));
    store.round();
    assert!(healthy.try_next().is_ok());
}

#[test]
fn who_takes_long_over_its_state_is_alive_and_may_speak_meanwhile() {
    let store = Store::open(&[
        ("ONHAND_FEED_STALLED_MS_MAX", "600000"),
        ("ONHAND_FEED_PING_SECONDS", "1"),
        ("ONHAND_FEED_PONG_MS_MAX", "100"),
    ]);
    // A state of several parts, each more than lies between server and client.
    for part in 0..3 {
        let skus: Vec<String> = (0..500).map(|number| format!("{part}-{number}")).collect();
        let items: Vec<Value> = skus
            .iter()
            .map(|sku| json!({"sku": sku, "name": "long ".repeat(40)}))
            .collect();
        store
            .client
            .post("/v1/items/batch", &json!({"items": items}));
        let movements: Vec<Value> = skus
            .iter()
            .map(|sku| {
                json!({"id": sku, "type": "receipt", "sku": sku, "location": "malmo",
                    "quantity": 1})
            })
            .collect();
        store
            .client
            .post("/v1/movements", &json!({"movements": movements}));
    }
    let mut slow = store.narrow();
    slow.say(&json!({"op": "subscribe", "id": 1, "keys": ["*@malmo"]}));
    // Three pings: more than two seconds in which it takes nothing, and says no more than it may.
    let mut other = Follower::open(&store.server);
    for _ in 0..3 {
        other.next_of("ping");
        other.say(&json!({"op": "pong"}));
        for _ in 0..15 {
            slow.say(&json!({"op": "pong"}));
        }
    }
    let mut told = 0;
    loop {
        let state = slow.next_of("state");
        told += state["levels"].as_array().unwrap().len();
        if state["last"] == true {
            break;
        }
    }
    assert_eq!(told, KEYS + 1500);
    slow.next_of("ping");
}

/// Keeps changing things until the place of one who takes too little is free.
fn until_dropped(store: &mut Store, mut takes: impl FnMut()) {
    loop {
        store.round();
        takes();
        if Follower::try_open(&store.server, &[]).is_ok() {
            return;
        }
    }
}

/// So small a service that one client takes the only place.
fn one_place() -> Store {
    Store::open(&[
        ("ONHAND_FEED_CONNECTIONS_MAX", "1"),
        ("ONHAND_FEED_STALLED_MS_MAX", "300"),
        ("ONHAND_HTTP_UNACKNOWLEDGED_MS_MAX", "1000"),
    ])
}

#[test]
fn one_who_never_reads_is_dropped() {
    let mut store = one_place();
    let stalled = store.stalling();
    until_dropped(&mut store, || ());
    drop(stalled);
}

#[test]
fn one_who_reads_a_byte_now_and_then_is_dropped() {
    let mut store = one_place();
    let mut stalled = store.stalling();
    until_dropped(&mut store, || {
        // It may be dropped by now.
        stalled.socket.get_mut().read_exact(&mut [0]).ok();
    });
}
