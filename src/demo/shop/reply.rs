//! What a handler answers, made where the service may be waited for, and written where the
//! browser is. It must not know what is on a page.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use maud::Markup;

/// An answer.
pub(super) enum Reply {
    /// A page.
    Page(StatusCode, Markup),
    /// Another page has it: what was sent is not sent again by a reload.
    See(String),
    /// A word for a script.
    Word(String),
}

impl Reply {
    /// A page that is found.
    pub(super) fn page(page: Markup) -> Reply {
        Reply::Page(StatusCode::OK, page)
    }

    /// Written.
    pub(super) fn written(self) -> HttpResponse {
        let stays_here = (CACHE_CONTROL, "no-store");
        match self {
            Reply::Page(status, page) => HttpResponse::build(status)
                .insert_header(stays_here)
                .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
                .body(page.into_string()),
            Reply::See(location) => HttpResponse::SeeOther()
                .insert_header(stays_here)
                .insert_header((LOCATION, location))
                .finish(),
            Reply::Word(word) => HttpResponse::Ok()
                .insert_header(stays_here)
                .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
                .body(word),
        }
    }
}
