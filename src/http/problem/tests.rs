//! Every problem has its status, its page and its advice.

use std::collections::HashSet;

use actix_web::body::to_bytes;
use serde_json::{Value, json};

use super::*;
use crate::actors::CallError;
use crate::stock::{LocationId, Quantity, Refusal, Sku, StockKey};

fn shown(problem: &Problem) -> Value {
    serde_json::to_value(problem).unwrap()
}

fn shortage() -> Shortage {
    let sku = Sku::parse("clogs").unwrap();
    Shortage {
        key: StockKey::new(&sku, &LocationId::parse("malmo").unwrap()),
        requested: Quantity::parse("2.5").unwrap(),
        available: Quantity::from(1),
    }
}

#[test]
fn every_code_has_a_name_of_its_own_and_an_error_status() {
    let names: HashSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(names.len(), Code::ALL.len());
    for code in Code::ALL {
        assert!(code.status().is_client_error() || code.status() == 503);
        assert!(code.type_uri().starts_with("/problems/"));
        assert!(!code.type_uri().contains('_') && !code.title().is_empty());
    }
}

#[test]
fn a_shortage_names_every_short_line() {
    let refusal = Refusal::InsufficientStock(vec![shortage()]);
    let expected = json!({
        "type": "/problems/insufficient-stock",
        "title": "There is not enough stock",
        "status": 409,
        "detail": "not enough stock",
        "code": "insufficient_stock",
        "shortages": [
            {"sku": "clogs", "location": "malmo", "requested": 2.5, "available": 1}
        ],
    });
    assert_eq!(shown(&refusal.into()), expected);
    let exceeded = shown(&Refusal::OverFulfilled(vec![shortage()]).into());
    assert_eq!(exceeded["lines"][0]["remaining"], 1);
}

#[test]
fn faults_are_listed_and_the_first_gives_the_code() {
    let unknown = Wrong::new(Code::UnknownItem, "is not an item");
    let faults = vec![
        Fault::new(Source::Pointer("/lines/0/sku".into()), unknown),
        Fault::new(Source::Parameter("limit".into()), Wrong::invalid("is odd")),
    ];
    let problem = shown(&Problem::from_faults(faults));
    assert_eq!(problem["code"], "unknown_item");
    assert_eq!(problem["status"], 422);
    assert_eq!(
        problem["errors"],
        json!([
            {"pointer": "/lines/0/sku", "code": "unknown_item", "detail": "is not an item"},
            {"parameter": "limit", "code": "invalid_request", "detail": "is odd"},
        ])
    );
}

#[test]
fn the_states_of_resolved_reservations_are_told() {
    let resolved = shown(&Refusal::ReservationResolved(State::Released).into());
    assert_eq!(resolved["state"], "released");
    assert_eq!(resolved["status"], 409);
    let expired = shown(&Refusal::ReservationExpired.into());
    assert_eq!(
        (&expired["status"], &expired["state"]),
        (&json!(410), &json!("expired"))
    );
}

#[actix_web::test]
async fn the_answer_carries_the_headers_of_its_kind() {
    let overloaded = Problem::from(CallError::Overloaded).response();
    assert_eq!(overloaded.status(), 503);
    assert_eq!(overloaded.headers().get("retry-after").unwrap(), "1");
    let kind = overloaded.headers().get("content-type").unwrap();
    assert_eq!(kind, "application/problem+json");
    let limited = Problem::new(Code::RateLimited, "")
        .retry_after(7)
        .response();
    let body = to_bytes(limited.into_body()).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["retry_after"], 7);

    let unauthorized = Problem::new(Code::Unauthorized, "").response();
    assert!(unauthorized.headers().contains_key("www-authenticate"));
    let wrong_method = Problem::method_not_allowed("GET, PUT".to_owned()).response();
    assert_eq!(wrong_method.headers().get("allow").unwrap(), "GET, PUT");
    let absent = Problem::not_found(Code::UnknownItem, "").response();
    assert_eq!(absent.status(), 404);
    assert!(!absent.headers().contains_key("retry-after"));
}
