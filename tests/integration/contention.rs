//! Where callers contend for the same stock, as operators of the running binary see it.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::client::Client;
use crate::metrics::{Told, reaches};
use crate::server::{DataDir, PATIENCE, Server, Start};

fn shop(client: &Client) {
    client.put(
        "/v1/locations/malmo",
        &json!({"name": "Malmö", "kind": "store"}),
    );
    for sku in ["clog-38", "clog-39", "scarf"] {
        client.put(&format!("/v1/items/{sku}"), &json!({"name": sku}));
        let receipt = json!({"id": sku, "type": "receipt", "sku": sku, "location": "malmo",
            "quantity": 4});
        client.post("/v1/movements", &json!({"movements": [receipt]}));
    }
}

fn want(client: &Client, sku: &str, times: usize) {
    for _ in 0..times {
        assert!([201, 409].contains(&want_all(client, &[sku], false)));
    }
}

fn contention(server: &Server, query: &str) -> Value {
    Client::new(&server.ops, "").read(&format!("/v1/contention{query}"))
}

#[test]
fn the_keys_that_most_want_come_first_with_what_became_of_it() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let client = server.client();
    shop(&client);
    want(&client, "clog-39", 3);
    want(&client, "clog-38", 10);
    want(&client, "scarf", 1);

    let seen = contention(&server, "?top=2");
    let keys = seen["keys"].as_array().unwrap();
    let names: Vec<&str> = keys
        .iter()
        .map(|key| key["sku"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["clog-38", "clog-39"], "{seen}");
    let hottest = &keys[0];
    assert_eq!(hottest["rank"], 1);
    assert_eq!(hottest["holds"], 4);
    assert_eq!(hottest["stock"]["held"], 4);
    assert_eq!(hottest["stock"]["available"], 0);
    let figure = |name: &str| hottest[name].as_f64().unwrap();
    let refused = figure("refusals_per_second") / figure("demand_per_second");
    assert!(
        (refused - 0.6).abs() < 1e-9,
        "6 of 10 were refused: {hottest}"
    );
    let (mean, max) = (
        &hottest["waiting_ms"]["mean"],
        &hottest["waiting_ms"]["max"],
    );
    assert!(mean.as_f64().unwrap() <= max.as_f64().unwrap() && *max != json!(0.0));
    assert_eq!(keys[1]["refusals_per_second"], 0.0);

    assert_eq!(contention(&server, "")["keys"].as_array().unwrap().len(), 3);
    let told = Told::by(&server);
    let demand = |rank: &str| {
        let series = format!("onhand_contention_demand_per_second{{rank=\"{rank}\"}}");
        told.value(&series).unwrap()
    };
    assert!(demand("01") > demand("02") && demand("02") > demand("03"));
    assert_eq!(demand("20"), 0.0);
    assert_eq!(
        told.value("onhand_contention_holds{rank=\"01\"}"),
        Some(4.0)
    );
}

/// Places one piece of each SKU, all or nothing unless `partial`; gives the status.
fn want_all(client: &Client, skus: &[&str], partial: bool) -> u16 {
    let line = |sku: &&str| json!({"sku": sku, "location": "malmo", "quantity": 1});
    let lines: Vec<Value> = skus.iter().map(line).collect();
    let basket = json!({"lines": lines, "partial": partial});
    let placed = client.json("POST", "/v1/reservations", &basket);
    placed.unwrap().status
}

#[test]
fn what_baskets_want_in_vain_is_wanted_and_refused() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let client = server.client();
    shop(&client);
    want(&client, "clog-38", 4);
    // Less will do: that is no refusal.
    assert_eq!(want_all(&client, &["clog-38", "scarf"], true), 201);
    for _ in 0..6 {
        assert_eq!(want_all(&client, &["clog-38", "scarf"], false), 409);
    }
    assert_eq!(want_all(&client, &["clog-39", "scarf"], false), 201);

    let refused = "onhand_commands_total{kind=\"ask\",outcome=\"refused\"}";
    reaches(&server, refused, 6.0);
    let told = Told::by(&server);
    assert_eq!(told.value(refused), Some(6.0));
    let refusals = "onhand_refusals_total{reason=\"insufficient_stock\"}";
    assert_eq!(told.value(refusals), Some(6.0));
    let seen = contention(&server, "?top=1");
    let hottest = &seen["keys"][0];
    assert_eq!(hottest["sku"], "clog-38", "{seen}");
    let figure = |name: &str| hottest[name].as_f64().unwrap();
    let refused = figure("refusals_per_second") / figure("demand_per_second");
    // Four that were placed, six in vain, and the one that took less.
    assert!((refused - 6.0 / 11.0).abs() < 1e-9, "{hottest}");
}

#[test]
fn the_pace_of_the_commit_pipeline_is_told_beside_it() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let client = server.client();
    shop(&client);
    want(&client, "clog-38", 5);
    // Each thread counts by itself: what one has told another may have yet to tell.
    for (kind, outcome, count) in [
        ("receipt", "recorded", 3.0),
        ("place", "recorded", 4.0),
        ("place", "refused", 1.0),
    ] {
        let series = format!("onhand_commands_total{{kind=\"{kind}\",outcome=\"{outcome}\"}}");
        reaches(&server, &series, count);
    }
    let seen = contention(&server, "");
    assert_eq!(seen["commands"]["recorded"], 7);
    assert_eq!(seen["commands"]["refused"], 1);
    let journal = &seen["journal"];
    assert!(
        journal["append_seconds"]["count"].as_u64().unwrap() >= 7,
        "{journal}"
    );
    assert!(journal["append_seconds"]["sum"].as_f64().unwrap() > 0.0);
    let buckets = journal["append_seconds"]["buckets"].as_array().unwrap();
    assert_eq!(
        buckets.last().unwrap()[1],
        journal["append_seconds"]["count"]
    );
    assert_eq!(seen["feed"]["connections"], 0);
}

#[test]
fn a_question_that_makes_no_sense_is_answered_with_its_fault() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let ops = Client::new(&server.ops, "");
    for query in [
        "?top=0",
        "?top=101",
        "?top=all",
        "?most=20",
        "/events?top=3",
    ] {
        let refused = ops.get(&format!("/v1/contention{query}")).unwrap();
        assert_eq!(refused.status, 422, "{query}");
        assert_eq!(refused.body["code"], "invalid_request");
    }
}

#[test]
fn every_answer_to_operators_has_a_name() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let ops = Client::new(&server.ops, "");
    for path in ["/livez", "/metrics", "/v1/contention?top=0", "/nothing"] {
        let answer = ops.get(path).unwrap();
        assert_eq!(answer.header("request-id").len(), 32, "{path}");
        let named = ops.send("GET", path, &[("request-id", "probe 7")], None);
        assert_eq!(named.unwrap().header("request-id"), "probe 7", "{path}");
    }
}

#[test]
fn a_board_too_many_of_one_address_is_counted_once_and_told_why() {
    let data = DataDir::new();
    let start = Start::on(&data.path).with("ONHAND_FEED_ADDRESS_CONNECTIONS_MAX", "1");
    let server = start.run();
    let path = "/v1/contention/events";
    let mut open = TcpStream::connect(server.ops.strip_prefix("http://").unwrap()).unwrap();
    open.set_read_timeout(Some(PATIENCE)).unwrap();
    let asked = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
    open.write_all(asked.as_bytes()).unwrap();
    let mut status = [0; 12];
    open.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    let refused = Client::new(&server.ops, "").get(path).unwrap();
    assert_eq!((refused.status, refused.code()), (503, "overloaded"));
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("this address"), "{detail}");
    let told = Told::by(&server);
    let barred = |reason: &str| {
        let series = format!("onhand_feed_barred_total{{reason=\"{reason}\"}}");
        told.value(&series).unwrap_or(0.0)
    };
    assert_eq!((barred("client"), barred("total")), (1.0, 0.0));
}
