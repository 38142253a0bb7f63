//! `/problems` and `/problems/{type}`: what each problem means and what to do, as a page for
//! people and as JSON for programs. The words stand in `problem_advice`.

use actix_web::http::header::{ACCEPT, Accept, Header, QualityItem};
use actix_web::{HttpRequest, HttpResponse};
use maud::{Markup, html};
use serde_json::{Value, json};

use super::page::{self, Page, prose};
use super::sample::sample;
use crate::http::problem::{Code, Problem};

/// Codes that a path can name too, with 404.
const NAMED_BY_PATHS: &[Code] = &[Code::UnknownItem, Code::UnknownLocation, Code::NotStocked];

/// `GET /problems`: all of them.
pub async fn list(request: HttpRequest) -> HttpResponse {
    let page = if wants_json(&request) {
        let all: Vec<Value> = Code::ALL.iter().map(|code| document(*code)).collect();
        Page::json(&json!({ "problems": all }))
    } else {
        Page::framed(
            "/problems",
            "Problems",
            &contents(request.path()),
            &overview(),
        )
    };
    page.answer(&request)
}

/// `GET /problems/{type}`: one.
pub async fn one(request: HttpRequest) -> HttpResponse {
    let path = request.path();
    let Some(code) = Code::ALL.iter().find(|code| code.type_uri() == path) else {
        let detail = "there is no such problem; all of them are at /problems";
        return Problem::new(Code::NotFound, detail).response();
    };
    let page = if wants_json(&request) {
        Page::json(&document(*code))
    } else {
        Page::framed(path, code.title(), &contents(path), &about(*code))
    };
    page.answer(&request)
}

/// Whether JSON is named before HTML. Who takes anything gets the page.
fn wants_json(request: &HttpRequest) -> bool {
    if !request.headers().contains_key(ACCEPT) {
        return false;
    }
    let Ok(Accept(asked)) = Accept::parse(request) else {
        return false;
    };
    let quality = |fits: fn(&str) -> bool| {
        let fitting = asked.iter().filter(|kind| fits(kind.item.as_ref()));
        fitting.map(|QualityItem { quality, .. }| *quality).max()
    };
    let page = quality(|kind| kind == "text/html" || kind == "text/*" || kind == "*/*");
    let data = quality(|kind| kind.ends_with("json") || kind == "application/*");
    data > page
}

fn document(code: Code) -> Value {
    let advice = code.advice();
    json!({
        "type": code.type_uri(),
        "code": code.as_str(),
        "title": code.title(),
        "statuses": statuses(code),
        "transient": code.is_transient(),
        "means": advice.means,
        "when": advice.when,
        "act": advice.act,
        "example": sample(code),
    })
}

fn statuses(code: Code) -> Vec<u16> {
    let mut statuses = vec![code.status().as_u16()];
    if NAMED_BY_PATHS.contains(&code) {
        statuses.push(404);
    }
    statuses
}

fn contents(path: &str) -> Markup {
    html! {
        p { a href="/problems" { "All problems" } }
        ul {
            @for code in Code::ALL {
                @let target = code.type_uri();
                li {
                    a href=(target) aria-current=[(target == path).then_some("page")] {
                        code { (code.as_str()) }
                    }
                }
            }
        }
    }
}

fn overview() -> Markup {
    html! {
        h1 { "Problems" }
        p.lead {
            "A request that ends badly is answered with " code { "application/problem+json" }
            " (RFC 9457). Programs decide by " code { "code" } "; people follow " code { "type" }
            " to one of these pages."
        }
        p {
            "A problem that says so may be tried again as it is; any other needs something changed "
            "first. Where the body holds several faults, " code { "errors" } " names all of them, "
            "each with its place."
        }
        div.scroll { table {
            thead { tr { th { "Code" } th { "Status" } th { "Means" } th { "Again?" } } }
            tbody {
                @for code in Code::ALL {
                    tr {
                        td { a href=(code.type_uri()) { code { (code.as_str()) } } }
                        td data-label="Status" { (statuses_text(*code)) }
                        td { (prose(code.advice().means)) }
                        td data-label="Again?" { @if code.is_transient() { "yes" } @else { "no" } }
                    }
                }
            }
        } }
    }
}

fn about(code: Code) -> Markup {
    let advice = code.advice();
    let example = serde_json::to_string(&sample(code)).expect("a problem is plain data");
    html! {
        p.eyebrow { "Problem · status " (statuses_text(code)) }
        h1 { (code.title()) }
        p { code { (code.as_str()) } }
        h2 { "What it means" }
        p { (prose(advice.means)) }
        h2 { "When it happens" }
        p { (prose(advice.when)) }
        h2 { "What to do" }
        p { (prose(advice.act)) }
        @if !code.is_transient() {
            p { "The same request, repeated as it is, will most likely end the same way." }
        }
        h2 { "Example" }
        (page::json(&example))
    }
}

fn statuses_text(code: Code) -> String {
    let statuses: Vec<String> = statuses(code).iter().map(u16::to_string).collect();
    statuses.join(", ")
}
