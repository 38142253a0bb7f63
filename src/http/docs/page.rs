//! A page as it is served: its frame, its entity tag, and headers that let it load nothing from
//! elsewhere. It must not know what is on it.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use maud::{DOCTYPE, Markup, html};
use xxhash_rust::xxh3::xxh3_64;

use super::layout::laid_out;
use crate::http::request::has_tag;

/// The pages that each page leads to, in the order shown. A page that is not served here yet
/// does not stand here.
const PAGES: &[(&str, &str)] = &[
    ("/docs", "API"),
    ("/docs/feed", "Feed"),
    ("/problems", "Problems"),
];

/// Nothing but our own style sheet: no script, no frame, no form, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// Pages change with a release only; a few minutes bound how long an old one is shown after it.
const CACHE: &str = "public, max-age=300";

/// What is served, with the tag it is known by.
pub struct Page {
    kind: &'static str,
    body: Bytes,
    tag: String,
}

impl Page {
    /// Content of some media type.
    pub fn new(kind: &'static str, body: impl Into<Bytes>) -> Page {
        let body = body.into();
        let tag = format!("\"{:016x}\"", xxh3_64(&body));
        Page { kind, body, tag }
    }

    /// A page in the frame that all share: `path` is where it is, `contents` what leads into it.
    pub fn framed(path: &str, title: &str, contents: &Markup, main: &Markup) -> Page {
        let text = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (title) " · Onhand" }
                    link rel="icon" href="data:,";
                    link rel="stylesheet" href="/docs/style.css";
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    header {
                        a.brand href="/docs" { "Onhand" }
                        span.release { (env!("CARGO_PKG_VERSION")) }
                        nav aria-label="Pages" {
                            @for (target, name) in PAGES {
                                a href=(target) aria-current=[(*target == path).then_some("page")] {
                                    (name)
                                }
                            }
                            a href="/openapi.json" { "openapi.json" }
                            a href="/asyncapi.yaml" { "asyncapi.yaml" }
                        }
                    }
                    div.columns {
                        nav.contents aria-label="On this page" { (contents) }
                        main #main tabindex="-1" { (main) }
                    }
                }
            }
        };
        Page::new("text/html; charset=utf-8", text.into_string())
    }

    /// The answer to one who asks for it, who may have it already.
    pub fn answer(&self, request: &HttpRequest) -> HttpResponse {
        if has_tag(request, &self.tag) {
            return self.with_headers(HttpResponse::NotModified()).finish();
        }
        self.with_headers(HttpResponse::Ok())
            .insert_header((CONTENT_TYPE, self.kind))
            .body(self.body.clone())
    }

    fn with_headers(&self, mut response: HttpResponseBuilder) -> HttpResponseBuilder {
        let header = HeaderName::from_static;
        response
            .insert_header((ETAG, self.tag.as_str()))
            .insert_header((CACHE_CONTROL, CACHE))
            .insert_header((header("vary"), "Accept"))
            .insert_header((header("content-security-policy"), POLICY))
            .insert_header((header("x-content-type-options"), "nosniff"))
            .insert_header((header("referrer-policy"), "no-referrer"));
        response
    }
}

/// Text in which what stands between backquotes is code.
pub fn prose(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// JSON, laid out for reading.
pub fn json(text: &str) -> Markup {
    block(&laid_out(text))
}

/// Text to be read as it stands. It scrolls where it is too wide or too long, which those without
/// a pointer can do only where the keyboard can go.
pub fn block(text: &str) -> Markup {
    html! { pre tabindex="0" { code { (text) } } }
}
