//! Stock, listed page by page.

use serde_json::json;

use super::*;

#[actix_web::test]
async fn a_list_is_read_in_pages_and_by_item_or_location() {
    let app = TestApp::stocked().await;
    let mut seen = Vec::new();
    let mut path = "/v1/stock?limit=3".to_owned();
    loop {
        let page = app.get(&path).await.expect(200);
        let items = page["items"].as_array().unwrap();
        seen.extend(
            items
                .iter()
                .map(|item| item["sku"].as_str().unwrap().to_owned()),
        );
        assert!(page["position"].as_str().unwrap().starts_with("e."));
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("/v1/stock?limit=3&after={next}");
    }
    assert_eq!(seen, ["clogs", "cloth", "show", "soap"]);
    let one = app
        .get("/v1/stock?sku=soap&location=malmo")
        .await
        .expect(200);
    assert_eq!(one["items"].as_array().unwrap().len(), 1);
    let none = app.get("/v1/stock?location=lund").await.expect(200);
    assert_eq!(none["items"], json!([]));
    let places = app.get("/v1/stock?limit=1001&skuu=a&after=x").await;
    let places = places.refused(422, "invalid_request");
    assert_eq!(
        places,
        [
            "after invalid_request",
            "limit invalid_request",
            "skuu invalid_request"
        ]
    );
}

#[actix_web::test]
async fn a_list_past_a_deadline_shows_the_stock_that_came_back() {
    let app = TestApp::stocked().await;
    let shares = json!([line("clogs", json!(10)), line("cloth", json!(4))]);
    app.reserve(shares).await;
    app.reserve(json!([line("soap", json!(1))])).await;
    app.clock.advance(599_999);
    let held = async || {
        let page = app.get("/v1/stock").await.expect(200);
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["held"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(held().await, [10, 4, 0, 1]);
    app.clock.advance(1);
    assert_eq!(held().await, [0, 0, 0, 0]);
}
