//! The event stream.

use std::time::Duration;

use serde_json::json;

use super::*;

fn told(page: &Value) -> Vec<String> {
    let events = page["events"].as_array().unwrap().iter();
    let name = |event: &Value| {
        let kind = event["type"]
            .as_str()
            .unwrap()
            .trim_start_matches("onhand.");
        let subject = event["subject"].as_str().unwrap();
        let is_reservation = kind.starts_with("reservation") || kind.starts_with("fulfilment");
        if is_reservation {
            kind.to_owned()
        } else {
            format!("{kind} {subject}")
        }
    };
    events.map(name).collect()
}

async fn latest(app: &TestApp) -> String {
    let page = app.get("/v1/events?after=latest").await.expect(200);
    assert_eq!(page["events"], json!([]));
    page["next"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn every_change_is_told_in_order_with_what_it_left() {
    let app = TestApp::stocked().await;
    let start = latest(&app).await;
    let id = app.reserve(json!([line("clogs", json!(10))])).await;
    let call = |call: &str| format!("/v1/reservations/{id}/{call}");
    app.post(&call("extend"), json!({"ttl_seconds": 700}))
        .await
        .expect(200);
    let confirm = json!({"fulfilment": {"method": "ship"}});
    app.post(&call("confirm"), confirm).await.expect(200);
    let sale = json!({"movements": [movement("s", "sale", "clogs", json!(1))]});
    app.post("/v1/movements", sale).await.expect(200);
    app.post(&call("cancel"), json!({})).await.expect(200);
    let price = json!({"name": "Clogs", "price": {"amount": 1, "currency": "SEK"}});
    app.put("/v1/items/clogs", price).await.expect(200);
    app.post("/v1/tokens", json!({"name": "t", "scopes": ["reserve"]}))
        .await
        .expect(201);

    let page = app
        .get(&format!("/v1/events?after={start}"))
        .await
        .expect(200);
    assert_eq!(
        told(&page),
        [
            "stock.changed clogs@malmo",
            "stock.out clogs@malmo",
            "reservation.held",
            "reservation.changed",
            "stock.changed clogs@malmo",
            "reservation.confirmed",
            "fulfilment.requested",
            "stock.changed clogs@malmo",
            "stock.shortfall clogs@malmo",
            "stock.changed clogs@malmo",
            "stock.back clogs@malmo",
            "reservation.cancelled",
            "item.changed clogs",
        ]
    );
    let first = &page["events"][0];
    assert_eq!(first["specversion"], "1.0");
    assert_eq!(first["time"], "2027-01-15T08:00:00.000Z");
    assert_eq!(first["channel"], "web");
    assert_eq!(first["data"]["held"], 10);
    assert_eq!(page["events"][2]["data"]["id"], id);
    assert_eq!(
        page["events"][12]["data"]["current_price"]["amount"],
        "1.00"
    );
    let next = page["next"].as_str().unwrap();
    assert_eq!(next, latest(&app).await);
    let ids: Vec<&Value> = page["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["id"])
        .collect();
    let distinct: std::collections::HashSet<String> = ids.iter().map(|i| i.to_string()).collect();
    assert_eq!(distinct.len(), ids.len());
}

#[actix_web::test]
async fn goods_handed_over_are_told_at_every_key_though_as_much_is_available_as_before() {
    let app = TestApp::stocked().await;
    let body = json!({"movements": [json!({"id": "r", "type": "receipt", "sku": "clogs",
        "location": "lund", "quantity": 5})]});
    app.post("/v1/movements", body).await.expect(200);
    let mut there = line("clogs", json!(2));
    there["location"] = json!("lund");
    let id = app.reserve(json!([line("clogs", json!(1)), there])).await;
    let call = |call: &str| format!("/v1/reservations/{id}/{call}");
    app.post(&call("confirm"), json!({})).await.expect(200);
    let start = latest(&app).await;
    app.post(&call("fulfil"), json!({})).await.expect(200);
    let path = format!("/v1/events?after={start}");
    let page = app.get(&path).await.expect(200);
    for (key, left) in [("clogs@malmo", 9), ("clogs@lund", 3)] {
        let events = page["events"].as_array().unwrap();
        let changed = events
            .iter()
            .find(|event| event["type"] == "onhand.stock.changed" && event["subject"] == key);
        let level = &changed.unwrap_or_else(|| panic!("nothing of {key} in {page}"))["data"];
        assert_eq!(
            (&level["on_hand"], &level["committed"]),
            (&json!(left), &json!(0))
        );
    }
}

#[actix_web::test]
async fn the_whole_stream_is_read_in_pages_without_gaps_or_repetitions() {
    let app = TestApp::stocked().await;
    app.reserve(json!([line("clogs", json!(10))])).await;
    let all = app
        .get("/v1/events?after=earliest&limit=1000")
        .await
        .expect(200);
    let mut paged = Vec::new();
    let mut after = "earliest".to_owned();
    loop {
        let page = app
            .get(&format!("/v1/events?after={after}&limit=2"))
            .await
            .expect(200);
        let events = page["events"].as_array().unwrap();
        if events.is_empty() {
            break;
        }
        assert!(
            events.len() <= 3,
            "only the events of one record may exceed the limit"
        );
        paged.extend(events.clone());
        after = page["next"].as_str().unwrap().to_owned();
    }
    assert_eq!(json!(paged), all["events"]);
    assert_eq!(json!(after), all["next"]);
}

#[actix_web::test]
async fn a_position_that_means_nothing_here_is_expired_and_names_the_earliest() {
    let app = TestApp::stocked().await;
    for after in ["other.3", "e.", "3", "e.999999"] {
        let answer = app.get(&format!("/v1/events?after={after}")).await;
        answer.refused(410, "position_expired");
        assert_eq!(answer.body["earliest"], "e.0", "{after}");
    }
    let none = app.get("/v1/events").await.refused(422, "invalid_request");
    assert_eq!(none, ["after invalid_request"]);
    let long = app.get("/v1/events?after=latest&wait_seconds=31").await;
    assert_eq!(
        long.refused(422, "invalid_request"),
        ["wait_seconds invalid_request"]
    );
}

#[actix_web::test]
async fn a_waiting_reader_hears_news_at_once() {
    let app = TestApp::stocked().await;
    let after = latest(&app).await;
    let path = format!("/v1/events?after={after}&wait_seconds=30");
    let sale = json!({"movements": [movement("s", "sale", "clogs", json!(1))]});
    let (heard, _) = futures::future::join(app.get(&path), app.post("/v1/movements", sale)).await;
    assert_eq!(told(&heard.expect(200)), ["stock.changed clogs@malmo"]);
}

#[actix_web::test]
async fn a_list_says_where_to_go_on_in_the_stream() {
    let app = TestApp::stocked().await;
    let list = app.get("/v1/stock").await.expect(200);
    assert_eq!(list["position"], latest(&app).await);
}

#[actix_web::test]
async fn nobody_waits_for_news_once_the_service_stops() {
    let app = TestApp::stocked().await;
    let start = latest(&app).await;
    app.border.stop_waiting();
    let path = format!("/v1/events?after={start}&wait_seconds=30");
    let answered = tokio::time::timeout(Duration::from_secs(15), app.get(&path)).await;
    let page = answered.expect("it does not wait").expect(200);
    assert_eq!(page, json!({"events": [], "next": start}));
}
