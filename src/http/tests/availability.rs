//! What shoppers see, and what those see who may know more.

use actix_web::http::Method;
use serde_json::json;

use super::*;

async fn public(app: &TestApp, path: &str) -> Answer {
    app.send(Method::GET, path, &[], "").await
}

async fn sell(app: &TestApp, id: &str, quantity: u32) {
    let body = json!({"movements": [movement(id, "sale", "clogs", json!(quantity))]});
    app.post("/v1/movements", body).await.expect(200);
}

#[actix_web::test]
async fn shoppers_see_a_count_only_when_little_is_left() {
    let app = TestApp::stocked().await;
    let path = "/v1/availability/clogs/malmo";
    let first = public(&app, path).await.expect(200);
    assert_eq!(first["status"], "in_stock");
    assert_eq!(first["available"], Value::Null);
    assert_eq!(
        first["item"]["current_price"],
        json!({"amount": "300.00", "currency": "SEK"})
    );
    assert_eq!(first["epoch"], "e");

    sell(&app, "s1", 2).await;
    let unmoved = public(&app, path).await;
    assert_eq!(unmoved.body, first, "sales must not show");
    let exact = app.get(path).await.expect(200);
    assert_eq!(exact["available"], 8);
    assert_eq!(exact["version"], 2);

    sell(&app, "s2", 5).await;
    let few = public(&app, path).await.expect(200);
    assert_eq!(
        (&few["status"], &few["available"]),
        (&json!("limited"), &json!(3))
    );
    assert_ne!(few["version"], first["version"]);
    sell(&app, "s3", 3).await;
    let none = public(&app, path).await.expect(200);
    assert_eq!(none["status"], "out_of_stock");
    assert_eq!(none["available"], Value::Null);
}

#[actix_web::test]
async fn an_unchanged_answer_is_not_sent_twice_and_a_new_price_is() {
    let app = TestApp::stocked().await;
    let path = "/v1/availability/clogs/malmo";
    let first = public(&app, path).await;
    assert!(first.header("vary").starts_with("authorization"));
    let known = [("If-None-Match", first.header("etag"))];
    assert_eq!(app.send(Method::GET, path, &known, "").await.status, 304);
    let price = json!({"name": "Clogs", "price": {"amount": "250", "currency": "SEK"}});
    app.put("/v1/items/clogs", price).await.expect(200);
    assert_eq!(app.send(Method::GET, path, &known, "").await.status, 200);
}

#[actix_web::test]
async fn an_item_is_as_available_as_at_its_best_location() {
    let app = TestApp::stocked().await;
    let mut two = movement("l", "receipt", "clogs", json!(2));
    two["location"] = json!("lund");
    app.post("/v1/movements", json!({"movements": [two]}))
        .await
        .expect(200);
    let all = public(&app, "/v1/availability/clogs").await.expect(200);
    assert_eq!(all["status"], "in_stock");
    let statuses = |body: &Value| -> Vec<String> {
        let entries = body["locations"].as_array().unwrap().iter();
        let told = entries.map(|e| format!("{} {}", e["location"], e["status"]).replace('"', ""));
        told.collect()
    };
    assert_eq!(statuses(&all), ["lund limited", "malmo in_stock"]);
    let one = public(&app, "/v1/availability/clogs?location=lund")
        .await
        .expect(200);
    assert_eq!(
        (&one["status"], statuses(&one)),
        (&json!("limited"), vec!["lund limited".into()])
    );
    let nowhere = public(&app, "/v1/availability/soap?location=lund")
        .await
        .expect(200);
    assert_eq!(nowhere["status"], "out_of_stock");
    let unknown = public(&app, "/v1/availability/clogs?location=lund,oslo").await;
    assert_eq!(
        unknown.refused(422, "unknown_location"),
        ["location unknown_location"]
    );
    public(&app, "/v1/availability/none")
        .await
        .refused(404, "unknown_item");
    public(&app, "/v1/availability/clogs/oslo")
        .await
        .refused(404, "unknown_location");
    public(&app, "/v1/availability/soap/lund")
        .await
        .refused(404, "not_stocked");
}

#[actix_web::test]
async fn many_questions_are_answered_in_their_order() {
    let app = TestApp::stocked().await;
    let ask = |sku: &str, location: &str| json!({"sku": sku, "location": location});
    let body = json!({"items": [
        ask("none", "malmo"), ask("clogs", "malmo"), ask("clogs", "oslo"), ask("clogs", "lund")
    ]});
    let answer = app
        .send(
            Method::POST,
            "/v1/availability/query",
            &[],
            body.to_string(),
        )
        .await;
    let answer = answer.expect(200);
    let items = answer["items"].as_array().unwrap();
    assert_eq!(items[0]["code"], "unknown_item");
    assert_eq!(items[1]["status"], "in_stock");
    assert_eq!(items[1]["current_price"]["amount"], "300.00");
    assert_eq!(items[2]["code"], "unknown_location");
    assert_eq!(items[3]["code"], "not_stocked");
    let many = json!({"items": vec![ask("clogs", "malmo"); 1001]}).to_string();
    let answer = app
        .send(Method::POST, "/v1/availability/query", &[], many)
        .await;
    assert_eq!(
        answer.refused(422, "invalid_request"),
        ["/items invalid_request"]
    );
}

#[actix_web::test]
async fn a_read_past_a_deadline_sees_the_stock_that_came_back() {
    let app = TestApp::stocked().await;
    app.reserve(json!([line("clogs", json!(10))])).await;
    let path = "/v1/availability/clogs/malmo";
    assert_eq!(public(&app, path).await.body["status"], "out_of_stock");
    app.clock.advance(599_999);
    assert_eq!(public(&app, path).await.body["status"], "out_of_stock");
    app.clock.advance(1);
    assert_eq!(public(&app, path).await.body["status"], "in_stock");
    assert_eq!(app.figure("clogs", "held").await, 0);
}
