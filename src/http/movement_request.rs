//! Reads one movement of a batch: its own faults, which do not stop the others.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::auth::{by, may_change};
use super::body::Object;
use super::border::Border;
use super::fault::{At, Faults, Wrong};
use super::identity::movement_id;
use super::names::{check_decimals, key_in_body, location_in_body};
use super::problem::{Code, Problem};
use super::read;
use super::wire::Time;
use crate::catalogue::{Item, Token};
use crate::stock::time::DAY_MS;
use crate::stock::{By, LocationId, Movement, MovementKind, Quantity, Sku, StockKey, Timestamp};

/// What the movements of one request have in common.
pub struct Context<'c> {
    /// Whose border.
    pub border: &'c Border,
    /// Who sends them.
    pub token: &'c Token,
    /// When they came.
    pub now: Timestamp,
}

/// One movement of a batch: its id, as far as it could be read, and what it asks for.
pub struct Entry {
    /// The caller's own id.
    pub name: Option<Arc<str>>,
    /// What it asks for, or all that is wrong with it.
    pub asked: Result<Asked, Problem>,
}

/// A sound movement.
pub struct Asked {
    /// Where.
    pub key: StockKey,
    /// Who says so, through which channel.
    pub by: By,
    /// What happened.
    pub movement: Movement,
}

impl Entry {
    /// Reads one element of the batch.
    pub fn read(raw: &RawValue, at: At<'_>, context: &Context<'_>) -> Entry {
        let mut faults = Faults::default();
        let (name, asked) = read_movement(raw, at, context, &mut faults);
        let asked = faults
            .none_or_problem()
            .map(|()| asked.expect("a movement without faults was read"));
        Entry { name, asked }
    }
}

fn read_movement(
    raw: &RawValue,
    at: At<'_>,
    context: &Context<'_>,
    faults: &mut Faults,
) -> (Option<Arc<str>>, Option<Asked>) {
    let Some(mut object) = Object::read(raw, at, faults) else {
        return (None, None);
    };
    let name = object.required("id", read::text);
    let form = object.required("type", form);
    let sku = object.required("sku", read::sku);
    let location = object.required("location", read::location);
    let quantity = object.required("quantity", read::quantity);
    let reference = object.optional("reference", read::text);
    let channel = object.optional("channel", read::channel);
    let occurred_at = object.optional("occurred_at", |raw| {
        not_ahead(raw, context, context.border.limits.clock_ahead_ms_max)
    });
    let Some(form) = form else {
        // Without a type nobody knows which other fields belong here.
        return (name, None);
    };
    let kind = form.read_kind(&mut object, sku.as_ref(), context);
    object.finish();
    let (Some(sku), Some(location)) = (sku, location) else {
        return (name, None);
    };
    let key = StockKey::new(&sku, &location);
    let item = key_in_body(context.border, &sku, &location, at, faults);
    let own = may_change(context.token, location.as_str());
    faults.unless(At::Member(&at, "location"), own);
    if let Some(MovementKind::Transfer { to }) = &kind {
        check_destination(to, &key, At::Member(&at, "to"), context, faults);
    }
    if let Some(quantity) = quantity {
        let fits = form.check_quantity(quantity, item.as_deref());
        faults.unless(At::Member(&at, "quantity"), fits);
    }
    let by = faults.unless(At::Member(&at, "channel"), by(context.token, channel));
    let asked = (|| {
        let name = name.clone()?;
        let movement = Movement {
            id: movement_id(context.token.id, &key, &name),
            name,
            kind: kind?,
            quantity: quantity?,
            occurred_at,
            reference,
        };
        let by = by?;
        Some(Asked { key, by, movement })
    })();
    (name, asked)
}

fn check_destination(
    to: &StockKey,
    from: &StockKey,
    at: At<'_>,
    context: &Context<'_>,
    faults: &mut Faults,
) {
    if to == from {
        faults.note(at, Wrong::invalid("must be another location"));
        return;
    }
    let location = LocationId::parse(to.location()).expect("a key's location is one");
    location_in_body(context.border, &location, at, faults);
    // Stock appears there as well: a token may not make it appear where it may not count it.
    faults.unless(at, may_change(context.token, to.location()));
}

/// A movement type as it is named on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Receipt,
    Sale,
    Return,
    Adjustment,
    Count,
    Transfer,
}

fn form(raw: &RawValue) -> Result<Form, Wrong> {
    Ok(match read::string(raw)?.as_ref() {
        "receipt" => Form::Receipt,
        "sale" => Form::Sale,
        "return" => Form::Return,
        "adjustment" => Form::Adjustment,
        "count" => Form::Count,
        "transfer" => Form::Transfer,
        _ => {
            let detail = "must be receipt, sale, return, adjustment, count or transfer";
            return Err(Wrong::invalid(detail));
        }
    })
}

impl Form {
    /// The fields of this type besides the common ones.
    fn read_kind(
        self,
        object: &mut Object<'_, '_>,
        sku: Option<&Sku>,
        context: &Context<'_>,
    ) -> Option<MovementKind> {
        Some(match self {
            Form::Receipt => MovementKind::Receipt,
            Form::Sale => MovementKind::Sale {
                reservation: object.optional("reservation", read::text),
            },
            Form::Return => MovementKind::Return {
                damaged: object.optional("condition", damaged).unwrap_or(false),
            },
            Form::Adjustment => MovementKind::Adjustment {
                reason: object.optional("reason", read::text),
            },
            Form::Count => MovementKind::Count {
                counted_at: object.optional("counted_at", |raw| counted_at(raw, context)),
                expected_version: object
                    .optional("expected_version", |raw| read::whole(raw, 0..=u64::MAX)),
            },
            Form::Transfer => {
                let to = object.required("to", read::location);
                MovementKind::Transfer {
                    to: StockKey::new(sku?, &to?),
                }
            }
        })
    }

    /// A count may be nothing, an adjustment negative, all others are something; and all fit
    /// the item's decimals.
    fn check_quantity(self, quantity: Quantity, item: Option<&Item>) -> Result<(), Wrong> {
        let (is_right, detail) = match self {
            Form::Count => (quantity >= Quantity::ZERO, "may not be negative"),
            Form::Adjustment => (!quantity.is_zero(), "may not be zero"),
            Form::Receipt | Form::Sale | Form::Return | Form::Transfer => {
                (quantity.is_positive(), "must be more than zero")
            }
        };
        if !is_right {
            return Err(Wrong::new(Code::InvalidQuantity, detail));
        }
        item.map_or(Ok(()), |item| check_decimals(item, quantity))
    }
}

fn damaged(raw: &RawValue) -> Result<bool, Wrong> {
    match read::string(raw)?.as_ref() {
        "sellable" => Ok(false),
        "damaged" => Ok(true),
        _ => Err(Wrong::invalid("must be sellable or damaged")),
    }
}

/// A time that is not ahead of ours by more than clocks may differ.
fn not_ahead(raw: &RawValue, context: &Context<'_>, ahead_ms: i64) -> Result<Timestamp, Wrong> {
    let time = read::time(raw)?;
    if time > context.now.plus_millis(ahead_ms) {
        let now = Time(context.now).text();
        let now = now.escape_ascii();
        let detail = format!("lies in the future: it is {now} by this server's clock");
        return Err(Wrong::rule(Code::InvalidRequest, detail));
    }
    Ok(time)
}

/// The moment of a count: what is still to come cannot have been counted, and movements are
/// remembered only so long.
fn counted_at(raw: &RawValue, context: &Context<'_>) -> Result<Timestamp, Wrong> {
    let time = not_ahead(raw, context, 0)?;
    let days = context.border.limits.counted_days_max;
    if time < context.now.plus_millis(-i64::from(days) * DAY_MS) {
        let detail = format!("lies more than {days} days back");
        return Err(Wrong::rule(Code::InvalidRequest, detail));
    }
    Ok(time)
}
