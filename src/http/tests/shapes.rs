//! The OpenAPI shapes held against what is taken and answered.

use std::collections::BTreeSet;

use serde_json::json;

use super::super::openapi;
use super::*;

fn names(object: &Value) -> BTreeSet<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

fn shape(name: &str) -> BTreeSet<String> {
    let api = serde_json::to_value(openapi::api()).unwrap();
    names(&api["components"]["schemas"][name]["properties"])
}

#[actix_web::test]
async fn requests_take_every_field_their_shape_names() {
    let app = TestApp::stocked().await;
    let payment = json!({"method": "card", "reference": "p", "amount": 300, "currency": "SEK"});
    let adjustment = json!({"label": "x", "amount": 0});
    let fulfilment = json!({"method": "ship", "location": "malmo", "reference": "f"});
    let confirmation = json!({
        "payments": [payment], "adjustments": [adjustment], "fulfilment": fulfilment,
        "order": "o", "expires_at": "2027-02-01T00:00:00Z"
    });
    let mut line = line("clogs", json!(1));
    line["line"] = json!("1");
    line["unit_price"] = json!({"amount": 300, "currency": "SEK"});
    let place = json!({
        "lines": [line], "ttl_seconds": 60, "channel": "web", "customer": "c", "reference": "r",
        "metadata": {}, "partial": true, "confirm": confirmation
    });
    assert_eq!(names(&place), shape("PlaceRequest"));
    assert_eq!(names(&line), shape("LineRequest"));
    assert_eq!(names(&confirmation), shape("Confirmation"));
    assert_eq!(names(&payment), shape("Payment"));
    assert_eq!(names(&adjustment), shape("Adjustment"));
    assert_eq!(names(&fulfilment), shape("Fulfilment"));
    let placed = app.post("/v1/reservations", place).await.expect(201);
    let mut document = shape("Reservation");
    document.remove("resolved_at");
    assert_eq!(names(&placed), document);
    assert_eq!(names(&placed["lines"][0]), shape("Line"));

    let confirm = json!({
        "payments": null, "adjustments": [], "fulfilment": null, "order": null,
        "expires_at": null, "reclaim": false, "channel": "web"
    });
    assert_eq!(names(&confirm), shape("ConfirmRequest"));
    let id = app.reserve(json!([line])).await;
    let path = format!("/v1/reservations/{id}");
    let lines = json!({"lines": [line], "channel": "web"});
    assert_eq!(names(&lines), shape("LinesRequest"));
    app.put(&format!("{path}/lines"), lines).await.expect(200);
    let extend = json!({"ttl_seconds": 60, "channel": "web"});
    assert_eq!(names(&extend), shape("ExtendRequest"));
    app.post(&format!("{path}/extend"), extend)
        .await
        .expect(200);
    app.post(&format!("{path}/confirm"), confirm)
        .await
        .expect(200);
    let part = super::line("clogs", json!(1));
    assert_eq!(names(&part), shape("Part"));
    let parts = json!({"lines": [part], "channel": "web"});
    assert_eq!(names(&parts), shape("PartsRequest"));
    let cancelled = app.post(&format!("{path}/cancel"), parts).await.expect(200);
    assert!(names(&cancelled).contains("resolved_at"));
    let release = json!({"channel": "web"});
    assert_eq!(names(&release), shape("ReleaseRequest"));
}

#[actix_web::test]
async fn answers_have_every_field_their_shape_names() {
    let app = TestApp::stocked().await;
    let stock = app.get("/v1/stock/clogs/malmo").await.expect(200);
    assert_eq!(names(&stock), shape("Stock"));
    assert_eq!(names(&app.get("/v1/stock").await.body), shape("StockList"));
    let at = app.get("/v1/availability/clogs/malmo").await.expect(200);
    assert_eq!(names(&at), shape("KeyAvailability"));
    assert_eq!(names(&at["item"]), shape("ItemFace"));
    let item = app.get("/v1/availability/clogs").await.expect(200);
    assert_eq!(names(&item), shape("ItemAvailability"));
    assert_eq!(names(&item["locations"][0]), shape("LocationAvailability"));
    let query = json!({"items": [{"sku": "clogs", "location": "malmo"}]});
    let answers = app.post("/v1/availability/query", query).await.expect(200);
    assert_eq!(names(&answers), shape("AvailabilityAnswers"));
    let mut answer = shape("AvailabilityAnswer");
    answer.remove("code");
    assert_eq!(names(&answers["items"][0]), answer);
    let events = app.get("/v1/events?after=earliest").await.expect(200);
    assert_eq!(names(&events), shape("EventList"));
    assert_eq!(names(&events["events"][0]), shape("CloudEvent"));
    let ledger = app.get("/v1/stock/clogs/malmo/movements").await.expect(200);
    assert_eq!(names(&ledger), shape("LedgerList"));
    assert!(names(&ledger["items"][0]).is_subset(&shape("LedgerEntry")));
}

#[actix_web::test]
async fn movements_and_settings_take_every_field_their_shapes_name() {
    let app = TestApp::stocked().await;
    let with = |kind: &str, more: Value| {
        let mut line = movement(kind, kind, "clogs", json!(1));
        line["reference"] = json!("r");
        line["channel"] = json!("web");
        line["occurred_at"] = json!("2027-01-15T08:00:00Z");
        for (name, value) in more.as_object().unwrap() {
            line[name] = value.clone();
        }
        line
    };
    let lines = [
        with("receipt", json!({})),
        with("sale", json!({"reservation": "x"})),
        with("return", json!({"condition": "damaged"})),
        with("adjustment", json!({"reason": "found"})),
        with(
            "count",
            json!({"counted_at": "2027-01-15T08:00:00Z", "expected_version": null}),
        ),
        with("transfer", json!({"to": "lund"})),
    ];
    let taken: BTreeSet<String> = lines.iter().flat_map(names).collect();
    assert_eq!(taken, shape("MovementRequest"));
    let answer = app
        .post("/v1/movements", json!({ "movements": lines }))
        .await
        .expect(200);
    let results = answer["results"].as_array().unwrap();
    for result in results {
        assert_eq!(result["status"], "applied", "{result}");
        assert!(names(result).is_subset(&shape("MovementResult")));
    }
    let setting = json!({"sku": "clogs", "location": "malmo", "safety_stock": 1});
    assert_eq!(names(&setting), shape("SettingsEntry"));
    let body = json!({ "settings": [setting] });
    let answer = app.post("/v1/stock/settings/batch", body).await.expect(200);
    assert!(names(&answer["results"][0]).is_subset(&shape("SettingsResult")));
}
