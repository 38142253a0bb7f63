//! The answer that carries Server-Sent Events: its headers, and to whom only these are told. It
//! must not know what the events say.

use std::convert::Infallible;

use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use futures::{Stream, stream};

/// A piece of the stream: one event or more.
pub type Piece = Result<Bytes, Infallible>;

/// The answer to `request`. The events are begun only if they are asked for: nobody would read
/// those of a HEAD, nor end them.
pub fn answer<S>(request: &HttpRequest, events: impl FnOnce() -> S) -> HttpResponse
where
    S: Stream<Item = Piece> + 'static,
{
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store"))
        // Proxies that gather answers would hold events back.
        .insert_header(("x-accel-buffering", "no"));
    if request.method() == Method::HEAD {
        return response.streaming(stream::empty::<Piece>());
    }
    response.streaming(events())
}
