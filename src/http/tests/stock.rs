//! Movements, figures, settings, the ledger.

use actix_web::http::Method;
use serde_json::json;

use super::*;

async fn moved(app: &TestApp, movements: Value) -> Vec<Value> {
    let body = json!({ "movements": movements });
    let answer = app.post("/v1/movements", body).await.expect(200);
    answer["results"].as_array().unwrap().clone()
}

#[actix_web::test]
async fn each_movement_of_a_batch_is_answered_for_itself_and_in_order() {
    let app = TestApp::stocked().await;
    let results = moved(
        &app,
        json!([
            movement("m1", "sale", "clogs", json!(4)),
            movement("m2", "sale", "none", json!(1)),
            movement("m1", "sale", "clogs", json!(4)),
            movement("m1", "sale", "clogs", json!(5)),
            movement("m3", "receipt", "cloth", json!("0.25")),
            movement("m4", "adjustment", "clogs", json!(-1)),
            movement("m5", "count", "clogs", json!(0)),
            7,
        ]),
    )
    .await;
    let statuses: Vec<&str> = results
        .iter()
        .map(|r| r["status"].as_str().unwrap())
        .collect();
    assert_eq!(
        statuses,
        [
            "applied",
            "refused",
            "duplicate",
            "refused",
            "applied",
            "applied",
            "applied",
            "refused"
        ]
    );
    assert_eq!(results[0]["id"], "m1");
    assert_eq!(results[0]["stock"]["on_hand"], 6);
    assert_eq!(results[0]["oversold"], false);
    assert_eq!(results[1]["problem"]["code"], "unknown_item");
    assert_eq!(results[3]["problem"]["code"], "id_reused");
    assert_eq!(results[4]["stock"]["on_hand"].to_string(), "10.25");
    assert_eq!(results[6]["stock"]["on_hand"], 0);
    assert_eq!(results[7]["id"], Value::Null);
    assert_eq!(
        results[7]["problem"]["errors"][0]["pointer"],
        "/movements/7"
    );
}

#[actix_web::test]
async fn every_fault_of_a_movement_is_named_and_stops_no_other() {
    let app = TestApp::stocked().await;
    let far = "2027-01-15T08:02:00Z";
    let old = "2027-01-01T00:00:00Z";
    let table = [
        (
            json!({}),
            vec!["/id", "/type", "/sku", "/location", "/quantity"],
        ),
        (movement("a", "sold", "clogs", json!(1)), vec!["/type"]),
        (movement("a", "sale", "clogs", json!(0)), vec!["/quantity"]),
        (
            movement("a", "sale", "clogs", json!(1.5)),
            vec!["/quantity"],
        ),
        (
            movement("a", "adjustment", "clogs", json!(0)),
            vec!["/quantity"],
        ),
        (
            movement("a", "count", "clogs", json!(-1)),
            vec!["/quantity"],
        ),
        (
            movement("a", "sale", "clogs", json!(true)),
            vec!["/quantity"],
        ),
        (movement("a", "transfer", "clogs", json!(1)), vec!["/to"]),
        (with("sale", "to", json!("lund")), vec!["/to"]),
        (with("transfer", "to", json!("malmo")), vec!["/to"]),
        (with("transfer", "to", json!("none")), vec!["/to"]),
        (
            with("return", "condition", json!("wet")),
            vec!["/condition"],
        ),
        (
            with("sale", "occurred_at", json!(far)),
            vec!["/occurred_at"],
        ),
        (
            with("sale", "occurred_at", json!("noon")),
            vec!["/occurred_at"],
        ),
        (with("count", "counted_at", json!(far)), vec!["/counted_at"]),
        (with("count", "counted_at", json!(old)), vec!["/counted_at"]),
        (
            with("count", "expected_version", json!(-1)),
            vec!["/expected_version"],
        ),
        (with("sale", "channel", json!("a b")), vec!["/channel"]),
        (with("sale", "qty", json!(1)), vec!["/qty"]),
    ];
    let lines: Vec<Value> = table.iter().map(|(line, _)| line.clone()).collect();
    let results = moved(&app, json!(lines)).await;
    for (index, (line, places)) in table.iter().enumerate() {
        let errors = results[index]["problem"]["errors"].as_array().unwrap();
        let found: Vec<&str> = errors
            .iter()
            .map(|e| e["pointer"].as_str().unwrap())
            .collect();
        let at = |place: &&str| format!("/movements/{index}{place}");
        assert_eq!(found, places.iter().map(at).collect::<Vec<_>>(), "{line}");
        assert_eq!(results[index]["status"], "refused");
    }
    assert_eq!(app.figure("clogs", "on_hand").await, 10);
}

fn with(kind: &str, field: &str, value: Value) -> Value {
    let mut line = movement("a", kind, "clogs", json!(1));
    line[field] = value;
    line
}

#[actix_web::test]
async fn a_batch_that_is_no_batch_is_refused_whole() {
    let app = TestApp::stocked().await;
    let many = vec![json!(1); 1001];
    for (body, place) in [
        (json!({}), "/movements invalid_request"),
        (json!({"movements": []}), "/movements invalid_request"),
        (json!({ "movements": many }), "/movements invalid_request"),
        (
            json!({"movements": [1], "more": 1}),
            "/more invalid_request",
        ),
    ] {
        let answer = app.post("/v1/movements", body).await;
        assert_eq!(answer.refused(422, "invalid_request"), [place]);
    }
}

#[actix_web::test]
async fn a_till_sale_below_zero_is_recorded_and_uses_up_the_named_hold() {
    let app = TestApp::stocked().await;
    let id = app.reserve(json!([line("clogs", json!(8))])).await;
    let mut with_hold = movement("s1", "sale", "clogs", json!(3));
    with_hold["reservation"] = json!(id);
    let mut with_nobody = movement("s2", "sale", "clogs", json!(9));
    with_nobody["reservation"] = json!("nobody");
    let results = moved(&app, json!([with_hold, with_nobody])).await;
    assert_eq!(results[0]["reservation_used"], 3);
    assert_eq!(results[0]["oversold"], false);
    assert_eq!(results[1]["reservation_used"], 0);
    assert_eq!(results[1]["oversold"], true);
    assert_eq!(results[1]["stock"]["on_hand"], -2);
    assert_eq!(results[1]["stock"]["shortfall"], 7);
    assert_eq!(results[1]["stock"]["available"], 0);
}

#[actix_web::test]
async fn a_bound_token_writes_only_where_and_as_it_may() {
    let app = TestApp::stocked().await;
    let here = app.token_with(&[Scope::StockWrite], only_malmo).await;
    let mut elsewhere = movement("b", "receipt", "clogs", json!(1));
    elsewhere["location"] = json!("lund");
    let mut away = movement("c", "transfer", "clogs", json!(1));
    away["to"] = json!("lund");
    let body = json!({"movements": [
        movement("a", "receipt", "clogs", json!(1)), elsewhere, away
    ]});
    let path = "/v1/movements";
    let answer = app
        .send_as(&here, Method::POST, path, Some(body))
        .await
        .expect(200);
    let codes: Vec<&Value> = (0..3)
        .map(|i| &answer["results"][i]["problem"]["code"])
        .collect();
    assert_eq!(
        codes,
        [&Value::Null, &json!("forbidden"), &json!("forbidden")]
    );

    let settings = Some(json!({"safety_stock": 1}));
    let path = "/v1/stock/clogs/lund/settings";
    let answer = app.send_as(&here, Method::PUT, path, settings).await;
    answer.refused(403, "forbidden");

    let till = app.token_with(&[Scope::StockWrite], only_store).await;
    let mut web = movement("d", "receipt", "clogs", json!(1));
    web["channel"] = json!("web");
    let body = Some(json!({ "movements": [web] }));
    let answer = app
        .send_as(&till, Method::POST, "/v1/movements", body)
        .await
        .expect(200);
    assert_eq!(answer["results"][0]["problem"]["code"], "wrong_channel");
}

#[actix_web::test]
async fn figures_are_tagged_with_epoch_and_version() {
    let app = TestApp::stocked().await;
    let answer = app.get("/v1/stock/cloth/malmo").await;
    assert_eq!(answer.header("etag"), "\"e-1\"");
    let expected = json!({
        "sku": "cloth", "location": "malmo", "on_hand": 10, "held": 0, "committed": 0,
        "safety_stock": 0, "available": 10, "shortfall": 0, "version": 1,
        "updated_at": "2027-01-15T08:00:00.000Z"
    });
    assert_eq!(answer.expect(200), expected);
    let bearer = format!("Bearer {}", app.admin);
    let headers = [
        ("Authorization", bearer.as_str()),
        ("If-None-Match", "\"e-1\""),
    ];
    let path = "/v1/stock/cloth/malmo";
    let same = app.send(Method::GET, path, &headers, "").await;
    assert_eq!((same.status, same.header("etag")), (304, "\"e-1\""));
    let body = json!({"safety_stock": "2.5"});
    app.put("/v1/stock/cloth/malmo/settings", body)
        .await
        .expect(200);
    let changed = app.send(Method::GET, path, &headers, "").await;
    assert_eq!((changed.status, changed.header("etag")), (200, "\"e-2\""));
    assert_eq!(changed.body["available"].to_string(), "7.5");
}

#[actix_web::test]
async fn safety_stock_is_set_one_by_one_and_in_batches() {
    let app = TestApp::stocked().await;
    let path = "/v1/stock/clogs/malmo/settings";
    for (body, code) in [
        (json!({}), "invalid_request"),
        (json!({"safety_stock": -1}), "invalid_quantity"),
        (json!({"safety_stock": 0.5}), "invalid_quantity"),
        (json!({"safety_stock": "many"}), "invalid_quantity"),
    ] {
        let places = app.put(path, body).await.refused(422, code);
        assert_eq!(places, [format!("/safety_stock {code}")]);
    }
    let nowhere = app
        .put("/v1/stock/clogs/lund/settings", json!({"safety_stock": 1}))
        .await;
    nowhere.refused(404, "not_stocked");
    let setting = |sku: &str, location: &str, amount: Value| {
        let mut setting = json!({"sku": sku, "location": location});
        setting["safety_stock"] = amount;
        setting
    };
    let body = json!({"settings": [
        setting("clogs", "malmo", json!(3)), setting("none", "malmo", json!(1)),
        setting("clogs", "lund", json!(1)), setting("cloth", "malmo", json!(0.125)),
    ]});
    let answer = app.post("/v1/stock/settings/batch", body).await.expect(200);
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results[0]["status"], "applied");
    assert_eq!(results[0]["stock"]["available"], 7);
    for (index, code) in [
        (1, "unknown_item"),
        (2, "not_stocked"),
        (3, "invalid_quantity"),
    ] {
        assert_eq!(results[index]["status"], "refused");
        assert_eq!(results[index]["problem"]["code"], code);
    }
    assert_eq!(results[1]["sku"], "none");
    assert_eq!(results[1]["location"], "malmo");
}

#[actix_web::test]
async fn the_ledger_tells_what_moved_newest_first() {
    let app = TestApp::stocked().await;
    let mut sale = movement("till-1", "sale", "clogs", json!(2));
    sale["reference"] = json!("receipt 7");
    sale["channel"] = json!("store");
    let mut away = movement("t", "transfer", "clogs", json!(1));
    away["to"] = json!("lund");
    moved(&app, json!([sale, away])).await;
    let id = app.reserve(json!([line("clogs", json!(3))])).await;
    let path = format!("/v1/reservations/{id}");
    app.post(&format!("{path}/confirm"), json!({}))
        .await
        .expect(200);
    app.post(&format!("{path}/fulfil"), json!({}))
        .await
        .expect(200);

    let first = app
        .get("/v1/stock/clogs/malmo/movements?limit=3")
        .await
        .expect(200);
    let rest = app
        .get(&format!(
            "/v1/stock/clogs/malmo/movements?limit=3&after={}",
            first["next"].as_str().unwrap()
        ))
        .await
        .expect(200);
    assert_eq!(rest["next"], Value::Null);
    let all = [&first, &rest]
        .map(|page| page["items"].as_array().unwrap().clone())
        .concat();
    let told = |entry: &Value| {
        let fields = ["type", "quantity", "on_hand", "channel"];
        fields.map(|field| entry[field].clone())
    };
    let told: Vec<_> = all.iter().map(told).collect();
    assert_eq!(
        told,
        [
            [json!("fulfilment"), json!(3), json!(4), json!("web")],
            [json!("transfer"), json!(1), json!(7), json!("web")],
            [json!("sale"), json!(2), json!(8), json!("store")],
            [json!("receipt"), json!(10), json!(10), json!("web")],
        ]
    );
    assert_eq!(all[0]["reservation"], id);
    assert_eq!(all[1]["to"], "lund");
    assert_eq!(all[2]["reference"], "receipt 7");
    let arrived = app.get("/v1/stock/clogs/lund/movements").await.expect(200);
    assert_eq!(arrived["items"][0]["from"], "malmo");
}

#[actix_web::test]
async fn a_key_stops_being_stocked_only_when_it_is_empty() {
    let app = TestApp::stocked().await;
    let path = "/v1/stock/clogs/malmo";
    let stop = || app.send_as(&app.admin, Method::DELETE, path, None);
    stop().await.refused(409, "not_empty");
    moved(&app, json!([movement("z", "sale", "clogs", json!(10))])).await;
    assert_eq!(stop().await.status, 204);
    app.get(path).await.refused(404, "not_stocked");
    stop().await.refused(404, "not_stocked");
}
