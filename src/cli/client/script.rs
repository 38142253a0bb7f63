//! A server for tests that answers from a script and remembers what it was asked.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Answer, Method, Server};

pub(in crate::cli) type Reply = Box<dyn FnMut(&Asked) -> Result<Answer, String>>;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Asked {
    pub(in crate::cli) method: Method,
    pub(in crate::cli) path: String,
    pub(in crate::cli) body: serde_json::Value,
    pub(in crate::cli) text: String,
}

/// Plays the queued replies first, then the standing one.
pub(in crate::cli) struct Script {
    pub(in crate::cli) asked: Vec<Asked>,
    pub(in crate::cli) waits: Vec<Duration>,
    pub(in crate::cli) queue: VecDeque<Result<Answer, String>>,
    standing: Reply,
}

impl Script {
    pub(in crate::cli) fn new(
        standing: impl FnMut(&Asked) -> Result<Answer, String> + 'static,
    ) -> Self {
        let standing = Box::new(standing);
        Self {
            asked: Vec::new(),
            waits: Vec::new(),
            queue: VecDeque::new(),
            standing,
        }
    }
}

impl Server for Script {
    fn call(&mut self, method: Method, path: &str, body: Option<&str>) -> Result<Answer, String> {
        let text = body.unwrap_or("null").to_owned();
        let body = serde_json::from_str(&text).expect("a body is JSON");
        let asked = Asked {
            method,
            path: path.to_owned(),
            body,
            text,
        };
        self.asked.push(asked.clone());
        self.queue
            .pop_front()
            .unwrap_or_else(|| (self.standing)(&asked))
    }

    fn wait(&mut self, duration: Duration) {
        self.waits.push(duration);
    }
}

/// An answer with a JSON body.
pub(in crate::cli) fn answer(status: u16, body: serde_json::Value) -> Answer {
    Answer {
        status,
        retry_after: None,
        body: body.to_string().into_bytes(),
    }
}
