//! A reservation as JSON, the same wherever it is shown. Knows no route and asks nobody.

use serde::Serialize;
use serde_json::value::RawValue;

use super::problem::Problem;
use super::wire::{Number, Price, Time};
use crate::stock::reservation::{Adjustment, Confirmation, Fulfilment, Payment};
use crate::stock::{Currency, Line, Money, Quantity, Reservation};

/// The fields of the contract, in its order; what is not known is `null`, and what a confirmation
/// said is there from then on.
#[derive(Serialize)]
pub struct ReservationDocument<'a> {
    id: String,
    version: u64,
    state: &'static str,
    expires_at: Option<Time>,
    lines: Vec<LineDocument<'a>>,
    total: Option<Price>,
    channel: &'a str,
    customer: Option<&'a str>,
    reference: Option<&'a str>,
    metadata: Option<Metadata<'a>>,
    created_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolved_at: Option<Time>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    confirmation: Option<ConfirmationDocument<'a>>,
}

#[derive(Serialize)]
struct LineDocument<'a> {
    line: Option<&'a str>,
    sku: &'a str,
    location: &'a str,
    quantity: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    requested: Option<Number>,
    fulfilled: Number,
    cancelled: Number,
    unit_price: Option<Price>,
    line_total: Option<Price>,
}

#[derive(Serialize)]
struct ConfirmationDocument<'a> {
    payments: Vec<PaymentDocument<'a>>,
    adjustments: Vec<AdjustmentDocument<'a>>,
    fulfilment: Option<FulfilmentDocument<'a>>,
    order: Option<&'a str>,
}

#[derive(Serialize)]
struct PaymentDocument<'a> {
    method: &'a str,
    reference: &'a str,
    amount: String,
    currency: &'static str,
}

#[derive(Serialize)]
struct AdjustmentDocument<'a> {
    label: &'a str,
    amount: String,
}

/// Where and how the goods go.
#[derive(Serialize)]
pub struct FulfilmentDocument<'a> {
    method: &'static str,
    location: Option<&'a str>,
    reference: Option<&'a str>,
}

/// The shop's own JSON object, kept as text.
struct Metadata<'a>(&'a str);

impl Serialize for Metadata<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: Result<&RawValue, _> = serde_json::from_str(self.0);
        raw.expect("metadata is kept as the JSON it was read from")
            .serialize(serializer)
    }
}

impl<'a> ReservationDocument<'a> {
    /// The document of `reservation`.
    pub fn new(reservation: &'a Reservation) -> ReservationDocument<'a> {
        let fulfilled = reservation.fulfilled_by_line();
        let lines = reservation.lines.iter().zip(fulfilled);
        let currency = reservation.currency();
        let confirmation = reservation.confirmation.as_deref();
        ReservationDocument {
            id: reservation.id.to_string(),
            version: reservation.revision,
            state: reservation.state.name(),
            expires_at: reservation.deadline.map(Time),
            lines: lines
                .map(|(line, used)| LineDocument::new(line, used))
                .collect(),
            total: reservation.total().map(Price),
            channel: reservation.by.channel.as_str(),
            customer: reservation.customer.as_deref(),
            reference: reservation.reference.as_deref(),
            metadata: reservation.metadata.as_deref().map(Metadata),
            created_at: Time(reservation.created_at),
            resolved_at: reservation.resolved_at.map(Time),
            confirmation: confirmation.map(|said| ConfirmationDocument::new(said, currency)),
        }
    }

    /// The document as JSON text.
    pub fn raw(&self) -> Box<RawValue> {
        serde_json::value::to_raw_value(self).expect("a reservation is plain data")
    }
}

/// The problem that shows what was confirmed before.
pub fn already_confirmed(stored: &Reservation) -> Problem {
    Problem::already_confirmed(ReservationDocument::new(stored).raw())
}

impl<'a> LineDocument<'a> {
    fn new(line: &'a Line, used: Quantity) -> LineDocument<'a> {
        LineDocument {
            line: line.line.as_deref(),
            sku: line.key.sku(),
            location: line.key.location(),
            quantity: Number(line.quantity),
            requested: line.requested.map(Number),
            fulfilled: Number(used),
            cancelled: Number(line.cancelled),
            unit_price: line.unit_price.map(Price),
            line_total: line.total().map(Price),
        }
    }
}

impl<'a> ConfirmationDocument<'a> {
    fn new(said: &'a Confirmation, currency: Option<Currency>) -> ConfirmationDocument<'a> {
        let payments = said.payments.iter().flatten();
        let adjustments = said.adjustments.iter();
        ConfirmationDocument {
            payments: payments.map(PaymentDocument::new).collect(),
            adjustments: adjustments
                .map(|one| AdjustmentDocument::new(one, currency))
                .collect(),
            fulfilment: said.fulfilment.as_ref().map(FulfilmentDocument::new),
            order: said.order.as_deref(),
        }
    }
}

impl<'a> PaymentDocument<'a> {
    fn new(payment: &'a Payment) -> PaymentDocument<'a> {
        PaymentDocument {
            method: &payment.method,
            reference: &payment.reference,
            amount: payment.money.to_string(),
            currency: payment.money.currency.code(),
        }
    }
}

impl<'a> AdjustmentDocument<'a> {
    fn new(of: &'a Adjustment, currency: Option<Currency>) -> AdjustmentDocument<'a> {
        let amount = match currency {
            Some(currency) => Money::new(of.amount, currency).to_string(),
            None => of.amount.to_string(),
        };
        AdjustmentDocument {
            label: &of.label,
            amount,
        }
    }
}

impl<'a> FulfilmentDocument<'a> {
    /// The document of `fulfilment`.
    pub fn new(fulfilment: &'a Fulfilment) -> FulfilmentDocument<'a> {
        FulfilmentDocument {
            method: if fulfilment.collect {
                "collect"
            } else {
                "ship"
            },
            location: fulfilment.location.as_deref(),
            reference: fulfilment.reference.as_deref(),
        }
    }
}
