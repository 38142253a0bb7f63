//! Placing reservations: the document, every refusal, repetitions.

use actix_web::http::Method;
use serde_json::json;

use super::*;

#[actix_web::test]
async fn a_reservation_is_answered_with_every_field_of_the_contract() {
    let app = TestApp::stocked().await;
    let mut cloth = line("cloth", json!("0.5"));
    cloth["line"] = json!("row 2");
    let body = json!({
        "lines": [line("clogs", json!(2)), cloth], "channel": "marketplace:A", "customer": "c-1",
        "reference": "cart-9", "metadata": {"b": 1.50, "a": [true]}, "ttl_seconds": 90
    });
    let answer = app.post("/v1/reservations", body).await;
    let id = answer.body["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("location"), format!("/v1/reservations/{id}"));
    assert_eq!(answer.header("idempotent-replayed"), "");
    let kronor = |amount: &str| json!({"amount": amount, "currency": "SEK"});
    let document = json!({
        "id": id, "version": 1, "state": "held", "expires_at": "2027-01-15T08:01:30.000Z",
        "lines": [
            {"line": null, "sku": "clogs", "location": "malmo", "quantity": 2, "fulfilled": 0,
             "cancelled": 0, "unit_price": kronor("300.00"), "line_total": kronor("600.00")},
            {"line": "row 2", "sku": "cloth", "location": "malmo", "quantity": 0.5,
             "fulfilled": 0, "cancelled": 0, "unit_price": kronor("10.01"),
             "line_total": kronor("5.01")},
        ],
        "total": kronor("605.01"), "channel": "marketplace:A", "customer": "c-1",
        "reference": "cart-9", "metadata": {"a": [true], "b": 1.50},
        "created_at": "2027-01-15T08:00:00.000Z"
    });
    assert_eq!(answer.expect(201), document);
    let read = app.get(&format!("/v1/reservations/{id}")).await.expect(200);
    assert_eq!(read, document);
    assert_eq!(app.figure("clogs", "available").await, 8);
}

#[actix_web::test]
async fn a_refusal_for_want_of_stock_names_every_short_line() {
    let app = TestApp::stocked().await;
    let lines = json!([
        line("clogs", json!(11)),
        line("soap", json!(1)),
        line("cloth", json!(12))
    ]);
    let soap = json!({"name": "Soap", "price": {"amount": 5, "currency": "SEK"}});
    app.put("/v1/items/soap", soap).await.expect(200);
    let answer = app
        .post("/v1/reservations", json!({ "lines": lines }))
        .await;
    answer.refused(409, "insufficient_stock");
    assert_eq!(
        answer.body["shortages"],
        json!([
            {"sku": "clogs", "location": "malmo", "requested": 11, "available": 10},
            {"sku": "cloth", "location": "malmo", "requested": 12, "available": 10},
        ])
    );
    let mut partial = json!({ "lines": lines });
    partial["partial"] = json!(true);
    let answer = app
        .post("/v1/reservations", partial.clone())
        .await
        .expect(201);
    let taken = |index: usize| {
        let line = &answer["lines"][index];
        [line["quantity"].clone(), line["requested"].clone()]
    };
    assert_eq!(taken(0), [json!(10), json!(11)]);
    assert_eq!(taken(1), [json!(1), json!(1)]);
    assert_eq!(taken(2), [json!(10), json!(12)]);
    partial["lines"] = json!([line("clogs", json!(1))]);
    let nothing = app.post("/v1/reservations", partial).await;
    nothing.refused(409, "insufficient_stock");
}

#[actix_web::test]
async fn every_bad_line_is_named_and_the_first_gives_the_code() {
    let app = TestApp::stocked().await;
    let mut nowhere = line("none", json!(1));
    nowhere["location"] = json!("oslo");
    let mut unstocked = line("clogs", json!(1));
    unstocked["location"] = json!("lund");
    let body = json!({"lines": [
        line("show", json!(1)), nowhere, unstocked, line("clogs", json!(0.5)),
        line("clogs", json!(0)), line("clogs", json!("x")), {"sku": "clogs", "qty": 1},
    ], "ttl": 5});
    let places = app
        .post("/v1/reservations", body)
        .await
        .refused(422, "not_reservable");
    assert_eq!(
        places,
        [
            "/lines/0/sku not_reservable",
            "/lines/1/sku unknown_item",
            "/lines/1/location unknown_location",
            "/lines/2 not_stocked",
            "/lines/3/quantity invalid_quantity",
            "/lines/4/quantity invalid_quantity",
            "/lines/5/quantity invalid_quantity",
            "/lines/6/location invalid_request",
            "/lines/6/quantity invalid_request",
            "/lines/6/qty invalid_request",
            "/ttl invalid_request",
        ]
    );
    let soap = json!({"lines": [line("clogs", json!(1)), line("soap", json!(1))]});
    let places = app
        .post("/v1/reservations", soap)
        .await
        .refused(422, "currency_mismatch");
    assert_eq!(places, ["/lines/1 currency_mismatch"]);
    assert_eq!(app.figure("clogs", "held").await, 0);
}

#[actix_web::test]
async fn bounds_of_a_reservation_are_kept() {
    let app = TestApp::stocked().await;
    let many = vec![line("clogs", json!(1)); 101];
    let answer = app.post("/v1/reservations", json!({ "lines": many })).await;
    assert_eq!(
        answer.refused(422, "too_many_lines"),
        ["/lines too_many_lines"]
    );
    let with = |field: &str, value: Value| {
        let mut body = json!({"lines": [line("clogs", json!(1))]});
        body[field] = value;
        body
    };
    for (field, value) in [
        ("lines", json!([])),
        ("ttl_seconds", json!(0)),
        ("ttl_seconds", json!(14401)),
        ("ttl_seconds", json!(1.5)),
        ("customer", json!("")),
        ("customer", json!("x".repeat(256))),
        ("reference", json!(7)),
        ("metadata", json!([])),
        ("partial", json!("yes")),
        ("confirm", json!(true)),
        ("channel", json!("")),
    ] {
        let answer = app
            .post("/v1/reservations", with(field, value.clone()))
            .await;
        let places = answer.refused(422, "invalid_request");
        assert_eq!(places, [format!("/{field} invalid_request")], "{value}");
    }
    let ended = with("confirm", json!({"expires_at": "2027-01-15T08:00:00Z"}));
    let places = app
        .post("/v1/reservations", ended)
        .await
        .refused(422, "invalid_request");
    assert_eq!(places, ["/confirm/expires_at invalid_request"]);
}

#[actix_web::test]
async fn prices_and_channels_are_for_those_who_may_name_them() {
    let app = TestApp::stocked().await;
    let shop = app.token_with(&[Scope::Reserve], only_store).await;
    let free = app
        .token_with(&[Scope::Reserve], |grant| grant.unit_price = true)
        .await;
    let mut priced = line("clogs", json!(2));
    priced["unit_price"] = json!({"amount": "99.50", "currency": "SEK"});
    let body = json!({ "lines": [priced] });
    let path = "/v1/reservations";
    let refused = app
        .send_as(&shop, Method::POST, path, Some(body.clone()))
        .await;
    assert_eq!(
        refused.refused(403, "forbidden"),
        ["/lines/0/unit_price forbidden"]
    );
    let taken = app
        .send_as(&free, Method::POST, path, Some(body))
        .await
        .expect(201);
    assert_eq!(taken["total"]["amount"], "199.00");
    assert_eq!(taken["channel"], "web");

    let mut body = json!({"lines": [line("clogs", json!(1))], "channel": "web"});
    let wrong = app
        .send_as(&shop, Method::POST, path, Some(body.clone()))
        .await;
    assert_eq!(
        wrong.refused(403, "wrong_channel"),
        ["/channel wrong_channel"]
    );
    body["channel"] = Value::Null;
    let taken = app
        .send_as(&shop, Method::POST, path, Some(body))
        .await
        .expect(201);
    assert_eq!(taken["channel"], "store");
}

#[actix_web::test]
async fn a_repeated_request_gets_the_first_answer_and_another_body_a_refusal() {
    let app = TestApp::stocked().await;
    let path = "/v1/reservations";
    let body = json!({"lines": [line("clogs", json!(2))], "metadata": {"a": 1, "b": 2}});
    let first = app.post_keyed(path, "k", body).await;
    assert_eq!(
        (first.status, first.header("idempotent-replayed")),
        (201, "")
    );
    // Equal after parsing: order of members, spaces, the notation of numbers.
    let same = r#"{ "metadata":{"b":2,"a":1}, "ttl_seconds":600,
        "lines":[{"quantity":"2.0","location":"malmo","sku":"cl\u006fgs"}] }"#;
    let bearer = format!("Bearer {}", app.admin);
    let headers = [("Authorization", bearer.as_str()), ("Idempotency-Key", "k")];
    let again = app.send(Method::POST, path, &headers, same).await;
    assert_eq!(
        (again.status, again.header("idempotent-replayed")),
        (201, "true")
    );
    assert_eq!(again.body, first.body);
    assert_eq!(app.figure("clogs", "held").await, 2);

    let other = json!({"lines": [line("clogs", json!(3))]});
    let mismatch = app.post_keyed(path, "k", other.clone()).await;
    mismatch.refused(422, "idempotency_mismatch");
    app.post_keyed(path, "k2", other).await.expect(201);
    let long = app.post_keyed(path, &"k".repeat(256), json!({})).await;
    let places = long.refused(422, "invalid_request");
    assert_eq!(places, ["Idempotency-Key invalid_request"]);
}

#[actix_web::test]
async fn the_first_answer_stands_although_the_item_left_the_assortment() {
    let app = TestApp::stocked().await;
    let path = "/v1/reservations";
    let body = json!({"lines": [line("clogs", json!(2))]});
    let first = app.post_keyed(path, "k", body.clone()).await.expect(201);
    let archived = json!({"name": "Clogs", "archived": true});
    app.put("/v1/items/clogs", archived).await.expect(200);
    let again = app.post_keyed(path, "k", body.clone()).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.expect(201), first);
    app.post_keyed(path, "k2", body)
        .await
        .refused(422, "not_reservable");
    let other = json!({"lines": [line("clogs", json!(3))]});
    app.post_keyed(path, "k", other)
        .await
        .refused(422, "idempotency_mismatch");
}

#[actix_web::test]
async fn a_refusal_is_not_kept() {
    let app = TestApp::stocked().await;
    let path = "/v1/reservations";
    let body = json!({"lines": [line("clogs", json!(11))]});
    app.post_keyed(path, "k", body.clone())
        .await
        .refused(409, "insufficient_stock");
    let more = json!({"movements": [movement("r", "receipt", "clogs", json!(1))]});
    app.post("/v1/movements", more).await.expect(200);
    app.post_keyed(path, "k", body).await.expect(201);
}

#[actix_web::test]
async fn any_channel_finds_what_another_began() {
    let app = TestApp::stocked().await;
    let place = |customer: &str, channel: &str| {
        json!({"lines": [line("clogs", json!(1))], "customer": customer, "channel": channel,
            "reference": format!("cart of {customer}")})
    };
    let mut ids = Vec::new();
    for (customer, channel) in [("anna", "web"), ("bo", "store"), ("anna", "store")] {
        let body = app
            .post("/v1/reservations", place(customer, channel))
            .await
            .expect(201);
        ids.push(body["id"].as_str().unwrap().to_owned());
        app.clock.advance(1);
    }
    let confirm = format!("/v1/reservations/{}/confirm", ids[1]);
    app.post(&confirm, json!({"order": "o-1"}))
        .await
        .expect(200);
    for (query, found) in [
        ("", vec![0, 1, 2]),
        ("customer=anna", vec![0, 2]),
        ("customer=anna&channel=store", vec![2]),
        ("reference=cart+of+bo", vec![1]),
        ("order=o-1", vec![1]),
        ("state=held", vec![0, 2]),
        ("sku=clogs&location=malmo&limit=2", vec![0, 1]),
        ("sku=soap", vec![]),
    ] {
        let page = app
            .get(&format!("/v1/reservations?{query}"))
            .await
            .expect(200);
        let items = page["items"].as_array().unwrap().iter();
        let found: Vec<&str> = found
            .iter()
            .map(|index: &usize| ids[*index].as_str())
            .collect();
        assert_eq!(
            items.map(|i| i["id"].as_str().unwrap()).collect::<Vec<_>>(),
            found,
            "{query}"
        );
    }
    let first = app.get("/v1/reservations?limit=2").await.expect(200);
    let next = first["next"].as_str().unwrap();
    let rest = app
        .get(&format!("/v1/reservations?limit=2&after={next}"))
        .await
        .expect(200);
    assert_eq!(rest["items"][0]["id"], ids[2]);
    assert_eq!(rest["next"], Value::Null);
    let odd = app.get("/v1/reservations?state=new&order=").await;
    assert_eq!(
        odd.refused(422, "invalid_request"),
        ["state invalid_request"]
    );
}

#[actix_web::test]
async fn a_list_of_what_is_held_shows_nothing_past_its_deadline() {
    let app = TestApp::stocked().await;
    for _ in 0..2 {
        app.reserve(json!([line("clogs", json!(1))])).await;
    }
    app.clock.advance(300_000);
    let live = app.reserve(json!([line("clogs", json!(1))])).await;
    app.clock.advance(300_000);
    let mut after = String::new();
    let mut seen = Vec::new();
    loop {
        let path = format!("/v1/reservations?state=held&limit=1&after={after}");
        let page = app.get(&path).await.expect(200);
        let items = page["items"].as_array().unwrap().iter();
        seen.extend(items.map(|one| one["id"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, [live]);
}

#[actix_web::test]
async fn the_yardstick_answers_as_large_a_document_and_touches_nothing() {
    let app = TestApp::stocked().await;
    let body = json!({"lines": [line("clogs", json!(2))], "reference": "cart"});
    let real = app.post("/v1/reservations", body.clone()).await.expect(201);
    let mut noop = app.post("/v1/noop", body).await.expect(201);
    noop["id"] = real["id"].clone();
    assert_eq!(noop, real);
    assert_eq!(app.figure("clogs", "held").await, 2);
}
