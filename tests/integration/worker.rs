//! A caller under load: places reservations and changes them, sells over the counter, takes
//! deliveries; and notes each answer. What it is sure of, and what it is not, is compared with
//! what the server says after it was killed (`book`). It must not know when that happens.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::client::{Answer, Client, Lost};
use crate::dice::Dice;
use crate::levels::{Levels, key_of, number};

/// Keys that reservations and tills share.
pub const SHELF: &[(&str, &str)] = &[
    ("clogs-38", "malmo"),
    ("clogs-38", "lund"),
    ("clogs-39", "malmo"),
    ("clogs-39", "lund"),
    ("cloth", "malmo"),
    ("cheese", "web"),
];

/// Keys at which only tills sell; they may sell what is not there.
pub const COUNTER: &[(&str, &str)] = &[("soap", "malmo"), ("soap", "lund")];

/// A request, kept so that it can be repeated.
#[derive(Clone, Debug)]
pub struct Request {
    method: &'static str,
    path: String,
    body: Value,
    /// Its Idempotency-Key; empty for movements, which carry ids.
    pub key: String,
    /// The reservation it changes or uses, if there is one already.
    pub reservation: Option<String>,
}

/// What a worker knows of a reservation of its own.
#[derive(Clone, Debug)]
pub struct Known {
    /// The newest answer.
    pub document: Value,
    /// What tills used of it, by key.
    pub used: BTreeMap<String, i64>,
}

/// One caller.
pub struct Worker {
    name: String,
    dice: Dice,
    count: u64,
    /// Its reservations.
    pub known: BTreeMap<String, Known>,
    /// Movements that were acknowledged, by id.
    pub moved: BTreeMap<String, Value>,
    /// First answers, to be heard again.
    pub answered: Vec<(Request, Value)>,
    /// The request whose answer did not come.
    pub unknown: Option<Request>,
    /// Levels it was told.
    pub levels: Levels,
}

impl Request {
    fn send(&self, client: &Client) -> Result<Answer, Lost> {
        if self.key.is_empty() {
            client.json(self.method, &self.path, &self.body)
        } else {
            client.keyed(self.method, &self.path, &self.key, &self.body)
        }
    }

    /// Sends it until it is not put off: what a raise that was cut off set aside is in its way
    /// until its lead has denied it.
    fn repeat_patiently(&self, client: &Client) -> Answer {
        for _ in 0..30 {
            let answer = self.repeat(client);
            if answer.code() != "overloaded" {
                return answer;
            }
            client.read("/v1/events?after=latest&wait_seconds=1");
        }
        panic!("put off for ever: {self:?}");
    }

    /// Sends it where it must be answered.
    pub fn repeat(&self, client: &Client) -> Answer {
        self.send(client)
            .unwrap_or_else(|lost| panic!("no answer to {self:?}: {lost:?}"))
    }
}

impl Worker {
    /// One of that name.
    pub fn new(name: &str, seed: u64) -> Worker {
        Worker {
            name: name.to_owned(),
            dice: Dice::new(seed),
            count: 0,
            known: BTreeMap::new(),
            moved: BTreeMap::new(),
            answered: Vec::new(),
            unknown: None,
            levels: Levels::default(),
        }
    }

    /// Works until an answer fails to come, or until `most` requests were made; tells of each.
    pub fn work(&mut self, client: &Client, most: usize, mut tell: impl FnMut()) {
        for _ in 0..most {
            let Some(request) = self.next_request() else {
                continue;
            };
            if !self.perform(client, request) {
                return;
            }
            tell();
        }
    }

    /// Sends a request and notes its answer; whether an answer came.
    fn perform(&mut self, client: &Client, request: Request) -> bool {
        let answer = match request.send(client) {
            Ok(answer) if answer.code() != "outcome_unknown" => answer,
            _ => {
                self.unknown = Some(request);
                return false;
            }
        };
        if answer.code() == "overloaded" {
            return true;
        }
        if request.key.is_empty() {
            return self.note_movements(request, &answer);
        }
        self.note_reservation(request, answer);
        true
    }

    fn note_movements(&mut self, request: Request, answer: &Answer) -> bool {
        assert_eq!(answer.status, 200, "{request:?}: {}", answer.body);
        let sent = request.body["movements"].as_array().unwrap();
        let results = answer.body["results"].as_array().unwrap();
        for (movement, result) in sent.iter().zip(results) {
            let id = movement["id"].as_str().unwrap();
            assert_eq!(result["id"], id);
            match result["status"].as_str().unwrap() {
                "retry" if result["problem"]["code"] == "outcome_unknown" => {
                    self.unknown = Some(request);
                    return false;
                }
                "retry" => continue,
                "applied" | "duplicate" => {}
                _ => panic!("{movement}: {result}"),
            }
            self.levels.note(&result["stock"]);
            if self.moved.insert(id.to_owned(), movement.clone()).is_none() {
                self.note_use(movement, result);
            }
        }
        true
    }

    fn note_use(&mut self, movement: &Value, result: &Value) {
        let Some(id) = movement["reservation"].as_str() else {
            return;
        };
        assert_eq!(result["reservation_used"], 1, "{movement}: {result}");
        let key = key_of(movement);
        *self.known.get_mut(id).unwrap().used.entry(key).or_default() += 1;
    }

    fn note_reservation(&mut self, request: Request, answer: Answer) {
        let told = format!("{request:?}: {} {}", answer.status, answer.body);
        if answer.status >= 400 {
            // What a till used may reach the lead later than it reached us.
            let id = request.reservation.as_ref();
            let tilled = id.is_some_and(|id| !self.known[id].used.is_empty());
            assert!(tilled || answer.code() == "insufficient_stock", "{told}");
            return;
        }
        let id = answer.body["id"].as_str().unwrap().to_owned();
        assert!(
            request
                .reservation
                .as_ref()
                .is_none_or(|wanted| *wanted == id),
            "{told}"
        );
        self.answered.push((request, answer.body.clone()));
        match self.known.get_mut(&id) {
            Some(known) => known.document = answer.body,
            None => {
                let known = Known {
                    document: answer.body,
                    used: BTreeMap::new(),
                };
                self.known.insert(id, known);
            }
        }
    }

    /// After a restart: what became of the request that was not answered. Whatever it is, it is
    /// told the same way ever after.
    pub fn resolve(&mut self, client: &Client) {
        let Some(request) = self.unknown.take() else {
            return;
        };
        let happened = self.happened(client, &request);
        let first = request.repeat_patiently(client);
        if let Some(happened) = happened.filter(|_| first.status < 400) {
            let replayed = first.header("idempotent-replayed") == "true";
            assert_eq!(
                replayed, happened,
                "{request:?}: {} {}",
                first.status, first.body
            );
        }
        let answered = self.perform(client, request.clone());
        assert!(answered, "no answer to {request:?}");
        if !request.key.is_empty() && first.status < 400 {
            let again = request.repeat(client);
            assert_eq!(again.header("idempotent-replayed"), "true", "{request:?}");
            assert_eq!(again.body, first.body, "{request:?}");
        }
    }

    /// Whether an unanswered request had its effect, as far as reading tells.
    fn happened(&self, client: &Client, request: &Request) -> Option<bool> {
        if request.key.is_empty() {
            return None;
        }
        match &request.reservation {
            None => {
                let found = client.list(&format!("/v1/reservations?reference={}", request.key));
                Some(!found.is_empty())
            }
            Some(id) if self.known[id].used.is_empty() => {
                let now = client.read(&format!("/v1/reservations/{id}"));
                Some(face(&now) != face(&self.known[id].document))
            }
            Some(_) => None,
        }
    }

    fn next_request(&mut self) -> Option<Request> {
        match self.dice.below(100) {
            0..35 => Some(self.place()),
            35..85 => self.change(),
            _ => Some(self.movements()),
        }
    }

    fn next_name(&mut self) -> String {
        self.count += 1;
        format!("{}-{}", self.name, self.count)
    }

    fn keyed(&mut self, method: &'static str, path: String, body: Value) -> Request {
        let (key, reservation) = (self.next_name(), None);
        Request {
            method,
            path,
            body,
            key,
            reservation,
        }
    }

    fn place(&mut self) -> Request {
        let lines = self.lines();
        let path = "/v1/reservations".to_owned();
        let mut request = self.keyed("POST", path, json!({"lines": lines, "ttl_seconds": 14_400}));
        request.body["reference"] = json!(request.key);
        if self.dice.below(5) == 0 {
            request.body["confirm"] = json!({"order": request.key});
        }
        request
    }

    fn lines(&mut self) -> Vec<Value> {
        let count = 1 + self.dice.below(4) * self.dice.below(2);
        let mut keys: Vec<(&str, &str)> = (0..count).map(|_| *self.dice.one(SHELF)).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut line = |(sku, location)| {
            let quantity = 1 + self.dice.below(2);
            json!({"sku": sku, "location": location, "quantity": quantity})
        };
        keys.into_iter().map(&mut line).collect()
    }

    /// A call on one of its live reservations.
    fn change(&mut self) -> Option<Request> {
        let live: Vec<&Known> = self
            .known
            .values()
            .filter(|known| known.is_live())
            .collect();
        if live.is_empty() {
            return None;
        }
        let Known { document, used } = (*self.dice.one(&live)).clone();
        let held = document["state"] == "held";
        let id = document["id"].as_str().unwrap().to_owned();
        let line = self.dice.one(document["lines"].as_array().unwrap()).clone();
        let part = json!({"lines": [
            {"sku": line["sku"], "location": line["location"], "quantity": 1},
        ]});
        let untouched = used.is_empty();
        let left = |line: &Value| number(line, "quantity") - number(line, "fulfilled") > 0;
        let (method, call, body) = match (self.dice.below(6), held) {
            (0, _) if untouched && left(&line) => return Some(self.till_use(&id, &line)),
            (1 | 2, true) if untouched => ("PUT", "lines", json!({"lines": self.lines()})),
            (3, true) => ("POST", "release", json!({})),
            (4, true) if untouched => ("POST", "extend", json!({"ttl_seconds": 14_000})),
            (_, true) => ("POST", "confirm", json!({"order": format!("order-{id}")})),
            (1, false) if untouched && left(&line) => ("POST", "fulfil", part),
            (2 | 3, false) => ("POST", "cancel", json!({})),
            (_, false) => ("POST", "fulfil", json!({})),
        };
        let mut request = self.keyed(method, format!("/v1/reservations/{id}/{call}"), body);
        request.reservation = Some(id);
        Some(request)
    }

    /// A till sells what a reservation holds, be it at the key that leads it or at another.
    fn till_use(&mut self, id: &str, line: &Value) -> Request {
        let name = self.next_name();
        let sale = json!({"id": name, "type": "sale", "sku": line["sku"],
            "location": line["location"], "quantity": 1, "reservation": id});
        let mut request = moving(vec![sale]);
        request.reservation = Some(id.to_owned());
        request
    }

    fn movements(&mut self) -> Request {
        let count = 1 + self.dice.below(3);
        moving((0..count).map(|_| self.movement()).collect())
    }

    fn movement(&mut self) -> Value {
        let (id, quantity) = (self.next_name(), 1 + self.dice.below(3));
        let (sku, location) = match self.dice.below(4) {
            0 | 1 => *self.dice.one(SHELF),
            _ => *self.dice.one(COUNTER),
        };
        let mut movement = json!({"id": id, "type": "receipt", "sku": sku, "location": location,
            "quantity": quantity});
        if sku != "soap" {
            return movement;
        }
        let kind = *self
            .dice
            .one(&["receipt", "sale", "return", "adjustment", "transfer"]);
        movement["type"] = json!(kind);
        match kind {
            "transfer" => {
                movement["to"] = json!(if location == "malmo" { "lund" } else { "malmo" });
            }
            "adjustment" => {
                movement["quantity"] = json!(-1);
                movement["reason"] = json!("shrinkage");
            }
            _ => {}
        }
        movement
    }
}

impl Known {
    fn is_live(&self) -> bool {
        self.document["state"] == "held" || self.document["state"] == "confirmed"
    }
}

fn moving(movements: Vec<Value>) -> Request {
    Request {
        method: "POST",
        path: "/v1/movements".to_owned(),
        body: json!({"movements": movements}),
        key: String::new(),
        reservation: None,
    }
}

/// A reservation but for its version, which also rises when a raise that was cut off is denied.
pub fn face(reservation: &Value) -> Value {
    let mut face = reservation.clone();
    face.as_object_mut().unwrap().remove("version");
    face
}
