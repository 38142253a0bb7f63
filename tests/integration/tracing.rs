//! Where the time of a request goes, as the running binary tells it: traces, spans, and a line for
//! each request that was slow.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::client::Client;
use crate::metrics::{Told, cart, reaches, stock};
use crate::server::{DataDir, Server, Start};

const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn reserve(client: &Client, headers: &[(&str, &str)]) -> crate::client::Answer {
    let body = cart(1, 600).to_string();
    let placed = client.send("POST", "/v1/reservations", headers, Some(body.as_bytes()));
    placed.unwrap()
}

/// The lines of the log that have this message.
fn lines(server: &Server, message: &str) -> Vec<Value> {
    let said = server.said();
    let lines = said
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    lines
        .filter(|line: &Value| line["message"] == message)
        .collect()
}

#[test]
fn a_trace_that_a_client_began_goes_on_in_the_answer() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let client = server.client();
    stock(&client, 5);
    let placed = reserve(&client, &[("traceparent", GIVEN)]);
    assert_eq!(placed.status, 201);
    let told = placed.headers["traceparent"].to_str().unwrap();
    assert!(
        told.starts_with(&format!("00-{TRACE}-")) && told.ends_with("-01"),
        "{told}"
    );
    assert_ne!(told, GIVEN, "the parent is a span of ours");

    assert!(!reserve(&client, &[]).headers.contains_key("traceparent"));
    let broken = reserve(&client, &[("traceparent", "00-nonsense-01")]);
    assert_eq!(
        broken.status, 201,
        "a trace that cannot be read stops nobody"
    );
    assert!(!broken.headers.contains_key("traceparent"));
    let twice = reserve(&client, &[("traceparent", GIVEN), ("traceparent", GIVEN)]);
    assert!(!twice.headers.contains_key("traceparent"));
}

#[test]
fn a_slow_request_says_where_its_time_went() {
    let data = DataDir::new();
    let start = Start::on(&data.path).with("ONHAND_TELEMETRY_SLOW_REQUEST_MS", "0");
    let mut server = start.with("ONHAND_LOG_FORMAT", "json").run();
    let client = server.client();
    stock(&client, 5);
    let headers = [("traceparent", GIVEN), ("request-id", "cart-7")];
    assert_eq!(reserve(&client, &headers).status, 201);
    assert_eq!(
        client
            .get("/v1/events?after=latest&wait_seconds=1")
            .unwrap()
            .status,
        200
    );
    let told = Told::by(&server);
    assert_eq!(told.value("onhand_http_slow_requests_total"), Some(4.0));
    server.stop();

    let slow = lines(&server, "slow request");
    let ours: Vec<&Value> = slow
        .iter()
        .filter(|line| line["request_id"] == "cart-7")
        .collect();
    let [line] = ours[..] else { panic!("{slow:?}") };
    assert_eq!(line["trace_id"], TRACE);
    assert_eq!(line["parent_id"], "00f067aa0ba902b7");
    assert_eq!(
        (&line["method"], &line["status"]),
        (&json!("POST"), &json!(201))
    );
    let stage = |name: &str| line[name].as_f64().unwrap();
    assert!(
        stage("write_ms") > 0.0 && stage("write_ms") <= stage("commit_ms"),
        "{line}"
    );
    let inside = stage("mailbox_ms") + stage("decide_ms") + stage("commit_ms");
    assert!(inside > 0.0 && inside <= stage("total_ms"), "{line}");
    let told = stage("body_ms") + inside + stage("other_ms");
    assert!((told - stage("total_ms")).abs() < 0.01, "{line}");
    // Who asks to wait is not slow.
    assert!(
        slow.iter().all(|line| line["path"] != "/v1/events"),
        "{slow:?}"
    );
}

#[test]
fn a_body_that_comes_late_is_told_apart_and_not_counted_as_ours() {
    let data = DataDir::new();
    let start = Start::on(&data.path).with("ONHAND_TELEMETRY_SLOW_REQUEST_MS", "0");
    let mut server = start.with("ONHAND_LOG_FORMAT", "json").run();
    let body = json!({"keys": ["clog-38@malmo"]}).to_string();
    let mut late = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    let length = body.len();
    let head = format!(
        "POST /v1/availability/query HTTP/1.1\r\nhost: onhand\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    late.write_all(head.as_bytes()).unwrap();
    reaches(&server, "onhand_http_requests_in_flight", 1.0);
    // It waits for its body by now; so do we, for as long as looking a hundred times takes.
    (0..100).for_each(|_| drop(Told::by(&server)));
    late.write_all(body.as_bytes()).unwrap();
    late.read_to_end(&mut Vec::new()).unwrap();
    let route = "{method=\"POST\",route=\"/v1/availability/query\"}";
    let told = Told::by(&server);
    assert_eq!(
        told.value(&format!("onhand_http_request_seconds_count{route}")),
        Some(1.0)
    );
    let served = told.value(&format!("onhand_http_request_seconds_sum{route}"));
    server.stop();

    let slow = lines(&server, "slow request");
    let ours = |line: &&Value| line["path"] == "/v1/availability/query";
    let line = slow.iter().find(ours).unwrap();
    let stage = |name: &str| line[name].as_f64().unwrap();
    assert!(stage("body_ms") > 0.0, "{line}");
    let others = stage("total_ms") - stage("body_ms");
    assert!((served.unwrap() * 1000.0 - others).abs() < 0.01, "{line}");
}

/// A disk that takes its time, by a crash point that only sleeps.
#[cfg(feature = "failpoints")]
#[test]
fn a_slow_disk_is_told_apart_from_a_busy_key() {
    let data = DataDir::new();
    let start = Start::on(&data.path).with("ONHAND_TELEMETRY_SLOW_REQUEST_MS", "60");
    let start = start.with("FAILPOINTS", "journal::before_append=sleep(80)");
    let mut server = start.with("ONHAND_LOG_FORMAT", "json").run();
    let client = server.client();
    stock(&client, 5);
    assert_eq!(reserve(&client, &[]).status, 201);
    client.read("/v1/availability/clog-38/malmo");
    client.put(
        "/v1/locations/lund",
        &json!({"name": "Lund", "kind": "store"}),
    );
    let receipt = json!({"id": "lund", "type": "receipt", "sku": "clog-38", "location": "lund",
        "quantity": 5});
    client.post("/v1/movements", &json!({"movements": [receipt]}));
    let line = |place| json!({"sku": "clog-38", "location": place, "quantity": 1});
    let basket = json!({"lines": [line("malmo"), line("lund")], "ttl_seconds": 600});
    let placed = client
        .send(
            "POST",
            "/v1/reservations",
            &[("request-id", "basket")],
            Some(basket.to_string().as_bytes()),
        )
        .unwrap();
    assert_eq!(placed.status, 201);
    server.stop();

    let slow = lines(&server, "slow request");
    let line = slow
        .iter()
        .find(|line| line["path"] == "/v1/reservations")
        .unwrap();
    let stage = |line: &Value, name: &str| line[name].as_f64().unwrap();
    assert!(stage(line, "write_ms") >= 80.0, "{line}");
    // The disk's time is the disk's alone: what is left of the whole is all the rest can have.
    let beside = stage(line, "mailbox_ms") + stage(line, "decide_ms");
    let left = stage(line, "total_ms") - stage(line, "write_ms");
    assert!(beside <= left, "{line}");
    // A basket is durable at its lead before its other keys follow: two commits, told as two.
    let basket = slow
        .iter()
        .find(|line| line["request_id"] == "basket")
        .unwrap();
    let write = stage(basket, "write_ms");
    assert!(
        write >= 160.0 && write <= stage(basket, "total_ms"),
        "{basket}"
    );
    // A line is for what took so long, whoever it was.
    assert!(
        slow.iter().all(|line| stage(line, "total_ms") >= 60.0),
        "{slow:?}"
    );
    let item = slow.iter().find(|line| line["path"] == "/v1/items/clog-38");
    let item = item.unwrap();
    assert!(stage(item, "write_ms") >= 80.0, "{item}");
}

#[test]
fn spans_follow_a_request_through_the_actor_to_the_commit() {
    let data = DataDir::new();
    let start = Start::on(&data.path).with("ONHAND_LOG", "warn,onhand::trace=debug");
    let mut server = start.with("ONHAND_LOG_FORMAT", "json").run();
    let client = server.client();
    stock(&client, 5);
    reserve(&client, &[("traceparent", GIVEN)]);
    server.stop();

    let ended = lines(&server, "close");
    let of_trace = ended
        .iter()
        .filter(|line| line["span"]["trace_id"] == TRACE);
    let of_trace: Vec<&Value> = of_trace.collect();
    assert_eq!(of_trace.len(), 3, "{ended:?}");
    for name in ["decide", "commit", "request"] {
        let span = of_trace.iter().find(|line| line["span"]["name"] == name);
        let span = span.unwrap_or_else(|| panic!("no span {name}: {ended:?}"));
        assert_eq!(span["target"], "onhand::trace");
        assert_eq!(
            span["span"]["request_id"],
            of_trace[0]["span"]["request_id"]
        );
    }
    let decide = of_trace
        .iter()
        .find(|line| line["span"]["name"] == "decide")
        .unwrap();
    assert_eq!(decide["span"]["key"], "clog-38@malmo");
    let request = of_trace
        .iter()
        .find(|line| line["span"]["name"] == "request");
    let parent = &request.unwrap()["span"]["parent_id"];
    assert_eq!(parent, "00f067aa0ba902b7", "ours hangs under who asked");
}

#[test]
fn a_batch_and_a_basket_have_a_span_for_each_key() {
    let data = DataDir::new();
    let start = Start::on(&data.path).with("ONHAND_LOG", "warn,onhand::trace=debug");
    let mut server = start.with("ONHAND_LOG_FORMAT", "json").run();
    let client = server.client();
    stock(&client, 5);
    client.put(
        "/v1/locations/lund",
        &json!({"name": "Lund", "kind": "store"}),
    );
    let places = ["malmo", "lund"];
    let receipts = places.map(|place| {
        json!({"id": format!("b-{place}"), "type": "receipt", "sku": "clog-38", "location": place,
            "quantity": 5})
    });
    let lines_of = places.map(|place| json!({"sku": "clog-38", "location": place, "quantity": 1}));
    for (id, path, body) in [
        ("batch", "/v1/movements", json!({"movements": receipts})),
        (
            "basket",
            "/v1/reservations",
            json!({"lines": lines_of, "ttl_seconds": 600}),
        ),
    ] {
        let body = body.to_string();
        let answer = client.send("POST", path, &[("request-id", id)], Some(body.as_bytes()));
        assert!(answer.unwrap().status < 300);
    }
    server.stop();

    let ended = lines(&server, "close");
    let keys = |id: &str| {
        let commits = ended
            .iter()
            .map(|line| &line["span"])
            .filter(|span| span["request_id"] == id && span["name"] == "commit");
        let mut keys: Vec<&str> = commits.map(|span| span["key"].as_str().unwrap()).collect();
        keys.sort_unstable();
        keys
    };
    assert_eq!(keys("batch"), ["clog-38@lund", "clog-38@malmo"]);
    // One of them prepares and follows, the other leads.
    let basket = keys("basket");
    assert!(basket.len() >= 3, "{basket:?}");
    assert!(basket.contains(&"clog-38@lund") && basket.contains(&"clog-38@malmo"));
}
