//! An example for each route: what is sent, and what a server answered. A test sends them all, in
//! this order, to a server with nothing in it, and holds the answers against those shown; so what
//! is pasted works. It must not know how a page looks.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::layout::laid_out;
use super::reference::Route;

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The route's name in the OpenAPI document.
    pub operation: &'static str,
    /// Path and query. `$RESERVATION` and `$TOKEN_ID` are what an earlier answer called `id`.
    pub path: &'static str,
    /// The Idempotency-Key, if it is to have one.
    pub key: Option<&'static str>,
    /// The body, as JSON.
    pub body: Option<&'static str>,
    /// Whether the answer is a file, to be saved under the name it comes with.
    pub is_saved: bool,
}

const fn read(operation: &'static str, path: &'static str) -> Example {
    Example {
        operation,
        path,
        key: None,
        body: None,
        is_saved: false,
    }
}

const fn send(operation: &'static str, path: &'static str, body: &'static str) -> Example {
    Example {
        body: Some(body),
        ..read(operation, path)
    }
}

const fn keyed(key: &'static str, example: Example) -> Example {
    Example {
        key: Some(key),
        ..example
    }
}

/// All of them, in an order that works from the beginning.
pub const EXAMPLES: &[Example] = &[
    send(
        "putItem",
        "/v1/items/clog-38",
        r#"{"name":"Red clogs 38","product":"clogs","price":{"amount":"300.00",
            "currency":"SEK"}}"#,
    ),
    send(
        "patchItem",
        "/v1/items/clog-38",
        r#"{"attributes":{"colour":"red","size":"38"}}"#,
    ),
    send(
        "batchItems",
        "/v1/items/batch",
        r#"{"items":[{"sku":"linen-blue","name":"Blue linen","unit":"metre","decimals":2,
            "price":{"amount":"189.00","currency":"SEK"}}]}"#,
    ),
    read("getItem", "/v1/items/clog-38"),
    read("listItems", "/v1/items?query=clog&limit=10"),
    send(
        "putLocation",
        "/v1/locations/malmo",
        r#"{"name":"Malmö","kind":"store"}"#,
    ),
    send(
        "patchLocation",
        "/v1/locations/malmo",
        r#"{"region":"skane"}"#,
    ),
    read("getLocation", "/v1/locations/malmo"),
    read("listLocations", "/v1/locations"),
    send(
        "recordMovements",
        "/v1/movements",
        r#"{"movements":[{"id":"delivery-7-1","type":"receipt","sku":"clog-38",
            "location":"malmo","quantity":10},{"id":"delivery-7-2","type":"receipt",
            "sku":"linen-blue","location":"malmo","quantity":42.5}]}"#,
    ),
    send(
        "setStock",
        "/v1/stock/clog-38/malmo/settings",
        r#"{"safety_stock":1}"#,
    ),
    send(
        "batchSettings",
        "/v1/stock/settings/batch",
        r#"{"settings":[{"sku":"linen-blue","location":"malmo","safety_stock":0.5}]}"#,
    ),
    read("getStock", "/v1/stock/clog-38/malmo"),
    read("listStock", "/v1/stock?location=malmo"),
    read(
        "listMovements",
        "/v1/stock/clog-38/malmo/movements?limit=10",
    ),
    send(
        "queryAvailability",
        "/v1/availability/query",
        r#"{"items":[{"sku":"clog-38","location":"malmo"}]}"#,
    ),
    read("getAvailability", "/v1/availability/clog-38?location=malmo"),
    read("getAvailabilityAt", "/v1/availability/clog-38/malmo"),
    keyed(
        "cart-7",
        send(
            "placeReservation",
            "/v1/reservations",
            r#"{"lines":[{"sku":"clog-38","location":"malmo","quantity":2}],"ttl_seconds":600,
            "reference":"cart-7"}"#,
        ),
    ),
    read("getReservation", "/v1/reservations/$RESERVATION"),
    read("listReservations", "/v1/reservations?reference=cart-7"),
    keyed(
        "cart-7-lines",
        send(
            "replaceLines",
            "/v1/reservations/$RESERVATION/lines",
            r#"{"lines":[{"sku":"clog-38","location":"malmo","quantity":3}]}"#,
        ),
    ),
    keyed(
        "cart-7-extend",
        send(
            "extendReservation",
            "/v1/reservations/$RESERVATION/extend",
            r#"{"ttl_seconds":900}"#,
        ),
    ),
    keyed(
        "cart-7-confirm",
        send(
            "confirmReservation",
            "/v1/reservations/$RESERVATION/confirm",
            r#"{"payments":[{"method":"card","reference":"pay-81","amount":"900.00",
            "currency":"SEK"}],"order":"order-1042"}"#,
        ),
    ),
    keyed(
        "cart-7-parcel-1",
        send(
            "fulfilReservation",
            "/v1/reservations/$RESERVATION/fulfil",
            r#"{"lines":[{"sku":"clog-38","location":"malmo","quantity":2}]}"#,
        ),
    ),
    keyed(
        "cart-7-cancel",
        read("cancelReservation", "/v1/reservations/$RESERVATION/cancel"),
    ),
    // Another basket than the one above, which is over.
    keyed(
        "cart-8-release",
        read(
            "releaseReservation",
            "/v1/reservations/$RESERVATION/release",
        ),
    ),
    read(
        "listEvents",
        "/v1/events?after=earliest&limit=2&wait_seconds=0",
    ),
    send(
        "createToken",
        "/v1/tokens",
        r#"{"name":"web shop","scopes":["reserve","stock:read"],"channel":"web"}"#,
    ),
    read("listTokens", "/v1/tokens"),
    read("revokeToken", "/v1/tokens/$TOKEN_ID"),
    Example {
        is_saved: true,
        ..read("takeBackup", "/v1/backup")
    },
    read("stopStocking", "/v1/stock/clog-38/outlet"),
];

/// The example of a route.
pub fn of(operation: &str) -> Option<&'static Example> {
    let mut all = EXAMPLES.iter();
    all.find(|example| example.operation == operation)
}

/// Where the example of a route stands among all of them.
pub fn place_of(operation: &str) -> Option<usize> {
    let mut all = EXAMPLES.iter();
    all.position(|example| example.operation == operation)
}

/// What a server answered, with made-up ids and times.
#[derive(Debug, Deserialize)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body, members in the order in which they came.
    pub body: Option<Box<RawValue>>,
}

/// What a server answered to the example of a route.
pub fn answer_to(operation: &str) -> Option<&'static Answer> {
    static ANSWERS: LazyLock<BTreeMap<String, Answer>> = LazyLock::new(|| {
        serde_json::from_str(include_str!("answers.json")).expect("the file holds answers")
    });
    ANSWERS.get(operation)
}

impl Example {
    /// The command that sends it.
    pub(super) fn curl(&self, route: &Route<'_>) -> String {
        let mut parts = Vec::new();
        let method = match (route.method.as_str(), self.body.is_some()) {
            ("GET", _) | ("POST", true) => String::new(),
            (method, _) => format!("-X {method} "),
        };
        let save = if self.is_saved { "-OJ " } else { "" };
        parts.push(format!("curl {save}{method}\"$ONHAND{}\"", self.path));
        if route.scope().is_some() {
            parts.push("-H \"Authorization: Bearer $TOKEN\"".to_owned());
        }
        if let Some(key) = self.key {
            parts.push(format!("-H 'Idempotency-Key: {key}'"));
        }
        if let Some(body) = self.body {
            parts.push(format!("-d '{}'", laid_out(body)));
        }
        parts.join(" \\\n  ")
    }
}
