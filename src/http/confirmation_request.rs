//! Reads what is asked of a reservation that is there: confirm, extend, hand over, cancel,
//! release.

use serde::Serialize;
use serde_json::value::RawValue;

use super::body::{Bound, Object};
use super::border::Border;
use super::fault::{At, Faults, Wrong};
use super::names::{check_decimals, key_in_body, location_in_body};
use super::problem::Code;
use super::read;
use super::reservation_request::{Context, amount_and_currency, positive};
use crate::stock::reservation::{Adjustment, Fulfilment, Payment};
use crate::stock::{Channel, Confirmation, Quantity, StockKey};

/// The most payments or adjustments of one confirmation.
const PARTS_MAX: usize = 100;

/// `POST …/confirm`.
#[derive(Clone, Debug, Serialize)]
pub struct ConfirmRequest {
    /// What is confirmed.
    pub confirmation: Confirmation,
    /// Whether an expired one takes its lines again.
    pub reclaim: bool,
    /// The channel the body says.
    pub channel: Option<Channel>,
}

/// `POST …/extend`.
#[derive(Clone, Debug, Serialize)]
pub struct ExtendRequest {
    /// How long it lives from now.
    pub ttl_seconds: u64,
    /// The channel the body says.
    pub channel: Option<Channel>,
}

/// `POST …/fulfil` and `POST …/cancel`: some lines, or all that is left.
#[derive(Clone, Debug, Serialize)]
pub struct PartsRequest {
    /// Which; all that is left when not given.
    pub lines: Option<Vec<(StockKey, Quantity)>>,
    /// The channel the body says.
    pub channel: Option<Channel>,
}

/// `POST …/release`.
#[derive(Clone, Debug, Serialize)]
pub struct ReleaseRequest {
    /// The channel the body says.
    pub channel: Option<Channel>,
}

impl ConfirmRequest {
    /// Reads the body.
    pub fn read(
        raw: &RawValue,
        at: At<'_>,
        faults: &mut Faults,
        context: &Context<'_>,
    ) -> Option<ConfirmRequest> {
        let mut object = Object::read(raw, at, faults)?;
        let confirmation = confirmation(&mut object, context);
        let reclaim = object.optional("reclaim", read::boolean);
        let channel = object.optional("channel", read::channel);
        object.finish();
        Some(ConfirmRequest {
            confirmation: confirmation?,
            reclaim: reclaim.unwrap_or(false),
            channel,
        })
    }
}

impl ExtendRequest {
    /// Reads the body.
    pub fn read(
        raw: &RawValue,
        at: At<'_>,
        faults: &mut Faults,
        ttl_seconds_max: u32,
    ) -> Option<ExtendRequest> {
        let bounds = 1..=u64::from(ttl_seconds_max);
        let mut object = Object::read(raw, at, faults)?;
        let ttl = object.required("ttl_seconds", |raw| read::whole(raw, bounds));
        let channel = object.optional("channel", read::channel);
        object.finish();
        Some(ExtendRequest {
            ttl_seconds: ttl?,
            channel,
        })
    }
}

impl PartsRequest {
    /// Reads the body.
    pub fn read(
        raw: &RawValue,
        at: At<'_>,
        faults: &mut Faults,
        border: &Border,
    ) -> Option<PartsRequest> {
        let bound = Bound {
            min: 1,
            max: border.limits.lines_max,
            code: Code::TooManyLines,
        };
        let mut object = Object::read(raw, at, faults)?;
        let lines = object.optional_array("lines", bound, |raw, at, faults| {
            part(raw, at, faults, border)
        });
        let channel = object.optional("channel", read::channel);
        object.finish();
        Some(PartsRequest { lines, channel })
    }
}

impl ReleaseRequest {
    /// Reads the body.
    pub fn read(raw: &RawValue, at: At<'_>, faults: &mut Faults) -> Option<ReleaseRequest> {
        let mut object = Object::read(raw, at, faults)?;
        let channel = object.optional("channel", read::channel);
        object.finish();
        Some(ReleaseRequest { channel })
    }
}

fn part(
    raw: &RawValue,
    at: At<'_>,
    faults: &mut Faults,
    border: &Border,
) -> Option<(StockKey, Quantity)> {
    let mut object = Object::read(raw, at, faults)?;
    let sku = object.required("sku", read::sku);
    let location = object.required("location", read::location);
    let quantity = object.required("quantity", positive);
    object.finish();
    let (sku, location, quantity) = (sku?, location?, quantity?);
    if let Some(item) = key_in_body(border, &sku, &location, at, faults) {
        let decimals = check_decimals(&item, quantity);
        faults.unless(At::Member(&at, "quantity"), decimals);
    }
    Some((StockKey::new(&sku, &location), quantity))
}

/// The members of a confirmation, in a body of their own or inside a new reservation's.
pub fn confirmation(object: &mut Object<'_, '_>, context: &Context<'_>) -> Option<Confirmation> {
    let parts = Bound::new(0, PARTS_MAX);
    let payments = object.optional_array("payments", parts, payment);
    let adjustments = object.optional_array("adjustments", parts, adjustment);
    let fulfilment = object.optional_part("fulfilment", |raw, at, faults| {
        fulfilment(raw, at, faults, context.border)
    });
    let order = object.optional("order", read::text);
    let expires_at = object.optional("expires_at", read::time);
    if expires_at.is_some_and(|at| at <= context.now) {
        let wrong = Wrong::rule(Code::InvalidRequest, "lies in the past");
        object.wrong("expires_at", wrong);
    }
    Some(Confirmation {
        payments,
        adjustments: adjustments.unwrap_or_default(),
        fulfilment,
        order,
        expires_at,
    })
}

fn payment(raw: &RawValue, at: At<'_>, faults: &mut Faults) -> Option<Payment> {
    let mut object = Object::read(raw, at, faults)?;
    let method = object.required("method", read::text);
    let reference = object.required("reference", read::text);
    let money = amount_and_currency(&mut object);
    object.finish();
    Some(Payment {
        method: method?,
        reference: reference?,
        money: money?,
    })
}

fn adjustment(raw: &RawValue, at: At<'_>, faults: &mut Faults) -> Option<Adjustment> {
    let mut object = Object::read(raw, at, faults)?;
    let label = object.required("label", read::text);
    let amount = object.required("amount", read::decimal);
    object.finish();
    Some(Adjustment {
        label: label?,
        amount: amount?,
    })
}

fn fulfilment(
    raw: &RawValue,
    at: At<'_>,
    faults: &mut Faults,
    border: &Border,
) -> Option<Fulfilment> {
    let mut object = Object::read(raw, at, faults)?;
    let collect = object.required("method", |raw| match read::string(raw)?.as_ref() {
        "ship" => Ok(false),
        "collect" => Ok(true),
        _ => Err(Wrong::invalid("must be ship or collect")),
    });
    let location = object.optional("location", read::location);
    let reference = object.optional("reference", read::text);
    object.finish();
    if let Some(location) = &location {
        location_in_body(border, location, At::Member(&at, "location"), faults);
    }
    Some(Fulfilment {
        collect: collect?,
        location: location.map(|location| location.as_str().into()),
        reference,
    })
}
