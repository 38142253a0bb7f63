//! A day at a retailer over the wire, as the contract words it: a till's and a warehouse's, an
//! operator's, and that of who reads along. The shopper's is in `shopper`.

use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{DataDir, Server, Start, verify};

/// Red clogs in three places, as the examples of the contract have them.
pub fn open(server: &Server) -> Client {
    let client = server.client();
    for (location, kind) in [("malmo", "store"), ("lund", "store"), ("web", "warehouse")] {
        let body = json!({"name": location, "kind": kind});
        client.put(&format!("/v1/locations/{location}"), &body);
    }
    let clogs = json!({"name": "Red clogs 38", "unit": "each", "decimals": 0,
        "product": "red-clogs", "barcodes": ["7350000000385"],
        "attributes": {"colour": "red", "size": "38"},
        "price": {"amount": "300.00", "currency": "SEK"}});
    client.put("/v1/items/clogs", &clogs);
    let cloth = json!({"name": "Linen", "unit": "metre", "decimals": 2,
        "price": {"amount": "129.50", "currency": "SEK"}});
    client.put("/v1/items/cloth", &cloth);
    for (sku, location, quantity) in [
        ("clogs", "malmo", json!(5)),
        ("clogs", "web", json!(40)),
        ("cloth", "malmo", json!(12.5)),
    ] {
        let id = format!("first-{sku}-{location}");
        let receipt = movement(&id, "receipt", sku, location, &quantity);
        assert_eq!(record(&client, &receipt)["status"], "applied");
    }
    client
}

fn movement(id: &str, kind: &str, sku: &str, location: &str, quantity: &Value) -> Value {
    json!({"id": id, "type": kind, "sku": sku, "location": location, "quantity": quantity})
}

fn record(client: &Client, movement: &Value) -> Value {
    client.post("/v1/movements", &json!({"movements": [movement]}))["results"][0].clone()
}

/// On hand, held, committed and available at a key.
pub fn figures(client: &Client, key: &str) -> [f64; 4] {
    let stock = client.read(&format!("/v1/stock/{key}"));
    ["on_hand", "held", "committed", "available"].map(|name| stock[name].as_f64().unwrap())
}

#[test]
fn a_tills_and_a_warehouses_day() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let shop = open(&server);
    let place = json!({"lines": [{"sku": "clogs", "location": "malmo", "quantity": 2}]});
    let held = shop.post("/v1/reservations", &place);
    let mut sale = movement("t-1", "sale", "clogs", "malmo", &json!(2));
    sale["reservation"] = held["id"].clone();
    let sold = record(&shop, &sale);
    assert_eq!(
        (&sold["status"], &sold["reservation_used"]),
        (&json!("applied"), &json!(2))
    );
    assert_eq!(record(&shop, &sale)["status"], "duplicate");
    let at = format!("/v1/reservations/{}", held["id"].as_str().unwrap());
    assert_eq!(shop.read(&at)["state"], "fulfilled");
    sale["id"] = json!("t-2");
    sale["reservation"] = json!("unknown");
    assert_eq!(record(&shop, &sale)["reservation_used"], 0);
    let sold = record(&shop, &movement("t-3", "sale", "clogs", "malmo", &json!(4)));
    assert_eq!(
        (&sold["oversold"], &sold["stock"]["on_hand"]),
        (&json!(true), &json!(-3))
    );
    assert_eq!(sold["stock"]["shortfall"], 3);
    let mut damaged = movement("t-4", "return", "clogs", "malmo", &json!(1));
    damaged["condition"] = json!("damaged");
    assert_eq!(record(&shop, &damaged)["stock"]["on_hand"], -3);
    let returned = record(
        &shop,
        &movement("t-5", "return", "clogs", "malmo", &json!(1)),
    );
    assert_eq!(returned["stock"]["on_hand"], -2);

    let mut transfer = movement("w-1", "transfer", "clogs", "web", &json!(10));
    transfer["to"] = json!("lund");
    assert_eq!(record(&shop, &transfer)["stock"]["on_hand"], 30);
    assert_eq!(figures(&shop, "clogs/lund"), [10.0, 0.0, 0.0, 10.0]);
    let mut adjustment = movement("w-2", "adjustment", "clogs", "web", &json!(-1));
    adjustment["reason"] = json!("shrinkage");
    let adjusted = record(&shop, &adjustment);
    let mut count = movement("w-3", "count", "clogs", "web", &json!(28));
    count["expected_version"] = json!(adjusted["stock"]["version"].as_u64().unwrap() - 1);
    assert_eq!(record(&shop, &count)["problem"]["code"], "stale_version");
    count["expected_version"] = adjusted["stock"]["version"].clone();
    assert_eq!(record(&shop, &count)["stock"]["on_hand"], 28);
    shop.put("/v1/stock/clogs/web/settings", &json!({"safety_stock": 3}));
    assert_eq!(figures(&shop, "clogs/web"), [28.0, 0.0, 0.0, 25.0]);
    let ledger = shop.list("/v1/stock/clogs/web/movements");
    let kinds: Vec<&str> = ledger
        .iter()
        .map(|entry| entry["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["count", "adjustment", "transfer", "receipt"]);
    let left: Vec<&Value> = ledger.iter().map(|entry| &entry["on_hand"]).collect();
    assert_eq!(left, [28, 29, 30, 40]);
    let full = shop
        .send("DELETE", "/v1/stock/clogs/web", &[], None)
        .unwrap();
    assert_eq!((full.status, full.code()), (409, "not_empty"));
    record(&shop, &movement("w-4", "count", "clogs", "lund", &json!(0)));
    assert!(
        shop.send("DELETE", "/v1/stock/clogs/lund", &[], None)
            .unwrap()
            .status
            < 300
    );
    let gone = shop.get("/v1/stock/clogs/lund").unwrap();
    assert_eq!((gone.status, gone.code()), (404, "not_stocked"));
}

#[test]
fn events_are_cloudevents_and_a_full_read_is_continued_from_them() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let shop = open(&server);
    let list = shop.read("/v1/stock?limit=1");
    assert!(list["next"].is_string() && list["items"].as_array().unwrap().len() == 1);
    let position = list["position"].as_str().unwrap().to_owned();
    assert_eq!(
        shop.read(&format!("/v1/events?after={position}"))["events"],
        json!([])
    );
    record(&shop, &movement("s", "sale", "clogs", "malmo", &json!(5)));
    let page = shop.read(&format!("/v1/events?after={position}&wait_seconds=30"));
    let events = page["events"].as_array().unwrap();
    let kinds: Vec<&str> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["onhand.stock.changed", "onhand.stock.out"]);
    for event in events {
        assert_eq!(
            (&event["specversion"], &event["channel"]),
            (&json!("1.0"), &json!("web"))
        );
        assert_eq!(event["data"]["available"], 0);
        for member in ["id", "source", "subject", "time"] {
            assert!(event[member].is_string(), "{event}");
        }
    }
    let all = shop.events();
    assert!(
        all.iter()
            .any(|event| event["type"] == "onhand.item.changed")
    );
    assert_eq!(shop.read("/v1/events?after=latest")["events"], json!([]));
    for unknown in ["none", "0000000000000000.1", "99"] {
        let expired = shop.get(&format!("/v1/events?after={unknown}")).unwrap();
        assert_eq!((expired.status, expired.code()), (410, "position_expired"));
        let earliest = expired.body["earliest"].as_str().unwrap();
        let again = shop.read(&format!("/v1/events?after={earliest}&limit=1000"));
        assert_eq!(again["events"].as_array().unwrap().len(), all.len());
    }
}

#[test]
fn the_catalogue_is_put_merged_and_searched() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let shop = open(&server);
    let shopper = server.client_with("");
    let patch = json!({"attributes": {"size": null, "last": "wide"},
        "offer": {"amount": "240.00"}, "product": null});
    let clogs = shop.json("PATCH", "/v1/items/clogs", &patch).unwrap().ok();
    assert_eq!(
        clogs["attributes"],
        json!({"colour": "red", "last": "wide"})
    );
    assert_eq!(clogs["current_price"]["amount"], "240.00");
    assert_eq!(
        (&clogs["product"], &clogs["name"]),
        (&Value::Null, &json!("Red clogs 38"))
    );
    assert_eq!(shopper.read("/v1/items/clogs"), clogs);
    for (query, count) in [
        ("barcode=7350000000385", 1),
        ("query=LINEN", 1),
        ("query=none", 0),
        ("product=red-clogs", 0),
    ] {
        assert_eq!(
            shopper.list(&format!("/v1/items?{query}")).len(),
            count,
            "{query}"
        );
    }
    let placed = shop.post(
        "/v1/reservations",
        &json!({"lines": [
        {"sku": "clogs", "location": "malmo", "quantity": 1}]}),
    );
    assert_eq!(placed["total"]["amount"], "240.00");
    let archived = json!({"archived": true});
    shop.json("PATCH", "/v1/items/clogs", &archived)
        .unwrap()
        .ok();
    let refused = shop
        .json(
            "POST",
            "/v1/reservations",
            &json!({"lines": [
        {"sku": "clogs", "location": "malmo", "quantity": 1}]}),
        )
        .unwrap();
    assert_eq!((refused.status, refused.code()), (422, "not_reservable"));
    let location = json!({"region": "Skåne", "latitude": 55.6, "longitude": 13.0});
    let location = shop
        .json("PATCH", "/v1/locations/malmo", &location)
        .unwrap()
        .ok();
    assert_eq!(
        (&location["region"], &location["kind"]),
        (&json!("Skåne"), &json!("store"))
    );
}

#[test]
fn a_batch_of_items_is_answered_one_by_one() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let shop = open(&server);
    let shopper = server.client_with("");
    let batch = json!({"items": [
        {"sku": "soap", "name": "Soap"},
        {"sku": "a@b", "name": "No"},
        {"sku": "brush", "name": "Brush", "colour": "red"},
        {"sku": "cloth", "name": "Cotton", "decimals": 2},
    ]});
    let results = shop.post("/v1/items/batch", &batch);
    let results = results["results"].as_array().unwrap();
    let refused: Vec<bool> = results
        .iter()
        .map(|one| one["status"] == "refused")
        .collect();
    assert_eq!(refused, [false, true, true, false], "{results:?}");
    let code = |index: usize| &results[index]["problem"]["code"];
    assert_eq!(
        (code(1), code(2)),
        (&json!("invalid_request"), &json!("invalid_request"))
    );
    assert_eq!(shopper.read("/v1/items/cloth")["name"], "Cotton");
    assert_eq!(shopper.get("/v1/items/brush").unwrap().status, 404);
}

#[test]
fn an_operators_day() {
    let data = DataDir::new();
    let mut server = Start::on(&data.path).without_token().run();
    let shown = |server: &Server| {
        let line = server
            .greeting
            .iter()
            .find(|line| line.trim_start().starts_with("token"));
        line.map(|line| line.split_whitespace().nth(1).unwrap().to_owned())
    };
    let token = shown(&server).expect("the first start shows a token");
    let made = json!({"name": "Shop", "scopes": ["reserve", "stock:read"], "channel": "web"});
    let made = server.client_with(&token).post("/v1/tokens", &made);
    let (id, secret) = (
        made["id"].as_str().unwrap(),
        made["token"].as_str().unwrap(),
    );
    let listed = server.client_with(&token).list("/v1/tokens");
    assert!(
        listed.iter().all(|token| token.get("token").is_none()),
        "{listed:?}"
    );

    let refused = Start::on(&data.path).try_run().err();
    let (ended, said) = refused.expect("a second process on the directory is refused");
    assert_eq!(ended.code(), Some(1), "{said}");
    assert!(said.contains("error:"), "{said}");
    assert_eq!(
        server.client_with(secret).get("/v1/stock").unwrap().status,
        200
    );

    server.stop();
    let server = Start::on(&data.path).without_token().run();
    assert_eq!(shown(&server), None, "it is shown once");
    assert!(
        server
            .greeting
            .iter()
            .any(|line| line.contains(" 0 records replayed"))
    );
    let admin = server.client_with(&token);
    assert_eq!(
        server.client_with(secret).get("/v1/stock").unwrap().status,
        200
    );
    let revoked = admin
        .send("DELETE", &format!("/v1/tokens/{id}"), &[], None)
        .unwrap();
    assert_eq!(revoked.status, 204);
    assert_eq!(
        server.client_with(secret).get("/v1/stock").unwrap().status,
        401
    );
    let ops = Client::new(&server.ops, "");
    for probe in ["/livez", "/readyz"] {
        assert_eq!(ops.get(probe).unwrap().status, 200);
    }
    drop(server);
    let server = Start::on(&data.path).without_token().run();
    assert_eq!(
        server.client_with(secret).get("/v1/stock").unwrap().status,
        401
    );
    drop(server);
    verify(&data.path);
}
