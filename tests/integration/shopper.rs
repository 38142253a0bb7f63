//! A shopper's day over the wire, as the contract words it: from a look at the page to the last
//! parcel.

use serde_json::{Value, json};

use crate::client::Client;
use crate::contract::{figures, open};
use crate::server::{DataDir, Server};

#[test]
fn a_shoppers_day() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let shop = open(&server);
    let shopper = server.client_with("");
    a_page_is_looked_at(&shopper);
    let at = a_basket_is_placed(&shop);
    others_see_less(&shopper);
    the_basket_is_changed(&shop, &shopper, &at);
    it_is_paid(&shop, &at);
    it_is_handed_over(&shop, &at);
}

fn a_page_is_looked_at(shopper: &Client) {
    let page = shopper.get("/v1/availability/clogs").unwrap();
    assert_eq!(page.body["status"], "in_stock");
    assert_eq!(
        page.body["item"]["current_price"],
        json!({"amount": "300.00", "currency": "SEK"})
    );
    for entry in page.body["locations"].as_array().unwrap() {
        assert!(
            entry.get("available").is_none(),
            "shoppers are not told: {entry}"
        );
    }
    let tag = page.header("etag").to_owned();
    let again = shopper.send(
        "GET",
        "/v1/availability/clogs",
        &[("if-none-match", &tag)],
        None,
    );
    assert_eq!(again.unwrap().status, 304);
}

fn a_basket_is_placed(shop: &Client) -> String {
    let basket = json!({"lines": [
        {"line": "1", "sku": "clogs", "location": "malmo", "quantity": 2},
        {"line": "2", "sku": "clogs", "location": "web", "quantity": 1},
        {"line": "3", "sku": "cloth", "location": "malmo", "quantity": 2.25},
    ], "ttl_seconds": 600, "channel": "web", "customer": "c-1", "metadata": {"cart": 7}});
    let held = shop
        .keyed("POST", "/v1/reservations", "cart-1", &basket)
        .unwrap();
    assert_eq!(held.status, 201, "{}", held.body);
    let id = held.body["id"].as_str().unwrap();
    let at = format!("/v1/reservations/{id}");
    assert_eq!(held.header("location"), at);
    assert_eq!(held.body["state"], "held");
    // 2.25 m at 129.50 are 291.375, which rounds half up.
    assert_eq!(held.body["lines"][2]["line_total"]["amount"], "291.38");
    assert_eq!(
        held.body["total"],
        json!({"amount": "1191.38", "currency": "SEK"})
    );
    assert_eq!(held.body["metadata"], json!({"cart": 7}));
    let repeated = shop
        .keyed("POST", "/v1/reservations", "cart-1", &basket)
        .unwrap();
    assert_eq!(repeated.header("idempotent-replayed"), "true");
    assert_eq!((repeated.status, &repeated.body), (201, &held.body));
    let mut other = basket.clone();
    other["customer"] = json!("c-2");
    let other = shop
        .keyed("POST", "/v1/reservations", "cart-1", &other)
        .unwrap();
    assert_eq!((other.status, other.code()), (422, "idempotency_mismatch"));
    at
}

fn others_see_less(shopper: &Client) {
    let page = shopper.read("/v1/availability/clogs/malmo");
    assert_eq!(
        (&page["status"], &page["available"]),
        (&json!("limited"), &json!(3))
    );
    let query = json!({"items": [{"sku": "cloth", "location": "malmo"},
        {"sku": "none", "location": "malmo"}, {"sku": "clogs", "location": "lund"}]});
    let query = shopper.post("/v1/availability/query", &query);
    assert_eq!(query["items"][0]["status"], "in_stock");
    assert_eq!(query["items"][1]["code"], "unknown_item");
    assert_eq!(query["items"][2]["code"], "not_stocked");
}

fn the_basket_is_changed(shop: &Client, shopper: &Client, at: &str) {
    let too_much = json!({"lines": [{"sku": "clogs", "location": "malmo", "quantity": 6},
        {"sku": "clogs", "location": "web", "quantity": 41}]});
    let short = shop.json("PUT", &format!("{at}/lines"), &too_much).unwrap();
    assert_eq!((short.status, short.code()), (409, "insufficient_stock"));
    // Its own holds do not count against it.
    assert_eq!(
        short.body["shortages"],
        json!([
        {"sku": "clogs", "location": "malmo", "requested": 6, "available": 5},
        {"sku": "clogs", "location": "web", "requested": 41, "available": 40}])
    );
    let less = json!({"lines": [{"sku": "clogs", "location": "malmo", "quantity": 5}]});
    let changed = shop.put(&format!("{at}/lines"), &less);
    assert_eq!(changed["total"]["amount"], "1500.00");
    assert_eq!(figures(shop, "clogs/web"), [40.0, 0.0, 0.0, 40.0]);
    assert_eq!(
        shopper.read("/v1/availability/clogs/malmo")["status"],
        "out_of_stock"
    );
    shop.post(&format!("{at}/extend"), &json!({"ttl_seconds": 1200}));
}

fn it_is_paid(shop: &Client, at: &str) {
    let wrong = json!({"payments": [{"method": "card", "reference": "p", "amount": "1500.00",
        "currency": "SEK"}], "adjustments": [{"label": "shipping", "amount": "49.00"}]});
    let wrong = shop.json("POST", &format!("{at}/confirm"), &wrong).unwrap();
    assert_eq!((wrong.status, wrong.code()), (422, "payment_mismatch"));
    let right = json!({"payments": [{"method": "card", "reference": "p", "amount": "1549.00",
        "currency": "SEK"}], "adjustments": [{"label": "shipping", "amount": "49.00"}],
        "fulfilment": {"method": "ship"}, "order": "order-1"});
    let confirmed = shop.post(&format!("{at}/confirm"), &right);
    assert_eq!(
        (&confirmed["state"], &confirmed["expires_at"]),
        (&json!("confirmed"), &Value::Null)
    );
    assert_eq!(shop.post(&format!("{at}/confirm"), &right), confirmed);
    let other = shop
        .json("POST", &format!("{at}/confirm"), &json!({"order": "2"}))
        .unwrap();
    assert_eq!((other.status, other.code()), (409, "already_confirmed"));
    assert_eq!(other.body["reservation"]["order"], "order-1");
    let release = shop
        .json("POST", &format!("{at}/release"), &json!({}))
        .unwrap();
    assert_eq!((release.status, release.code()), (409, "wrong_state"));
}

fn it_is_handed_over(shop: &Client, at: &str) {
    for (filter, count) in [
        ("order=order-1", 1),
        ("customer=c-1", 1),
        ("customer=c-2", 0),
        ("state=held", 0),
        ("sku=clogs&location=malmo&state=confirmed&channel=web", 1),
    ] {
        assert_eq!(
            shop.list(&format!("/v1/reservations?{filter}")).len(),
            count,
            "{filter}"
        );
    }
    let part = json!({"lines": [{"sku": "clogs", "location": "malmo", "quantity": 2}]});
    let unkeyed = shop.json("POST", &format!("{at}/fulfil"), &part).unwrap();
    assert_eq!((unkeyed.status, unkeyed.code()), (422, "invalid_request"));
    let fulfilled = shop
        .keyed("POST", &format!("{at}/fulfil"), "box-1", &part)
        .unwrap()
        .ok();
    assert_eq!(fulfilled["lines"][0]["fulfilled"], 2);
    let much = json!({"lines": [{"sku": "clogs", "location": "malmo", "quantity": 4}]});
    let much = shop
        .keyed("POST", &format!("{at}/fulfil"), "box-2", &much)
        .unwrap();
    assert_eq!((much.status, much.code()), (409, "over_fulfilled"));
    let one = json!({"lines": [{"sku": "clogs", "location": "malmo", "quantity": 1}]});
    shop.post(&format!("{at}/cancel"), &one);
    assert_eq!(figures(shop, "clogs/malmo"), [3.0, 0.0, 2.0, 1.0]);
    let done = shop.post(&format!("{at}/fulfil"), &json!({}));
    assert_eq!(done["state"], "fulfilled");
    assert_eq!(figures(shop, "clogs/malmo"), [1.0, 0.0, 0.0, 1.0]);
    let over = shop
        .json("POST", &format!("{at}/cancel"), &json!({}))
        .unwrap();
    assert_eq!((over.status, over.code()), (409, "reservation_resolved"));
    assert_eq!(over.body["state"], "fulfilled");
}

#[test]
fn a_hold_lapses_at_its_deadline_and_can_be_reclaimed() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let shop = open(&server);
    let place = json!({"lines": [{"sku": "clogs", "location": "malmo", "quantity": 5}],
        "ttl_seconds": 1});
    let after = shop.read("/v1/stock")["position"]
        .as_str()
        .unwrap()
        .to_owned();
    let held = shop.post("/v1/reservations", &place);
    let at = format!("/v1/reservations/{}", held["id"].as_str().unwrap());
    let mut after = after;
    loop {
        let page = shop.read(&format!("/v1/events?after={after}&wait_seconds=10"));
        let events = page["events"].as_array().unwrap();
        assert!(!events.is_empty(), "it never lapsed");
        if events
            .iter()
            .any(|event| event["type"] == "onhand.reservation.expired")
        {
            break;
        }
        page["next"].as_str().unwrap().clone_into(&mut after);
    }
    assert_eq!(shop.read(&at)["state"], "expired");
    assert_eq!(figures(&shop, "clogs/malmo"), [5.0, 0.0, 0.0, 5.0]);
    let late = shop
        .json("POST", &format!("{at}/confirm"), &json!({}))
        .unwrap();
    assert_eq!((late.status, late.code()), (410, "reservation_expired"));
    shop.put(
        "/v1/items/clogs",
        &json!({"name": "Dearer",
        "price": {"amount": "999.00", "currency": "SEK"}}),
    );
    let reclaimed = shop.post(&format!("{at}/confirm"), &json!({"reclaim": true}));
    assert_eq!(reclaimed["state"], "confirmed");
    assert_eq!(reclaimed["total"]["amount"], "1500.00");
}
