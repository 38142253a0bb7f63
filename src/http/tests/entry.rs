//! What every request meets, whatever it asks for.

use actix_web::http::Method;
use serde_json::json;

use super::super::gate::client_address;
use super::super::routes::public_table;
use super::*;

#[actix_web::test]
async fn bad_input_is_a_clear_problem_on_every_route_and_loses_nothing() {
    let app = TestApp::stocked().await;
    let before = app.get("/v1/stock?sku=clogs").await.expect(200);
    let bearer = format!("Bearer {}", app.admin);
    let deep = format!("{}{}", "[".repeat(60_000), "]".repeat(60_000));
    let bodies: [&[u8]; 9] = [
        b"",
        b"{",
        b"[]",
        b"\"x\"",
        b"{\"x\":1,\"x\":2}",
        b"{\"lines\":7,\"movements\":7,\"items\":7,\"settings\":7,\"name\":7,\"safety_stock\":[]}",
        b"{\"a\":\"\xff\xfe\"}",
        b"{\"ttl_seconds\":1e400,\"safety_stock\":1e400,\"name\":\"\\ud800\"}",
        deep.as_bytes(),
    ];
    for entry in public_table(true) {
        let takes_body = [Method::POST, Method::PUT, Method::PATCH].contains(&entry.method);
        // A backup is asked for without words; the others need a path or a body that says what.
        let empty_will_do = entry.path == "/v1/backup";
        let bodies = bodies
            .iter()
            .filter(|body| !(empty_will_do && body.is_empty()));
        for body in bodies.filter(|_| takes_body) {
            let path = entry.path.replace("{sku}", "clogs");
            let path = path
                .replace("{location}", "malmo")
                .replace("{id}", "nobody");
            let headers = [("Authorization", bearer.as_str())];
            let answer = app.send(entry.method.clone(), &path, &headers, *body).await;
            let text = String::from_utf8_lossy(&body[..body.len().min(40)]);
            let what = format!("{} {path} {text}: {}", entry.method, answer.body);
            assert!((400..500).contains(&answer.status), "{what}");
            assert_eq!(
                answer.header("content-type"),
                "application/problem+json",
                "{what}"
            );
            assert_eq!(answer.body["status"], answer.status, "{what}");
            assert_eq!(answer.header("request-id").len(), 32, "{what}");
        }
    }
    let after = app.get("/v1/stock?sku=clogs").await.expect(200);
    assert_eq!(before["items"], after["items"]);
}

#[actix_web::test]
async fn unknown_paths_and_wrong_methods_are_problems_too() {
    let app = TestApp::stocked().await;
    app.get("/v1/nothing").await.refused(404, "not_found");
    app.get("/docs/").await.refused(404, "not_found");
    let wrong = app
        .send_as(&app.admin, Method::DELETE, "/v1/items/clogs", None)
        .await;
    wrong.refused(405, "method_not_allowed");
    assert_eq!(wrong.header("allow"), "PUT, PATCH, GET, HEAD");
    let head = app
        .send_as(&app.admin, Method::HEAD, "/v1/stock/clogs/malmo", None)
        .await;
    assert_eq!(head.status, 200);
}

#[actix_web::test]
async fn what_is_named_as_a_fixed_path_is_reached_all_the_same() {
    let app = TestApp::stocked().await;
    for sku in ["batch", "query", "settings"] {
        let path = format!("/v1/items/{sku}");
        let item = json!({ "name": sku });
        app.put(&path, item.clone()).await.expect(201);
        assert_eq!(app.get(&path).await.expect(200)["sku"], *sku);
        let merged = app.send_as(&app.admin, Method::PATCH, &path, Some(item));
        merged.await.expect(200);
        let mut receipt = movement(sku, "receipt", sku, json!(1));
        receipt["location"] = json!("batch");
        let batch = json!({"name": "Batch", "kind": "store"});
        app.put("/v1/locations/batch", batch).await;
        app.post("/v1/movements", json!({"movements": [receipt]}))
            .await
            .expect(200);
        let known = app.get(&format!("/v1/availability/{sku}")).await;
        assert_eq!(known.expect(200)["sku"], *sku);
    }
    let figures = app.get("/v1/stock/settings/batch").await.expect(200);
    assert_eq!(figures["on_hand"], 1);
    let stop = app.send_as(&app.admin, Method::DELETE, "/v1/stock/settings/batch", None);
    stop.await.refused(409, "not_empty");

    for path in ["/v1/items/batch", "/v1/availability/query"] {
        let nothing = app.post(path, json!({})).await;
        let places = nothing.refused(422, "invalid_request");
        assert_eq!(places, ["/items invalid_request"]);
    }
    let wrong = app.send_as(&app.admin, Method::DELETE, "/v1/items/batch", None);
    let wrong = wrong.await;
    wrong.refused(405, "method_not_allowed");
    assert_eq!(wrong.header("allow"), "POST, PUT, PATCH, GET, HEAD");
}

#[actix_web::test]
async fn a_body_past_the_bound_is_refused_however_it_comes() {
    let limits = Limits {
        body_bytes_max: 100,
        ..Limits::default()
    };
    let app = TestApp::empty(limits).await;
    let long = "x".repeat(101);
    let bearer = format!("Bearer {}", app.admin);
    let plain = [("Authorization", bearer.as_str())];
    let answer = app
        .send(Method::POST, "/v1/movements", &plain, long.clone())
        .await;
    answer.refused(413, "body_too_large");
    let announced = [
        ("Authorization", bearer.as_str()),
        ("Content-Length", "101"),
    ];
    let answer = app
        .send(Method::POST, "/v1/movements", &announced, long)
        .await;
    answer.refused(413, "body_too_large");
    let fitting = app
        .send(Method::POST, "/v1/movements", &plain, "x".repeat(100))
        .await;
    fitting.refused(422, "invalid_request");
}

#[actix_web::test]
async fn every_answer_has_a_request_id_and_takes_the_clients() {
    let app = TestApp::stocked().await;
    let named = app
        .send(Method::GET, "/v1/items", &[("Request-Id", "till 3/7")], "")
        .await;
    assert_eq!(named.header("request-id"), "till 3/7");
    let unnamed = app.send(Method::GET, "/nothing", &[], "").await;
    assert_eq!(unnamed.header("request-id").len(), 32);
}

#[actix_web::test]
async fn without_a_token_an_address_is_limited_and_told_when_to_come_back() {
    let limits = Limits {
        requests_per_second_max: 1,
        requests_burst_max: 3,
        ..Limits::default()
    };
    let app = TestApp::empty(limits).await;
    for _ in 0..3 {
        app.send(Method::GET, "/v1/items", &[], "")
            .await
            .expect(200);
    }
    let limited = app.send(Method::GET, "/v1/items", &[], "").await;
    limited.refused(429, "rate_limited");
    assert_eq!(limited.header("retry-after"), "1");
    assert_eq!(limited.body["retry_after"], 1);
    assert_eq!(limited.header("request-id").len(), 32);
    // Guessing a token counts the same; a good one is not limited.
    let guess = [("Authorization", "Bearer guess")];
    let guessed = app.send(Method::GET, "/v1/items", &guess, "").await;
    guessed.refused(429, "rate_limited");
    app.get("/v1/items").await.expect(200);
}

#[actix_web::test]
async fn a_proxy_may_name_a_client_with_a_port_and_in_brackets() {
    let limits = Limits {
        behind_proxy: true,
        ..Limits::default()
    };
    let app = TestApp::empty(limits).await;
    for (header, client) in [
        ("203.0.113.1", "203.0.113.1"),
        ("203.0.113.1:52345", "203.0.113.1"),
        ("198.51.100.9, 203.0.113.1:52345", "203.0.113.1"),
        ("2001:db8::1", "2001:db8::"),
        ("[2001:db8::1]", "2001:db8::"),
        ("[2001:db8::1]:52345", "2001:db8::"),
        // What is no address leaves the one who connected.
        ("203.0.113.1:port", "192.0.2.1"),
        ("[203.0.113.1]", "192.0.2.1"),
        ("unknown", "192.0.2.1"),
    ] {
        let request = test::TestRequest::default()
            .peer_addr("192.0.2.1:4000".parse().unwrap())
            .insert_header(("x-forwarded-for", header))
            .to_http_request();
        let found = client_address(&request, &app.border);
        assert_eq!(found.to_string(), client, "{header}");
    }
}

#[actix_web::test]
async fn a_token_that_is_none_is_a_strangers_everywhere_and_a_good_one_nowhere() {
    for path in [
        "/docs",
        "/openapi.json",
        "/problems",
        "/nothing",
        "/v1/items",
    ] {
        let app = TestApp::empty(Limits::default()).await;
        assert_ne!(app.get(path).await.status, 401, "{path}");
        assert_eq!(app.border.addresses.remembered(), 0, "{path}");
        let guess = [("Authorization", "Bearer guess")];
        app.send(Method::GET, path, &guess, "").await;
        assert_eq!(app.border.addresses.remembered(), 1, "{path}");
    }
}

#[actix_web::test]
async fn a_token_past_its_own_limit_is_not_told_to_send_one() {
    let limits = Limits {
        token_requests_per_second_max: 1,
        ..Limits::default()
    };
    let app = TestApp::empty(limits).await;
    let limited = loop {
        let answer = app.get("/v1/items").await;
        if answer.status != 200 {
            break answer;
        }
    };
    limited.refused(429, "rate_limited");
    let said = limited.body.to_string();
    assert!(said.contains("with this token"), "{said}");
    assert!(!said.contains("without"), "{said}");
    assert_eq!(limited.header("retry-after"), "1");
}

#[actix_web::test]
async fn every_route_enforces_its_scope() {
    let app = TestApp::stocked().await;
    let open = [
        "/openapi.json",
        "/asyncapi.yaml",
        "/v1/feed",
        "/docs",
        "/web",
        "/screen",
        "/till",
        "/problems",
        "/v1/items",
        "/v1/locations",
        "/v1/availability",
    ];
    // It may do nothing that needs a token.
    let weak = app.token(&[Scope::Availability, Scope::Screen]).await;
    let mut closed = 0;
    for entry in public_table(true) {
        let is_open = open.iter().any(|start| entry.path.starts_with(start));
        let is_alone = ["/", "/v1/availability/query"].contains(&entry.path);
        if is_open && entry.method == Method::GET || is_alone {
            continue;
        }
        closed += 1;
        let path = entry
            .path
            .replace("{sku}", "clogs")
            .replace("{location}", "malmo");
        let path = path.replace("{id}", "00000000000000000000000000000001");
        let method = || entry.method.clone();
        let anonymous = app.send(method(), &path, &[], "{}").await;
        anonymous.refused(401, "unauthorized");
        assert!(anonymous.headers.contains_key("www-authenticate"));
        let answer = app.send_as(&weak, method(), &path, Some(json!({}))).await;
        answer.refused(403, "forbidden");
        let unknown = app.send_as("onh_0", method(), &path, Some(json!({}))).await;
        unknown.refused(401, "unauthorized");
    }
    assert_eq!(closed, 27);
}

#[actix_web::test]
async fn malformed_names_in_a_path_are_told_apart_from_unknown_ones() {
    let app = TestApp::stocked().await;
    let places = app
        .get("/v1/stock/a%40b/malmo")
        .await
        .refused(422, "invalid_request");
    assert_eq!(places, ["sku invalid_request"]);
    app.get("/v1/stock/a%FFb/malmo")
        .await
        .refused(422, "invalid_request");
    app.get("/v1/stock/none/malmo")
        .await
        .refused(404, "unknown_item");
    app.get("/v1/stock/clogs/none")
        .await
        .refused(404, "unknown_location");
    app.get("/v1/stock/clogs/lund")
        .await
        .refused(404, "not_stocked");
    let odd = json!({"name": "Odd"});
    app.put("/v1/items/a%2Fb%20c+d", odd).await.expect(201);
    let item = app.get("/v1/items/a%2Fb%20c+d").await.expect(200);
    assert_eq!(item["sku"], "a/b c+d");
}
