//! What operators read of the running binary: everything that happens is counted where they look.

use std::time::Duration;

use onhand::clock::Clock;
use onhand::stock::Timestamp;
use serde_json::{Value, json};

use crate::client::Client;
use crate::follower::Follower;
use crate::server::{ADMIN, DataDir, Server, Start};

/// What a running server tells.
pub struct Told(String);

impl Told {
    /// What it tells now.
    pub fn by(server: &Server) -> Told {
        let answer = Client::new(&server.ops, "").get("/metrics").unwrap();
        assert_eq!(answer.status, 200);
        Told(answer.text)
    }

    /// All of it.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The value of a series, named as it is written, labels in order.
    pub fn value(&self, series: &str) -> Option<f64> {
        let line = self.0.lines().find_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            (name == series).then_some(value)
        });
        line.map(|value| value.parse().unwrap())
    }

    /// Every metric that is told: its name, its type and its help.
    pub fn families(&self) -> Vec<(String, String, String)> {
        let of = |mark: &str| {
            let lines = self.0.lines().filter_map(|line| line.strip_prefix(mark));
            let pairs = lines.filter_map(|line| line.split_once(' '));
            pairs
                .map(|(name, rest)| (name.to_owned(), rest.to_owned()))
                .collect::<Vec<_>>()
        };
        let helps = of("# HELP ");
        let types = of("# TYPE ");
        assert_eq!(helps.len(), types.len(), "each metric has its help");
        let families = helps.into_iter().zip(types);
        families
            .map(|((name, help), (_, kind))| (name, kind, help))
            .collect()
    }
}

/// Waits until a series has at least that value: threads tell what they counted now and then.
pub fn reaches(server: &Server, series: &str, value: f64) {
    let mut last = None;
    for _ in 0..5000 {
        let told = Told::by(server);
        last = told.value(series);
        if last.is_some_and(|last| last >= value) {
            return;
        }
    }
    panic!("{series} is {last:?} and does not come to {value}");
}

/// One product at one place, and some of it.
pub fn stock(client: &Client, quantity: u32) {
    client.put("/v1/items/clog-38", &json!({"name": "Red clogs 38"}));
    client.put(
        "/v1/locations/malmo",
        &json!({"name": "Malmö", "kind": "store"}),
    );
    movement(client, "first", "receipt", quantity);
}

fn movement(client: &Client, id: &str, kind: &str, quantity: u32) -> Value {
    let movement = json!({"id": id, "type": kind, "sku": "clog-38", "location": "malmo",
        "quantity": quantity});
    client.post("/v1/movements", &json!({"movements": [movement]}))
}

pub fn cart(quantity: u32, ttl_seconds: u32) -> Value {
    let line = json!({"sku": "clog-38", "location": "malmo", "quantity": quantity});
    json!({"lines": [line], "ttl_seconds": ttl_seconds})
}

#[test]
fn holds_that_opened_close_however_lines_change() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let client = server.client();
    stock(&client, 5);
    client.put(
        "/v1/locations/lund",
        &json!({"name": "Lund", "kind": "store"}),
    );
    let receipt = json!({"id": "lund", "type": "receipt", "sku": "clog-38", "location": "lund",
        "quantity": 5});
    client.post("/v1/movements", &json!({"movements": [receipt]}));
    let line = |place| json!({"sku": "clog-38", "location": place, "quantity": 1});
    let placed = client.post(
        "/v1/reservations",
        &json!({"lines": [line("malmo")], "ttl_seconds": 600}),
    );
    let path = format!("/v1/reservations/{}", placed["id"].as_str().unwrap());
    let replaced = json!({"lines": [line("lund")]});
    let replaced = client.keyed("PUT", &format!("{path}/lines"), "other", &replaced);
    replaced.unwrap().ok();
    reaches(&server, "onhand_holds_opened_total", 2.0);
    reaches(&server, "onhand_holds_closed_total{end=\"released\"}", 1.0);
    let confirmed = client.keyed("POST", &format!("{path}/confirm"), "paid", &json!({}));
    confirmed.unwrap().ok();
    client.post(&format!("{path}/cancel"), &json!({}));
    reaches(&server, "onhand_holds_closed_total{end=\"cancelled\"}", 1.0);
    let told = Told::by(&server);
    assert_eq!(told.value("onhand_holds_opened_total"), Some(2.0));
}

#[test]
fn what_happens_to_holds_is_counted() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let client = server.client();
    stock(&client, 5);
    let place = |key: &str, quantity, ttl| {
        client
            .keyed("POST", "/v1/reservations", key, &cart(quantity, ttl))
            .unwrap()
    };
    let first = place("a", 2, 600);
    assert_eq!(place("a", 2, 600).headers["idempotent-replayed"], "true");
    place("b", 1, 1);
    assert_eq!(place("c", 9, 600).status, 409);
    let id = first.body["id"].as_str().unwrap();
    client.post(&format!("/v1/reservations/{id}/release"), &json!({}));
    movement(&client, "till-1", "sale", 5);

    reaches(&server, "onhand_holds_opened_total", 2.0);
    reaches(&server, "onhand_holds_closed_total{end=\"released\"}", 1.0);
    reaches(&server, "onhand_holds_closed_total{end=\"expired\"}", 1.0);
    reaches(
        &server,
        "onhand_hold_age_seconds_count{end=\"expired\"}",
        1.0,
    );
    reaches(&server, "onhand_hold_expiry_lateness_seconds_count", 1.0);
    reaches(
        &server,
        "onhand_refusals_total{reason=\"insufficient_stock\"}",
        1.0,
    );
    reaches(
        &server,
        "onhand_commands_total{kind=\"place\",outcome=\"recorded\"}",
        2.0,
    );
    reaches(
        &server,
        "onhand_commands_total{kind=\"place\",outcome=\"refused\"}",
        1.0,
    );
    reaches(&server, "onhand_mailbox_wait_seconds_count", 5.0);
    let told = Told::by(&server);
    assert_eq!(told.value("onhand_idempotent_replays_total"), Some(1.0));
    assert_eq!(told.value("onhand_shortfalls_total"), Some(1.0));
    assert_eq!(told.value("onhand_oversells_total"), Some(0.0));
    assert_eq!(told.value("onhand_ready"), Some(1.0));
    let groups = told.value("onhand_journal_append_seconds_count").unwrap();
    assert!(groups >= 5.0 && groups <= told.value("onhand_journal_position").unwrap());
}

#[test]
fn requests_are_counted_by_their_route_and_never_by_what_it_names() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let client = server.client();
    stock(&client, 5);
    client.read("/v1/availability/clog-38/malmo");
    assert_eq!(
        client
            .get("/v1/availability/secret-product/malmo")
            .unwrap()
            .status,
        404
    );
    // A movement is answered for itself, so nobody asks who did not look into the answer.
    let lost = json!({"id": "lost", "type": "sale", "sku": "secret-product", "location": "malmo",
        "quantity": 1});
    let settings = json!({"settings": [{"sku": "secret-product", "location": "malmo",
        "safety_stock": 1}]});
    client.post("/v1/movements", &json!({"movements": [lost]}));
    client
        .json("POST", "/v1/stock/settings/batch", &settings)
        .unwrap();
    assert_eq!(client.get("/no-such-place-as-this").unwrap().status, 404);
    for method in ["DELETE", "BREW"] {
        let answer = client.send(method, "/v1/stock", &[], None).unwrap();
        assert_eq!(answer.status, 405, "{method}");
    }

    let told = Told::by(&server);
    let route = "method=\"GET\",route=\"/v1/availability/{sku}/{location}\"";
    let total = |status: &str| {
        told.value(&format!(
            "onhand_http_requests_total{{{route},status=\"{status}\"}}"
        ))
    };
    assert_eq!(
        (total("2xx"), total("4xx"), total("5xx")),
        (Some(1.0), Some(1.0), Some(0.0))
    );
    let seconds = format!("onhand_http_request_seconds_count{{{route}}}");
    assert_eq!(told.value(&seconds), Some(2.0));
    let none = "onhand_http_requests_total{method=\"any\",route=\"none\",status=\"4xx\"}";
    assert_eq!(told.value(none), Some(3.0));
    let problem = "onhand_http_problems_total{code=\"unknown_item\"}";
    assert_eq!(told.value(problem), Some(3.0));
    for never in [
        "secret-product",
        "no-such-place",
        "BREW",
        "clog-38",
        "malmo",
    ] {
        assert!(!told.0.contains(never), "{never} became a label");
    }
}

#[test]
fn the_feed_tells_how_long_news_took_and_why_connections_ended() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let client = server.client();
    stock(&client, 50);
    let mut follower = Follower::open_with(&server, ADMIN);
    follower.subscribe(&["clog-38@malmo"], &json!({}));
    for turn in 0..5 {
        movement(&client, &format!("till-{turn}"), "sale", 1);
        follower.next_of("update");
    }
    reaches(&server, "onhand_feed_commit_to_socket_seconds_count", 1.0);
    reaches(&server, "onhand_feed_deliveries_total", 1.0);
    let told = Told::by(&server);
    assert_eq!(told.value("onhand_feed_connections"), Some(1.0));
    assert_eq!(
        told.value("onhand_feed_opened_total{transport=\"websocket\"}"),
        Some(1.0)
    );
    follower.socket.close(None).unwrap();
    assert_eq!(follower.closed(), Some(1000));
    reaches(&server, "onhand_feed_closes_total{code=\"1000\"}", 1.0);
}

#[test]
fn rounds_of_snapshots_and_the_start_are_measured() {
    let data = DataDir::new();
    let mut server = Server::start(&data.path);
    stock(&server.client(), 5);
    server.kill9();
    let server = Start::on(&data.path)
        .with("ONHAND_JOURNAL_SNAPSHOT_INTERVAL_SECONDS", "1")
        .run();
    let told = Told::by(&server);
    assert_eq!(told.value("onhand_recovery_records"), Some(3.0));
    let seconds = told.value("onhand_recovery_seconds").unwrap();
    assert!(seconds > 0.0 && seconds < Duration::from_secs(60).as_secs_f64());
    reaches(&server, "onhand_snapshots_total{result=\"done\"}", 1.0);
    let told = Told::by(&server);
    assert!(
        told.value("onhand_snapshot_finished_timestamp_seconds")
            .unwrap()
            > 1.7e9
    );
}

#[test]
fn every_metric_has_a_name_of_the_house_and_its_help() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let families = Told::by(&server).families();
    assert!(families.len() > 50, "{families:?}");
    for (name, kind, help) in families {
        let house = name.starts_with("onhand_") || name.starts_with("process_");
        assert!(house, "{name}");
        assert_eq!(
            kind == "counter",
            name.ends_with("_total"),
            "{name} is a {kind}"
        );
        assert!(help.len() > 10 && help.ends_with('.'), "{name}: {help}");
    }
}

#[test]
fn the_time_a_server_goes_by_is_told() {
    let clock = Clock::system(Timestamp::MIN).unwrap();
    let seconds = || clock.now().as_millis() as f64 / 1000.0;
    let before = seconds();
    let data = DataDir::new();
    let mut server = Start::on(&data.path).run();
    let told = Told::by(&server).value("onhand_clock_timestamp_seconds");
    assert!(
        (before..=seconds() + 1.0).contains(&told.unwrap()),
        "{told:?}"
    );
    server.stop();
}

#[test]
fn a_server_that_counts_nothing_serves_all_the_same() {
    let data = DataDir::new();
    let start = Start::on(&data.path).with("ONHAND_TELEMETRY_COUNTING", "false");
    let mut server = start.run();
    stock(&server.client(), 5);
    let told = Told::by(&server);
    assert_eq!(told.value("onhand_stock_keys"), Some(1.0));
    let counted = told.text().lines().filter(|line| {
        line.starts_with("onhand_http_requests_total") || line.starts_with("onhand_commands_total")
    });
    let counted: Vec<&str> = counted.filter(|line| !line.ends_with(" 0")).collect();
    assert!(counted.is_empty(), "{counted:?}");
    server.stop();
}
