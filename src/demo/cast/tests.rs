//! What the simulated people decide: it follows from the seed and from the answers, covers all
//! that is theirs to do, and no refusal stops them.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::*;
use crate::cli::client::{Answer, Method};
use crate::demo::caller::text;
use crate::demo::desk::Order;
use crate::demo::wire::{Request, Wire};
use crate::stock::Timestamp;

/// What a scripted service says to a request.
type Script = fn(&Request, u64) -> (u16, Value);

/// Answers by a script and remembers what it was asked.
struct Scripted {
    script: Script,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Wire for Scripted {
    fn send(&mut self, request: &Request) -> Result<Answer, String> {
        let mut asked = self.asked.lock();
        let Request {
            method,
            path,
            body,
            key,
        } = request;
        asked.push(format!("{method:?} {path} {body:?} {key:?}"));
        let count = u64::try_from(asked.len()).unwrap();
        let (status, body) = (self.script)(request, count);
        Ok(Answer {
            status,
            retry_after: None,
            body: body.to_string().into_bytes(),
        })
    }
}

/// A service with a little of everything.
fn willing(request: &Request, count: u64) -> (u16, Value) {
    let path = request.path.as_str();
    if path.starts_with("/v1/movements") {
        let body: Value = serde_json::from_str(request.body.as_ref().unwrap()).unwrap();
        let sent = body["movements"].as_array().unwrap().clone();
        let results = sent
            .iter()
            .map(|sent| json!({"id": sent["id"], "status": "applied"}));
        return (200, json!({"results": results.collect::<Vec<_>>()}));
    }
    if path.starts_with("/v1/stock?") {
        let goods = Sample::read().goods;
        let rows = goods
            .iter()
            .map(|good| json!({"sku": good.sku, "available": 2}));
        return (200, json!({"items": rows.collect::<Vec<_>>()}));
    }
    if path.starts_with("/v1/stock/") {
        let available = if count.is_multiple_of(3) { 0 } else { 30 };
        return (
            200,
            json!({"available": available, "on_hand": 30, "version": 3}),
        );
    }
    if path.starts_with("/v1/availability/") {
        return (
            200,
            json!({"locations": [{"location": "lund", "available": 4}]}),
        );
    }
    (
        201,
        json!({"id": format!("r{count}"), "total": {"amount": "300.00"}}),
    )
}

/// A service that has nothing left.
fn unwilling(request: &Request, _: u64) -> (u16, Value) {
    match request.method {
        Method::Get => (200, json!({"available": 0, "on_hand": 0, "items": []})),
        Method::Post | Method::Put | Method::Delete => (
            409,
            json!({"code": "insufficient_stock", "shortages": [
            {"sku": "red-clogs-38", "location": "malmo", "requested": 2, "available": 0}]}),
        ),
    }
}

/// What all of them ask for in so many acts each, by name.
fn acts(seed: u64, acts: usize, script: Script) -> Vec<(&'static str, Vec<String>)> {
    let played = parts(&Tokens::default()).into_iter().map(|mut part| {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let wire = Scripted {
            script,
            asked: asked.clone(),
        };
        let mut hand = hand(seed, part.name, wire);
        for n in 0..acts {
            let line = json!({"sku": "red-clogs-38", "location": part.name, "quantity": 1});
            let (id, customer) = (format!("order-{n}"), people::id("c", 1));
            hand.desk.put(
                part.name,
                Order {
                    id,
                    customer,
                    lines: vec![line],
                },
            );
            part.player.act(&mut hand);
        }
        let asked = std::mem::take(&mut *asked.lock());
        (part.name, asked)
    });
    played.collect()
}

fn hand(seed: u64, name: &'static str, wire: Scripted) -> Hand {
    Hand {
        caller: Caller::new(name, wire),
        dice: Dice::new(seed, name),
        voice: Voice {
            name,
            clock: Clock::manual(Timestamp::from_millis(0)),
            teller: None,
        },
        sample: Arc::new(Sample::read()),
        desk: Arc::new(Desk::default()),
    }
}

#[test]
fn the_same_seed_asks_for_the_same_and_another_for_something_else() {
    assert_eq!(acts(7, 200, willing), acts(7, 200, willing));
    for ((name, one), (_, other)) in acts(7, 200, willing).iter().zip(acts(8, 200, willing)) {
        assert_ne!(*one, other, "{name}");
    }
}

#[test]
fn everybody_does_all_that_is_theirs_to_do() {
    let said = |request: &str, wanted: &str| wanted.split('…').all(|part| request.contains(part));
    let tills = [
        r#"type\":\"sale"#,
        r#"condition\":\"damaged"#,
        r#"condition\":\"sellable"#,
        "Get /v1/availability/",
        "/fulfil ",
    ];
    for (name, asked) in acts(7, 1_000, willing) {
        let theirs: &[&str] = match name {
            "web" => &[
                "Post /v1/reservations ",
                "Put …/lines ",
                "/release ",
                r#"/confirm …collect"#,
                r#"/confirm …ship…"#,
                r#"location\":\"warehouse…location\":\"lund"#,
            ],
            "market" => &[r#"confirm\":{"#, "/cancel "],
            "malmo" | "lund" => &tills,
            _ => &[
                "/fulfil ",
                r#"type\":\"receipt"#,
                r#"type\":\"transfer"#,
                r#"type\":\"count"#,
            ],
        };
        for wanted in theirs {
            assert!(
                asked.iter().any(|asked| said(asked, wanted)),
                "{name} never: {wanted}"
            );
        }
        let keys: BTreeSet<&String> = asked
            .iter()
            .filter(|asked| asked.contains("Some(\""))
            .collect();
        let writes = asked
            .iter()
            .filter(|asked| asked.contains("Some(\""))
            .count();
        assert_eq!(keys.len(), writes, "{name} names two requests alike");
        assert!(
            !asked.iter().any(|asked| asked.contains("yellow-clogs")),
            "{name} buys yours"
        );
    }
}

#[test]
fn a_refusal_is_no_reason_to_stop() {
    for (name, asked) in acts(7, 300, unwilling) {
        assert!(
            asked.len() >= 300,
            "{name} asked only {} times",
            asked.len()
        );
    }
}

#[test]
fn the_shares_of_all_make_a_whole() {
    assert_eq!(
        parts(&Tokens::default())
            .iter()
            .map(|part| part.share)
            .sum::<u32>(),
        100
    );
}

#[test]
fn orders_of_the_stream_come_to_the_desks_of_their_places() {
    let script = |request: &Request, _| {
        let line = |place: &str| json!({"sku": "clog-cream", "location": place, "quantity": 2});
        let order = json!({"type": "onhand.fulfilment.requested", "data": {"id": "r1",
            "customer": "c00001", "lines": [line("malmo"), line("warehouse")]}});
        assert!(
            request.path.starts_with("/v1/events?after="),
            "{}",
            request.path
        );
        (200, json!({"events": [order], "next": "e:1"}))
    };
    let asked = Arc::new(Mutex::new(Vec::new()));
    let mut hand = hand(1, "stock", Scripted { script, asked });
    assert_eq!(crier::newest(&mut hand), "e%3A1");
    let page = hand.caller.read("/v1/events?after=e%3A1").done().unwrap();
    for event in page["events"].as_array().unwrap() {
        crier::hear(event, &hand);
    }
    for place in ["malmo", "warehouse"] {
        let order = hand.desk.take(place).unwrap();
        assert_eq!(
            (order.id.as_str(), order.customer.as_str()),
            ("r1", "c00001")
        );
        let lines: Vec<&str> = order
            .lines
            .iter()
            .map(|line| text(&line["location"]))
            .collect();
        assert_eq!(lines, [place]);
    }
    assert_eq!(hand.desk.take("lund"), None);
}
