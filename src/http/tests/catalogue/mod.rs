//! The catalogue's routes over a real catalogue and journal: statuses, documents, every fault by
//! its place, and who may do what.

mod places_and_tokens;
mod shapes;

use std::collections::BTreeSet;

use actix_web::http::{Method, StatusCode};
use serde_json::{Value, json};
use utoipa::OpenApi;

use super::super::catalogue_schema::CatalogueApi;
use super::super::limits::Limits;
use super::TestApp;
use crate::catalogue::Scope;

const OK: StatusCode = StatusCode::OK;
const CREATED: StatusCode = StatusCode::CREATED;
const INVALID: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
const NOT_FOUND: StatusCode = StatusCode::NOT_FOUND;

/// An empty border, and the secret of somebody who may only reserve.
struct Fixture {
    app: TestApp,
    shop: String,
}

impl Fixture {
    async fn begin() -> Fixture {
        let limits = Limits {
            requests_per_second_max: 0,
            ..Limits::default()
        };
        let app = TestApp::empty(limits).await;
        let shop = app.token(&[Scope::Reserve]).await;
        Fixture { app, shop }
    }

    /// Sends a request with that secret; an answer without a document is null.
    async fn send(
        &self,
        secret: Option<&str>,
        method: Method,
        path: &str,
        body: &str,
    ) -> (StatusCode, Value) {
        let bearer = secret.map(|secret| format!("Bearer {secret}"));
        let header = bearer.as_deref().map(|bearer| ("Authorization", bearer));
        let answer = self.app.send(method, path, header.as_slice(), body).await;
        (StatusCode::from_u16(answer.status).unwrap(), answer.body)
    }

    async fn put(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let body = body.to_string();
        self.send(Some(&self.app.admin), Method::PUT, path, &body)
            .await
    }

    async fn patch(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let body = body.to_string();
        self.send(Some(&self.app.admin), Method::PATCH, path, &body)
            .await
    }

    async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let body = body.to_string();
        self.send(Some(&self.app.admin), Method::POST, path, &body)
            .await
    }

    /// Without a token: the catalogue is open to read.
    async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.send(None, Method::GET, path, "").await
    }
}

fn clogs() -> Value {
    json!({
        "name": "Red clogs 38", "unit": "each", "decimals": 0, "product": "red-clogs",
        "barcodes": ["7350000000017"], "attributes": {"colour": "red", "size": "38"},
        "price": {"amount": "300.00", "currency": "SEK"},
        "offer": {"amount": 240, "from": null, "until": "2027-01-15T10:00:00+01:00"},
        "reservable": true, "archived": false
    })
}

/// What is wrong where, as `pointer code`.
fn errors(problem: &Value) -> Vec<String> {
    let errors = problem["errors"].as_array().unwrap();
    let text = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
    let line = |error| format!("{} {}", text(error, "pointer"), text(error, "code"));
    errors.iter().map(line).collect()
}

#[actix::test]
async fn an_item_is_put_and_read_as_the_contract_says() {
    let fixture = Fixture::begin().await;
    let (status, created) = fixture.put("/v1/items/clogs%2F38", clogs()).await;
    assert_eq!(status, CREATED, "{created}");
    let expected = json!({
        "sku": "clogs/38", "name": "Red clogs 38", "unit": "each", "decimals": 0,
        "product": "red-clogs", "barcodes": ["7350000000017"],
        "attributes": {"colour": "red", "size": "38"},
        "price": {"amount": "300.00", "currency": "SEK"},
        "offer": {"amount": "240.00", "from": null, "until": "2027-01-15T09:00:00.000Z"},
        "current_price": {"amount": "240.00", "currency": "SEK"},
        "reservable": true, "archived": false, "version": 1,
        "updated_at": "2027-01-15T08:00:00.000Z"
    });
    assert_eq!(created, expected);
    assert_eq!(fixture.get("/v1/items/clogs%2F38").await, (OK, expected));
    assert_eq!(fixture.put("/v1/items/clogs%2F38", clogs()).await.0, OK);

    let (status, bare) = fixture.put("/v1/items/B", json!({"name": "Boots"})).await;
    assert_eq!((status, &bare["unit"]), (CREATED, &json!("each")));
    assert_eq!(bare["reservable"], json!(true));
    assert_eq!(bare["current_price"], Value::Null);

    let (status, problem) = fixture.get("/v1/items/none").await;
    let code = &problem["code"];
    assert_eq!((status, code), (NOT_FOUND, &json!("unknown_item")));
    assert_eq!(fixture.get("/v1/items/a%40b").await.0, INVALID);
}

#[actix::test]
async fn a_patch_merges_and_null_takes_away() {
    let fixture = Fixture::begin().await;
    fixture.put("/v1/items/A", clogs()).await;
    let patch = json!({
        "name": "Clogs", "unit": null, "product": null, "barcodes": null,
        "attributes": {"size": null, "sole": "wood"}, "price": {"amount": 320.5},
        "offer": null, "archived": true
    });
    let (status, item) = fixture.patch("/v1/items/A", patch).await;
    assert_eq!(status, OK, "{item}");
    for (name, value) in [
        ("name", json!("Clogs")),
        ("unit", json!("each")),
        ("product", Value::Null),
        ("barcodes", json!([])),
        ("attributes", json!({"colour": "red", "sole": "wood"})),
        ("price", json!({"amount": "320.50", "currency": "SEK"})),
        ("offer", Value::Null),
        ("archived", json!(true)),
        ("version", json!(2)),
    ] {
        assert_eq!(item[name], value, "{name}");
    }
    let (status, problem) = fixture.patch("/v1/items/A", json!({"name": null})).await;
    assert_eq!(status, INVALID);
    assert_eq!(errors(&problem), ["/name invalid_request"]);
    let (status, problem) = fixture.patch("/v1/items/none", json!({})).await;
    let code = &problem["code"];
    assert_eq!((status, code), (NOT_FOUND, &json!("unknown_item")));
}

#[actix::test]
async fn every_fault_of_an_item_is_named_by_its_place() {
    let fixture = Fixture::begin().await;
    let table = [
        (json!({}), vec!["/name"]),
        (json!({"name": "x", "nmae": 1}), vec!["/nmae"]),
        (
            json!({
                "name": "", "decimals": 7, "barcodes": ["a", 7], "attributes": {"a": 1, "": "x"},
                "price": {"amount": "x", "currency": "sek"}, "offer": {"from": "now"},
                "reservable": 1
            }),
            vec![
                "/name",
                "/decimals",
                "/barcodes/1",
                "/attributes/a",
                "/attributes/",
                "/price/amount",
                "/price/currency",
                "/offer/amount",
                "/offer/from",
                "/reservable",
            ],
        ),
        (
            json!({"name": "x", "price": {"amount": "1.005", "currency": "SEK"}}),
            vec!["/price/amount"],
        ),
        (
            json!({"name": "x", "price": {"amount": 10, "currency": "SEK"}, "offer": {
                "amount": 9, "from": "2027-01-02T00:00:00Z", "until": "2027-01-01T00:00:00Z"
            }}),
            vec!["/offer/until"],
        ),
    ];
    for (body, pointers) in table {
        let (status, problem) = fixture.put("/v1/items/A", body).await;
        assert_eq!(status, INVALID, "{problem}");
        let mut found = errors(&problem);
        found.sort();
        let mut expected: Vec<_> = (pointers.iter())
            .map(|pointer| format!("{pointer} invalid_request"))
            .collect();
        expected.sort();
        assert_eq!(found, expected);
    }
    assert_eq!(fixture.get("/v1/items/A").await.0, NOT_FOUND);
}

#[actix::test]
async fn a_batch_answers_entry_by_entry() {
    let fixture = Fixture::begin().await;
    let price = json!({"amount": "1.005", "currency": "SEK"});
    let body = json!({"items": [
        {"sku": "A", "name": "Clogs"},
        {"sku": "B"},
        {"sku": "a@b", "name": "Boots"},
        7,
        {"sku": "C", "name": "Socks", "price": price},
        {"sku": "A", "name": "Clogs"}
    ]});
    let (status, answer) = fixture.post("/v1/items/batch", body).await;
    assert_eq!(status, OK, "{answer}");
    let results = answer["results"].as_array().unwrap();
    let status = |result: &Value| (result["sku"].clone(), result["status"].clone());
    let found: Vec<_> = results.iter().map(status).collect();
    let expected = [
        (json!("A"), json!("applied")),
        (json!("B"), json!("refused")),
        (json!("a@b"), json!("refused")),
        (Value::Null, json!("refused")),
        (json!("C"), json!("refused")),
        (json!("A"), json!("duplicate")),
    ];
    assert_eq!(found, expected);
    assert_eq!(results[0]["item"]["version"], json!(1));
    for (index, pointer) in [
        (1, "/items/1/name"),
        (2, "/items/2/sku"),
        (3, "/items/3"),
        (4, "/items/4/price/amount"),
    ] {
        let expected = format!("{pointer} invalid_request");
        assert_eq!(errors(&results[index]["problem"]), [expected]);
    }

    let body = json!({"patches": [{"sku": "A", "unit": "pair"}, {"sku": "none"}]});
    let (_, answer) = fixture.post("/v1/items/batch", body).await;
    assert_eq!(answer["results"][0]["status"], json!("applied"));
    assert_eq!(answer["results"][0]["item"]["name"], json!("Clogs"));
    let problem = &answer["results"][1]["problem"];
    assert_eq!(problem["code"], json!("unknown_item"));
    assert_eq!(problem["status"], json!(422));
}

#[actix::test]
async fn a_batch_that_is_none_is_refused_as_a_whole() {
    let fixture = Fixture::begin().await;
    let too_many: Vec<_> = (0..1001).map(|n| json!({"sku": format!("{n}")})).collect();
    for (body, pointer) in [
        (json!({}), "/items"),
        (json!({"items": [7], "patches": [7]}), "/items"),
        (json!({"items": []}), "/items"),
        (json!({"patches": too_many}), "/patches"),
        (json!({"items": [7], "extra": 1}), "/extra"),
        (json!([]), ""),
    ] {
        let (status, problem) = fixture.post("/v1/items/batch", body).await;
        assert_eq!(status, INVALID);
        assert_eq!(errors(&problem), [format!("{pointer} invalid_request")]);
    }
}

#[actix::test]
async fn items_are_listed_in_pages_and_found_by_what_they_are() {
    let fixture = Fixture::begin().await;
    let entry = |n: u32| json!({"sku": format!("A{n}"), "name": format!("Clogs {n}")});
    let body = json!({"items": (0..5).map(entry).collect::<Vec<_>>()});
    fixture.post("/v1/items/batch", body).await;
    fixture.put("/v1/items/Z", clogs()).await;
    let skus = |list: &Value| -> Vec<String> {
        let items = list["items"].as_array().unwrap();
        let sku = |item: &Value| item["sku"].as_str().unwrap().to_owned();
        items.iter().map(sku).collect()
    };
    let (_, first) = fixture.get("/v1/items?limit=4").await;
    assert_eq!(skus(&first), ["A0", "A1", "A2", "A3"]);
    // Two tokens and six items came before.
    assert_eq!(first["position"], json!("e.8"));
    let next = first["next"].as_str().unwrap();
    let (_, rest) = fixture
        .get(&format!("/v1/items?limit=4&after={next}"))
        .await;
    assert_eq!((skus(&rest).len(), &rest["next"]), (2, &Value::Null));
    for (query, found) in [
        ("query=clogs+3", 2),
        ("barcode=7350000000017", 1),
        ("product=red-clogs&query=38", 1),
        ("product=none", 0),
    ] {
        let (status, list) = fixture.get(&format!("/v1/items?{query}")).await;
        assert_eq!((status, skus(&list).len()), (OK, found), "{query}");
    }
    for bad in ["limit=0", "limit=1001", "quary=x", "after=a%2Cb"] {
        assert_eq!(fixture.get(&format!("/v1/items?{bad}")).await.0, INVALID);
    }
}

#[actix::test]
async fn what_cannot_be_kept_is_answered_as_unknown() {
    let fixture = Fixture::begin().await;
    fixture.app.journal.close();
    let (status, problem) = fixture.put("/v1/items/A", clogs()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(problem["code"], json!("outcome_unknown"));
    let body = json!({"items": [{"sku": "A", "name": "Clogs"}]});
    let (status, answer) = fixture.post("/v1/items/batch", body).await;
    assert_eq!(status, OK);
    assert_eq!(answer["results"][0]["status"], json!("retry"));
    assert_eq!(fixture.get("/v1/items/A").await.0, NOT_FOUND);
}
