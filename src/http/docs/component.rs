//! `/docs/component`: how a product page shows live stock. The hashes on it are made of what is
//! served. It must not know what the scripts do.

use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};
use sha2::{Digest, Sha384};

use super::page::{Page, block, prose};
use crate::web::{COMPONENT, asset};

/// Where the examples have the service.
const ONHAND: &str = "https://stock.example";

/// `GET /docs/component`.
pub async fn page(request: HttpRequest) -> HttpResponse {
    static PAGE: LazyLock<Page> = LazyLock::new(|| {
        let (contents, main) = (contents(), main());
        Page::framed("/docs/component", "Component", &contents, &main)
    });
    PAGE.answer(&request)
}

fn contents() -> Markup {
    html! {
        p { a href="#main" { "The component" } }
        ul {
            li { a href="#begin" { "On a page" } }
            li { a href="#attributes" { "Attributes" } }
            li { a href="#look" { "Its look" } }
            li { a href="#event" { "Its event" } }
            li { a href="#policy" { "Policies and hashes" } }
            li { a href="#behaviour" { "What it does" } }
        }
    }
}

fn main() -> Markup {
    html! {
        h1 { "Live stock on a product page" }
        p.lead {
            "One small script makes of the text that your server rendered a figure that is true "
            "now. Without the script, or without the service, the text stands."
        }
        (begin())
        (attributes())
        (look())
        (event())
        (policy())
        (behaviour())
    }
}

fn begin() -> Markup {
    let script = format!(r#"<script type="module" src="{ONHAND}/web/onhand-stock.js"></script>"#);
    html! {
        section {
            h2 #begin { "On a page" }
            (block(&format!(
                "{script}\n\n<onhand-stock sku=\"clog-38\" location=\"malmo\">\
                 In stock</onhand-stock>"
            )))
            p {
                "The page's origin must be on the list of the option " code { "http.origins" }
                ". No token is needed, and none belongs on a page: what is shown is the public "
                "view, as under " a href="/docs" { "availability" } "."
            }
        }
    }
}

const ATTRIBUTES: &[(&str, &str)] = &[
    ("sku", "The product. Required."),
    (
        "location",
        "Where; several with commas between them show the best of them. Required.",
    ),
    (
        "price",
        "Shows the price too, and the one before while an offer lasts.",
    ),
    (
        "name",
        "What a change is announced as; the item's name if there is none.",
    ),
    (
        "lang",
        "`en`, `sv` or `da`, with a region or without; the nearest around it if there is none. \
         Any other has its own numbers and plural forms, but needs words of yours.",
    ),
    (
        "stale-seconds",
        "How old a figure may be before its count is not shown any more; 120 if there is none, \
         or what is there is no such number.",
    ),
    (
        "server",
        "The service's origin; the script's own if there is none.",
    ),
    (
        "text-in-stock, text-limited, text-limited-one, text-limited-other, \
         text-out-of-stock, text-unknown, text-stale, text-old, text-was",
        "Your own words. `{n}` is the count with its unit, `{time}` when it was known; the ends \
         of `text-limited-…` are the plural forms of the language.",
    ),
];

fn attributes() -> Markup {
    table(
        "attributes",
        "Attributes",
        "Every one may be changed at any time.",
        ATTRIBUTES,
    )
}

const LOOK: &[(&str, &str)] = &[
    ("::part(dot)", "The sign in front."),
    ("::part(text)", "The text."),
    (
        "::part(age)",
        "`as of 12:03`; its place is kept free, so that nothing moves.",
    ),
    (
        "::part(price), ::part(was)",
        "The price, and the one before.",
    ),
    (
        "[state], [old], [stale]",
        "On the element: `in_stock`, `limited`, `out_of_stock` or `unknown`; not heard for 5 s; \
         not heard for `stale-seconds`.",
    ),
    (
        "--onhand-in-stock, --onhand-limited, --onhand-out-of-stock",
        "Colours of the sign.",
    ),
    (
        "--onhand-text-size, --onhand-age-size",
        "Width kept for text and age: `7em`, `6em`. Texts of your own may need more.",
    ),
];

/// Until the script is there, the text takes the place that it has in the component.
const NOT_YET: &str = "onhand-stock:not(:defined) { display: inline-block; white-space: nowrap }
onhand-stock:not(:defined)::before {
  content: ''; display: inline-block; inline-size: .6em; margin-inline-end: .4em
}";

fn look() -> Markup {
    html! {
        (table("look", "Its look", "Parts, states and properties.", LOOK))
        p { "For pages whose script comes late, so that nothing moves when it does:" }
        (block(NOT_YET))
    }
}

fn table(id: &str, title: &str, words: &str, rows: &[(&str, &str)]) -> Markup {
    html! {
        section {
            h2 #(id) { (title) }
            p { (words) }
            div.scroll { table {
                thead { tr { th { "Name" } th { "What it is" } } }
                tbody {
                    @for (names, words) in rows {
                        tr {
                            td {
                                @for name in names.split(", ") { div { code { (name) } } }
                            }
                            td { (prose(words)) }
                        }
                    }
                }
            } }
        }
    }
}

const LISTENER: &str = "addEventListener('onhand-change', (event) => {
  const { sku, location, status, available, stale } = event;
  if (sku === 'clog-38') button.disabled = status === 'out_of_stock';
});";

fn event() -> Markup {
    html! {
        section {
            h2 #event { "Its event" }
            p { (prose(
                "Whenever what it shows changes, an `onhand-change` bubbles up from the element."
            )) }
            (block(LISTENER))
            p {
                "Types for TypeScript: " a href="/web/onhand-stock.d.ts" { "onhand-stock.d.ts" } "."
            }
        }
    }
}

fn policy() -> Markup {
    let feed = ONHAND.replace("https", "wss");
    html! {
        section {
            h2 #policy { "Policies and hashes" }
            p { (prose(
                "It needs no inline script, style or `eval`. Of a Content-Security-Policy it asks:"
            )) }
            (block(&format!("script-src {ONHAND}; connect-src {feed}")))
            p { (prose(
                "With hashes a page runs nothing but this release; a newer one needs new hashes."
            )) }
            (block(&hashed()))
        }
    }
}

/// The elements that load the component, each with the hash of what it loads.
fn hashed() -> String {
    let [component, parts @ ..] = COMPONENT;
    let mut lines = Vec::new();
    for part in parts {
        let (url, hash) = (format!("{ONHAND}/web/{part}"), integrity(part));
        lines.push(format!(
            "<link rel=\"modulepreload\" href=\"{url}\"\n  integrity=\"{hash}\">"
        ));
    }
    let (url, hash) = (format!("{ONHAND}/web/{component}"), integrity(component));
    lines.push(format!(
        "<script type=\"module\" src=\"{url}\"\n  integrity=\"{hash}\"></script>"
    ));
    lines.join("\n")
}

/// The hash of a file as Subresource Integrity writes it.
fn integrity(name: &str) -> String {
    let file = asset(name).expect("the component's scripts are served, and tested");
    let hash = Sha384::digest(file.content());
    format!("sha384-{}", STANDARD.encode(hash))
}

const BEHAVIOUR: &[&str] = &[
    "All elements of a page share one connection, and only those in view are followed.",
    "A connection that is lost is opened anew after a random time that grows, or when the service \
     said. What was missed is made good.",
    "It is closed while the page is put away, and after a minute in the background.",
    "After 5 s without word the figure says when it was known; after `stale-seconds` it shows no \
     count any more, nor a text with digits that the page came with.",
    "Screen readers are told of changed statuses, politely and together; not of every count.",
    "Nothing on the page moves when figures come, and who prefers reduced motion sees none.",
];

fn behaviour() -> Markup {
    html! {
        section {
            h2 #behaviour { "What it does" }
            ul { @for what in BEHAVIOUR { li { (prose(what)) } } }
        }
    }
}
