//! `/docs/feed`: the feed's protocol for people, with a session to replay. A test replays it, so
//! what is shown is what is said. It must not say more than the protocol does.

use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse};
use maud::{Markup, html};

use super::page::{Page, block, json, prose};
use crate::feed::Ending;

/// Who says something in the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// The client sends this frame.
    Say(&'static str),
    /// The server sends this frame, but for ids and times.
    Hear(&'static str),
    /// Meanwhile somebody sends this over HTTP: method, path, body.
    Meanwhile(&'static str, &'static str, &'static str),
}

/// A session that works after the first examples of `/docs`: red clogs, 10 of them in Malmö.
pub const SESSION: &[Line] = &[
    Line::Hear(r#"{"type":"welcome","epoch":"01a200c51e537458","ping_seconds":25,"max_keys":200}"#),
    Line::Say(r#"{"op":"subscribe","id":1,"keys":["clog-38@malmo","clog-38@lund","clog-38@*"]}"#),
    Line::Hear(
        r#"{"type":"state","id":1,"levels":[{"sku":"clog-38","location":"malmo",
            "version":1,"status":"in_stock","at":"2026-02-03T04:05:06.789Z"}],
            "items":[{"sku":"clog-38","name":"Red clogs 38","unit":"each","attributes":{},
            "price":{"amount":"300.00","currency":"SEK"},"offer":null,
            "current_price":{"amount":"300.00","currency":"SEK"}}],
            "unknown":["clog-38@lund"],"denied":["clog-38@*"],"last":true}"#,
    ),
    Line::Meanwhile(
        "POST",
        "/v1/movements",
        r#"{"movements":[{"id":"till-3-1","type":"sale","sku":"clog-38",
            "location":"malmo","quantity":1}]}"#,
    ),
    Line::Meanwhile(
        "POST",
        "/v1/movements",
        r#"{"movements":[{"id":"till-3-2","type":"sale","sku":"clog-38",
            "location":"malmo","quantity":7}]}"#,
    ),
    Line::Hear(
        r#"{"type":"update","levels":[{"sku":"clog-38","location":"malmo","version":2,
            "status":"limited","available":2,"at":"2026-02-03T04:05:06.789Z"}],
            "conflated":0}"#,
    ),
    Line::Meanwhile(
        "PUT",
        "/v1/items/clog-38",
        r#"{"name":"Red clogs 38","price":{"amount":"250.00","currency":"SEK"}}"#,
    ),
    Line::Hear(
        r#"{"type":"item","item":{"sku":"clog-38","name":"Red clogs 38","unit":"each",
            "attributes":{},"price":{"amount":"250.00","currency":"SEK"},"offer":null,
            "current_price":{"amount":"250.00","currency":"SEK"}}}"#,
    ),
    Line::Say(r#"{"op":"subscribe","id":2,"keys":["clog-38@malmo"],"have":{"clog-38@malmo":2}}"#),
    Line::Hear(
        r#"{"type":"state","id":2,"levels":[],"items":[{"sku":"clog-38",
            "name":"Red clogs 38","unit":"each","attributes":{},
            "price":{"amount":"250.00","currency":"SEK"},"offer":null,
            "current_price":{"amount":"250.00","currency":"SEK"}}],"unknown":[],
            "denied":[],"last":true}"#,
    ),
];

/// `GET /docs/feed`.
pub async fn page(request: HttpRequest) -> HttpResponse {
    static PAGE: LazyLock<Page> =
        LazyLock::new(|| Page::framed("/docs/feed", "Feed", &contents(), &main()));
    PAGE.answer(&request)
}

fn contents() -> Markup {
    html! {
        p { a href="#main" { "The feed" } }
        ul {
            li { a href="#session" { "A session to replay" } }
            li { a href="#rules" { "Rules for clients" } }
            li { a href="#endings" { "How it ends" } }
            li { a href="#events" { "Server-Sent Events" } }
            li { a href="#bounds" { "Limits" } }
        }
    }
}

fn main() -> Markup {
    html! {
        h1 { "Hear of stock as it changes" }
        p.lead {
            "The feed tells pages, screens and tills what there is, within milliseconds of the "
            "commit, and never before it. It carries state, not events: each level is whole, so "
            "one that was missed is made good by the next."
        }
        p {
            "Frames are JSON, described for machines in "
            a href="/asyncapi.yaml" { "asyncapi.yaml" }
            ". A key is " code { "SKU@LOCATION" } "; with a token of scope "
            code { "screen" } " or " code { "stock:read" } " also " code { "SKU@*" } " and "
            code { "*@LOCATION" } ". With " code { "stock:read" } " figures are exact. Without, "
            "there is the status and, when few are left, their number; the version then rises "
            "only when that changes."
        }
        (session())
        (rules())
        (endings())
        (events())
        (bounds())
    }
}

fn session() -> Markup {
    html! {
        section {
            h2 #session { "A session to replay" }
            p {
                "Any WebSocket client will do, such as "
                code { "websocat ws://127.0.0.1:8080/v1/feed" }
                ". It follows on the first examples of " a href="/docs#begin" { "the API's page" }
                ": the item, the location, and a receipt of 10. What stands after "
                b { "you" } " is sent as it is."
            }
            @for line in SESSION {
                @match line {
                    Line::Say(frame) => { p { b { "you" } } (json(frame)) }
                    Line::Hear(frame) => { p { b { "server" } } (json(frame)) }
                    Line::Meanwhile(method, path, body) => {
                        p { "meanwhile, somebody: " code { (method) " " (path) } }
                        (json(body))
                    }
                }
            }
            p {
                "The first sale changed nothing that the public may see, so it was not told. Who "
                "comes back says in " code { "have" } " which versions it has, and is told only "
                "what is newer: here nothing. Items are always told: they have no version."
            }
        }
    }
}

const RULES: &[&str] = &[
    "The first frame is `welcome`. Another `epoch` than before: forget all versions.",
    "A token goes into `hello`, the first command, within 10 s, or into the header \
     `Authorization`; never into the URL. The answer is another `welcome`.",
    "A `subscribe` is answered by `state` frames with its `id`, the last with `\"last\":true`; \
     then `update` frames follow. An `unsubscribe` is not answered.",
    "Per key keep the level with the highest version. `\"removed\":true`: no longer stocked. A key \
     under `unknown` goes live when it is stocked; one under `denied` is not followed.",
    "`conflated` counts the versions of these keys that were left out because you took your time.",
    "Answer a `ping` with `{\"op\":\"pong\"}`, or with anything else, within 8 s. If you hear \
     nothing for longer than `ping_seconds` and a few more, the connection is dead: open another.",
    "Ignore frames and members that you do not know.",
    "On `going_away` come back after `retry_after_ms`; after any other end that says come back, \
     after a random time that grows.",
];

fn rules() -> Markup {
    html! {
        section {
            h2 #rules { "Rules for clients" }
            ul { @for rule in RULES { li { (prose(rule)) } } }
        }
    }
}

fn endings() -> Markup {
    html! {
        section {
            h2 #endings { "How it ends" }
            p {
                "4000 to 4499: come back. 4500 to 4999: stay away, until what the reason says is "
                "mended. An " code { "error" } " frame before it says more."
            }
            div.scroll { table {
                thead { tr { th { "Code" } th { "Reason" } } }
                tbody {
                    @for ending in Ending::ALL {
                        tr { td { code { (ending.code()) } } td { (ending.reason()) } }
                    }
                }
            } }
        }
    }
}

fn events() -> Markup {
    html! {
        section {
            h2 #events { "Server-Sent Events" }
            p {
                "Who only listens opens "
                code { "/v1/feed/events?keys=clog-38@malmo,clog-38@lund" }
                ", for instance with the browser's " code { "EventSource" } " or:"
            }
            (block("curl -N \"$ONHAND/v1/feed/events?keys=clog-38@malmo\""))
            p {
                "Each event's data is a frame: " code { "state" } " first, then " code { "update" }
                ", " code { "item" } " and " code { "going_away" }
                ". Its id says what was told; a browser sends it back as "
                code { "Last-Event-ID" } " and is told only what is newer, but all of a pattern. "
                "With " code { "going_away" } " comes a line " code { "retry" }
                ", so that a browser comes back when it should."
            }
        }
    }
}

fn bounds() -> Markup {
    html! {
        section {
            h2 #bounds { "Limits" }
            p {
                "Unless the operator says otherwise: 200 keys a connection, with a token 5000; a "
                "pattern counts as one. Frames of 16 KiB, with a token 256 KiB; 20 commands a "
                "second, a message in fragments being one. 500 connections of one address, 2000 "
                "of one token: one more is closed with "
                code { "4504" } ". 20000 in all: one more, and one more who only listens past "
                "any of the three, is answered with 503 and " code { "Retry-After" }
                ". A page's origin must be on the list of the option " code { "http.origins" }
                ", by default the service's own."
            }
        }
    }
}
