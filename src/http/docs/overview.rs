//! What holds for every route: how to begin, who may do what, how values are written, how to
//! repeat, what the limits are. It must not describe a single route.

use maud::{Markup, html};
use serde_json::Value;

use super::page::block;
use super::reference::groups;

/// The scopes, and what each is for.
const SCOPES: &[(&str, &str)] = &[
    (
        "availability",
        "whether something can be bought; nobody needs a token for it",
    ),
    ("screen", "the public view of a whole location"),
    ("stock:read", "exact figures"),
    ("stock:write", "movements and settings"),
    ("reserve", "reservations"),
    ("fulfil", "handing over"),
    ("catalogue:write", "items and locations"),
    ("events:read", "the event stream"),
    (
        "admin",
        "tokens and backups; it does not stand for the others",
    ),
];

/// Links to the sections.
pub fn contents() -> Markup {
    html! {
        p { a href="#main" { "Overview" } }
        ul {
            li { a href="#begin" { "Begin" } }
            li { a href="#scopes" { "Tokens and scopes" } }
            li { a href="#conventions" { "Conventions" } }
            li { a href="#repeat" { "Repeat safely" } }
            li { a href="#limits" { "Limits" } }
        }
    }
}

/// All sections.
pub fn overview(document: &Value) -> Markup {
    html! {
        h1 { "How many can I sell here, right now?" }
        p.lead {
            "Onhand answers that for every channel of a retailer at once. Every answer is durable "
            "before it is given, nobody is ever sold what is not there, and what happened at a "
            "till is never refused."
        }
        (begin())
        (scopes(document))
        (conventions())
        (repeat())
        (limits())
    }
}

fn begin() -> Markup {
    html! {
        section {
            h2 #begin { "Begin" }
            p {
                "The first start prints a token with all scopes, once. With it in a variable, "
                "every example on this page works when pasted into a shell, from the top to the "
                "bottom:"
            }
            (block("ONHAND=http://127.0.0.1:8080\nTOKEN=…"))
            p {
                "Two need something of their own first: a basket to release, and an empty key to "
                "stop stocking. Examples that need an earlier answer's " code { "id" } " name it "
                code { "$RESERVATION" } " or " code { "$TOKEN_ID" } ". "
                a href="/openapi.json" { "openapi.json" }
                " says the same for generators of clients."
            }
            h3 { "Words" }
            dl {
                dt { "stock key" } dd { "a SKU at a location" }
                dt { "on hand" } dd { "physically there" }
                dt { "held" } dd { "in live reservations" }
                dt { "committed" } dd { "promised to confirmed orders, not yet handed over" }
                dt { "safety stock" } dd { "withheld from sale" }
                dt { "available" } dd { "max(0, on hand − held − committed − safety stock)" }
                dt { "shortfall" } dd {
                    "max(0, held + committed − on hand): promises that cannot be kept"
                }
            }
        }
    }
}

fn scopes(document: &Value) -> Markup {
    let groups = groups(document);
    let routes: Vec<_> = groups.iter().flat_map(|(_, _, routes)| routes).collect();
    html! {
        section {
            h2 #scopes { "Tokens and scopes" }
            p {
                "Send " code { "Authorization: Bearer …" } ". Without a token where one is needed, "
                "or with a bad one: 401 " a href="/problems/unauthorized" { "unauthorized" }
                "; without the scope: 403 " a href="/problems/forbidden" { "forbidden" }
                ". A token may be bound to locations, which limits where it changes stock and "
                "hands over, and to a channel, which then stands in everything it does."
            }
            div.scroll { table {
                thead { tr { th { "Scope" } th { "For" } th { "Opens" } } }
                tbody {
                    @for (scope, purpose) in SCOPES {
                        @let opens: Vec<_> = routes.iter()
                            .filter(|route| route.scope().unwrap_or("availability") == *scope)
                            .collect();
                        tr {
                            td { code { (scope) } }
                            td { (purpose) }
                            td {
                                @for (index, route) in opens.iter().enumerate() {
                                    @if index > 0 { ", " }
                                    a href=(format!("#{}", route.id())) { (route.id()) }
                                }
                            }
                        }
                    }
                }
            } }
        }
    }
}

fn conventions() -> Markup {
    html! {
        section {
            h2 #conventions { "Conventions" }
            ul {
                li {
                    "JSON in UTF-8. " b { "Quantities" } " are JSON numbers, exact decimals of at "
                    "most 15 significant digits (" code { "5" } ", " code { "0.250" } "); a text "
                    "is accepted as well. " b { "Money" } " is "
                    code { r#"{"amount":"300.00","currency":"SEK"}"# } "; prices include VAT. "
                    b { "Times" } " are RFC 3339 in UTC with milliseconds. " b { "Ids" }
                    " are opaque texts."
                }
                li {
                    b { "SKUs and locations" } " are 1–64 printable ASCII characters without "
                    code { "@ * , %" } ", percent-encoded in a path."
                }
                li {
                    b { "Problems" } " are RFC 9457, " code { "application/problem+json" }
                    ". Decide by " code { "code" } ". " a href="/problems" { "All problems" }
                    " say what to do. What a path names and is not there: 404; what a body names: "
                    "422."
                }
                li {
                    b { "Unknown members" } " of a request are refused; unknown members of an "
                    "answer must be ignored."
                }
                li {
                    b { "Lists" } " take " code { "limit" } " (100, at most 1000) and "
                    code { "after" } ", which is what " code { "next" } " said; "
                    code { "position" } " is where the event stream stood before the list was read."
                }
                li {
                    b { "ETag" } " comes with stock and availability; ask again with "
                    code { "If-None-Match" } " and get 304 while nothing changed."
                }
                li {
                    b { "Channel" } ": the token's, else the body's " code { "channel" }
                    ", else " code { "web" } "."
                }
                li {
                    "Every answer has a " b { "Request-Id" } ", your own if you send one; the "
                    "server's log knows it."
                }
            }
        }
    }
}

fn repeat() -> Markup {
    html! {
        section {
            h2 #repeat { "Repeat safely" }
            p {
                "Send an " code { "Idempotency-Key" } " (at most 255 characters, per token) with "
                "each POST and PUT under reservations. For 24 hours the same key with an equal "
                "body gives the first answer again, with " code { "Idempotent-Replayed: true" }
                ". Movements carry their own id instead. After a lost connection or "
                a href="/problems/outcome-unknown" { "outcome_unknown" }
                ", send the same again with the same key or ids."
            }
        }
    }
}

fn limits() -> Markup {
    html! {
        section {
            h2 #limits { "Limits" }
            p {
                "Unless the operator says otherwise: bodies of 1 MiB that arrive within 30 "
                "seconds, 1000 movements, items or settings in a batch, 100 lines a reservation, "
                "14400 seconds the longest hold, 30 seconds the longest wait for events, 30 days "
                "of history, 1000 requests a second and address without a token. Past a limit "
                "there is a clear refusal; 503 "
                a href="/problems/overloaded" { "overloaded" } " and 429 "
                a href="/problems/rate-limited" { "rate_limited" } " say in "
                code { "Retry-After" } " when to come back."
            }
        }
    }
}
