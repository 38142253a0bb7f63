//! Every way a request can end badly: the one place where errors become HTTP.
//!
//! `Code` gives each problem its status, code and title; `Problem` is one occurrence, written
//! as RFC 9457 `application/problem+json`. Which problem each refusal is, says `causes`.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use super::fault::{Fault, Source, Wrong};
use super::route_metrics::count_problem;
use super::wire::Number;
use crate::stock::Shortage;
use crate::stock::reservation::State;

macro_rules! codes {
    ($($name:ident $status:literal $code:literal $title:literal,)*) => {
        /// What kind of problem it is. The titles say what each means.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The code on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $code,)* }
            }

            /// A title for people.
            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $title,)* }
            }

            /// The status where the body, not the path, is at fault.
            pub fn status(self) -> StatusCode {
                let status = match self { $(Code::$name => $status,)* };
                StatusCode::from_u16(status).expect("the table has valid statuses")
            }
        }
    };
}

codes! {
    InvalidRequest 422 "invalid_request" "The request is not what the contract says",
    Unauthorized 401 "unauthorized" "A valid token is needed",
    Forbidden 403 "forbidden" "The token may not do this",
    WrongChannel 403 "wrong_channel" "The token is bound to another channel",
    NotFound 404 "not_found" "There is nothing here",
    MethodNotAllowed 405 "method_not_allowed" "The method does not fit what is here",
    UnsupportedSubprotocol 400 "unsupported_subprotocol" "None of the subprotocols is known",
    UpgradeRequired 426 "upgrade_required" "A WebSocket is opened here",
    BodyTooLarge 413 "body_too_large" "The body is too large",
    RateLimited 429 "rate_limited" "Too many requests",
    Overloaded 503 "overloaded" "Too much to do; nothing happened",
    OutcomeUnknown 503 "outcome_unknown" "Whether it happened is not known",
    UnknownItem 422 "unknown_item" "There is no such item",
    UnknownLocation 422 "unknown_location" "There is no such location",
    NotStocked 422 "not_stocked" "The item is not stocked at this location",
    NotReservable 422 "not_reservable" "The item cannot be reserved",
    InvalidQuantity 422 "invalid_quantity" "The quantity does not fit the item",
    TooManyLines 422 "too_many_lines" "A reservation has 1 to 100 lines",
    CurrencyMismatch 422 "currency_mismatch" "A reservation has one currency",
    PaymentMismatch 422 "payment_mismatch" "The payments do not sum to what is due",
    IdempotencyMismatch 422 "idempotency_mismatch" "The Idempotency-Key was used otherwise",
    IdempotencyInProgress 409 "idempotency_in_progress" "The first such request still runs",
    BackupInProgress 409 "backup_in_progress" "Another backup is being taken",
    InsufficientStock 409 "insufficient_stock" "There is not enough stock",
    WrongState 409 "wrong_state" "The call does not fit the reservation's state",
    AlreadyConfirmed 409 "already_confirmed" "It was confirmed before, otherwise",
    OverFulfilled 409 "over_fulfilled" "That is more than is left",
    ReservationResolved 409 "reservation_resolved" "The reservation is over",
    ReservationExpired 410 "reservation_expired" "The reservation's deadline passed",
    ReservationNotFound 404 "reservation_not_found" "There is no such reservation",
    StaleVersion 409 "stale_version" "On hand changed since that version",
    IdReused 409 "id_reused" "The id was used for something else",
    NotEmpty 409 "not_empty" "The key still has or owes stock",
    PositionExpired 410 "position_expired" "The position is no longer kept",
}

impl Code {
    /// `/problems/insufficient-stock`.
    pub fn type_uri(self) -> String {
        format!("/problems/{}", self.as_str().replace('_', "-"))
    }

    /// Whether the same request may succeed in a moment.
    pub fn is_transient(self) -> bool {
        matches!(
            self,
            Code::RateLimited
                | Code::Overloaded
                | Code::OutcomeUnknown
                | Code::IdempotencyInProgress
                | Code::BackupInProgress
        )
    }
}

/// What a problem says besides its kind.
#[derive(Clone, Debug, Default)]
pub(super) enum Extra {
    /// Nothing.
    #[default]
    None,
    /// All that is wrong with the request.
    Faults(Vec<Fault>),
    /// Lines that cannot be had in full.
    Shortages(Vec<Shortage>),
    /// Lines that ask for more than is left of them.
    Exceeded(Vec<Shortage>),
    /// The state the reservation is in.
    State(State),
    /// What is stored.
    Reservation(Box<RawValue>),
    /// The oldest position that is kept.
    Earliest(String),
    /// The methods that fit.
    Allow(String),
}

/// One occurrence of a problem.
#[derive(Clone, Debug)]
pub struct Problem {
    code: Code,
    status: StatusCode,
    detail: Cow<'static, str>,
    retry_after_seconds: u64,
    extra: Extra,
}

impl Problem {
    /// A problem with nothing but its kind and some words about it.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem {
            code,
            status: code.status(),
            detail: detail.into(),
            retry_after_seconds: 1,
            extra: Extra::None,
        }
    }

    /// A request that is not what the contract says, with no place to point at.
    pub fn invalid(detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem::new(Code::InvalidRequest, detail)
    }

    /// The body did not arrive in the time there is for it.
    pub fn body_too_slow(time_max: Duration) -> Problem {
        let detail = format!("the body did not arrive within {} ms", time_max.as_millis());
        let mut problem = Problem::invalid(detail);
        problem.status = StatusCode::REQUEST_TIMEOUT;
        problem
    }

    /// What the path names is not there.
    pub fn not_found(code: Code, detail: impl Into<Cow<'static, str>>) -> Problem {
        let mut problem = Problem::new(code, detail);
        problem.status = StatusCode::NOT_FOUND;
        problem
    }

    /// All that is wrong with a request; the code is the first fault's.
    ///
    /// There must be at least one.
    pub fn from_faults(faults: Vec<Fault>) -> Problem {
        let first = faults.first().expect("a problem of faults has a fault");
        let detail = match faults.len() {
            1 => format!("{} {}", first.source, first.detail),
            count => format!("{} {} (one of {count})", first.source, first.detail),
        };
        let mut problem = Problem::new(first.code, detail.trim_start().to_owned());
        problem.extra = Extra::Faults(faults);
        problem
    }

    /// One fault, in a parameter of the path or query or in a header.
    pub fn from_fault(source: Source, wrong: Wrong) -> Problem {
        Problem::from_faults(vec![Fault::new(source, wrong)])
    }

    /// The event position is no longer kept; the oldest that is.
    pub fn position_expired(earliest: String) -> Problem {
        let detail = "read everything anew, then go on from where the lists say";
        let mut problem = Problem::new(Code::PositionExpired, detail);
        problem.extra = Extra::Earliest(earliest);
        problem
    }

    /// The method is not among those in `allow`, a list as in the header `Allow`.
    pub fn method_not_allowed(allow: String) -> Problem {
        let detail = format!("allowed here: {allow}");
        let mut problem = Problem::new(Code::MethodNotAllowed, detail);
        problem.extra = Extra::Allow(allow);
        problem
    }

    /// Confirmed before with other content: `stored` is the reservation's document.
    pub fn already_confirmed(stored: Box<RawValue>) -> Problem {
        let detail = "it was confirmed before with other content, which is in `reservation`";
        let mut problem = Problem::new(Code::AlreadyConfirmed, detail);
        problem.extra = Extra::Reservation(stored);
        problem
    }

    /// The same problem where the path, not the body, names what is not there.
    pub fn in_path(mut self) -> Problem {
        if matches!(self.code, Code::UnknownItem | Code::UnknownLocation) {
            self.status = StatusCode::NOT_FOUND;
        }
        self
    }

    /// With what it says besides its kind.
    pub(super) fn with(mut self, extra: Extra) -> Problem {
        self.extra = extra;
        self
    }

    /// Says when to come back.
    pub fn retry_after(mut self, seconds: u64) -> Problem {
        self.retry_after_seconds = seconds.max(1);
        self
    }

    /// Which problem it is.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The words about this occurrence.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The faults it names, if it is about faults.
    pub fn faults(&self) -> &[Fault] {
        match &self.extra {
            Extra::Faults(faults) => faults,
            Extra::None
            | Extra::Shortages(_)
            | Extra::Exceeded(_)
            | Extra::State(_)
            | Extra::Reservation(_)
            | Extra::Earliest(_)
            | Extra::Allow(_) => &[],
        }
    }

    /// Counts it, as one that is told.
    pub fn count(&self) {
        count_problem(self.code);
    }

    /// The whole answer.
    pub fn response(&self) -> HttpResponse {
        self.count();
        let body = serde_json::to_vec(self).expect("a problem's members are plain data");
        let mut response = HttpResponse::build(self.status);
        response.insert_header((header::CONTENT_TYPE, "application/problem+json"));
        if self.code.is_transient() {
            response.insert_header((header::RETRY_AFTER, self.retry_after_seconds));
        }
        if self.code == Code::Unauthorized {
            let scheme = HeaderValue::from_static("Bearer realm=\"onhand\"");
            response.insert_header((header::WWW_AUTHENTICATE, scheme));
        }
        if self.code == Code::UpgradeRequired {
            response.insert_header((header::UPGRADE, "websocket"));
        }
        if self.status == StatusCode::REQUEST_TIMEOUT {
            // What the client may still send of this request, it is not to send another behind.
            response.force_close();
        }
        if let Extra::Allow(methods) = &self.extra {
            response.insert_header((header::ALLOW, methods.as_str()));
        }
        response.body(body)
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &self.code.type_uri())?;
        map.serialize_entry("title", self.code.title())?;
        map.serialize_entry("status", &self.status.as_u16())?;
        map.serialize_entry("detail", &self.detail)?;
        map.serialize_entry("code", self.code.as_str())?;
        match &self.extra {
            Extra::None => {}
            Extra::Faults(faults) => map.serialize_entry("errors", faults)?,
            Extra::Shortages(list) => map.serialize_entry("shortages", &short(list))?,
            Extra::Exceeded(list) => map.serialize_entry("lines", &exceeded(list))?,
            Extra::State(state) => map.serialize_entry("state", state.name())?,
            Extra::Reservation(stored) => map.serialize_entry("reservation", stored)?,
            Extra::Earliest(position) => map.serialize_entry("earliest", position)?,
            Extra::Allow(methods) => {
                let methods: Vec<&str> = methods.split(", ").collect();
                map.serialize_entry("allow", &methods)?;
            }
        }
        if self.code == Code::RateLimited {
            map.serialize_entry("retry_after", &self.retry_after_seconds)?;
        }
        map.end()
    }
}

#[derive(serde::Serialize)]
struct Short<'a> {
    sku: &'a str,
    location: &'a str,
    requested: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    available: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining: Option<Number>,
}

fn short(shortages: &[Shortage]) -> Vec<Short<'_>> {
    let line = |shortage| Short::new(shortage, Some(Number(shortage.available)), None);
    shortages.iter().map(line).collect()
}

fn exceeded(lines: &[Shortage]) -> Vec<Short<'_>> {
    let line = |shortage| Short::new(shortage, None, Some(Number(shortage.available)));
    lines.iter().map(line).collect()
}

impl<'a> Short<'a> {
    fn new(of: &'a Shortage, available: Option<Number>, remaining: Option<Number>) -> Short<'a> {
        Short {
            sku: of.key.sku(),
            location: of.key.location(),
            requested: Number(of.requested),
            available,
            remaining,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        self.response()
    }
}

#[cfg(test)]
mod tests;
