//! The feed over real WebSockets: what is shown to whom, what goes live, and how one comes back.

use onhand::http::docs::feed::{Line, SESSION};
use serde_json::{Value, json};

use crate::client::Client;
use crate::follower::{Follower, name};
use crate::server::{ADMIN, DataDir, Server, Start};
use crate::shop::Shop;

/// Moves stock of an item.
pub fn moved(client: &Client, kind: &str, key: &str, quantity: i64) -> Value {
    let (sku, location) = key.split_once('@').unwrap();
    let id = format!("{:x}", rand::random::<u64>());
    let movement = json!({"id": id, "type": kind, "sku": sku, "location": location,
        "quantity": quantity});
    let answer = client.post("/v1/movements", &json!({"movements": [movement]}));
    assert_eq!(answer["results"][0]["status"], "applied", "{answer}");
    answer["results"][0]["stock"].clone()
}

fn keys(levels: &Value) -> Vec<String> {
    levels.as_array().unwrap().iter().map(name).collect()
}

#[test]
fn a_page_sees_the_state_then_every_turn_of_the_public_face_and_no_sale_in_between() {
    let shop = Shop::open();
    let mut page = Follower::try_open(&shop.server, &[]).unwrap();
    let welcome = page.next();
    assert_eq!(welcome["type"], "welcome");
    assert_eq!(welcome["ping_seconds"], 25);
    assert_eq!(welcome["max_keys"], 200);
    let state = page.subscribe(&["clogs@malmo", "clogs@lund"], &json!({}));
    let level = &state["levels"][0];
    assert_eq!(level["status"], "in_stock");
    assert!(level.get("available").is_none() && level.get("removed").is_none());
    assert_eq!(state["items"][0]["name"], "Clogs");
    assert_eq!(state["items"][0]["sku"], "clogs");
    assert_eq!(state["unknown"], json!(["clogs@lund"]));
    assert_eq!(state["denied"], json!([]));

    let client = shop.client();
    let read = client.read("/v1/availability/clogs/malmo");
    assert_eq!(welcome["epoch"], read["epoch"]);
    // The public version is the one of /v1/availability, not that of the stock.
    let nobody = shop.server.client_with("");
    let public = nobody.read("/v1/availability/clogs/malmo");
    assert_eq!(level["version"], public["version"]);

    moved(&client, "sale", "clogs@malmo", 1);
    moved(&client, "sale", "clogs@malmo", 1);
    let limited = page.until("clogs@malmo", |level| level["status"] == "limited");
    assert_eq!(limited.len(), 1, "a sale that changes no face was told");
    assert_eq!(limited[0]["available"], 3);
    moved(&client, "sale", "clogs@malmo", 3);
    let out = page.until("clogs@malmo", |level| level["status"] == "out_of_stock");
    let version = |level: &Value| level["version"].as_u64().unwrap();
    assert!(version(&out[0]) > version(&limited[0]) && version(&limited[0]) > version(level));

    // What was unknown goes live.
    moved(&client, "receipt", "clogs@lund", 9);
    page.until("clogs@lund", |level| level["status"] == "in_stock");
}

#[test]
fn who_may_read_stock_sees_exact_figures_and_follows_patterns() {
    let shop = Shop::open();
    let client = shop.client();
    moved(&client, "receipt", "clogs@lund", 2);
    client.put("/v1/items/socks", &json!({"name": "Socks"}));
    let mut till = Follower::open_with(&shop.server, crate::server::ADMIN);
    let everywhere = till.subscribe(&["clogs@*"], &json!({}));
    assert_eq!(keys(&everywhere["levels"]), ["clogs@lund", "clogs@malmo"]);
    assert_eq!(everywhere["levels"][1]["available"], 5);
    assert_eq!(everywhere["items"].as_array().unwrap().len(), 1);
    let store = till.subscribe(&["*@malmo"], &json!({}));
    assert_eq!(keys(&store["levels"]), ["clogs@malmo"]);

    // A key that did not exist when the pattern was followed.
    moved(&client, "receipt", "socks@malmo", 4);
    let socks = till.until("socks@malmo", |level| level["available"] == 4);
    assert_eq!(socks.len(), 1);
    assert_eq!(till.next_of("item")["item"]["name"], "Socks");
    let sold = moved(&client, "sale", "clogs@lund", 1);
    let told = till.until("clogs@lund", |level| level["available"] == 1);
    assert_eq!(told[0]["version"], sold["version"]);
    assert_eq!(told[0]["at"], sold["updated_at"]);

    // The header does as well as a hello; a screen sees the public view of its location.
    let made = client.post("/v1/tokens", &json!({"name": "Wall", "scopes": ["screen"]}));
    let bearer = format!("Bearer {}", made["token"].as_str().unwrap());
    let mut wall = Follower::try_open(&shop.server, &[("authorization", &bearer)]).unwrap();
    assert_eq!(wall.next()["max_keys"], 5000);
    let state = wall.subscribe(&["*@malmo"], &json!({}));
    assert_eq!(keys(&state["levels"]), ["clogs@malmo", "socks@malmo"]);
    assert_eq!(state["levels"][0].get("available"), None);

    // Without a token patterns are denied, and the rest is answered.
    let mut page = Follower::open(&shop.server);
    let state = page.subscribe(&["clogs@*", "clogs@malmo", "*@malmo"], &json!({}));
    assert_eq!(state["denied"], json!(["clogs@*", "*@malmo"]));
    assert_eq!(keys(&state["levels"]), ["clogs@malmo"]);
}

#[test]
fn what_is_no_longer_followed_is_no_longer_told_and_what_is_no_longer_stocked_is_removed() {
    let shop = Shop::open();
    let client = shop.client();
    moved(&client, "receipt", "clogs@lund", 1);
    let mut till = Follower::open_with(&shop.server, crate::server::ADMIN);
    till.subscribe(&["clogs@*", "clogs@malmo"], &json!({}));
    till.say(&json!({"op": "unsubscribe", "id": 8, "keys": ["clogs@*"]}));
    // The answer to a later command shows that this one was obeyed.
    till.subscribe(&["clogs@malmo"], &json!({}));
    moved(&client, "receipt", "clogs@lund", 1);
    let emptied = moved(&client, "sale", "clogs@malmo", 5);
    let told = till.next_of("update");
    assert_eq!(keys(&told["levels"]), ["clogs@malmo"]);
    assert_eq!(told["levels"][0]["version"], emptied["version"]);

    let gone = client.send("DELETE", "/v1/stock/clogs/malmo", &[], None);
    assert_eq!(gone.unwrap().status, 204);
    let removed = till.until("clogs@malmo", |level| level["removed"] == true);
    assert!(removed[0].get("status").is_none() && removed[0].get("available").is_none());
    moved(&client, "receipt", "clogs@malmo", 7);
    till.until("clogs@malmo", |level| level["available"] == 7);

    // Who was away meanwhile hears of it too, by name and by pattern.
    moved(&client, "sale", "clogs@lund", 2);
    let gone = client.send("DELETE", "/v1/stock/clogs/lund", &[], None);
    assert_eq!(gone.unwrap().status, 204);
    let mut back = Follower::open_with(&shop.server, crate::server::ADMIN);
    let have = json!({"clogs@lund": 1, "clogs@malmo": 1});
    let state = back.subscribe(&["clogs@*"], &have);
    let levels = state["levels"].as_array().unwrap();
    let lund = levels.iter().find(|level| name(level) == "clogs@lund");
    assert_eq!(lund.unwrap()["removed"], true);
    let state = back.subscribe(&["clogs@lund"], &have);
    assert_eq!(state["unknown"], json!(["clogs@lund"]));
}

#[test]
fn prices_and_names_are_told_when_they_change_and_when_an_offer_turns() {
    let shop = Shop::open();
    let client = shop.client();
    let mut page = Follower::open(&shop.server);
    page.subscribe(&["clogs@malmo"], &json!({}));
    let mut wall = Follower::open_with(&shop.server, crate::server::ADMIN);
    wall.subscribe(&["*@malmo"], &json!({}));
    client.put("/v1/items/other", &json!({"name": "Not followed"}));
    let price = json!({"amount": "300.00", "currency": "SEK"});
    let body = json!({"name": "Red clogs", "price": price});
    let written = client.put("/v1/items/clogs", &body);
    for follower in [&mut page, &mut wall] {
        let told = follower.next_of("item");
        assert_eq!(told["item"]["sku"], "clogs");
        assert_eq!(told["item"]["name"], "Red clogs");
        assert_eq!(told["item"]["current_price"], price);
    }
    // An offer that begins and ends within the next moments, by itself.
    let now: jiff::Timestamp = written["updated_at"].as_str().unwrap().parse().unwrap();
    let at = |ms: i64| format!("{:.3}", now + jiff::SignedDuration::from_millis(ms));
    let offer = json!({"amount": "240.00", "from": at(1500), "until": at(2000)});
    let body = json!({"name": "Red clogs", "price": price, "offer": offer});
    client.put("/v1/items/clogs", &body);
    let mut prices = Vec::new();
    while prices.len() < 3 {
        let told = page.next_of("item");
        let current = told["item"]["current_price"]["amount"].clone();
        if prices.last() != Some(&current) {
            prices.push(current);
        }
    }
    assert_eq!(prices, ["300.00", "240.00", "300.00"]);
}

#[test]
fn what_is_newly_stocked_under_a_pattern_is_described_once() {
    let shop = Shop::open();
    let client = shop.client();
    client.put("/v1/items/socks", &json!({"name": "Socks"}));
    let mut wall = Follower::open_with(&shop.server, ADMIN);
    wall.subscribe(&["*@malmo", "*@lund"], &json!({}));
    let mut shelf = Follower::open_with(&shop.server, ADMIN);
    let nowhere = shelf.subscribe(&["socks@*"], &json!({}));
    assert_eq!(keys_of(&nowhere), [""; 0]);
    assert_eq!(nowhere["items"][0]["name"], "Socks");
    for (key, quantity) in [("socks@malmo", 4), ("socks@lund", 5), ("socks@malmo", 1)] {
        moved(&client, "receipt", key, quantity);
        for follower in [&mut wall, &mut shelf] {
            follower.until(key, |_| true);
        }
        if (key, quantity) == ("socks@malmo", 4) {
            assert_eq!(wall.next_of("item")["item"]["name"], "Socks");
        }
    }
}

#[test]
fn who_comes_back_with_versions_is_told_only_what_is_newer_even_after_a_kill() {
    let data = DataDir::new();
    let start = || Start::on(&data.path).run();
    let mut server = start();
    let client = server.client();
    for location in ["malmo", "lund"] {
        let body = json!({"name": location, "kind": "store"});
        client.put(&format!("/v1/locations/{location}"), &body);
    }
    client.put("/v1/items/clogs", &json!({"name": "Clogs"}));
    moved(&client, "receipt", "clogs@malmo", 5);
    moved(&client, "receipt", "clogs@lund", 5);
    let mut till = Follower::open_with(&server, crate::server::ADMIN);
    let before = till.subscribe(&["clogs@malmo", "clogs@lund"], &json!({}));
    let version = |index: usize| before["levels"][index]["version"].clone();
    let have = json!({"clogs@malmo": version(0), "clogs@lund": version(1)});
    let epoch = |server: &Server| Follower::try_open(server, &[]).unwrap().next()["epoch"].clone();
    let first = epoch(&server);

    let sold = moved(&client, "sale", "clogs@lund", 1);
    server.kill9();
    assert_eq!(till.closed(), None);
    server = start();
    assert_eq!(epoch(&server), first);
    let mut back = Follower::open_with(&server, crate::server::ADMIN);
    for keys in [&["clogs@malmo", "clogs@lund"][..], &["clogs@*"]] {
        let state = back.subscribe(keys, &have);
        assert_eq!(keys_of(&state), ["clogs@lund"]);
        assert_eq!(state["levels"][0]["version"], sold["version"]);
    }
    // A version that was never given is no reason to keep silent.
    let state = back.subscribe(&["clogs@malmo"], &json!({"clogs@malmo": 1_000_000}));
    assert_eq!(keys_of(&state), ["clogs@malmo"]);
    let again = moved(&server.client(), "sale", "clogs@malmo", 1);
    let told = back.until("clogs@malmo", |_| true);
    assert_eq!(told[0]["version"], again["version"]);
}

fn keys_of(state: &Value) -> Vec<String> {
    keys(&state["levels"])
}

#[test]
fn a_large_answer_comes_in_parts() {
    let shop = Shop::open();
    let client = shop.client();
    let sku = |number: usize| format!("s{number:04}");
    for first in [0, 600] {
        let items: Vec<Value> = (first..first + 600)
            .map(|number| json!({"sku": sku(number), "name": sku(number)}))
            .collect();
        client.post("/v1/items/batch", &json!({"items": items}));
        let movements: Vec<Value> = (first..first + 600)
            .map(|number| {
                json!({"id": sku(number), "type": "receipt", "sku": sku(number),
                    "location": "lund", "quantity": 1})
            })
            .collect();
        client.post("/v1/movements", &json!({"movements": movements}));
    }
    let mut till = Follower::open_with(&shop.server, crate::server::ADMIN);
    till.say(&json!({"op": "subscribe", "id": 1, "keys": ["*@lund", "clogs@malmo"]}));
    let mut parts = Vec::new();
    let mut told = std::collections::BTreeSet::new();
    loop {
        let part = till.next_of("state");
        assert_eq!(part["id"], 1);
        assert_eq!(
            part["levels"].as_array().unwrap().len(),
            part["items"].as_array().unwrap().len()
        );
        parts.push(part["levels"].as_array().unwrap().len());
        told.extend(keys(&part["levels"]));
        if part["last"] == true {
            break;
        }
    }
    assert!(
        parts.len() >= 3 && parts.iter().all(|levels| *levels <= 500),
        "{parts:?}"
    );
    assert_eq!(told.len(), 1201);
}

#[test]
fn a_command_that_names_what_is_no_key_is_refused_and_nothing_of_it_is_followed() {
    let shop = Shop::open();
    let mut page = Follower::open(&shop.server);
    page.say(&json!({"op": "subscribe", "id": 3, "keys": ["clogs@malmo", "clogs"]}));
    let error = page.next();
    assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!(3)));
    assert_eq!(error["code"], "invalid_request");
    assert!(
        error["detail"].as_str().unwrap().contains("keys/1"),
        "{error}"
    );
    moved(&shop.client(), "sale", "clogs@malmo", 5);
    let state = page.subscribe(&["clogs@malmo"], &json!({}));
    assert_eq!(state["levels"][0]["status"], "out_of_stock");
}

#[test]
fn the_session_of_the_documentation_goes_as_it_is_shown() {
    let data = DataDir::new();
    let server = Server::start(&data.path);
    let client = server.client();
    for operation in ["putItem", "putLocation", "recordMovements"] {
        let example = onhand::http::docs::example::of(operation).unwrap();
        let method = if operation == "recordMovements" {
            "POST"
        } else {
            "PUT"
        };
        if operation == "recordMovements" {
            let linen = onhand::http::docs::example::of("batchItems").unwrap();
            let items: Value = serde_json::from_str(linen.body.unwrap()).unwrap();
            client.post(linen.path, &items);
        }
        let body: Value = serde_json::from_str(example.body.unwrap()).unwrap();
        client.json(method, example.path, &body).unwrap().ok();
    }
    let mut you = Follower::try_open(&server, &[]).unwrap();
    for line in SESSION {
        match line {
            Line::Say(frame) => you.say(&serde_json::from_str(frame).unwrap()),
            Line::Meanwhile(method, path, body) => {
                let body = serde_json::from_str(body).unwrap();
                client.json(method, path, &body).unwrap().ok();
            }
            Line::Hear(frame) => {
                let mut shown: Value = serde_json::from_str(frame).unwrap();
                let mut heard = you.next();
                for frame in [&mut shown, &mut heard] {
                    let frame = frame.as_object_mut().unwrap();
                    frame.remove("epoch");
                    for level in frame
                        .get_mut("levels")
                        .and_then(Value::as_array_mut)
                        .into_iter()
                        .flatten()
                    {
                        level.as_object_mut().unwrap().remove("at").unwrap();
                    }
                }
                assert_eq!(heard, shown);
            }
        }
    }
}
