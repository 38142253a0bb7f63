//! `GET /v1/events`: every durable change, in order, from any position that is still kept.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::web::Data;
use serde::Serialize;

use super::answer::{Answered, ok};
use super::auth::Caller;
use super::border::Border;
use super::event_document::{EventDocument, Teller};
use super::fault::{Source, Wrong};
use super::problem::{Code, Problem};
use super::problem_schema;
use super::read;
use super::request::Query;
use super::stock_schema as schema;
use super::wire::{parse_position, position};
use crate::actors::{EventsError, JournalRecord, Position, StockService};
use crate::catalogue::{CatalogueRecord, Scope};
use crate::telemetry::{UnderWay, metrics, timings};

#[derive(Serialize)]
struct Events {
    events: Vec<EventDocument>,
    next: String,
}

/// Reads on in the event stream; waits for news if asked to. What happened in one step is told
/// together: its events are never split over two pages, so that a page may have more than `limit`
/// (when hundreds of reservations expire at once) or fewer although there are more. A page
/// without events is the end for now.
#[utoipa::path(
    get,
    path = "/v1/events",
    operation_id = "listEvents",
    tag = "Events",
    params(
        ("after" = String, Query, description = "A position, `earliest` or `latest`"),
        ("limit" = Option<u32>, Query, description = "How many, 100 by default, at most 1000"),
        ("wait_seconds" = Option<u32>, Query,
            description = "How long to wait for news, at most 30"),
    ),
    responses(
        (status = 200, description = "Events, and where to go on", body = schema::EventList),
        problem_schema::Problems,
    ),
    security(("bearer" = ["events:read"])),
)]
pub async fn read_on(border: Data<Border>, caller: Caller, request: HttpRequest) -> Answered {
    caller.needs(Scope::EventsRead)?;
    let wait_max = u64::from(border.limits.events_wait_seconds_max);
    let mut query = Query::read(&request);
    let after = query.optional("after", |text| Ok(text.to_owned()));
    let limit = query.limit();
    let wait = query.optional("wait_seconds", |text| read::whole_of(text, 0..=wait_max));
    query.finish()?;
    let Some(after) = after else {
        let wrong = Wrong::invalid("is required: a position, earliest or latest");
        return Err(Problem::from_fault(
            Source::Parameter("after".into()),
            wrong,
        ));
    };

    let stock = &border.stock;
    let after = start(stock, &after).await?;
    let wait = Duration::from_secs(wait.unwrap_or(0));
    metrics().events_reads_total.inc();
    if !wait.is_zero() {
        timings::excuse();
    }
    let waiting = UnderWay::begin(&metrics().events_waiting);
    let (events, next) = news(&border, after, limit, wait).await?;
    drop(waiting);
    metrics().events_told_total.inc_by(events.len() as u64);
    let next = position(stock.epoch(), next);
    Ok(ok(&Events { events, next }))
}

/// The position to read on from.
async fn start(stock: &StockService, text: &str) -> Result<Position, Problem> {
    match text {
        "earliest" => Ok(earliest(stock).await?),
        "latest" => Ok(stock.durable()),
        _ => match parse_position(stock.epoch(), text) {
            Some(after) if after <= stock.durable() => Ok(after),
            // Of another lineage, from the future, or no position at all.
            Some(_) | None => {
                let earliest = earliest(stock).await?;
                Err(expired(stock, earliest))
            }
        },
    }
}

/// The earliest position that can be read on from.
async fn earliest(stock: &StockService) -> Result<Position, EventsError> {
    match stock.records_after(Position::ZERO, 1, Duration::ZERO).await {
        Ok(_) => Ok(Position::ZERO),
        Err(EventsError::Expired { earliest }) => Ok(earliest),
        Err(error) => Err(error),
    }
}

fn expired(stock: &StockService, earliest: Position) -> Problem {
    Problem::position_expired(position(stock.epoch(), earliest))
}

/// Events after a position, about `limit` of them, and the position of the last record they
/// are of. A record's events stay together, so one record may exceed the limit.
async fn news(
    border: &Border,
    mut after: Position,
    limit: usize,
    wait: Duration,
) -> Result<(Vec<EventDocument>, Position), Problem> {
    let stock = &border.stock;
    let wait_ms = i64::try_from(wait.as_millis()).expect("the bound is small");
    let until = stock.now().plus_millis(wait_ms);
    let mut events = Vec::new();
    loop {
        let left = until.as_millis() - stock.now().as_millis();
        let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
        let records = tokio::select! {
            biased;
            records = stock.records_after(after, limit, left) => records,
            () = border.stopping() => return Ok((events, after)),
        };
        let records = match records {
            Ok(records) => records,
            Err(EventsError::Expired { earliest }) => return Err(expired(stock, earliest)),
            Err(error) => return Err(error.into()),
        };
        let is_end = records.is_empty();
        for (at, record) in &records {
            let told = events.len();
            tell(stock.epoch(), *at, record, &mut events)?;
            if events.len() > limit && told > 0 {
                events.truncate(told);
                return Ok((events, after));
            }
            after = *at;
        }
        if is_end || !events.is_empty() {
            return Ok((events, after));
        }
    }
}

fn tell(
    epoch: &str,
    at: Position,
    record: &JournalRecord,
    events: &mut Vec<EventDocument>,
) -> Result<(), Problem> {
    match record {
        JournalRecord::Stock(record) => Teller::stock(epoch, at, record, events),
        JournalRecord::Catalogue(bytes) => {
            let record = CatalogueRecord::decode(bytes).map_err(|error| {
                tracing::error!(%error, position = at.get(), "a record could not be read");
                Problem::new(Code::Overloaded, "the journal cannot be read now")
            })?;
            Teller::catalogue(epoch, at, &record, events);
        }
    }
    Ok(())
}
