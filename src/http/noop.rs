//! `POST /v1/noop`, with `--yardstick` only: does all that a reservation costs at the border and
//! nothing else, so that speed can be measured against it. Touches no stock.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::Data;

use super::answer::{Answered, json};
use super::auth::{Caller, by};
use super::body::parse;
use super::border::Border;
use super::problem::Problem;
use super::request::Body;
use super::reservation_document::ReservationDocument;
use super::reservation_request::{Context, PlaceRequest};
use crate::catalogue::Scope;
use crate::stock::command::{NewLine, Place};
use crate::stock::reservation::State;
use crate::stock::{By, Line, Quantity, Reservation, Timestamp};

/// Reads a reservation request and answers a document of the same size.
pub async fn noop(border: Data<Border>, caller: Caller, body: Body) -> Answered {
    let token = caller.needs(Scope::Reserve)?;
    let body = body.read().await?;
    let context = Context::new(&border, token);
    let asked = parse(&body, |raw, at, faults| {
        PlaceRequest::read(raw, at, faults, &context)
    })?;
    let said = asked.channel.clone();
    let by = by(token, said).map_err(|wrong| Problem::new(wrong.code, wrong.detail))?;
    let place = asked.place(border.stock.new_reservation_id());
    let reservation = as_if_placed(place, by, context.now);
    Ok(json(
        StatusCode::CREATED,
        &ReservationDocument::new(&reservation),
    ))
}

/// The reservation that would be answered if everything were to be had.
fn as_if_placed(place: Place, by: By, now: Timestamp) -> Reservation {
    let lead = place.lines.iter().map(|line| &line.key).max();
    let lead = lead.expect("a reservation has a line").clone();
    Reservation {
        id: place.id,
        lead,
        revision: 1,
        state: State::Held,
        lines: place.lines.into_iter().map(line).collect(),
        shares: Arc::default(),
        deadline: Some(now.plus_millis(place.ttl_ms)),
        ttl_ms: place.ttl_ms,
        by,
        customer: place.customer,
        reference: place.reference,
        metadata: place.metadata,
        confirmation: place.confirm.map(Box::new),
        created_at: now,
        resolved_at: None,
    }
}

fn line(new: NewLine) -> Line {
    Line {
        line: new.line,
        key: new.key,
        quantity: new.quantity,
        requested: None,
        unit_price: new.unit_price,
        cancelled: Quantity::ZERO,
    }
}
