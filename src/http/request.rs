//! The parts of a request besides its body's meaning: the body's bytes, the path's names, the
//! query, the headers that carry a contract. Knows no resource.

use std::borrow::Cow;
use std::future::{Ready, ready};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_LENGTH, HeaderName, IF_NONE_MATCH};
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest};
use futures::{FutureExt, StreamExt};
use tokio::time::timeout;

use super::fault::{Faults, Source, Wrong};
use super::gate::border;
use super::problem::{Code, Problem};
use super::read;
use crate::clock::Stopwatch;
use crate::stock::{LocationId, Sku, StockKey};
use crate::telemetry::timings::{self, Stage};

/// The header that makes a request safe to repeat.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest Idempotency-Key.
const IDEMPOTENCY_KEY_CHARACTERS_MAX: usize = 255;

/// The time there is for a body grows by a second with so many bytes of it that came: a line that
/// carries 64 kbit/s is slow and honest. Drops gain nothing; what bounds a body bounds its time.
const BODY_BYTES_PER_SECOND: u32 = 8 << 10;

/// The most parameters a query may have.
const PARAMETERS_MAX: usize = 64;

/// A request's body, which is on its way: who may not send it is told so before it is read.
pub struct Body {
    arriving: Arriving,
    /// As the head says.
    length: Option<usize>,
    bytes_max: usize,
}

impl FromRequest for Body {
    type Error = Problem;
    type Future = Ready<Result<Body, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limits = &border(request).limits;
        let length = request.headers().get(CONTENT_LENGTH);
        ready(Ok(Body {
            arriving: Arriving {
                payload: payload.take(),
                since: None,
                time_max: Duration::from_millis(limits.body_ms_max),
            },
            length: length.and_then(|value| value.to_str().ok()?.parse().ok()),
            bytes_max: limits.body_bytes_max,
        }))
    }
}

impl Body {
    /// All of it.
    ///
    /// # Errors
    /// It is past the bounds of size and time, or broken off.
    pub async fn read(self) -> Result<Bytes, Problem> {
        if self.length.is_some_and(|length| length > self.bytes_max) {
            return Err(too_large(self.bytes_max));
        }
        collect(self.arriving, self.bytes_max).await
    }
}

/// A body that is on its way.
struct Arriving {
    payload: Payload,
    /// Since when it is waited for: most bodies are there with their heads.
    since: Option<Stopwatch>,
    /// How long all of it may be waited for.
    time_max: Duration,
}

impl Arriving {
    /// What comes next of it; none at its end.
    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let next = match self.payload.next().now_or_never() {
            Some(next) => next,
            None => {
                let since = self.since.get_or_insert_with(Stopwatch::start);
                let left = self.time_max.saturating_sub(since.elapsed());
                let next = timeout(left, self.payload.next()).await;
                timings::note(Stage::Body, since.elapsed());
                next.map_err(|_| Problem::body_too_slow(self.time_max))?
            }
        };
        let chunk = next.transpose().map_err(|error| {
            let detail = format!("the body could not be read: {error}");
            Problem::invalid(detail)
        })?;
        let bytes = chunk.as_ref().map_or(0, Bytes::len);
        self.time_max += Duration::from_secs(bytes as u64) / BODY_BYTES_PER_SECOND;
        Ok(chunk)
    }
}

async fn collect(mut body: Arriving, bytes_max: usize) -> Result<Bytes, Problem> {
    // A body that came in one piece, as small ones do, is not copied.
    let Some(first) = body.next().await? else {
        return Ok(Bytes::new());
    };
    let mut rest: Option<BytesMut> = None;
    while let Some(chunk) = body.next().await? {
        let whole = rest.get_or_insert_with(|| BytesMut::from(&first[..]));
        if whole.len() + chunk.len() > bytes_max {
            return Err(too_large(bytes_max));
        }
        whole.extend_from_slice(&chunk);
    }
    let whole = rest.map_or(first, BytesMut::freeze);
    if whole.len() > bytes_max {
        return Err(too_large(bytes_max));
    }
    Ok(whole)
}

fn too_large(bytes_max: usize) -> Problem {
    let detail = format!("a body may have at most {bytes_max} bytes; send it in parts");
    Problem::new(Code::BodyTooLarge, detail)
}

/// A name in the path, with what was percent-encoded in it decoded.
pub fn path_text(request: &HttpRequest, name: &'static str) -> Result<String, Problem> {
    let text = request.match_info().get(name).unwrap_or_default();
    decode(text, false).ok_or_else(|| wrong_name(name, Wrong::invalid("is not UTF-8")))
}

/// The SKU in the path.
pub fn path_sku(request: &HttpRequest) -> Result<Sku, Problem> {
    let text = path_text(request, "sku")?;
    read::sku_of(&text).map_err(|wrong| wrong_name("sku", wrong))
}

/// The location in the path.
pub fn path_location(request: &HttpRequest) -> Result<LocationId, Problem> {
    let text = path_text(request, "location")?;
    read::location_of(&text).map_err(|wrong| wrong_name("location", wrong))
}

/// The stock key in the path.
pub fn path_key(request: &HttpRequest) -> Result<StockKey, Problem> {
    Ok(StockKey::new(&path_sku(request)?, &path_location(request)?))
}

fn wrong_name(name: &'static str, wrong: Wrong) -> Problem {
    Problem::from_fault(Source::Parameter(Cow::Borrowed(name)), wrong)
}

/// The query's parameters: each is taken once, and what is left is a fault.
#[derive(Debug)]
pub struct Query {
    parameters: Vec<(String, Option<String>)>,
    faults: Faults,
}

impl Query {
    /// Takes the request's query apart.
    pub fn read(request: &HttpRequest) -> Query {
        let mut query = Query {
            parameters: Vec::new(),
            faults: Faults::default(),
        };
        let pairs = request.query_string().split('&').filter(|p| !p.is_empty());
        for pair in pairs.take(PARAMETERS_MAX) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name, true).unwrap_or_else(|| name.to_owned());
            match decode(value, true) {
                None => query.wrong(name, Wrong::invalid("is not UTF-8")),
                Some(_) if query.parameters.iter().any(|(known, _)| *known == name) => {
                    query.wrong(name, Wrong::invalid("is given twice"));
                }
                Some(value) => query.parameters.push((name, Some(value))),
            }
        }
        query
    }

    /// A parameter that may be absent; an empty one is absent.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> Option<T> {
        let found = self.parameters.iter_mut().find(|(key, _)| key == name);
        let value = found.and_then(|(_, value)| value.take())?;
        if value.is_empty() {
            return None;
        }
        read(&value)
            .map_err(|wrong| self.wrong(name.to_owned(), wrong))
            .ok()
    }

    /// How many entries a list shall have: 100, at most 1000.
    pub fn limit(&mut self) -> usize {
        let limit = self.optional("limit", |text| read::whole_of(text, 1..=1000));
        usize::try_from(limit.unwrap_or(100)).expect("1000 fits")
    }

    /// Every parameter that nobody took is unknown, which is a fault like all that were found.
    pub fn finish(mut self) -> Result<(), Problem> {
        let left = std::mem::take(&mut self.parameters);
        for (name, _) in left.into_iter().filter(|(_, value)| value.is_some()) {
            self.wrong(name, Wrong::invalid("is not a known parameter"));
        }
        self.faults.none_or_problem()
    }

    fn wrong(&mut self, name: String, wrong: Wrong) {
        let source = Source::Parameter(Cow::Owned(name));
        self.faults.note_source(source, wrong);
    }
}

/// The Idempotency-Key, if the request has one.
pub fn idempotency_key(request: &HttpRequest) -> Result<Option<&str>, Problem> {
    let mut headers = request.headers().get_all(&IDEMPOTENCY_KEY);
    let Some(header) = headers.next() else {
        return Ok(None);
    };
    let key = header.to_str().ok().filter(|key| {
        let length_ok = (1..=IDEMPOTENCY_KEY_CHARACTERS_MAX).contains(&key.len());
        length_ok && headers.next().is_none()
    });
    let wrong = || Wrong::invalid("must be given once, with 1–255 printable ASCII characters");
    key.map(Some)
        .ok_or_else(|| Problem::from_fault(Source::Header("Idempotency-Key"), wrong()))
}

/// Whether the client has this entity tag (quotes included) already.
pub fn has_tag(request: &HttpRequest, tag: &str) -> bool {
    let known = request.headers().get_all(IF_NONE_MATCH);
    let mut known = known.filter_map(|header| header.to_str().ok());
    known.any(|list| {
        let mut tags = list.split(',').map(str::trim);
        tags.any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
    })
}

/// Decodes `%41`, and `+` as a space where that is the custom; `None` if it is not UTF-8 then.
fn decode(text: &str, plus_is_space: bool) -> Option<String> {
    if !text.contains(['%', '+']) {
        return Some(text.to_owned());
    }
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let high = hexadecimal(bytes.next()?)?;
                decoded.push(high << 4 | hexadecimal(bytes.next()?)?);
            }
            b'+' if plus_is_space => decoded.push(b' '),
            _ => decoded.push(byte),
        }
    }
    String::from_utf8(decoded).ok()
}

fn hexadecimal(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn request(uri: &str) -> HttpRequest {
        TestRequest::with_uri(uri).to_http_request()
    }

    #[test]
    fn a_query_is_taken_apart_and_its_faults_are_named_together() {
        let mut query = Query::read(&request("/x?sku=a%2Fb+c&limit=7&empty="));
        assert_eq!(
            query.optional("sku", |t| Ok(t.to_owned())).unwrap(),
            "a/b c"
        );
        assert_eq!(query.limit(), 7);
        assert_eq!(query.optional("empty", read::sku_of), None);
        assert!(query.finish().is_ok());

        let mut query = Query::read(&request("/x?limit=0&lokation=a&bad=%FF&limit=2&odd=%4"));
        assert_eq!(query.limit(), 100);
        let problem = query.finish().unwrap_err();
        let named: Vec<String> = problem
            .faults()
            .iter()
            .map(|f| f.source.to_string())
            .collect();
        assert_eq!(named, ["bad", "limit", "odd", "limit", "lokation"]);
        assert_eq!(problem.code(), Code::InvalidRequest);
    }

    #[test]
    fn an_idempotency_key_is_printable_and_short() {
        let read = |key: &str| {
            let request = TestRequest::default().insert_header((IDEMPOTENCY_KEY, key));
            let request = request.to_http_request();
            idempotency_key(&request)
                .map(|key| key.map(str::to_owned))
                .map_err(|problem| problem.code())
        };
        assert_eq!(read("order-7 a"), Ok(Some("order-7 a".to_owned())));
        assert!(read(&"x".repeat(255)).is_ok());
        for bad in ["", "å", &"x".repeat(256)] {
            assert_eq!(read(bad), Err(Code::InvalidRequest), "{bad:?}");
        }
        assert_eq!(idempotency_key(&request("/")).unwrap(), None);
    }

    #[test]
    fn entity_tags_are_compared_one_by_one() {
        let has = |list: &str| {
            let request = TestRequest::default().insert_header((IF_NONE_MATCH, list));
            has_tag(&request.to_http_request(), "\"e-7\"")
        };
        for yes in ["\"e-7\"", "\"x\", \"e-7\"", "W/\"e-7\"", "*"] {
            assert!(has(yes), "{yes}");
        }
        assert!(!has("\"e-8\"") && !has("e-7"));
    }
}
