//! Business answers: why a command is not carried out. Nothing broke and nothing changed.

use std::sync::Arc;

use super::key::StockKey;
use super::money::{Currency, Money};
use super::quantity::Quantity;
use super::reservation::{Reservation, State};

/// A line that cannot be had in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// Where.
    pub key: StockKey,
    /// How much was asked for.
    pub requested: Quantity,
    /// How much there is.
    pub available: Quantity,
}

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not enough to sell; names every short key.
    #[error("not enough stock")]
    InsufficientStock(Vec<Shortage>),
    /// The key is not stocked.
    #[error("this SKU is not stocked at this location")]
    NotStocked,
    /// The key cannot be dropped while it has or owes something.
    #[error("the key still has stock, reservations or unfinished transfers")]
    NotEmpty,
    /// A figure would need more digits than can be carried exactly.
    #[error("on hand would need more than 15 significant digits")]
    OutOfRange,
    /// On hand changed since the version a count was based on.
    #[error("on hand changed since that version")]
    StaleVersion,
    /// A movement id was used before for something else.
    #[error("this id was used for another movement")]
    IdReused,
    /// An Idempotency-Key was used before with another body.
    #[error("this Idempotency-Key was used with another body")]
    IdempotencyMismatch,
    /// No such reservation, or none any more.
    #[error("no such reservation, or it was forgotten after it resolved")]
    ReservationNotFound,
    /// The call does not fit a live reservation's state.
    #[error("the reservation is {}", .0.name())]
    WrongState(State),
    /// The reservation is over.
    #[error("the reservation is {}", .0.name())]
    ReservationResolved(State),
    /// The reservation's deadline passed.
    #[error("the reservation expired")]
    ReservationExpired,
    /// It was confirmed before, otherwise.
    #[error("the reservation was already confirmed with other content")]
    AlreadyConfirmed(Arc<Reservation>),
    /// More than is left to hand over, or to cancel.
    #[error("more than what is left of the line")]
    OverFulfilled(Vec<Shortage>),
    /// Payments do not sum to what is due.
    #[error("payments sum to {}, due are {}", told(.paid, .currency), told(.due, .currency))]
    PaymentMismatch {
        /// What was paid.
        paid: Quantity,
        /// Total plus adjustments.
        due: Quantity,
        /// Of both; none where neither a line nor a payment has one.
        currency: Option<Currency>,
    },
    /// Two currencies in one reservation.
    #[error("one reservation has one currency")]
    CurrencyMismatch,
    /// Payments, by their place among all, that are not in the reservation's currency.
    #[error("payments are in another currency than the reservation")]
    ForeignPayments(Vec<usize>),
    /// A bound of this key is reached: holds, or remembered movements.
    #[error("this key has reached its bound of {0}")]
    Full(&'static str),
    /// The reservation changed between a raise's first step and its last: begin again.
    #[error("the reservation changed meanwhile")]
    Superseded,
    /// The raise took too long, or the lead already denied it.
    #[error("the change took too long and was given up")]
    TooLate,
}

/// An amount as people write it: `600.00 SEK`.
fn told(amount: &Quantity, currency: &Option<Currency>) -> String {
    match *currency {
        Some(currency) => format!("{} {}", Money::new(*amount, currency), currency.code()),
        None => amount.to_string(),
    }
}
