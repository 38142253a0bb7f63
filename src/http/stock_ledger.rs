//! `GET /v1/stock/{sku}/{location}/movements`: everything that changed what is physically there,
//! newest first, from the journal.

use actix_web::HttpRequest;
use actix_web::web::Data;
use serde::Serialize;

use super::answer::{Answered, List, ok};
use super::auth::Caller;
use super::border::Border;
use super::fault::Wrong;
use super::names::{item_in_path, location_in_path};
use super::problem_schema;
use super::request::{Query, path_key};
use super::stock_schema as schema;
use super::wire::{Number, Time, parse_position, position};
use crate::actors::Position;
use crate::catalogue::Scope;
use crate::catalogue::token::id_text;
use crate::stock::movement::{Moved, MovementKind};
use crate::stock::{Event, Quantity, StockRecord};

/// What changed on hand of one key, newest first.
#[utoipa::path(
    get,
    path = "/v1/stock/{sku}/{location}/movements",
    operation_id = "listMovements",
    tag = "Stock",
    params(
        ("sku" = String, Path, description = "1–64 printable ASCII characters without @ * , %"),
        ("location" = String, Path, description = "As for SKUs"),
        ("limit" = Option<u32>, Query, description = "How many, 100 by default, at most 1000"),
        ("after" = Option<String>, Query, description = "What `next` said"),
    ),
    responses(
        (status = 200, description = "The ledger, newest first", body = schema::LedgerList),
        problem_schema::Problems,
    ),
    security(("bearer" = ["stock:read"])),
)]
pub async fn movements(border: Data<Border>, caller: Caller, request: HttpRequest) -> Answered {
    caller.needs(Scope::StockRead)?;
    let key = path_key(&request)?;
    item_in_path(&border, key.sku())?;
    location_in_path(&border, key.location())?;
    let epoch = border.stock.epoch();
    let mut query = Query::read(&request);
    let before = query.optional("after", |text| {
        parse_position(epoch, text).ok_or(Wrong::invalid("must be what `next` said"))
    });
    let limit = query.limit();
    query.finish()?;

    let durable = border.position();
    // One more than asked for: it says what was on hand before the last of the page.
    let records = border.stock.movements_of(&key, before, limit + 1).await?;
    let shown = records.len().min(limit);
    let entries = records[..shown].iter().enumerate().map(|(index, record)| {
        let older = records.get(index + 1).map(|(_, older)| older);
        Entry::new(epoch, record, older)
    });
    let has_more = records.len() > limit;
    let last = records[..shown].last().filter(|_| has_more);
    Ok(ok(&List {
        items: entries.collect(),
        next: last.map(|(at, _)| position(epoch, *at)),
        position: durable,
    }))
}

/// One change of what is there.
#[derive(Serialize)]
struct Entry<'a> {
    position: String,
    time: Time,
    #[serde(rename = "type")]
    kind: &'static str,
    /// What the caller said; for goods handed over what left.
    quantity: Option<Number>,
    on_hand: Number,
    token: String,
    channel: &'a str,
    id: Option<&'a str>,
    reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    occurred_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reservation: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    oversold: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    absorbed: bool,
}

impl<'a> Entry<'a> {
    fn new(
        epoch: &str,
        (at, record): &'a (Position, StockRecord),
        older: Option<&StockRecord>,
    ) -> Entry<'a> {
        let mut entry = Entry {
            position: position(epoch, *at),
            time: Time(record.at),
            kind: "fulfilment",
            quantity: None,
            on_hand: Number(record.level.on_hand),
            token: id_text(record.by.token),
            channel: record.by.channel.as_str(),
            id: None,
            reference: None,
            occurred_at: None,
            reason: None,
            to: None,
            from: None,
            reservation: None,
            oversold: false,
            absorbed: false,
        };
        let moved = record.events.iter().find_map(|event| {
            if let Event::Moved(moved) = event {
                return Some(moved);
            }
            None
        });
        match moved {
            Some(moved) => entry.fill(moved),
            None => {
                entry.reservation = reservation_of(record);
                entry.quantity = handed_over(record, older).map(Number);
            }
        }
        entry
    }

    fn fill(&mut self, moved: &'a Moved) {
        let movement = &moved.movement;
        self.kind = movement.kind.name();
        self.quantity = Some(Number(movement.quantity));
        self.id = Some(&movement.name);
        self.reference = movement.reference.as_deref();
        self.occurred_at = movement.occurred_at.map(Time);
        self.oversold = moved.oversold;
        self.absorbed = moved.absorbed;
        self.reservation = moved.used.map(|(id, _)| id.to_string());
        match &movement.kind {
            MovementKind::Adjustment { reason } => self.reason = reason.as_deref(),
            MovementKind::Transfer { to } => self.to = Some(to.location()),
            MovementKind::Arrival { from } => self.from = Some(from.location()),
            MovementKind::Receipt
            | MovementKind::Sale { .. }
            | MovementKind::Return { .. }
            | MovementKind::Count { .. } => {}
        }
    }
}

/// What left with a hand-over; not known when the entry before it is no longer kept.
fn handed_over(record: &StockRecord, older: Option<&StockRecord>) -> Option<Quantity> {
    older.map(|older| older.level.on_hand - record.level.on_hand)
}

fn reservation_of(record: &StockRecord) -> Option<String> {
    record.events.iter().find_map(|event| match event {
        Event::Reserved { reservation, .. } => Some(reservation.id.to_string()),
        Event::Settled { reservation, .. } => Some(reservation.to_string()),
        Event::Moved(_)
        | Event::SafetyStockSet(_)
        | Event::Stopped
        | Event::Prepared { .. }
        | Event::Abandoned { .. }
        | Event::Answered { .. }
        | Event::Denied { .. }
        | Event::Acknowledged(_) => None,
    })
}
