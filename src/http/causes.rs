//! Which problem each refusal and failure is, be it of stock, of the catalogue or of the journal.
//! Together with `problem` the one place where errors become HTTP.

use super::fault::{At, Fault, Source, Wrong};
use super::problem::{Code, Extra, Problem};
use super::reservation_document::already_confirmed;
use crate::actors::{CallError, EventsError};
use crate::catalogue::{CatalogueError, CatalogueRefusal};
use crate::stock::Refusal;
use crate::stock::reservation::State;

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        Problem::of_refusal(refusal, At::Root)
    }
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Problem {
        Problem::of_call(error, At::Root)
    }
}

impl Problem {
    /// What became of a call whose body has its confirmation at `at`.
    pub fn of_call(error: CallError, at: At<'_>) -> Problem {
        match error {
            CallError::Refused(refusal) => Problem::of_refusal(refusal, at),
            CallError::Overloaded => {
                Problem::new(Code::Overloaded, "nothing happened; try again in a moment")
            }
            CallError::OutcomeUnknown => Problem::new(
                Code::OutcomeUnknown,
                "it may have happened: repeat it with the same Idempotency-Key or ids",
            ),
            CallError::IdempotencyInProgress => Problem::new(
                Code::IdempotencyInProgress,
                "a request with this Idempotency-Key still runs; ask again for its answer",
            ),
        }
    }

    fn of_refusal(refusal: Refusal, at: At<'_>) -> Problem {
        let detail = refusal.to_string();
        let (code, extra) = match refusal {
            Refusal::InsufficientStock(shortages) => {
                (Code::InsufficientStock, Extra::Shortages(shortages))
            }
            Refusal::NotStocked => (Code::NotStocked, Extra::None),
            Refusal::NotEmpty => (Code::NotEmpty, Extra::None),
            Refusal::OutOfRange => (Code::InvalidQuantity, Extra::None),
            Refusal::StaleVersion => (Code::StaleVersion, Extra::None),
            Refusal::IdReused => (Code::IdReused, Extra::None),
            Refusal::IdempotencyMismatch => (Code::IdempotencyMismatch, Extra::None),
            Refusal::ReservationNotFound => (Code::ReservationNotFound, Extra::None),
            Refusal::WrongState(state) => (Code::WrongState, Extra::State(state)),
            Refusal::ReservationResolved(state) => (Code::ReservationResolved, Extra::State(state)),
            Refusal::ReservationExpired => (Code::ReservationExpired, Extra::State(State::Expired)),
            Refusal::AlreadyConfirmed(stored) => {
                return already_confirmed(&stored);
            }
            Refusal::OverFulfilled(lines) => (Code::OverFulfilled, Extra::Exceeded(lines)),
            Refusal::PaymentMismatch { .. } => {
                let wrong = Wrong::new(Code::PaymentMismatch, "must sum to what is due");
                let fault = fault_at(At::Member(&at, "payments"), wrong);
                (Code::PaymentMismatch, Extra::Faults(vec![fault]))
            }
            // The border judges lines before; only a change under way can bring it about still.
            Refusal::CurrencyMismatch => {
                let wrong = Wrong::new(Code::CurrencyMismatch, "are priced in two currencies");
                let fault = fault_at(At::Member(&at, "lines"), wrong);
                (Code::CurrencyMismatch, Extra::Faults(vec![fault]))
            }
            Refusal::ForeignPayments(payments) => {
                let payments = payments.into_iter().map(|index| foreign_payment(index, at));
                return Problem::from_faults(payments.collect());
            }
            // Bounds and races: nothing happened, and a moment later it may go through.
            Refusal::Full(_) | Refusal::Superseded | Refusal::TooLate => {
                (Code::Overloaded, Extra::None)
            }
        };
        Problem::new(code, detail).with(extra)
    }
}

/// The fault of a payment in another currency than the reservation's; the confirmation is at `at`.
fn foreign_payment(index: usize, at: At<'_>) -> Fault {
    let payments = At::Member(&at, "payments");
    let payment = At::Element(&payments, index);
    let wrong = Wrong::new(Code::CurrencyMismatch, "is not the reservation's");
    fault_at(At::Member(&payment, "currency"), wrong)
}

fn fault_at(at: At<'_>, wrong: Wrong) -> Fault {
    Fault::new(Source::Pointer(at.to_string()), wrong)
}

impl From<EventsError> for Problem {
    fn from(error: EventsError) -> Problem {
        tracing::error!(%error, "the journal could not be read");
        Problem::new(Code::Overloaded, "the journal cannot be read now")
    }
}

impl Problem {
    /// What the catalogue answered about the document at `at`.
    pub fn of_catalogue(error: CatalogueError, at: At<'_>) -> Problem {
        match error {
            CatalogueError::Refused(refusal) => Problem::of_catalogue_refusal(refusal, at),
            CatalogueError::Overloaded => CallError::Overloaded.into(),
            CatalogueError::OutcomeUnknown => Problem::new(
                Code::OutcomeUnknown,
                "it may have happened: look, or send the same again",
            ),
        }
    }

    fn of_catalogue_refusal(refusal: CatalogueRefusal, at: At<'_>) -> Problem {
        let detail = refusal.to_string();
        match refusal {
            CatalogueRefusal::Invalid(faults) => {
                let place = |fault: crate::catalogue::Fault| {
                    let source = Source::Pointer(format!("{at}{}", fault.pointer));
                    Fault::new(source, Wrong::invalid(fault.detail))
                };
                Problem::from_faults(faults.into_iter().map(place).collect())
            }
            CatalogueRefusal::UnknownItem(_) => Problem::new(Code::UnknownItem, detail),
            CatalogueRefusal::UnknownLocation(_) => Problem::new(Code::UnknownLocation, detail),
            CatalogueRefusal::UnknownToken(_) => Problem::new(Code::NotFound, detail),
            CatalogueRefusal::Full { .. } => Problem::invalid(detail),
        }
    }
}
