//! What every request passes through, whatever it asks for: its id, the limits of addresses and
//! of tokens, the log line. Knows no resource.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, web};
use tracing::Level;

use super::auth::admit;
use super::border::Border;
use super::rate::client_of;
use super::route_metrics;
use crate::clock::Stopwatch;
use crate::telemetry::timings::{SPANS, Stage, Timings, Traced};
use crate::telemetry::{Trace, UnderWay, is_counting, metrics};

/// The header that names a request, in the log and in the answer.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// The header that names a trace, in a request and in its answer.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The longest id a client may choose.
const REQUEST_ID_BYTES_MAX: usize = 128;

/// Lets a request in, and names it in its answer.
pub async fn gate<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let stopwatch = Stopwatch::start();
    let _under_way = is_counting().then(|| UnderWay::begin(&metrics().http_requests_in_flight));
    let id = request_id(request.headers().get(&REQUEST_ID));
    let trace = trace(&request);
    let timings = timings(&request, &id, trace.as_ref());
    let mut response = match admit(request.request()) {
        Err(limited) => request
            .into_response(limited.response())
            .map_into_right_body(),
        Ok(()) => {
            let handled = if is_counting() {
                timings.clone().time(next.call(request)).await
            } else {
                next.call(request).await
            };
            handled?.map_into_left_body()
        }
    };
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        let seconds = HeaderValue::from(border(response.request()).limits.retry_after_seconds);
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    let took = stopwatch.elapsed();
    route_metrics::count(&response, took.saturating_sub(timings.total(Stage::Body)));
    log(&id, &response);
    log_slow(&id, trace.as_ref(), &response, took, &timings);
    if let Some(trace) = trace {
        let trace = HeaderValue::try_from(trace.to_string());
        let trace = trace.expect("hexadecimal digits and dashes are a header value");
        response.headers_mut().insert(TRACEPARENT, trace);
    }
    response.headers_mut().insert(REQUEST_ID, id);
    Ok(response)
}

/// Names a request in its answer and does nothing else: operators ask before there is a border.
pub async fn name<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let id = request_id(request.headers().get(&REQUEST_ID));
    let mut response = next.call(request).await?;
    response.headers_mut().insert(REQUEST_ID, id);
    Ok(response)
}

/// The client's own id if it is short and printable, else a new one.
fn request_id(given: Option<&HeaderValue>) -> HeaderValue {
    let printable = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        (1..=REQUEST_ID_BYTES_MAX).contains(&bytes.len())
            && bytes.iter().all(|b| matches!(b, b' '..=b'~'))
    };
    if let Some(given) = given.filter(printable) {
        return given.clone();
    }
    let id = format!("{:032x}", rand::random::<u128>());
    HeaderValue::try_from(id).expect("hexadecimal digits are a header value")
}

/// The trace that the client says the request is part of.
fn trace(request: &ServiceRequest) -> Option<Trace> {
    let mut headers = request.headers().get_all(&TRACEPARENT);
    let header = headers.next()?;
    // Of two nobody can tell which is meant.
    let is_one = headers.next().is_none();
    Trace::continued(header.to_str().ok()?).filter(|_| is_one)
}

/// Where the time of the request will be noted, and the span that its spans belong to.
fn timings(request: &ServiceRequest, id: &HeaderValue, trace: Option<&Trace>) -> Arc<Timings> {
    if !tracing::enabled!(target: SPANS, Level::DEBUG) {
        return Timings::new(None);
    }
    let id = String::from_utf8_lossy(id.as_bytes()).into_owned();
    let (method, path) = (request.method().as_str(), request.path());
    let traced = Traced::new(id, trace, method, path);
    Timings::new(Some(traced))
}

/// A line for a request that took long: where its time went. What is left of the whole was spent
/// at the border, or waiting for other keys to follow.
fn log_slow<B>(
    id: &HeaderValue,
    trace: Option<&Trace>,
    response: &ServiceResponse<B>,
    took: Duration,
    timings: &Timings,
) {
    let request = response.request();
    let limit = Duration::from_millis(border(request).limits.slow_request_ms);
    if took < limit || timings.is_excused() {
        return;
    }
    let stage = |stage| timings.total(stage);
    let served = took.saturating_sub(stage(Stage::Body));
    if served < limit {
        return;
    }
    let inside = stage(Stage::Mailbox) + stage(Stage::Decide) + stage(Stage::Commit);
    let milliseconds = |time: Duration| time.as_micros() as f64 / 1000.0;
    metrics().http_slow_requests_total.inc();
    tracing::warn!(
        request_id = %String::from_utf8_lossy(id.as_bytes()),
        trace_id = trace.map(Trace::id),
        parent_id = trace.map(Trace::parent_id),
        span_id = trace.map(Trace::span_id),
        method = request.method().as_str(),
        path = request.path(),
        status = response.status().as_u16(),
        total_ms = milliseconds(took),
        body_ms = milliseconds(stage(Stage::Body)),
        mailbox_ms = milliseconds(stage(Stage::Mailbox)),
        decide_ms = milliseconds(stage(Stage::Decide)),
        commit_ms = milliseconds(stage(Stage::Commit)),
        write_ms = milliseconds(stage(Stage::Write)),
        other_ms = milliseconds(served.saturating_sub(inside)),
        "slow request"
    );
}

/// The border of the application a request came to.
pub fn border(request: &HttpRequest) -> &Border {
    let border = request.app_data::<web::Data<Border>>();
    border.expect("every application is built with a border")
}

/// Which client asks. Behind a proxy it is the address the proxy saw: the last one in
/// `X-Forwarded-For`, for what stands before it anybody can write.
pub fn client_address(request: &HttpRequest, border: &Border) -> IpAddr {
    let forwarded = request
        .headers()
        .get_all("x-forwarded-for")
        .last()
        .filter(|_| border.limits.behind_proxy)
        .and_then(|header| address_of(header.to_str().ok()?.rsplit(',').next()?.trim()));
    let peer = || request.peer_addr().map(|peer| peer.ip());
    let address = forwarded.or_else(peer);
    client_of(address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
}

/// The address a proxy wrote: alone, in brackets, or with the port that some proxies add.
fn address_of(text: &str) -> Option<IpAddr> {
    let bare = || text.parse().ok();
    let with_port = || Some(text.parse::<SocketAddr>().ok()?.ip());
    let in_brackets = || {
        let inside = text.strip_prefix('[')?.strip_suffix(']')?;
        inside.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
    };
    bare().or_else(with_port).or_else(in_brackets)
}

/// A line for each request at the level `debug`; for a failure at `warn`, so that it is seen.
fn log<B>(id: &HeaderValue, response: &ServiceResponse<B>) {
    let status = response.status();
    let level_off = !tracing::enabled!(tracing::Level::DEBUG);
    if level_off && !status.is_server_error() {
        return;
    }
    let request = response.request();
    let id = String::from_utf8_lossy(id.as_bytes());
    let (method, path) = (request.method().as_str(), request.path());
    let status = status.as_u16();
    if response.status().is_server_error() {
        tracing::warn!(request_id = %id, method, path, status, "request failed");
    } else {
        tracing::debug!(request_id = %id, method, path, status, "request answered");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_id_is_kept_if_it_is_short_and_printable() {
        let given = HeaderValue::from_static("order 7/4");
        assert_eq!(request_id(Some(&given)), given);
        for bad in [String::new(), "x".repeat(129), "a\tb".to_owned()] {
            let bad = HeaderValue::try_from(bad).unwrap();
            let made = request_id(Some(&bad));
            assert_eq!(made.len(), 32);
            assert_ne!(made, bad);
        }
        assert_ne!(request_id(None), request_id(None));
    }
}
