//! `POST /v1/movements`: what physically happened, up to a thousand at a time, each answered for
//! itself.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::Serialize;
use serde_json::value::RawValue;

use super::answer::{Answered, sized};
use super::auth::Caller;
use super::body::{Bound, Object, parse};
use super::border::Border;
use super::fault::{At, Faults};
use super::movement_request::{Context, Entry};
use super::problem::{Code, Problem};
use super::problem_schema;
use super::request::Body;
use super::stock_document::StockDocument;
use super::stock_schema as schema;
use super::wire::Number;
use crate::actors::{CallError, Reply};
use crate::catalogue::Scope;
use crate::stock::{Answer, Command, StockKey};

/// Records what physically happened: receipts, sales, returns, adjustments, counts, transfers.
///
/// Each movement is answered for itself, in the order sent. An id that was applied before answers
/// `duplicate` and changes nothing.
#[utoipa::path(
    post,
    path = "/v1/movements",
    operation_id = "recordMovements",
    tag = "Stock",
    request_body = schema::Movements,
    responses(
        (status = 200, description = "What became of each", body = schema::MovementResults),
        problem_schema::Problems,
    ),
    security(("bearer" = ["stock:write"])),
)]
pub async fn record(border: Data<Border>, caller: Caller, body: Body) -> Answered {
    let token = caller.needs(Scope::StockWrite)?;
    let body = body.read().await?;
    let context = Context {
        border: &border,
        token,
        now: border.stock.now(),
    };
    let entries = parse(&body, |raw, at, faults| read(raw, at, faults, &context))?;

    let mut calls = Vec::with_capacity(entries.len());
    let mut lines = Vec::with_capacity(entries.len());
    for Entry { name, asked } in entries {
        let asked = asked.map(|asked| {
            calls.push((asked.key.clone(), asked.by, Command::Move(asked.movement)));
            asked.key
        });
        lines.push((name, asked));
    }
    let replies = border.stock.call_all(calls).await;
    Ok(answer(&lines, replies))
}

/// About as long as the answer to a line is.
const LINE_BYTES: usize = 384;

type Lines = Vec<(Option<Arc<str>>, Result<StockKey, Problem>)>;

fn read(
    raw: &RawValue,
    at: At<'_>,
    faults: &mut Faults,
    context: &Context<'_>,
) -> Option<Vec<Entry>> {
    let mut object = Object::read(raw, at, faults)?;
    let bound = Bound::new(1, context.border.limits.batch_max);
    let entries = object.array("movements", bound, |raw, at, _| {
        Some(Entry::read(raw, at, context))
    });
    object.finish();
    entries
}

#[derive(Serialize)]
struct Results<'a> {
    results: Vec<LineResult<'a>>,
}

/// What became of one movement.
#[derive(Serialize)]
struct LineResult<'a> {
    id: Option<&'a str>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    oversold: Option<bool>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    absorbed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reservation_used: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stock: Option<StockDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

fn answer(lines: &Lines, replies: Vec<Result<Reply, CallError>>) -> HttpResponse {
    let mut replies = replies.into_iter();
    let results = lines
        .iter()
        .map(|(name, asked)| {
            let id = name.as_deref();
            match asked {
                Err(problem) => {
                    problem.count();
                    LineResult::problem(id, problem.clone())
                }
                Ok(key) => {
                    let reply = replies.next().expect("every call has a reply");
                    LineResult::reply(id, key, reply)
                }
            }
        })
        .collect();
    sized(
        StatusCode::OK,
        &Results { results },
        LINE_BYTES * lines.len(),
    )
}

impl<'a> LineResult<'a> {
    fn reply(
        id: Option<&'a str>,
        key: &'a StockKey,
        reply: Result<Reply, CallError>,
    ) -> LineResult<'a> {
        let Reply { answer, level } = match reply {
            Ok(reply) => reply,
            Err(error) => return LineResult::problem(id, error.into()),
        };
        let Answer::Moved {
            duplicate,
            oversold,
            absorbed,
            used,
        } = answer
        else {
            unreachable!("a movement is answered as one");
        };
        LineResult {
            id,
            status: if duplicate { "duplicate" } else { "applied" },
            oversold: Some(oversold),
            absorbed,
            reservation_used: used.map(Number),
            stock: Some(StockDocument::new(key, &level)),
            problem: None,
        }
    }

    fn problem(id: Option<&'a str>, problem: Problem) -> LineResult<'a> {
        LineResult {
            id,
            status: status_of(problem.code()),
            oversold: None,
            absorbed: false,
            reservation_used: None,
            stock: None,
            problem: Some(problem),
        }
    }
}

/// What the caller should do with a line of a batch that was not carried out.
pub fn status_of(code: Code) -> &'static str {
    if code.is_transient() {
        "retry"
    } else {
        "refused"
    }
}
