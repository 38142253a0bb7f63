//! How answers are written when nothing is wrong. Knows no document.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, ETAG};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::problem::Problem;
use super::request::has_tag;

/// What a handler gives.
pub type Answered = Result<HttpResponse, Problem>;

/// A document with 200.
pub fn ok(document: &impl Serialize) -> HttpResponse {
    json(StatusCode::OK, document)
}

/// A document with the given status.
pub fn json(status: StatusCode, document: &impl Serialize) -> HttpResponse {
    sized(status, document, 128)
}

/// A document of about so many bytes: what grows to a large one is copied again and again.
pub fn sized(status: StatusCode, document: &impl Serialize, bytes: usize) -> HttpResponse {
    let mut body = Vec::with_capacity(bytes);
    serde_json::to_writer(&mut body, document).expect("documents are plain data");
    HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, "application/json"))
        .body(body)
}

/// A document with its entity tag (quotes included), or 304 if the client has it already.
pub fn tagged(request: &HttpRequest, tag: &str, document: &impl Serialize) -> HttpResponse {
    let body = || serde_json::to_vec(document).expect("documents are plain data");
    tagged_body(request, tag, body)
}

/// The same of a document that `body` writes.
pub fn tagged_body(
    request: &HttpRequest,
    tag: &str,
    body: impl FnOnce() -> Vec<u8>,
) -> HttpResponse {
    if has_tag(request, tag) {
        return HttpResponse::NotModified()
            .insert_header((ETAG, tag))
            .finish();
    }
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/json"))
        .insert_header((ETAG, tag))
        .body(body())
}

/// One page of a list.
#[derive(Serialize)]
pub struct List<T> {
    /// The entries.
    pub items: Vec<T>,
    /// What `after` must be to read on; `null` at the end.
    pub next: Option<String>,
    /// Where to go on from in the event stream, taken before reading.
    pub position: String,
}
