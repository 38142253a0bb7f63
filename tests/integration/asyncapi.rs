//! The AsyncAPI document: it is one by the official schema, every reference leads somewhere, its
//! examples are what it says, and so is every frame that a real server sends or takes.

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::feed::moved;
use crate::follower::{Follower, Listener};
use crate::server::{ADMIN, Server};
use crate::shop::Shop;

/// The schema that AsyncAPI documents are held against.
const OFFICIAL: &str = include_str!("../data/asyncapi-3.0.0.json");

fn document(server: &Server) -> Value {
    let url = format!("{}/asyncapi.yaml", server.url);
    let mut answer = ureq::get(url).call().unwrap();
    assert_eq!(answer.headers()["content-type"], "application/yaml");
    let text = answer.body_mut().read_to_string().unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

/// Checks a payload against the schema of a message.
struct Messages {
    document: Value,
}

impl Messages {
    fn validator(&self, message: &str) -> Validator {
        let payload = &self.document["components"]["messages"][message]["payload"];
        assert!(payload.is_object(), "{message} is not described");
        let mut schema = json!({"$schema": "http://json-schema.org/draft-07/schema#"});
        schema["allOf"] = json!([payload]);
        schema["components"] = self.document["components"].clone();
        jsonschema::options()
            .should_validate_formats(true)
            .build(&schema)
            .unwrap()
    }

    #[track_caller]
    fn check(&self, message: &str, payload: &Value) {
        let validator = self.validator(message);
        let faults: Vec<String> = validator
            .iter_errors(payload)
            .map(|fault| format!("{} {fault}", fault.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{message}: {faults:?} in {payload}");
    }

    /// Checks a frame of the server by its type.
    #[track_caller]
    fn check_frame(&self, frame: &Value) {
        let kind = frame["type"].as_str().unwrap();
        self.check(
            if kind == "going_away" {
                "goingAway"
            } else {
                kind
            },
            frame,
        );
    }
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                found.push(reference.to_owned());
            }
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_document_is_valid_complete_and_its_examples_are_what_it_says() {
    let shop = Shop::open();
    let document = document(&shop.server);
    let official: Value = serde_json::from_str(OFFICIAL).unwrap();
    let official = jsonschema::validator_for(&official).unwrap();
    let faults: Vec<String> = official
        .iter_errors(&document)
        .map(|fault| format!("{} {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
    let mut broken = document.clone();
    broken["operations"]["tell"]["action"] = json!("sing");
    assert!(!official.is_valid(&broken), "the official schema takes all");

    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 50);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let messages = Messages { document };
    for (name, message) in messages.document["components"]["messages"]
        .as_object()
        .unwrap()
    {
        let examples = message["examples"].as_array().unwrap();
        assert!(!examples.is_empty(), "{name} has no example");
        for example in examples {
            messages.check(name, &example["payload"]);
        }
    }
}

#[test]
fn every_frame_of_a_real_conversation_is_what_the_document_says() {
    let mut shop = Shop::open();
    let messages = Messages {
        document: document(&shop.server),
    };
    let client = shop.client();
    let mut seen = std::collections::BTreeSet::new();
    let mut hear = |follower: &mut Follower| {
        let frame = follower.next();
        messages.check_frame(&frame);
        seen.insert(frame["type"].as_str().unwrap().to_owned());
        frame
    };
    let mut till = Follower::try_open(&shop.server, &[]).unwrap();
    hear(&mut till);
    let say = |follower: &mut Follower, message: &str, frame: Value| {
        messages.check(message, &frame);
        follower.say(&frame);
    };
    say(&mut till, "hello", json!({"op": "hello", "token": ADMIN}));
    hear(&mut till);
    let keys = json!(["clogs@malmo", "clogs@lund", "clogs@*", "*@lund"]);
    let subscribe = json!({"op": "subscribe", "id": 1, "keys": keys, "have": {"clogs@lund": 9}});
    say(&mut till, "subscribe", subscribe);
    hear(&mut till);
    let mut page = Follower::try_open(&shop.server, &[]).unwrap();
    hear(&mut page);
    say(
        &mut page,
        "subscribe",
        json!({"op": "subscribe", "keys": ["clogs@malmo", "*@lund"]}),
    );
    hear(&mut page);

    for (kind, quantity) in [("sale", 3), ("sale", 2), ("receipt", 40)] {
        moved(&client, kind, "clogs@malmo", quantity);
        assert_eq!(hear(&mut till)["type"], "update");
        assert_eq!(hear(&mut page)["type"], "update");
    }
    moved(&client, "sale", "clogs@malmo", 40);
    hear(&mut till);
    hear(&mut page);
    client
        .send("DELETE", "/v1/stock/clogs/malmo", &[], None)
        .unwrap();
    assert_eq!(hear(&mut till)["levels"][0]["removed"], true);
    let price = json!({"amount": "300.00", "currency": "SEK"});
    let offer = json!({"amount": "240.00", "until": "2099-01-01T00:00:00Z"});
    let item = json!({"name": "Clogs", "attributes": {"colour": "red"}, "price": price,
        "offer": offer});
    client.put("/v1/items/clogs", &item);
    // What is said may be said twice, so the frame that is meant is waited for.
    while hear(&mut till)["type"] != "item" {}
    let mut listener = Listener::open(&shop.server, "/v1/feed/events?keys=clogs@malmo", &[]);
    messages.check_frame(&listener.next().unwrap().frame);

    say(
        &mut till,
        "unsubscribe",
        json!({"op": "unsubscribe", "id": 2, "keys": keys}),
    );
    say(&mut till, "pong", json!({"op": "pong"}));
    till.say(&json!({"op": "subscribe", "id": 3, "keys": ["nothing"]}));
    while hear(&mut till)["type"] != "error" {}
    let mut wrong = Follower::open(&shop.server);
    wrong.say(&json!({"op": "hello", "token": "wrong"}));
    hear(&mut wrong);
    let going = std::thread::spawn(move || till.next_of("going_away"));
    shop.server.stop();
    messages.check_frame(&going.join().unwrap());
    let all = ["error", "item", "state", "update", "welcome"];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), all);
}

#[test]
fn frames_that_the_server_refuses_are_not_what_the_document_says() {
    let shop = Shop::open();
    let messages = Messages {
        document: document(&shop.server),
    };
    let refused: [(&str, Value); 4] = [
        ("hello", json!({"op": "hello", "token": 7})),
        ("subscribe", json!({"op": "subscribe", "keys": ["*@*"]})),
        (
            "subscribe",
            json!({"op": "subscribe", "keys": [], "have": {"a@b": -1}}),
        ),
        ("pong", json!({"op": "pong", "at": 1})),
    ];
    for (message, frame) in refused {
        assert!(!messages.validator(message).is_valid(&frame), "{frame}");
        let mut follower = Follower::open(&shop.server);
        follower.say(&frame);
        assert_eq!(follower.next()["type"], "error", "{frame}");
    }
}
