//! A client of the contract: one request, one answer, and patience where the contract says that
//! repeating is safe. It must not know what is sent.

use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

/// Which server, and who asks.
#[derive(Debug, Clone, Args)]
pub struct ServerArgs {
    /// The server's public address
    #[arg(long, env = "ONHAND_URL", default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// The token to ask with
    #[arg(long, env = "ONHAND_TOKEN", hide_env_values = true)]
    pub token: String,
    /// Trusts only the authorities in this file (PEM), as those of a retailer's own network, or
    /// the server's own certificate, which must not be one of an authority (CA:FALSE)
    #[arg(long, env = "ONHAND_CA", value_name = "FILE", value_parser = authorities)]
    pub ca: Option<RootCerts>,
}

/// The certificates in a file.
fn authorities(path: &str) -> Result<RootCerts, String> {
    let pem = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| error.to_string())? {
            certificates.push(certificate);
        }
    }
    match certificates.is_empty() {
        true => Err(format!("{path} holds no certificate")),
        false => Ok(certificates.into()),
    }
}

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Delete,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Vec<u8>,
}

/// A problem of RFC 9457, as much of it as a person at a terminal needs.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Problem {
    #[serde(default)]
    pub(crate) code: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    pub(crate) errors: Vec<Fault>,
}

/// One fault in a body.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Fault {
    #[serde(default)]
    pub(crate) pointer: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    detail: String,
}

impl Problem {
    /// In words, of one entry of a list: what is wrong with which of its members. The place in
    /// the list means nothing to somebody who wrote a file of lines.
    pub(crate) fn words_of_entry(&self) -> String {
        if self.errors.is_empty() {
            return self.words();
        }
        let faults: Vec<String> = self.errors.iter().map(Fault::words).collect();
        faults.join("; ")
    }

    /// In words: the code, and what is said about it.
    pub(crate) fn words(&self) -> String {
        let said = if self.detail.is_empty() {
            &self.title
        } else {
            &self.detail
        };
        joined(&self.code, said)
    }
}

impl Fault {
    /// In words: the code, the member of the body or of the list's entry, and what is said about
    /// it.
    pub(crate) fn words(&self) -> String {
        let in_list = if self.entry().is_some() { 2 } else { 0 };
        let member: Vec<&str> = self.pointer.split('/').skip(1 + in_list).collect();
        match member.is_empty() {
            true => joined(&self.code, &self.detail),
            false => joined(&self.code, &format!("{} {}", member.join("/"), self.detail)),
        }
    }

    /// The place in the list that the pointer means, as in `/movements/3/quantity`.
    pub(crate) fn entry(&self) -> Option<usize> {
        self.pointer.split('/').nth(2)?.parse().ok()
    }
}

fn joined(code: &str, said: &str) -> String {
    match (code.is_empty(), said.is_empty()) {
        (false, false) => format!("{code}: {said}"),
        (false, true) => code.to_owned(),
        (true, false) => said.to_owned(),
        (true, true) => "refused without a reason".to_owned(),
    }
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the same request may be answered otherwise the next time. One that was sent before
    /// and still runs says nothing yet of how that ends.
    fn is_passing(&self) -> bool {
        match self.status {
            BODY_LATE | 429 | 502 | 503 | 504 => true,
            409 => self.problem().code == "idempotency_in_progress",
            _ => false,
        }
    }

    /// The problem in the body, or an empty one if something in between answered in our place.
    pub(crate) fn problem(&self) -> Problem {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The refusal in words, the status first.
    pub(crate) fn words(&self) -> String {
        format!("{} {}", self.status, self.problem().words())
    }
}

/// The other side; a script in tests.
pub(crate) trait Server {
    /// One request. The error is a lost connection: whether anything happened is unknown.
    fn call(&mut self, method: Method, path: &str, body: Option<&str>) -> Result<Answer, String>;

    /// Waits before the next request.
    fn wait(&mut self, duration: Duration);
}

/// The beginning of an answer whose body is read as it comes.
pub(super) struct Streamed {
    /// How long the body will be, roughly.
    pub(super) estimated: Option<u64>,
    pub(super) body: ureq::BodyReader<'static>,
}

/// A server at the end of a connection that is kept open.
pub(crate) struct HttpServer {
    agent: ureq::Agent,
    base: String,
    authorization: String,
}

/// Longer than the server takes to call an outcome unknown, so that it speaks first.
const CALL_SECONDS_MAX: u64 = 60;
const CONNECT_SECONDS_MAX: u64 = 10;
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

impl HttpServer {
    pub(crate) fn new(arguments: &ServerArgs) -> Self {
        let authorities = arguments.ca.clone().unwrap_or(RootCerts::WebPki);
        let config = ureq::Agent::config_builder()
            .tls_config(TlsConfig::builder().root_certs(authorities).build())
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(Duration::from_secs(CONNECT_SECONDS_MAX)))
            .timeout_global(Some(Duration::from_secs(CALL_SECONDS_MAX)))
            .user_agent(concat!("onhand/", env!("CARGO_PKG_VERSION")))
            .build();
        Self {
            agent: config.new_agent(),
            base: arguments.url.trim_end_matches('/').to_owned(),
            authorization: format!("Bearer {}", arguments.token),
        }
    }

    /// Posts nothing and hands over the answer's body, which may come for as long as it wants.
    ///
    /// # Errors
    /// The refusal, or what went wrong, in words.
    pub(super) fn stream(&self, path: &str) -> Result<Streamed, String> {
        let lost = |error: ureq::Error| lost(&self.base, &error);
        let request = self.agent.post(format!("{}{path}", self.base));
        let request = request
            .config()
            .timeout_global(None)
            .timeout_recv_response(Some(Duration::from_secs(CALL_SECONDS_MAX)))
            .build()
            .header("authorization", &self.authorization);
        let response = request.send_empty().map_err(lost)?;
        if !response.status().is_success() {
            return Err(read(response).map_err(lost)?.words());
        }
        let estimated = response.headers().get("backup-bytes-estimated");
        Ok(Streamed {
            estimated: estimated.and_then(|value| value.to_str().ok()?.parse().ok()),
            body: response.into_body().into_reader(),
        })
    }
}

impl HttpServer {
    /// One request under an Idempotency-Key, if it has one: then it is safe to repeat.
    pub(crate) fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&str>,
        key: Option<&str>,
    ) -> Result<Answer, String> {
        let url = format!("{}{path}", self.base);
        let authorization = self.authorization.as_str();
        let with_body = |request: ureq::RequestBuilder<ureq::typestate::WithBody>| {
            let request = request.header("authorization", authorization);
            let request = match key {
                Some(key) => request.header("idempotency-key", key),
                None => request,
            };
            match body {
                Some(body) => request.content_type("application/json").send(body),
                None => request.send_empty(),
            }
        };
        let without = |request: ureq::RequestBuilder<ureq::typestate::WithoutBody>| {
            request.header("authorization", authorization).call()
        };
        let response = match method {
            Method::Get => without(self.agent.get(url)),
            Method::Delete => without(self.agent.delete(url)),
            Method::Post => with_body(self.agent.post(url)),
            Method::Put => with_body(self.agent.put(url)),
        };
        let lost = |error: ureq::Error| lost(&self.base, &error);
        read(response.map_err(lost)?).map_err(lost)
    }
}

impl Server for HttpServer {
    fn call(&mut self, method: Method, path: &str, body: Option<&str>) -> Result<Answer, String> {
        self.send(method, path, body, None)
    }

    fn wait(&mut self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

/// What became of a connection to `base`, in words for who can do something about it.
fn lost(base: &str, error: &ureq::Error) -> String {
    let said = error.to_string();
    // The verifier's own type lies too deep in the error to be told but by its name.
    if said.contains("CaUsedAsEndEntity") {
        return format!("{base}: {AUTHORITY_AS_SERVER}");
    }
    format!("{base}: {said}")
}

/// What `openssl req -x509` makes unless told otherwise.
const AUTHORITY_AS_SERVER: &str = "the server's certificate is one of an authority (CA:TRUE), \
    which no server may show as its own: make it with \
    `openssl req -x509 -addext basicConstraints=critical,CA:FALSE …`, or have an authority of \
    your own sign one for the server and give that authority to --ca";

/// Reads an answer to its end.
fn read(mut response: ureq::http::Response<ureq::Body>) -> Result<Answer, ureq::Error> {
    let retry_after = response.headers().get("retry-after");
    let seconds = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let body = response.body_mut().with_config();
    let body = body.limit(ANSWER_BYTES_MAX).read_to_vec()?;
    Ok(Answer {
        status: response.status().as_u16(),
        retry_after: seconds.map(Duration::from_secs),
        body,
    })
}

/// The body did not arrive in the time there is for it, so nothing happened.
pub(super) const BODY_LATE: u16 = 408;

/// Attempts at one request before we give up: with growing waits, about two minutes.
const ATTEMPTS_MAX: u32 = 12;
const WAIT_MAX: Duration = Duration::from_secs(30);
const WAIT_FIRST: Duration = Duration::from_millis(100);

/// Repeats a request that is safe to repeat until it is answered for good: through overload, rate
/// limits, unknown outcomes, slow lines, lost connections and gateways that lost theirs.
/// `Retry-After` is honoured, but never for longer than half a minute at a time.
///
/// # Errors
/// The last thing heard, once patience is at its end.
pub(crate) fn persist(
    server: &mut impl Server,
    method: Method,
    path: &str,
    body: Option<&str>,
) -> Result<Answer, String> {
    persist_through(Answer::is_passing, server, method, path, body)
}

/// As [`persist`], of a request that could be made smaller: a line that was too slow for it is
/// too slow again.
pub(super) fn persist_divisible(
    server: &mut impl Server,
    method: Method,
    path: &str,
    body: Option<&str>,
) -> Result<Answer, String> {
    let is_passing = |answer: &Answer| answer.status != BODY_LATE && answer.is_passing();
    persist_through(is_passing, server, method, path, body)
}

fn persist_through(
    is_passing: impl Fn(&Answer) -> bool,
    server: &mut impl Server,
    method: Method,
    path: &str,
    body: Option<&str>,
) -> Result<Answer, String> {
    let mut attempt = 1;
    loop {
        let (heard, asked) = match server.call(method, path, body) {
            Ok(answer) if !is_passing(&answer) => return Ok(answer),
            Ok(answer) => (answer.words(), answer.retry_after),
            Err(lost) => (lost, None),
        };
        if attempt == ATTEMPTS_MAX {
            return Err(format!(
                "gave up after {attempt} attempts; the last: {heard}"
            ));
        }
        server.wait(patience(attempt, asked));
        attempt += 1;
    }
}

/// What the server asked for, or a wait that doubles.
pub(crate) fn patience(attempt: u32, asked: Option<Duration>) -> Duration {
    let own = WAIT_FIRST * 2u32.saturating_pow(attempt.saturating_sub(1).min(16));
    asked.unwrap_or(own).min(WAIT_MAX)
}

/// One segment of a path, percent-encoded down to the unreserved characters of RFC 3986.
pub(crate) fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
pub(super) mod script;

#[cfg(test)]
mod tests;
