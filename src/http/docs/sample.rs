//! One occurrence of each problem, made as the handlers make it, so that a page never shows what
//! the wire would not. It must not know how a page looks.

use crate::http::auth::address_limited;
use crate::http::fault::{At, Fault, Source, Wrong};
use crate::http::problem::{Code, Extra, Problem};
use crate::stock::reservation::State;
use crate::stock::{Currency, LocationId, Quantity, Refusal, Shortage, Sku, StockKey};
use serde_json::value::RawValue;

/// A problem of this kind.
pub fn sample(code: Code) -> Problem {
    match code {
        Code::InvalidRequest => body("quantity", Wrong::invalid("is required")),
        Code::UnknownItem => body("sku", Wrong::new(code, "is not an item")),
        Code::UnknownLocation => body("location", Wrong::new(code, "is not a location")),
        Code::NotStocked => body("location", Wrong::new(code, "does not stock clog-38")),
        Code::NotReservable => body("sku", Wrong::new(code, "cannot be reserved")),
        Code::InvalidQuantity => body("quantity", Wrong::new(code, "may have no decimals")),
        Code::WrongChannel => {
            let wrong = Wrong::new(code, "is not the token's channel, which is store");
            Problem::from_faults(vec![Fault::new(pointer("channel"), wrong)])
        }
        Code::TooManyLines => {
            let wrong = Wrong::new(code, "must be 1–100 lines");
            Problem::from_faults(vec![Fault::new(pointer("lines"), wrong)])
        }
        Code::Unauthorized => Problem::new(code, "send a token as Authorization: Bearer"),
        Code::Forbidden => Problem::new(code, "this needs the scope reserve"),
        Code::NotFound => Problem::new(code, "no resource has this path; /docs names all"),
        Code::MethodNotAllowed => Problem::method_not_allowed("GET, HEAD, PUT".to_owned()),
        Code::UnsupportedSubprotocol => {
            Problem::new(code, "offer the subprotocol onhand.v1, or none")
        }
        Code::UpgradeRequired => Problem::new(
            code,
            "open it as a WebSocket: WebSocket upgrade is expected",
        ),
        Code::BodyTooLarge => Problem::new(code, "the body may have 1048576 bytes"),
        Code::RateLimited => address_limited(2),
        Code::Overloaded => Problem::new(code, "nothing happened; try again in a moment"),
        Code::OutcomeUnknown => Problem::new(
            code,
            "it may have happened: repeat it with the same Idempotency-Key or ids",
        ),
        Code::CurrencyMismatch => Refusal::ForeignPayments(vec![0]).into(),
        Code::PaymentMismatch => mismatch().into(),
        Code::IdempotencyMismatch => Problem::new(code, "the key was used with another body"),
        Code::IdempotencyInProgress => Problem::new(
            code,
            "a request with this Idempotency-Key still runs; ask again for its answer",
        ),
        Code::BackupInProgress => {
            Problem::new(code, "another backup is being taken; one at a time").retry_after(30)
        }
        Code::InsufficientStock => {
            Problem::new(code, "not enough stock").with(Extra::Shortages(vec![short(20, 8)]))
        }
        Code::OverFulfilled => {
            Problem::new(code, "more than is left").with(Extra::Exceeded(vec![short(3, 1)]))
        }
        Code::WrongState => {
            Problem::new(code, "the reservation is confirmed").with(Extra::State(State::Confirmed))
        }
        Code::ReservationResolved => {
            Problem::new(code, "the reservation is released").with(Extra::State(State::Released))
        }
        Code::ReservationExpired => {
            Problem::new(code, "the reservation expired").with(Extra::State(State::Expired))
        }
        Code::AlreadyConfirmed => Problem::already_confirmed(stored()),
        Code::ReservationNotFound => Problem::new(code, "no such reservation"),
        Code::StaleVersion => Problem::new(code, "on hand changed since that version"),
        Code::IdReused => Problem::new(code, "the id was used for something else"),
        Code::NotEmpty => Problem::new(code, "the key still has or owes stock"),
        Code::PositionExpired => {
            Problem::position_expired("01a200c51e537458a914611d813674bb.4711".to_owned())
        }
    }
}

/// What is wrong with a member of the first line.
fn body(member: &str, wrong: Wrong) -> Problem {
    let lines = At::Member(&At::Root, "lines");
    let line = At::Element(&lines, 0);
    let at = At::Member(&line, member);
    let source = Source::Pointer(at.to_string());
    Problem::from_faults(vec![Fault::new(source, wrong)])
}

fn pointer(member: &str) -> Source {
    Source::Pointer(format!("/{member}"))
}

fn mismatch() -> Refusal {
    Refusal::PaymentMismatch {
        paid: Quantity::from(550),
        due: Quantity::from(600),
        currency: Currency::parse("SEK").ok(),
    }
}

fn short(requested: u32, available: u32) -> Shortage {
    let sku = Sku::parse("clog-38").expect("it is a SKU");
    let location = LocationId::parse("malmo").expect("it is a location");
    Shortage {
        key: StockKey::new(&sku, &location),
        requested: Quantity::from(requested),
        available: Quantity::from(available),
    }
}

/// The beginning of a reservation's document; the rest is as everywhere.
fn stored() -> Box<RawValue> {
    let text = r#"{"id":"01a200c51e537458a914611d813674bb","version":2,"state":"confirmed"}"#;
    RawValue::from_string(text.to_owned()).expect("it is JSON")
}
