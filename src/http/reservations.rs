//! Reservations: place and look up. Requests are read in `reservation_request`; what they lead
//! to is the core's. The calls on one that is there are in `reservation_calls`.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue, LOCATION};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::answer::{Answered, List, ok, sized};
use super::auth::{Caller, by};
use super::body::{document, parse_with_faults};
use super::border::Border;
use super::fault::{At, Fault, Faults, Source, Wrong};
use super::identity;
use super::problem::{Code, Problem};
use super::problem_schema;
use super::read;
use super::request::{Body, Query, idempotency_key, path_text};
use super::reservation_document::ReservationDocument;
use super::reservation_request::{Context, PlaceRequest};
use super::reservation_schema as shape;
use crate::actors::{ReservationFilter, Reserved};
use crate::catalogue::{Scope, Token};
use crate::stock::command::Idempotency;
use crate::stock::reservation::State;
use crate::stock::{By, Channel, ReservationId};

/// About so many bytes a reservation takes without its lines, and each line.
const DOCUMENT_BYTES: usize = 384;
const LINE_BYTES: usize = 256;

/// Says that the first answer is given again.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Holds stock for a customer: add to cart.
///
/// All lines or none, unless `partial` takes what there is. Prices are those in force now and hold
/// as long as the reservation. With `confirm` it is confirmed in the same call.
#[utoipa::path(
    post,
    path = "/v1/reservations",
    operation_id = "placeReservation",
    tag = "Reservations",
    params(
        problem_schema::Repeatable,
    ),
    request_body = shape::PlaceRequest,
    responses(
        (status = 201, description = "Held, or confirmed if asked to", body = shape::Reservation),
        problem_schema::Problems,
    ),
    security(("bearer" = ["reserve"])),
)]
pub async fn place(
    border: Data<Border>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Answered {
    let token = caller.needs(Scope::Reserve)?;
    let body = body.read().await?;
    let key = idempotency_key(&request)?;
    let context = Context::new(&border, token);
    let (asked, faults) = parse_with_faults(document(&body)?, |raw, at, faults| {
        PlaceRequest::read(raw, at, faults, &context)
    })?;
    let by = by_body(token, asked.channel.clone())?;
    let idempotency = key.map(|key| identity::idempotency(token.id, key, "place", &asked));
    if let Some(first) = first_answer(&border, &by, idempotency, faults).await? {
        return Ok(created(&first));
    }
    let place = asked.place(border.stock.new_reservation_id());
    let reserved = border.stock.reserve(by, place, idempotency).await;
    let in_body = |error| Problem::of_call(error, At::Member(&At::Root, "confirm"));
    Ok(created(&reserved.map_err(in_body)?))
}

/// One reservation, also for a day after it came to its end.
#[utoipa::path(
    get,
    path = "/v1/reservations/{id}",
    operation_id = "getReservation",
    tag = "Reservations",
    params(
        ("id" = String, Path, description = "The reservation"),
    ),
    responses(
        (status = 200, description = "Its state, also a day after it resolved",
            body = shape::Reservation),
        problem_schema::Problems,
    ),
    security(("bearer" = ["reserve"])),
)]
pub async fn read_one(border: Data<Border>, caller: Caller, request: HttpRequest) -> Answered {
    caller.needs(Scope::Reserve)?;
    let id = path_id(&request)?;
    let found = border.stock.reservation(id).await?;
    let found = found.ok_or_else(not_found)?;
    Ok(ok(&ReservationDocument::new(&found)))
}

/// Finds reservations, whichever channel began them. A page may be shorter than asked for, or
/// empty, while `next` says that there is more.
#[utoipa::path(
    get,
    path = "/v1/reservations",
    operation_id = "listReservations",
    tag = "Reservations",
    params(
        ("customer" = Option<String>, Query),
        ("reference" = Option<String>, Query),
        ("order" = Option<String>, Query),
        ("channel" = Option<String>, Query),
        ("sku" = Option<String>, Query),
        ("location" = Option<String>, Query),
        ("state" = Option<String>, Query),
        ("limit" = Option<u32>, Query, description = "How many, 100 by default, at most 1000"),
        ("after" = Option<String>, Query, description = "What `next` said"),
    ),
    responses(
        (status = 200, description = "Those that fit, oldest first", body = shape::ReservationList),
        problem_schema::Problems,
    ),
    security(("bearer" = ["reserve"])),
)]
pub async fn list(border: Data<Border>, caller: Caller, request: HttpRequest) -> Answered {
    caller.needs(Scope::Reserve)?;
    let mut query = Query::read(&request);
    let owned = |text: &str| Ok(text.to_owned());
    let filter = ReservationFilter {
        customer: query.optional("customer", owned),
        reference: query.optional("reference", owned),
        order: query.optional("order", owned),
        channel: query.optional("channel", |t| read::channel_of(t).map(|c| c.to_string())),
        sku: query.optional("sku", |t| read::sku_of(t).map(|sku| sku.to_string())),
        location: query.optional("location", |t| read::location_of(t).map(|l| l.to_string())),
        state: query.optional("state", state),
    };
    let after = query.optional("after", read::reservation_of);
    let limit = query.limit();
    query.finish()?;

    let position = border.position();
    let page = border.stock.reservations(&filter, after, limit).await?;
    Ok(ok(&List {
        next: page.next.map(|next| next.to_string()),
        items: page
            .found
            .iter()
            .map(|one| ReservationDocument::new(one))
            .collect(),
        position,
    }))
}

/// Who is written into the record, when the body may say a channel.
pub(super) fn by_body(token: &Token, said: Option<Channel>) -> Result<By, Problem> {
    let source = || Source::Pointer("/channel".to_owned());
    by(token, said).map_err(|wrong| Problem::from_faults(vec![Fault::new(source(), wrong)]))
}

/// What to do about faults that are by rule: a repetition of a request that was answered before
/// gets its first answer, anything else the problem.
pub(super) async fn first_answer(
    border: &Border,
    by: &By,
    idempotency: Option<Idempotency>,
    faults: Faults,
) -> Result<Option<Reserved>, Problem> {
    let Err(problem) = faults.none_or_problem() else {
        return Ok(None);
    };
    let Some(idempotency) = idempotency else {
        return Err(problem);
    };
    let first = border.stock.replay(by.clone(), idempotency).await?;
    first.map(Some).ok_or(problem)
}

pub(super) fn path_id(request: &HttpRequest) -> Result<ReservationId, Problem> {
    let text = path_text(request, "id")?;
    ReservationId::parse(&text).ok_or_else(not_found)
}

pub(super) fn not_found() -> Problem {
    let detail = "no such reservation, or it was forgotten a day after it resolved";
    Problem::new(Code::ReservationNotFound, detail)
}

fn state(text: &str) -> Result<State, Wrong> {
    let states = [
        State::Held,
        State::Confirmed,
        State::Fulfilled,
        State::Released,
        State::Expired,
        State::Cancelled,
    ];
    let found = states.into_iter().find(|state| state.name() == text);
    found.ok_or_else(|| {
        Wrong::invalid("must be held, confirmed, fulfilled, released, expired or cancelled")
    })
}

fn created(reserved: &Reserved) -> HttpResponse {
    let path = format!("/v1/reservations/{}", reserved.reservation.id);
    let mut response = shown(StatusCode::CREATED, reserved);
    let path = HeaderValue::try_from(path).expect("an id is hexadecimal");
    response.headers_mut().insert(LOCATION, path);
    response
}

pub(super) fn changed(reserved: &Reserved) -> HttpResponse {
    shown(StatusCode::OK, reserved)
}

fn shown(status: StatusCode, reserved: &Reserved) -> HttpResponse {
    let document = ReservationDocument::new(&reserved.reservation);
    let bytes = DOCUMENT_BYTES + LINE_BYTES * reserved.reservation.lines.len();
    let mut response = sized(status, &document, bytes);
    if reserved.replayed {
        let yes = HeaderValue::from_static("true");
        response.headers_mut().insert(REPLAYED, yes);
    }
    response
}
