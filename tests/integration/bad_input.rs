//! Whatever is wrong with a request, over the wire: a clear problem that names the fault, never
//! a 500, and nothing changed.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::follower::connect;
use crate::server::{DataDir, Server, Start};
use crate::shop::{Shop, faults, refused};

#[test]
fn a_body_that_is_no_document_of_ours_is_a_problem() {
    let shop = Shop::open();
    let (client, before) = (shop.client(), shop.all());
    let deep = "[".repeat(100_000);
    let bodies: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"   ".to_vec(),
        b"{".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"7".to_vec(),
        b"{\"lines\":}".to_vec(),
        b"{} {}".to_vec(),
        b"lines=1".to_vec(),
        b"<lines/>".to_vec(),
        b"{\"lines\":[{\"sku\":\"\xff\xfe\"}]}".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        deep.clone().into_bytes(),
        format!("{{\"lines\":{deep}").into_bytes(),
        format!("{{\"metadata\":{}{}}}", "{\"a\":".repeat(50_000), "1").into_bytes(),
        vec![0; 4096],
        format!(
            "{{{}}}",
            (0..5000)
                .map(|n| format!("\"f{n}\":1"))
                .collect::<Vec<_>>()
                .join(",")
        )
        .into_bytes(),
    ];
    let routes = [
        ("POST", "/v1/reservations"),
        ("POST", "/v1/movements"),
        ("PUT", "/v1/items/clogs"),
        ("PATCH", "/v1/items/clogs"),
        ("POST", "/v1/items/batch"),
        ("PUT", "/v1/locations/malmo"),
        ("PUT", "/v1/stock/clogs/malmo/settings"),
        ("POST", "/v1/stock/settings/batch"),
        ("POST", "/v1/availability/query"),
        ("POST", "/v1/tokens"),
    ];
    for (method, path) in routes {
        for body in &bodies {
            let start = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
            let answer = client.send(method, path, &[], Some(body));
            let answer = answer.unwrap_or_else(|_| panic!("{method} {path} {start}: no answer"));
            eprintln!("{method} {path} {start}: {}", answer.body["detail"]);
            refused(&answer, 422, "invalid_request");
        }
        let large = format!("{{\"lines\":\"{}\"}}", "x".repeat(1 << 20));
        let answer = client
            .send(method, path, &[], Some(large.as_bytes()))
            .unwrap();
        refused(&answer, 413, "body_too_large");
    }
    assert_eq!(shop.all(), before);
}

/// A connection on which a query was begun: its head goes on with this.
fn query(server: &Server, rest: &str) -> TcpStream {
    let mut stream = connect(server);
    let head = "POST /v1/availability/query HTTP/1.1\r\nhost: x\r\n";
    stream
        .write_all(format!("{head}{rest}").as_bytes())
        .unwrap();
    stream
}

/// The answer, a problem.
fn answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        let mut some = [0; 4096];
        let read = stream.read(&mut some).unwrap();
        assert_ne!(read, 0, "closed without an answer");
        answer.extend_from_slice(&some[..read]);
    }
    String::from_utf8(answer).unwrap()
}

#[test]
fn a_body_that_comes_over_a_slow_line_is_waited_for() {
    let data = DataDir::new();
    let patience = Start::on(&data.path).with("ONHAND_HTTP_BODY_MS_MAX", "500");
    let server = patience.run();
    // Eight seconds worth of it, but for the end.
    let rest = format!("content-length: 65538\r\n\r\n{{{}", " ".repeat(65536));
    let mut slow = query(&server, &rest);
    // Two who send a drop, one after the other, tell that twice the time has passed that all have.
    for _ in 0..2 {
        let mut drop = query(&server, "content-length: 9\r\n\r\n{");
        let given_up = answer(&mut drop);
        assert!(given_up.starts_with("HTTP/1.1 408 "), "{given_up}");
    }
    slow.write_all(b"}").unwrap();
    let taken = answer(&mut slow);
    assert!(taken.starts_with("HTTP/1.1 422 "), "{taken}");
}

#[test]
fn a_body_that_never_comes_to_its_end_is_given_up() {
    let data = DataDir::new();
    let patience = Start::on(&data.path).with("ONHAND_HTTP_BODY_MS_MAX", "100");
    let server = patience.run();
    let begun = |rest: &str| {
        let mut stream = query(&server, rest);
        let answer = answer(&mut stream);
        (stream, answer)
    };
    let (mut known_length, answer) = begun("content-length: 9\r\n\r\n{");
    let (_chunked, other) = begun("transfer-encoding: chunked\r\n\r\n1\r\n{\r\n");
    for answer in [answer, other] {
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
        assert!(answer.contains("\"invalid_request\""), "{answer}");
        assert!(answer.contains("within 100 ms"), "{answer}");
    }
    let closed = known_length.read(&mut [0]).unwrap();
    assert_eq!(closed, 0, "its connection is closed");
}

#[test]
fn a_quantity_that_is_none_is_named_with_its_place() {
    let shop = Shop::open();
    let (client, before) = (shop.client(), shop.all());
    let place = |body: &str| client.send("POST", "/v1/reservations", &[], Some(body.as_bytes()));
    let line = |quantity: &str| {
        format!(r#"{{"lines":[{{"sku":"clogs","location":"malmo","quantity":{quantity}}}]}}"#)
    };
    let quantity = "/lines/0/quantity";
    for bad in ["0", "-1", "0.5", "1.0000001", "\"-2\""] {
        let answer = place(&line(bad)).unwrap();
        faults(&answer, 422, "invalid_quantity", &[quantity]);
    }
    let numbers = [
        "1e400",
        "1e-400",
        "12345678901234567890",
        "true",
        "null",
        "[]",
        "\"\"",
        "\"x\"",
    ];
    for bad in numbers
        .into_iter()
        .chain(["\"1,5\"", "\"0x10\"", "\" 1\"", "1E999999999"])
    {
        let answer = place(&line(bad)).unwrap();
        assert!(
            ["invalid_request", "invalid_quantity"].contains(&answer.code()),
            "{bad}"
        );
        faults(&answer, 422, answer.code(), &[quantity]);
    }
    assert_eq!(shop.all(), before);
}

#[test]
fn every_fault_of_a_reservations_fields_is_named_with_its_place() {
    let shop = Shop::open();
    let (client, before) = (shop.client(), shop.all());
    let place = |body: &str| client.send("POST", "/v1/reservations", &[], Some(body.as_bytes()));
    let cases = [
        (r#"{"lines":[]}"#, "invalid_request", vec!["/lines"]),
        (r#"{"lines":{}}"#, "invalid_request", vec!["/lines"]),
        (r#"{}"#, "invalid_request", vec!["/lines"]),
        (r#"{"lines":[7]}"#, "invalid_request", vec!["/lines/0"]),
        (
            r#"{"lines":[{"sku":"a@b","location":" x","quantity":"1"}],"ttl":5,"ttl_seconds":0}"#,
            "invalid_request",
            vec!["/lines/0/sku", "/lines/0/location", "/ttl_seconds", "/ttl"],
        ),
        (
            r#"{"lines":[{"sku":"none","location":"nowhere","quantity":1}]}"#,
            "unknown_item",
            vec!["/lines/0/sku", "/lines/0/location"],
        ),
        (
            r#"{"lines":[{"sku":"clogs","location":"lund","quantity":1}]}"#,
            "not_stocked",
            vec!["/lines/0"],
        ),
        (
            r#"{"lines":[{"sku":"clogs","sku":"clogs","location":"malmo","quantity":1}]}"#,
            "invalid_request",
            vec!["/lines/0/sku"],
        ),
        (
            r#"{"lines":[{"sku":"clogs","location":"malmo","quantity":1,"qty/~":2}]}"#,
            "invalid_request",
            vec!["/lines/0/qty~1~0"],
        ),
    ];
    for (body, code, pointers) in cases {
        faults(&place(body).unwrap(), 422, code, &pointers);
    }
    let lines: Vec<Value> = (0..101)
        .map(|_| json!({"sku": "clogs", "location": "malmo", "quantity": 1}))
        .collect();
    let answer = place(&json!({"lines": lines}).to_string()).unwrap();
    faults(&answer, 422, "too_many_lines", &["/lines"]);
    for ttl in ["14401", "1.5", "\"600\"", "-1", "99999999999999999999"] {
        let line = r#"{"sku":"clogs","location":"malmo","quantity":1}"#;
        let body = format!("{{\"ttl_seconds\":{ttl},\"lines\":[{line}]}}");
        faults(
            &place(&body).unwrap(),
            422,
            "invalid_request",
            &["/ttl_seconds"],
        );
    }
    assert_eq!(shop.all(), before);
}

#[test]
fn a_movement_that_is_wrong_does_not_stop_the_others() {
    let shop = Shop::open();
    let client = shop.client();
    let sale = |id: &str| {
        let (sku, location) = ("clogs", "malmo");
        json!({"id": id, "type": "sale", "sku": sku, "location": location, "quantity": 1})
    };
    let mut movements = vec![sale("good-1")];
    let bad = [
        ("type", json!("gift"), "invalid_request"),
        ("quantity", json!(0.5), "invalid_quantity"),
        ("quantity", json!(-1), "invalid_quantity"),
        ("sku", json!("none"), "unknown_item"),
        ("location", json!("nowhere"), "unknown_location"),
        ("reason", json!(7), "invalid_request"),
        ("to", json!("lund"), "invalid_request"),
        ("occurred_at", json!("yesterday"), "invalid_request"),
        (
            "occurred_at",
            json!("2999-01-01T00:00:00Z"),
            "invalid_request",
        ),
        ("surprise", json!(1), "invalid_request"),
        ("id", json!(""), "invalid_request"),
    ];
    for (index, (field, value, _)) in bad.iter().enumerate() {
        let mut movement = sale(&format!("bad-{index}"));
        movement[*field] = value.clone();
        movements.push(movement);
    }
    movements.push(sale("good-2"));
    let mut reused = sale("good-1");
    reused["quantity"] = json!(2);
    movements.push(reused);
    let answer = client.post("/v1/movements", &json!({"movements": movements}));
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.len(), movements.len());
    assert_eq!(results[0]["status"], "applied");
    for (result, (field, value, code)) in results[1..].iter().zip(&bad) {
        assert_eq!(result["status"], "refused", "{field} {value}: {result}");
        assert_eq!(
            result["problem"]["code"], *code,
            "{field} {value}: {result}"
        );
    }
    assert_eq!(results[bad.len() + 1]["status"], "applied");
    assert_eq!(results[bad.len() + 2]["problem"]["code"], "id_reused");
    assert_eq!(client.read("/v1/stock/clogs/malmo")["on_hand"], 3);
}

#[test]
fn paths_and_methods_that_do_not_fit_are_told_apart() {
    let shop = Shop::open();
    let client = shop.client();
    for path in [
        "/nothing",
        "/v1",
        "/v1/",
        "/v2/items",
        "/v1/items/a/b/c",
        "/v1/items/",
        "//v1/items",
    ] {
        refused(&client.get(path).unwrap(), 404, "not_found");
    }
    let methods = [
        ("DELETE", "/v1/items/clogs", "PUT, PATCH, GET, HEAD"),
        ("POST", "/v1/items", "GET, HEAD"),
        ("PUT", "/v1/movements", "POST"),
        ("GET", "/v1/movements", "POST"),
        ("PATCH", "/v1/stock/clogs/malmo", "GET, HEAD, DELETE"),
        ("POST", "/v1/events", "GET, HEAD"),
        ("OPTIONS", "/v1/items", "GET, HEAD"),
    ];
    for (method, path, allowed) in methods {
        let body =
            (method != "GET" && method != "DELETE" && method != "OPTIONS").then_some(&b"{}"[..]);
        let answer = client.send(method, path, &[], body).unwrap();
        refused(&answer, 405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allowed, "{method} {path}");
    }
}

#[test]
fn names_that_are_none_are_told() {
    let shop = Shop::open();
    let client = shop.client();
    let long = "x".repeat(65);
    for sku in [
        "a%40b",
        "%FF",
        "%2",
        "%zz",
        "a%2Cb",
        "%20a",
        "%00",
        "%E2%82%AC",
        &long,
    ] {
        refused(
            &client.get(&format!("/v1/items/{sku}")).unwrap(),
            422,
            "invalid_request",
        );
        refused(
            &client.get(&format!("/v1/stock/{sku}/malmo")).unwrap(),
            422,
            "invalid_request",
        );
    }
}

#[test]
fn parameters_that_do_not_fit_are_told() {
    let shop = Shop::open();
    let client = shop.client();
    let queries = [
        "limit=0",
        "limit=1001",
        "limit=x",
        "limit=1&limit=2",
        "surprise=1",
        "q=%FF",
    ];
    for query in queries {
        for list in [
            "/v1/items",
            "/v1/locations",
            "/v1/stock",
            "/v1/reservations",
            "/v1/tokens",
        ] {
            let answer = client.get(&format!("{list}?{query}")).unwrap();
            refused(&answer, 422, "invalid_request");
            assert!(
                answer.body["errors"][0]["parameter"].is_string(),
                "{}",
                answer.body
            );
        }
    }
}

#[test]
fn what_is_not_there_is_told() {
    let shop = Shop::open();
    let client = shop.client();
    refused(&client.get("/v1/items/none").unwrap(), 404, "unknown_item");
    refused(
        &client.get("/v1/locations/none").unwrap(),
        404,
        "unknown_location",
    );
    refused(
        &client.get("/v1/stock/none/malmo").unwrap(),
        404,
        "unknown_item",
    );
    refused(
        &client.get("/v1/stock/clogs/none").unwrap(),
        404,
        "unknown_location",
    );
    refused(
        &client.get("/v1/stock/clogs/lund").unwrap(),
        404,
        "not_stocked",
    );
    for id in ["none", "00000000000000000000000000000000", "%FF"] {
        let answer = client.get(&format!("/v1/reservations/{id}")).unwrap();
        assert!(
            answer.status == 404 || answer.status == 422,
            "{}",
            answer.body
        );
    }
    // A slash is part of a name when it is encoded.
    client.put("/v1/items/a%2Fb", &json!({"name": "Half"}));
    assert_eq!(client.read("/v1/items/a%2Fb")["sku"], "a/b");
}
