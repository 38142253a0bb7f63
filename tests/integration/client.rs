//! A client of the contract for tests: any method, any bytes, and the whole answer. It must not
//! know what is asked, and it repeats nothing by itself.

use std::time::Duration;

use serde_json::Value;
use ureq::http::{HeaderMap, Request};
use ureq::tls::TlsConfig;

/// One who asks a server over connections that are kept open.
pub struct Client {
    agent: ureq::Agent,
    base: String,
    token: String,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as JSON; null if it is none.
    pub body: Value,
    /// The body as text; empty if it is none.
    pub text: String,
}

/// The connection was lost: whether anything happened is unknown.
#[derive(Clone, Debug)]
pub struct Lost;

impl Client {
    /// One who asks the server at `base`, with a token unless it is empty.
    pub fn new(base: &str, token: &str) -> Client {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .allow_non_standard_methods(true)
            .timeout_global(Some(Duration::from_secs(60)))
            // Tests make their certificates themselves.
            .tls_config(TlsConfig::builder().disable_verification(true).build())
            .build();
        Client {
            agent: config.new_agent(),
            base: base.to_owned(),
            token: token.to_owned(),
        }
    }

    /// Sends exactly this.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer, Lost> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let sent = match body {
            Some(body) => self.agent.run(request.body(body.to_vec()).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        };
        let mut response = sent.map_err(|_| Lost)?;
        let bytes = response
            .body_mut()
            .with_config()
            .limit(1 << 28)
            .read_to_vec();
        let bytes = bytes.map_err(|_| Lost)?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            text: String::from_utf8(bytes).unwrap_or_default(),
        })
    }

    /// Sends a JSON document.
    pub fn json(&self, method: &str, path: &str, body: &Value) -> Result<Answer, Lost> {
        self.send(method, path, &[], Some(body.to_string().as_bytes()))
    }

    /// Sends a JSON document under an Idempotency-Key.
    pub fn keyed(&self, method: &str, path: &str, key: &str, body: &Value) -> Result<Answer, Lost> {
        let headers = [("idempotency-key", key)];
        self.send(method, path, &headers, Some(body.to_string().as_bytes()))
    }

    /// Reads.
    pub fn get(&self, path: &str) -> Result<Answer, Lost> {
        self.send("GET", path, &[], None)
    }

    /// Posts what must succeed.
    pub fn post(&self, path: &str, body: &Value) -> Value {
        self.json("POST", path, body).unwrap().ok()
    }

    /// Puts what must succeed.
    pub fn put(&self, path: &str, body: &Value) -> Value {
        self.json("PUT", path, body).unwrap().ok()
    }

    /// Reads what must be there.
    pub fn read(&self, path: &str) -> Value {
        self.get(path).unwrap().ok()
    }

    /// Reads a list to its end, page by page.
    pub fn list(&self, path: &str) -> Vec<Value> {
        let (mut items, mut after) = (Vec::new(), String::new());
        loop {
            let joint = if path.contains('?') { '&' } else { '?' };
            let page = self.read(&format!("{path}{joint}limit=1000&after={after}"));
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut after),
                None => return items,
            }
        }
    }

    /// Reads all events that are kept.
    pub fn events(&self) -> Vec<Value> {
        let (mut events, mut after) = (Vec::new(), "earliest".to_owned());
        loop {
            let page = self.read(&format!("/v1/events?after={after}&limit=1000"));
            let news = page["events"].as_array().unwrap();
            if news.is_empty() {
                return events;
            }
            events.extend(news.iter().cloned());
            page["next"].as_str().unwrap().clone_into(&mut after);
        }
    }
}

impl Answer {
    /// The body of a success.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(
            (200..300).contains(&self.status),
            "{} {}",
            self.status,
            self.body
        );
        self.body
    }

    /// A header as text; empty if it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The code of a problem.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }
}
