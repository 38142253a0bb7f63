//! One who asks the service, with a token of its own: requests under keys and ids of its own, and
//! what came of them. A refusal is an answer like any other. It must not know what is asked.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::wire::{Request, Wire};
use crate::cli::client::{Answer, Method, segment};

/// Times that movements put off by an overloaded service are sent again.
const AGAIN_MAX: u32 = 5;

/// What came of a request.
pub(super) enum Heard {
    /// The document.
    Done(Value),
    /// Nothing changed; why, by the contract's code.
    Refused {
        /// The code.
        code: String,
        /// The whole problem.
        problem: Value,
    },
}

/// One who asks.
pub(super) struct Caller {
    wire: Box<dyn Wire>,
    /// What the names it gives begin with: those who share a token differ in it.
    prefix: &'static str,
    /// How many requests were named.
    count: u64,
}

impl Caller {
    /// One who asks over `wire`, and gives names that begin with `prefix`.
    pub(super) fn new(prefix: &'static str, wire: impl Wire + 'static) -> Caller {
        Caller {
            wire: Box::new(wire),
            prefix,
            count: 0,
        }
    }

    /// A name that this caller has given to nothing else.
    pub(super) fn name(&mut self) -> String {
        self.count += 1;
        format!("{}-{:06}", self.prefix, self.count)
    }

    /// Reads.
    pub(super) fn read(&mut self, path: &str) -> Heard {
        self.ask(Method::Get, path, None, None)
    }

    /// Writes what may be written twice.
    pub(super) fn write(&mut self, method: Method, path: &str, body: &Value) -> Heard {
        self.ask(method, path, Some(body), None)
    }

    /// Asks for something under a key of its own, so that a repetition does not do it twice.
    pub(super) fn once(&mut self, method: Method, path: &str, body: &Value) -> Heard {
        let key = self.name();
        self.ask(method, path, Some(body), Some(key))
    }

    /// Has movements recorded, each under an id of its own; their results.
    pub(super) fn move_goods(&mut self, mut movements: Vec<Value>) -> Vec<Value> {
        for movement in &mut movements {
            movement["id"] = json!(self.name());
        }
        let mut results = Vec::new();
        for _ in 0..AGAIN_MAX {
            let body = json!({"movements": movements});
            let Heard::Done(answer) = self.write(Method::Post, "/v1/movements", &body) else {
                break;
            };
            let answered = answer["results"].as_array().cloned().unwrap_or_default();
            let (again, done): (Vec<Value>, Vec<Value>) = answered
                .into_iter()
                .partition(|result| result["status"] == "retry");
            results.extend(done);
            movements.retain(|sent| again.iter().any(|result| result["id"] == sent["id"]));
            if movements.is_empty() {
                break;
            }
        }
        results
    }

    fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        key: Option<String>,
    ) -> Heard {
        let request = Request {
            method,
            path: path.to_owned(),
            body: body.map(Value::to_string),
            key,
        };
        ask(&mut *self.wire, &request)
    }
}

/// Asks over `wire`; no answer is a refusal as well.
pub(super) fn ask(wire: &mut dyn Wire, request: &Request) -> Heard {
    match wire.send(request) {
        Ok(answer) => heard(request, &answer),
        Err(lost) => {
            tracing::debug!(path = request.path, lost, "the demo was not answered");
            Heard::Refused {
                code: "no_answer".to_owned(),
                problem: Value::Null,
            }
        }
    }
}

fn heard(request: &Request, answer: &Answer) -> Heard {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if answer.is_success() {
        return Heard::Done(body);
    }
    let code = body["code"].as_str().unwrap_or_default().to_owned();
    if !matches!(answer.status, 409 | 410) {
        let (path, status) = (&request.path, answer.status);
        tracing::warn!(path, status, code, "the demo asked for what it should not");
    }
    Heard::Refused {
        code,
        problem: body,
    }
}

impl Heard {
    /// The document, if it was done.
    pub(super) fn done(self) -> Option<Value> {
        match self {
            Heard::Done(document) => Some(document),
            Heard::Refused { .. } => None,
        }
    }

    /// The document, or why not in words.
    pub(super) fn or_words(self) -> Result<Value, String> {
        match self {
            Heard::Done(document) => Ok(document),
            Heard::Refused { code, problem } => Err(format!("{code}: {}", problem["detail"])),
        }
    }
}

/// An exact number of a document; zero if it is none.
pub(super) fn number(value: &Value) -> Decimal {
    let text = value.to_string();
    text.trim_matches('"').parse().unwrap_or_default()
}

/// A text of a document; empty if it is none.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The path of a reservation's call.
pub(super) fn reservation_path(id: &str, call: &str) -> String {
    format!("/v1/reservations/{}/{call}", segment(id))
}
