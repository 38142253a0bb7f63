//! The calls on a reservation that is there.

use actix_web::http::Method;
use serde_json::json;

use super::*;

impl TestApp {
    async fn call(&self, id: &str, call: &str, body: Value) -> Answer {
        let path = format!("/v1/reservations/{id}/{call}");
        if call == "lines" {
            return self.put(&path, body).await;
        }
        self.post(&path, body).await
    }
}

#[actix_web::test]
async fn lines_are_replaced_at_held_prices_and_the_deadline_renewed() {
    let app = TestApp::stocked().await;
    let id = app.reserve(json!([line("clogs", json!(2))])).await;
    let dearer = json!({"name": "Clogs", "price": {"amount": 400, "currency": "SEK"}});
    app.put("/v1/items/clogs", dearer).await.expect(200);
    app.clock.advance(60_000);
    let body = json!({"lines": [line("clogs", json!(3)), line("cloth", json!(1))]});
    let changed = app.call(&id, "lines", body).await.expect(200);
    assert_eq!(changed["total"]["amount"], "910.01");
    assert_eq!(changed["version"], 2);
    assert_eq!(changed["expires_at"], "2027-01-15T08:11:00.000Z");
    let too_many = json!({"lines": [line("clogs", json!(11))]});
    let short = app.call(&id, "lines", too_many).await;
    short.refused(409, "insufficient_stock");
    let extended = app
        .call(&id, "extend", json!({"ttl_seconds": 14400}))
        .await
        .expect(200);
    assert_eq!(extended["expires_at"], "2027-01-15T12:01:00.000Z");
    for bad in [
        json!({}),
        json!({"ttl_seconds": 14401}),
        json!({"ttl_seconds": "600"}),
    ] {
        let places = app
            .call(&id, "extend", bad)
            .await
            .refused(422, "invalid_request");
        assert_eq!(places, ["/ttl_seconds invalid_request"]);
    }
}

#[actix_web::test]
async fn lines_that_stay_keep_their_currency_whatever_is_asked_now() {
    let app = TestApp::stocked().await;
    let both = json!([line("clogs", json!(2)), line("cloth", json!(1))]);
    let id = app.reserve(both).await;
    let euros = json!({"name": "Clogs", "price": {"amount": 30, "currency": "EUR"}});
    app.put("/v1/items/clogs", euros).await.expect(200);
    let more = json!({"lines": [line("clogs", json!(3)), line("cloth", json!(1))]});
    let changed = app.call(&id, "lines", more).await.expect(200);
    let total = json!({"amount": "910.01", "currency": "SEK"});
    assert_eq!(changed["total"], total);

    let added = json!({"lines": [line("clogs", json!(3)), line("soap", json!(1))]});
    let refused = app.call(&id, "lines", added).await;
    let places = refused.refused(422, "currency_mismatch");
    assert_eq!(places, ["/lines/1 currency_mismatch"]);
    let one = json!({"lines": [line("clogs", json!(3))]});
    let dropped = app.call(&id, "lines", one).await.expect(200);
    assert_eq!(dropped["total"]["amount"], "900.00");
}

#[actix_web::test]
async fn what_left_the_assortment_may_be_kept_or_lowered_but_not_raised() {
    let app = TestApp::stocked().await;
    let id = app.reserve(json!([line("clogs", json!(4))])).await;
    for (field, value) in [("reservable", false), ("archived", true)] {
        let gone = json!({"name": "Clogs", field: value});
        app.put("/v1/items/clogs", gone).await.expect(200);
        let lines = |quantities: &[u32]| {
            let lines = quantities
                .iter()
                .map(|quantity| line("clogs", json!(quantity)));
            json!({"lines": lines.collect::<Vec<Value>>()})
        };
        for kept in [&[4][..], &[2, 2]] {
            app.call(&id, "lines", lines(kept)).await.expect(200);
        }
        let raised = app.call(&id, "lines", lines(&[3, 2])).await;
        let places = raised.refused(422, "not_reservable");
        assert_eq!(places, ["/lines/1/sku not_reservable"]);
    }
    let less = json!({"lines": [line("clogs", json!(1)), line("cloth", json!(1))]});
    app.call(&id, "lines", less).await.expect(200);
    let again = json!({"lines": [line("clogs", json!(2))]});
    app.call(&id, "lines", again)
        .await
        .refused(422, "not_reservable");
    assert_eq!(app.figure("clogs", "held").await, 1);
}

fn payment(amount: &str, currency: &str) -> Value {
    json!({"method": "card", "reference": "p-1", "amount": amount, "currency": currency})
}

#[actix_web::test]
async fn a_confirmation_must_add_up_and_is_kept() {
    let app = TestApp::stocked().await;
    let id = app.reserve(json!([line("clogs", json!(2))])).await;
    let confirm = |amount: &str, currency: &str| {
        json!({
            "payments": [payment(amount, currency)], "order": "o-1",
            "adjustments": [{"label": "shipping", "amount": "49"}, {"label": "voucher",
                "amount": -100}],
            "fulfilment": {"method": "collect", "location": "malmo", "reference": "f-1"}
        })
    };
    let short = app.call(&id, "confirm", confirm("548", "SEK")).await;
    let places = short.refused(422, "payment_mismatch");
    assert_eq!(places, ["/payments payment_mismatch"]);
    let detail = &short.body["detail"];
    assert_eq!(detail, "payments sum to 548.00 SEK, due are 549.00 SEK");
    let euros = app.call(&id, "confirm", confirm("549", "EUR")).await;
    let places = euros.refused(422, "currency_mismatch");
    assert_eq!(places, ["/payments/0/currency currency_mismatch"]);
    let done = app
        .call(&id, "confirm", confirm("549", "SEK"))
        .await
        .expect(200);
    assert_eq!(
        (&done["state"], &done["expires_at"]),
        (&json!("confirmed"), &Value::Null)
    );
    assert_eq!(done["payments"][0]["amount"], "549.00");
    assert_eq!(
        done["adjustments"][1],
        json!({"label": "voucher", "amount": "-100.00"})
    );
    assert_eq!(done["fulfilment"]["location"], "malmo");
    assert_eq!(done["order"], "o-1");
    assert_eq!(app.figure("clogs", "committed").await, 2);

    let same = app
        .call(&id, "confirm", confirm("549.00", "SEK"))
        .await
        .expect(200);
    assert_eq!(same, done);
    let other = app.call(&id, "confirm", json!({"order": "o-2"})).await;
    other.refused(409, "already_confirmed");
    assert_eq!(other.body["reservation"], done);
}

#[actix_web::test]
async fn every_payment_in_another_currency_is_named_where_it_stands() {
    let app = TestApp::stocked().await;
    let payments = [
        payment("200", "SEK"),
        payment("1", "EUR"),
        payment("2", "USD"),
    ];
    let body = json!({"lines": [line("clogs", json!(1))], "confirm": {"payments": payments}});
    let foreign = app.post("/v1/reservations", body.clone()).await;
    let places = foreign.refused(422, "currency_mismatch");
    let expected =
        [1, 2].map(|index| format!("/confirm/payments/{index}/currency currency_mismatch"));
    assert_eq!(places, expected);
    let mut body = body;
    body["confirm"]["payments"] = json!([payment("200", "SEK")]);
    let short = app.post("/v1/reservations", body).await;
    let places = short.refused(422, "payment_mismatch");
    assert_eq!(places, ["/confirm/payments payment_mismatch"]);
    assert_eq!(app.figure("clogs", "held").await, 0);
}

#[actix_web::test]
async fn every_fault_of_a_confirmation_is_named() {
    let app = TestApp::stocked().await;
    let id = app.reserve(json!([line("clogs", json!(1))])).await;
    let body = json!({
        "payments": [{"method": "", "amount": 1.001, "currency": "SEK"}, 7],
        "adjustments": [{"label": "x", "amount": "much"}],
        "fulfilment": {"method": "post"}, "expires_at": "soon", "reclaim": 1, "oder": "o"
    });
    let places = app
        .call(&id, "confirm", body)
        .await
        .refused(422, "invalid_request");
    let places: Vec<&str> = places
        .iter()
        .map(|p| p.split(' ').next().unwrap())
        .collect();
    assert_eq!(
        places,
        [
            "/payments/0/method",
            "/payments/0/reference",
            "/payments/0/amount",
            "/payments/1",
            "/adjustments/0/amount",
            "/fulfilment/method",
            "/expires_at",
            "/reclaim",
            "/oder",
        ]
    );
}

#[actix_web::test]
async fn goods_are_handed_over_in_parts_and_a_part_needs_a_key() {
    let app = TestApp::stocked().await;
    let id = app.reserve(json!([line("clogs", json!(5))])).await;
    let part = |quantity: u32| json!({"lines": [line("clogs", json!(quantity))]});
    let path = format!("/v1/reservations/{id}/fulfil");
    let early = app.post_keyed(&path, "a", part(2)).await;
    early.refused(409, "wrong_state");
    assert_eq!(early.body["state"], "held");
    app.call(&id, "confirm", json!({})).await.expect(200);

    let unkeyed = app
        .call(&id, "fulfil", part(2))
        .await
        .refused(422, "invalid_request");
    assert_eq!(unkeyed, ["Idempotency-Key invalid_request"]);
    for replayed in ["", "true"] {
        let answer = app.post_keyed(&path, "b", part(2)).await;
        assert_eq!(answer.header("idempotent-replayed"), replayed);
        assert_eq!(answer.expect(200)["lines"][0]["fulfilled"], 2);
    }
    let much = app.post_keyed(&path, "c", part(4)).await;
    much.refused(409, "over_fulfilled");
    assert_eq!(much.body["lines"][0]["remaining"], 3);
    let cancel = app.call(&id, "cancel", part(1)).await.expect(200);
    assert_eq!(cancel["lines"][0]["cancelled"], 1);
    let rest = app.call(&id, "fulfil", json!({})).await.expect(200);
    assert_eq!(
        (&rest["state"], &rest["lines"][0]["fulfilled"]),
        (&json!("fulfilled"), &json!(4))
    );
    assert_eq!(rest["resolved_at"], "2027-01-15T08:00:00.000Z");
    assert_eq!(app.figure("clogs", "on_hand").await, 6);
    let late = app.call(&id, "cancel", json!({})).await;
    late.refused(409, "reservation_resolved");
    assert_eq!(late.body["state"], "fulfilled");
}

#[actix_web::test]
async fn parts_have_the_decimals_of_their_item() {
    let app = TestApp::stocked().await;
    let id = app.reserve(json!([line("clogs", json!(5))])).await;
    app.call(&id, "confirm", json!({})).await.expect(200);
    let part = |sku: &str, quantity: f64| json!({"lines": [line(sku, json!(quantity))]});
    for call in ["fulfil", "cancel"] {
        let path = format!("/v1/reservations/{id}/{call}");
        for (quantity, key) in [(0.5, "half"), (0.000_000_000_000_01, "dust")] {
            let faults = app.post_keyed(&path, key, part("clogs", quantity)).await;
            let faults = faults.refused(422, "invalid_quantity");
            assert_eq!(faults, ["/lines/0/quantity invalid_quantity"]);
        }
        let faults = app.post_keyed(&path, "nothing", part("sabots", 1.0)).await;
        let faults = faults.refused(422, "unknown_item");
        assert_eq!(faults, ["/lines/0/sku unknown_item"]);
    }
    assert_eq!(app.figure("clogs", "committed").await, 5);
}

#[actix_web::test]
async fn a_bound_token_hands_over_only_at_its_locations() {
    let app = TestApp::stocked().await;
    let mut more = movement("l", "receipt", "clogs", json!(5));
    more["location"] = json!("lund");
    app.post("/v1/movements", json!({"movements": [more]}))
        .await
        .expect(200);
    let lund = json!({"sku": "clogs", "location": "lund", "quantity": 1});
    let id = app.reserve(json!([line("clogs", json!(1)), lund])).await;
    app.call(&id, "confirm", json!({})).await.expect(200);
    let bound = app.token_with(&[Scope::Fulfil], only_malmo).await;
    let bearer = format!("Bearer {bound}");
    let path = format!("/v1/reservations/{id}/fulfil");
    let hand_over = |body: Value, key: &'static str| {
        let headers = [
            ("Authorization", bearer.clone()),
            ("Idempotency-Key", key.to_owned()),
        ];
        let (app, path) = (&app, &path);
        async move {
            let headers = headers
                .each_ref()
                .map(|(name, value)| (*name, value.as_str()));
            app.send(Method::POST, path, &headers, body.to_string())
                .await
        }
    };
    let all = hand_over(json!({}), "a").await;
    all.refused(403, "forbidden");
    let there = hand_over(json!({ "lines": [lund] }), "b").await;
    assert_eq!(
        there.refused(403, "forbidden"),
        ["/lines/0/location forbidden"]
    );
    hand_over(json!({"lines": [line("clogs", json!(1))]}), "c")
        .await
        .expect(200);
    // A token for handing over does not confirm, release or cancel.
    let cancel = format!("/v1/reservations/{id}/cancel");
    app.send_as(&bound, Method::POST, &cancel, None)
        .await
        .refused(403, "forbidden");
}

#[actix_web::test]
async fn what_is_over_stays_over_and_can_still_be_read() {
    let app = TestApp::stocked().await;
    let released = app.reserve(json!([line("clogs", json!(1))])).await;
    let answer = app
        .send_as(
            &app.admin,
            Method::POST,
            &format!("/v1/reservations/{released}/release"),
            None,
        )
        .await;
    assert_eq!(answer.expect(200)["state"], "released");
    app.call(&released, "release", json!({})).await.expect(200);
    let confirm = app.call(&released, "confirm", json!({})).await;
    confirm.refused(409, "reservation_resolved");
    assert_eq!(confirm.body["state"], "released");

    let expired = app.reserve(json!([line("clogs", json!(1))])).await;
    app.clock.advance(600_000);
    app.call(&expired, "release", json!({}))
        .await
        .refused(410, "reservation_expired");
    let read = app
        .get(&format!("/v1/reservations/{expired}"))
        .await
        .expect(200);
    assert_eq!(read["state"], "expired");
    let again = app
        .call(&expired, "confirm", json!({"reclaim": true}))
        .await
        .expect(200);
    assert_eq!(again["state"], "confirmed");

    for nobody in ["00000000000000000000000000000001", "x", "%FF"] {
        let answer = app.call(nobody, "release", json!({})).await;
        answer.refused(404, "reservation_not_found");
    }
}

#[actix_web::test]
async fn a_confirmation_repeated_past_its_deadline_answers_by_what_it_became() {
    let app = TestApp::stocked().await;
    let id = app.reserve(json!([line("clogs", json!(1))])).await;
    let body = json!({"expires_at": "2027-01-15T08:30:00Z"});
    app.call(&id, "confirm", body.clone()).await.expect(200);
    app.call(&id, "fulfil", json!({})).await.expect(200);
    let late = app.reserve(json!([line("clogs", json!(1))])).await;
    app.call(&late, "confirm", body.clone()).await.expect(200);
    let held = json!({"lines": [line("clogs", json!(1))], "ttl_seconds": 14400});
    let held = app.post("/v1/reservations", held).await.expect(201);
    app.clock.advance(3_600_000);

    let again = app.call(&id, "confirm", body.clone()).await.expect(200);
    assert_eq!(again["state"], "fulfilled");
    let lapsed = app.call(&late, "confirm", body.clone()).await;
    lapsed.refused(410, "reservation_expired");
    let held = held["id"].as_str().unwrap();
    let refused = app.call(held, "confirm", body).await;
    let places = refused.refused(422, "invalid_request");
    assert_eq!(places, ["/expires_at invalid_request"]);
}

#[actix_web::test]
async fn goods_are_collected_where_there_is_a_location() {
    let app = TestApp::stocked().await;
    let id = app.reserve(json!([line("clogs", json!(1))])).await;
    let collect = |location: &str| json!({"method": "collect", "location": location});
    let body = json!({"fulfilment": collect("none")});
    let nowhere = app.call(&id, "confirm", body).await;
    let places = nowhere.refused(422, "unknown_location");
    assert_eq!(places, ["/fulfilment/location unknown_location"]);
    let body = json!({"fulfilment": collect("malmo")});
    let confirmed = app.call(&id, "confirm", body).await.expect(200);
    assert_eq!(confirmed["fulfilment"]["location"], "malmo");
}
