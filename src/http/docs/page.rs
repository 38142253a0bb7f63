//! A page of the documentation: the frame that all share, and how prose and JSON look in it. It
//! must not know what is on it.

use actix_web::{HttpRequest, HttpResponse};
use maud::{DOCTYPE, Markup, html};
use serde_json::Value;

use super::layout::laid_out;
use crate::http::content::Content;

/// The pages that each page leads to, in the order shown. A page that is not served here yet
/// does not stand here.
const PAGES: &[(&str, &str)] = &[
    ("/docs", "API"),
    ("/docs/feed", "Feed"),
    ("/docs/component", "Component"),
    ("/problems", "Problems"),
];

/// A page of the documentation.
pub struct Page(Content);

impl Page {
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
        let media_type = "text/html; charset=utf-8";
        Page(Content::read_only(media_type, text.into_string()))
    }

    /// The same as JSON, for programs.
    pub fn json(document: &Value) -> Page {
        let text = document.to_string();
        Page(Content::read_only("application/json", text))
    }

    /// The answer to one who asks for it, who may have it already.
    pub fn answer(&self, request: &HttpRequest) -> HttpResponse {
        self.0.answer(request)
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
