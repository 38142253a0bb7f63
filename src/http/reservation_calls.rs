//! The calls on a reservation that is there: other lines, more time, confirm, hand over, release,
//! cancel. Requests are read in `reservation_request` and `confirmation_request`.

use actix_web::HttpRequest;
use actix_web::web::Data;
use serde::Serialize;
use serde_json::value::RawValue;

use super::answer::Answered;
use super::auth::{Caller, may_change};
use super::body::{document, document_or_empty, parse_with_faults};
use super::border::Border;
use super::confirmation_request::{ConfirmRequest, ExtendRequest, PartsRequest, ReleaseRequest};
use super::fault::{At, Faults, Source, Wrong};
use super::identity;
use super::problem::Problem;
use super::problem_schema;
use super::request::{Body, idempotency_key};
use super::reservation_request::{Context, LinesRequest};
use super::reservation_schema as shape;
use super::reservations::{by_body, changed, first_answer, not_found, path_id};
use crate::catalogue::{Scope, Token};
use crate::stock::command::Idempotency;
use crate::stock::reservation::State;
use crate::stock::{By, Change, ReservationId};

/// Says what is wanted from now on, all or nothing.
///
/// What the reservation holds already does not count against it; lines that stay keep their prices,
/// and its time begins anew.
#[utoipa::path(
    put,
    path = "/v1/reservations/{id}/lines",
    operation_id = "replaceLines",
    tag = "Reservations",
    params(
        ("id" = String, Path, description = "The reservation"),
        problem_schema::Repeatable,
    ),
    request_body = shape::LinesRequest,
    responses(
        (status = 200, description = "As it is now", body = shape::Reservation),
        problem_schema::Problems,
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
    let body = body.read().await?;
    let held = border.stock.reservation(call.id).await?;
    let context = Context::new(&border, call.token).with_held(held);
    let (asked, faults) = parse_with_faults(document(&body)?, |raw, at, faults| {
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

/// Gives a held reservation more time, counted from now.
#[utoipa::path(
    post,
    path = "/v1/reservations/{id}/extend",
    operation_id = "extendReservation",
    tag = "Reservations",
    params(
        ("id" = String, Path, description = "The reservation"),
        problem_schema::Repeatable,
    ),
    request_body = shape::ExtendRequest,
    responses(
        (status = 200, description = "As it is now", body = shape::Reservation),
        problem_schema::Problems,
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
    let body = body.read().await?;
    let ttl_max = border.limits.ttl_seconds_max;
    let (asked, _) = parse_with_faults(document(&body)?, |raw, at, faults| {
        ExtendRequest::read(raw, at, faults, ttl_max)
    })?;
    let ttl_ms = i64::try_from(asked.ttl_seconds * 1000).expect("the bound is small");
    let idempotency = call.idempotency(&asked);
    let by = by_body(call.token, asked.channel)?;
    let change = Change::Extend { ttl_ms };
    call.change(by, change, idempotency).await
}

/// Turns a held reservation into an order: it keeps its stock without a deadline.
///
/// Payments must sum to the total and the adjustments. With `expires_at` it lapses unless it is
/// fulfilled by then; with `reclaim` one that expired takes its lines again at the prices it had.
#[utoipa::path(
    post,
    path = "/v1/reservations/{id}/confirm",
    operation_id = "confirmReservation",
    tag = "Reservations",
    params(
        ("id" = String, Path, description = "The reservation"),
        problem_schema::Repeatable,
    ),
    request_body = Option<shape::ConfirmRequest>,
    responses(
        (status = 200, description = "As it is now", body = shape::Reservation),
        problem_schema::Problems,
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
    let body = body.read().await?;
    let context = Context::new(&border, call.token);
    let (asked, mut faults) = parse_with_faults(document_or_empty(&body)?, |raw, at, faults| {
        ConfirmRequest::read(raw, at, faults, &context)
    })?;
    if !faults.is_empty() && !call.is_open(asked.reclaim).await? {
        faults = Faults::default();
    }
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

/// Hands over a confirmed reservation, all that is left of it or the lines that are named.
///
/// On hand and committed fall. When nothing is left it is `fulfilled`.
#[utoipa::path(
    post,
    path = "/v1/reservations/{id}/fulfil",
    operation_id = "fulfilReservation",
    tag = "Reservations",
    params(
        ("id" = String, Path, description = "The reservation"),
        ("Idempotency-Key" = Option<String>, Header,
            description = "At most 255 characters; required with lines"),
    ),
    request_body = Option<shape::PartsRequest>,
    responses(
        (status = 200, description = "As it is now", body = shape::Reservation),
        problem_schema::Problems,
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
    let body = body.read().await?;
    let (asked, faults) = call.parts(&body)?;
    if asked.lines.is_some() && call.key.is_none() {
        let detail = "is required with lines: a part handed over twice would be two";
        let source = Source::Header("Idempotency-Key");
        return Err(Problem::from_fault(source, Wrong::invalid(detail)));
    }
    call.check_locations(&asked).await?;
    let idempotency = call.idempotency(&asked);
    let by = by_body(call.token, asked.channel)?;
    if let Some(first) = first_answer(&border, &by, idempotency, faults).await? {
        return Ok(changed(&first));
    }
    let change = Change::Fulfil(asked.lines);
    call.change(by, change, idempotency).await
}

/// Gives a held reservation up: its stock can be sold again at once.
#[utoipa::path(
    post,
    path = "/v1/reservations/{id}/release",
    operation_id = "releaseReservation",
    tag = "Reservations",
    params(
        ("id" = String, Path, description = "The reservation"),
        problem_schema::Repeatable,
    ),
    request_body = Option<shape::ReleaseRequest>,
    responses(
        (status = 200, description = "As it is now", body = shape::Reservation),
        problem_schema::Problems,
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
    let body = body.read().await?;
    let document = document_or_empty(&body)?;
    let (asked, _) = parse_with_faults(document, ReleaseRequest::read)?;
    let idempotency = call.idempotency(&asked);
    let by = by_body(call.token, asked.channel)?;
    call.change(by, Change::Release, idempotency).await
}

/// Cancels what was not handed over of a confirmed reservation, or the lines that are named.
#[utoipa::path(
    post,
    path = "/v1/reservations/{id}/cancel",
    operation_id = "cancelReservation",
    tag = "Reservations",
    params(
        ("id" = String, Path, description = "The reservation"),
        problem_schema::Repeatable,
    ),
    request_body = Option<shape::PartsRequest>,
    responses(
        (status = 200, description = "As it is now", body = shape::Reservation),
        problem_schema::Problems,
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
    let body = body.read().await?;
    let (asked, faults) = call.parts(&body)?;
    let idempotency = call.idempotency(&asked);
    let by = by_body(call.token, asked.channel)?;
    if let Some(first) = first_answer(&border, &by, idempotency, faults).await? {
        return Ok(changed(&first));
    }
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

    fn parts(&self, body: &[u8]) -> Result<(PartsRequest, Faults), Problem> {
        let document: &RawValue = document_or_empty(body)?;
        parse_with_faults(document, |raw, at, faults| {
            PartsRequest::read(raw, at, faults, self.border)
        })
    }

    /// Whether how things stand now matters to a confirmation. One that was confirmed or resolved
    /// answers by what it is, however late the call is repeated.
    async fn is_open(&self, reclaim: bool) -> Result<bool, Problem> {
        let found = self.border.stock.reservation(self.id).await?;
        let found = found.ok_or_else(not_found)?;
        Ok(match found.state {
            State::Held => true,
            State::Expired => reclaim,
            State::Confirmed | State::Fulfilled | State::Released | State::Cancelled => false,
        })
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
