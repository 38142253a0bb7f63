//! One request and its answer for good: repeated through overload, unknown outcomes and lost
//! connections as the contract allows, with `Retry-After` honoured, and given up at the word to
//! end. It must not know what is asked.

use std::time::Duration;

use crate::cli::ServerArgs;
use crate::cli::client::{Answer, HttpServer, Method, Server, persist};

use super::stop::Stop;

/// A request that is safe to repeat: it reads, or carries ids or a key.
pub(super) struct Request {
    /// What it does.
    pub(super) method: Method,
    /// Where.
    pub(super) path: String,
    /// The JSON body.
    pub(super) body: Option<String>,
    /// Its Idempotency-Key.
    pub(super) key: Option<String>,
}

/// The way to the service; a script in tests.
pub(super) trait Wire: Send {
    /// Sends a request until it is answered for good.
    ///
    /// # Errors
    /// The last thing heard, once patience is at its end.
    fn send(&mut self, request: &Request) -> Result<Answer, String>;
}

/// A patient client.
pub(super) struct Patient {
    http: HttpServer,
    stop: Stop,
}

impl Patient {
    /// One who asks at `url` with `token`, until the word to end.
    pub(super) fn new(url: &str, token: &str, stop: &Stop) -> Patient {
        let server = ServerArgs {
            url: url.to_owned(),
            token: token.to_owned(),
            ca: None,
        };
        Patient {
            http: HttpServer::new(&server),
            stop: stop.clone(),
        }
    }
}

impl Wire for Patient {
    fn send(&mut self, request: &Request) -> Result<Answer, String> {
        let (path, body) = (&request.path, request.body.as_deref());
        let mut attempts = Attempts {
            wire: self,
            key: request.key.as_deref(),
        };
        persist(&mut attempts, request.method, path, body)
    }
}

/// As the command line's client, for sheets.
impl Server for Patient {
    fn call(&mut self, method: Method, path: &str, body: Option<&str>) -> Result<Answer, String> {
        let (wire, key) = (self, None);
        Attempts { wire, key }.call(method, path, body)
    }

    fn wait(&mut self, duration: Duration) {
        self.stop.wait(duration);
    }
}

/// The attempts at one request.
struct Attempts<'w> {
    wire: &'w mut Patient,
    key: Option<&'w str>,
}

impl Server for Attempts<'_> {
    fn call(&mut self, method: Method, path: &str, body: Option<&str>) -> Result<Answer, String> {
        if self.wire.stop.is_stopped() {
            return Err("the demo ends".to_owned());
        }
        self.wire.http.send(method, path, body, self.key)
    }

    fn wait(&mut self, duration: Duration) {
        self.wire.stop.wait(duration);
    }
}
