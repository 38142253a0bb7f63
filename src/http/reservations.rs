//! Reservations: place, look up, and every call on one that is there. Requests are read in
//! `reservation_request` and `confirmation_request`; what they lead to is the core's.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue, LOCATION};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::value::RawValue;

use super::answer::{Answered, List, json, ok};
use super::auth::{Caller, by, may_change};
use super::body::{document, document_or_empty, parse_with_faults};
use super::border::Border;
use super::confirmation_request::{ConfirmRequest, ExtendRequest, PartsRequest, ReleaseRequest};
use super::fault::{At, Fault, Faults, Source, Wrong};
use super::identity;
use super::problem::{Code, Problem};
use super::read;
use super::request::{Body, Query, idempotency_key, path_text};
use super::reservation_document::ReservationDocument;
use super::reservation_request::{Context, LinesRequest, PlaceRequest};
use super::reservation_schema as shape;
use super::stock_schema as schema;
use crate::actors::{ReservationFilter, Reserved};
use crate::catalogue::{Scope, Token};
use crate::stock::command::Idempotency;
use crate::stock::reservation::State;
use crate::stock::{By, Change, Channel, ReservationId};

/// Says that the first answer is given again.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// `POST /v1/reservations`.
#[utoipa::path(
    post,
    path = "/v1/reservations",
    operation_id = "placeReservation",
    tag = "Reservations",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "At most 255 characters; makes a repetition safe for 24 h"),
    ),
    request_body = shape::PlaceRequest,
    responses(
        (status = 201, description = "Held, or confirmed if asked to", body = shape::Reservation),
        (status = "4XX", description = "A problem; it names every fault", body = schema::ProblemDocument),
        (status = 503, description = "Nothing happened, or the outcome is unknown: `code` says which", body = schema::ProblemDocument),
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
    let key = idempotency_key(&request)?;
    let context = Context::new(&border, token);
    let (asked, faults) = parse_with_faults(document(&body.0)?, |raw, at, faults| {
        PlaceRequest::read(raw, at, faults, &context)
    })?;
    let by = by_body(token, asked.channel.clone())?;
    let idempotency = key.map(|key| identity::idempotency(token.id, key, "place", &asked));
    if let Some(first) = first_answer(&border, &by, idempotency, faults).await? {
        return Ok(created(&first));
    }
    let place = asked.place(border.stock.new_reservation_id());
    let reserved = border.stock.reserve(by, place, idempotency).await?;
    Ok(created(&reserved))
}

/// `GET /v1/reservations/{id}`.
#[utoipa::path(
    get,
    path = "/v1/reservations/{id}",
    operation_id = "getReservation",
    tag = "Reservations",
    params(
        ("id" = String, Path, description = "The reservation"),
    ),
    responses(
        (status = 200, description = "Its state, also a day after it resolved", body = shape::Reservation),
        (status = "4XX", description = "A problem; it names every fault", body = schema::ProblemDocument),
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

/// `GET /v1/reservations`.
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
        (status = "4XX", description = "A problem; it names every fault", body = schema::ProblemDocument),
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
    let found = border.stock.reservations(&filter, after, limit).await?;
    let last = found.last().filter(|_| found.len() == limit);
    Ok(ok(&List {
        next: last.map(|last| last.id.to_string()),
        items: found
            .iter()
            .map(|one| ReservationDocument::new(one))
            .collect(),
        position,
    }))
}

/// `PUT …/lines`.
#[utoipa::path(
    put,
    path = "/v1/reservations/{id}/lines",
    operation_id = "replaceLines",
    tag = "Reservations",
    params(
        ("id" = String, Path, description = "The reservation"),
        ("Idempotency-Key" = Option<String>, Header, description = "At most 255 characters; makes a repetition safe for 24 h"),
    ),
    request_body = shape::LinesRequest,
    responses(
        (status = 200, description = "As it is now", body = shape::Reservation),
        (status = "4XX", description = "A problem; it names every fault", body = schema::ProblemDocument),
        (status = 503, description = "Nothing happened, or the outcome is unknown: `code` says which", body = schema::ProblemDocument),
    ),
    security(("bearer" = ["reserve"])),
)]
pub async fn replace_lines(
    border: Data<Border>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Answered {
    let call = Call::new(&border, caller.needs(Scope::Reserve)?, &request, "lines")?;
    let context = Context::new(&border, call.token);
    let (asked, faults) = parse_with_faults(document(&body.0)?, |raw, at, faults| {
        LinesRequest::read(raw, at, faults, &context)
    })?;
    let by = by_body(call.token, asked.channel.clone())?;
    let idempotency = call.idempotency(&asked);
    if let Some(first) = first_answer(&border, &by, idempotency, faults).await? {
        return Ok(changed(&first));
    }
    let change = Change::ReplaceLines(asked.lines());
    call.change(by, change, idempotency).await
}

/// `POST …/extend`.
#[utoipa::path(
    post,
    path = "/v1/reservations/{id}/extend",
    operation_id = "extendReservation",
    tag = "Reservations",
    params(
        ("id" = String, Path, description = "The reservation"),
        ("Idempotency-Key" = Option<String>, Header, description = "At most 255 characters; makes a repetition safe for 24 h"),
    ),
    request_body = shape::ExtendRequest,
    responses(
        (status = 200, description = "As it is now", body = shape::Reservation),
        (status = "4XX", description = "A problem; it names every fault", body = schema::ProblemDocument),
        (status = 503, description = "Nothing happened, or the outcome is unknown: `code` says which", body = schema::ProblemDocument),
    ),
    security(("bearer" = ["reserve"])),
)]
pub async fn extend(
    border: Data<Border>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Answered {
    let call = Call::new(&border, caller.needs(Scope::Reserve)?, &request, "extend")?;
    let ttl_max = border.limits.ttl_seconds_max;
    let (asked, _) = parse_with_faults(document(&body.0)?, |raw, at, faults| {
        ExtendRequest::read(raw, at, faults, ttl_max)
    })?;
    let ttl_ms = i64::try_from(asked.ttl_seconds * 1000).expect("the bound is small");
    let idempotency = call.idempotency(&asked);
    let by = by_body(call.token, asked.channel)?;
    let change = Change::Extend { ttl_ms };
    call.change(by, change, idempotency).await
}

/// `POST …/confirm`.
#[utoipa::path(
    post,
    path = "/v1/reservations/{id}/confirm",
    operation_id = "confirmReservation",
    tag = "Reservations",
    params(
        ("id" = String, Path, description = "The reservation"),
        ("Idempotency-Key" = Option<String>, Header, description = "At most 255 characters; makes a repetition safe for 24 h"),
    ),
    request_body = Option<shape::ConfirmRequest>,
    responses(
        (status = 200, description = "As it is now", body = shape::Reservation),
        (status = "4XX", description = "A problem; it names every fault", body = schema::ProblemDocument),
        (status = 503, description = "Nothing happened, or the outcome is unknown: `code` says which", body = schema::ProblemDocument),
    ),
    security(("bearer" = ["reserve"])),
)]
pub async fn confirm(
    border: Data<Border>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Answered {
    let call = Call::new(&border, caller.needs(Scope::Reserve)?, &request, "confirm")?;
    let now = border.stock.now();
    let (asked, faults) = parse_with_faults(document_or_empty(&body.0)?, |raw, at, faults| {
        ConfirmRequest::read(raw, at, faults, now)
    })?;
    let by = by_body(call.token, asked.channel.clone())?;
    let idempotency = call.idempotency(&asked);
    if let Some(first) = first_answer(&border, &by, idempotency, faults).await? {
        return Ok(changed(&first));
    }
    let change = Change::Confirm {
        confirmation: asked.confirmation,
        reclaim: asked.reclaim,
    };
    call.change(by, change, idempotency).await
}

/// `POST …/fulfil`.
#[utoipa::path(
    post,
    path = "/v1/reservations/{id}/fulfil",
    operation_id = "fulfilReservation",
    tag = "Reservations",
    params(
        ("id" = String, Path, description = "The reservation"),
        ("Idempotency-Key" = Option<String>, Header, description = "At most 255 characters; required with lines"),
    ),
    request_body = Option<shape::PartsRequest>,
    responses(
        (status = 200, description = "As it is now", body = shape::Reservation),
        (status = "4XX", description = "A problem; it names every fault", body = schema::ProblemDocument),
        (status = 503, description = "Nothing happened, or the outcome is unknown: `code` says which", body = schema::ProblemDocument),
    ),
    security(("bearer" = ["fulfil"])),
)]
pub async fn fulfil(
    border: Data<Border>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Answered {
    let call = Call::new(&border, caller.needs(Scope::Fulfil)?, &request, "fulfil")?;
    let asked = call.parts(&body)?;
    if asked.lines.is_some() && call.key.is_none() {
        let detail = "is required with lines: a part handed over twice would be two";
        let source = Source::Header("Idempotency-Key");
        return Err(Problem::from_fault(source, Wrong::invalid(detail)));
    }
    call.check_locations(&asked).await?;
    let idempotency = call.idempotency(&asked);
    let by = by_body(call.token, asked.channel)?;
    let change = Change::Fulfil(asked.lines);
    call.change(by, change, idempotency).await
}

/// `POST …/release`.
#[utoipa::path(
    post,
    path = "/v1/reservations/{id}/release",
    operation_id = "releaseReservation",
    tag = "Reservations",
    params(
        ("id" = String, Path, description = "The reservation"),
        ("Idempotency-Key" = Option<String>, Header, description = "At most 255 characters; makes a repetition safe for 24 h"),
    ),
    request_body = Option<shape::ReleaseRequest>,
    responses(
        (status = 200, description = "As it is now", body = shape::Reservation),
        (status = "4XX", description = "A problem; it names every fault", body = schema::ProblemDocument),
        (status = 503, description = "Nothing happened, or the outcome is unknown: `code` says which", body = schema::ProblemDocument),
    ),
    security(("bearer" = ["reserve"])),
)]
pub async fn release(
    border: Data<Border>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Answered {
    let call = Call::new(&border, caller.needs(Scope::Reserve)?, &request, "release")?;
    let document = document_or_empty(&body.0)?;
    let (asked, _) = parse_with_faults(document, ReleaseRequest::read)?;
    let idempotency = call.idempotency(&asked);
    let by = by_body(call.token, asked.channel)?;
    call.change(by, Change::Release, idempotency).await
}

/// `POST …/cancel`.
#[utoipa::path(
    post,
    path = "/v1/reservations/{id}/cancel",
    operation_id = "cancelReservation",
    tag = "Reservations",
    params(
        ("id" = String, Path, description = "The reservation"),
        ("Idempotency-Key" = Option<String>, Header, description = "At most 255 characters; makes a repetition safe for 24 h"),
    ),
    request_body = Option<shape::PartsRequest>,
    responses(
        (status = 200, description = "As it is now", body = shape::Reservation),
        (status = "4XX", description = "A problem; it names every fault", body = schema::ProblemDocument),
        (status = 503, description = "Nothing happened, or the outcome is unknown: `code` says which", body = schema::ProblemDocument),
    ),
    security(("bearer" = ["reserve"])),
)]
pub async fn cancel(
    border: Data<Border>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Answered {
    let call = Call::new(&border, caller.needs(Scope::Reserve)?, &request, "cancel")?;
    let asked = call.parts(&body)?;
    let idempotency = call.idempotency(&asked);
    let by = by_body(call.token, asked.channel)?;
    let change = Change::Cancel(asked.lines);
    call.change(by, change, idempotency).await
}

/// A call on a reservation that is there.
struct Call<'c> {
    border: &'c Border,
    token: &'c Token,
    key: Option<&'c str>,
    id: ReservationId,
    operation: &'static str,
}

impl<'c> Call<'c> {
    fn new(
        border: &'c Border,
        token: &'c Token,
        request: &'c HttpRequest,
        operation: &'static str,
    ) -> Result<Call<'c>, Problem> {
        Ok(Call {
            border,
            token,
            key: idempotency_key(request)?,
            id: path_id(request)?,
            operation,
        })
    }

    /// How a repetition of this call is recognised.
    fn idempotency(&self, asked: &impl Serialize) -> Option<Idempotency> {
        let operation = format!("{} {}", self.operation, self.id);
        let key = self.key?;
        Some(identity::idempotency(self.token.id, key, &operation, asked))
    }

    fn parts(&self, body: &Body) -> Result<PartsRequest, Problem> {
        let lines_max = self.border.limits.lines_max;
        let document: &RawValue = document_or_empty(&body.0)?;
        let (asked, _) = parse_with_faults(document, |raw, at, faults| {
            PartsRequest::read(raw, at, faults, lines_max)
        })?;
        Ok(asked)
    }

    /// A bound token hands over only at its locations, be they named or all that is left.
    async fn check_locations(&self, asked: &PartsRequest) -> Result<(), Problem> {
        if self.token.grant.locations.is_none() {
            return Ok(());
        }
        let mut faults = Faults::default();
        let Some(lines) = &asked.lines else {
            let found = self.border.stock.reservation(self.id).await?;
            let found = found.ok_or_else(not_found)?;
            let left = found.shares.iter().map(|share| &share.key);
            for key in left.filter(|key| found.remaining(key).is_positive()) {
                faults.unless(At::Root, may_change(self.token, key.location()));
            }
            return faults.none_or_problem();
        };
        let at = At::Member(&At::Root, "lines");
        for (index, (key, _)) in lines.iter().enumerate() {
            let at = At::Element(&at, index);
            let allowed = may_change(self.token, key.location());
            faults.unless(At::Member(&at, "location"), allowed);
        }
        faults.none_or_problem()
    }

    async fn change(&self, by: By, change: Change, idempotency: Option<Idempotency>) -> Answered {
        let stock = &self.border.stock;
        let reserved = stock.change(by, self.id, change, idempotency).await?;
        Ok(changed(&reserved))
    }
}

/// Who is written into the record, when the body may say a channel.
fn by_body(token: &Token, said: Option<Channel>) -> Result<By, Problem> {
    let source = || Source::Pointer("/channel".to_owned());
    by(token, said).map_err(|wrong| Problem::from_faults(vec![Fault::new(source(), wrong)]))
}

/// What to do about faults that are by rule: a repetition of a request that was answered before
/// gets its first answer, anything else the problem.
async fn first_answer(
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

fn path_id(request: &HttpRequest) -> Result<ReservationId, Problem> {
    let text = path_text(request, "id")?;
    ReservationId::parse(&text).ok_or_else(not_found)
}

fn not_found() -> Problem {
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

fn changed(reserved: &Reserved) -> HttpResponse {
    shown(StatusCode::OK, reserved)
}

fn shown(status: StatusCode, reserved: &Reserved) -> HttpResponse {
    let document = ReservationDocument::new(&reserved.reservation);
    let mut response = json(status, &document);
    if reserved.replayed {
        let yes = HeaderValue::from_static("true");
        response.headers_mut().insert(REPLAYED, yes);
    }
    response
}
