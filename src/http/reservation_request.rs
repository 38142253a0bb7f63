//! Reads what is asked of reservations: the requests themselves, as they are compared when they
//! are repeated, and what their lines must fulfil before the core is asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use super::body::{Bound, Object};
use super::border::Border;
use super::confirmation_request::confirmation;
use super::fault::{At, Faults, Wrong};
use super::metadata::metadata;
use super::names::{check_decimals, key_in_body};
use super::problem::Code;
use super::read;
use crate::catalogue::{Item, Token};
use crate::stock::command::{NewLine, Place};
use crate::stock::reservation::Reservation;
use crate::stock::{
    Channel, Confirmation, Currency, Money, Quantity, ReservationId, StockKey, Timestamp,
};

/// What the requests of one call have in common.
pub struct Context<'c> {
    /// Whose border.
    pub border: &'c Border,
    /// Who asks.
    pub token: &'c Token,
    /// When.
    pub now: Timestamp,
    /// The reservation whose lines are replaced: what it has already, it may keep.
    held: Option<Arc<Reservation>>,
}

impl<'c> Context<'c> {
    /// A request of `token`, now.
    pub fn new(border: &'c Border, token: &'c Token) -> Context<'c> {
        let now = border.stock.now();
        let held = None;
        Context {
            border,
            token,
            now,
            held,
        }
    }

    /// The same of what is asked of this reservation, if it is known.
    pub fn with_held(self, held: Option<Arc<Reservation>>) -> Context<'c> {
        Context { held, ..self }
    }

    /// How much of a key the reservation has already.
    fn held(&self, key: &StockKey) -> Quantity {
        let held = self.held.as_deref();
        held.map_or(Quantity::ZERO, |held| held.wanted(key))
    }
}

/// A line as it was asked for; the price only if the caller names one.
#[derive(Clone, Debug, Serialize)]
pub struct LineRequest {
    line: Option<Arc<str>>,
    key: StockKey,
    quantity: Quantity,
    unit_price: Option<Money>,
    /// The price in force, which a repetition must not be compared by.
    #[serde(skip)]
    current_price: Option<Money>,
}

/// A reservation as it was asked for.
#[derive(Clone, Debug, Serialize)]
pub struct PlaceRequest {
    lines: Vec<LineRequest>,
    ttl_seconds: u32,
    /// The channel the body says.
    pub channel: Option<Channel>,
    customer: Option<Arc<str>>,
    reference: Option<Arc<str>>,
    metadata: Option<Arc<str>>,
    partial: bool,
    confirm: Option<Confirmation>,
}

/// New lines for a reservation, as they were asked for.
#[derive(Clone, Debug, Serialize)]
pub struct LinesRequest {
    lines: Vec<LineRequest>,
    /// The channel the body says.
    pub channel: Option<Channel>,
}

impl PlaceRequest {
    /// Reads the body of a new reservation.
    pub fn read(
        raw: &RawValue,
        at: At<'_>,
        faults: &mut Faults,
        context: &Context<'_>,
    ) -> Option<PlaceRequest> {
        let ttl_max = u64::from(context.border.limits.ttl_seconds_max);
        let mut object = Object::read(raw, at, faults)?;
        let lines = lines(&mut object, context);
        let ttl = object.optional("ttl_seconds", |raw| read::whole(raw, 1..=ttl_max));
        let channel = object.optional("channel", read::channel);
        let customer = object.optional("customer", read::text);
        let reference = object.optional("reference", read::text);
        let metadata = object.optional_part("metadata", metadata);
        let partial = object.optional("partial", read::boolean);
        let confirm = object.optional_part("confirm", |raw, at, faults| {
            let mut object = Object::read(raw, at, faults)?;
            let confirmation = confirmation(&mut object, context);
            object.finish();
            confirmation
        });
        object.finish();
        let ttl_default = context.border.limits.ttl_seconds_default;
        let lines = lines?;
        note_currencies(&lines, context, At::Member(&at, "lines"), faults);
        Some(PlaceRequest {
            lines,
            ttl_seconds: ttl.map_or(ttl_default, |ttl| {
                u32::try_from(ttl).expect("the bound is 32 bits")
            }),
            channel,
            customer,
            reference,
            metadata,
            partial: partial.unwrap_or(false),
            confirm,
        })
    }

    /// The core's command, for a reservation of this name.
    pub fn place(self, id: ReservationId) -> Place {
        Place {
            id,
            lines: self.lines.into_iter().map(LineRequest::priced).collect(),
            ttl_ms: i64::from(self.ttl_seconds) * 1000,
            partial: self.partial,
            customer: self.customer,
            reference: self.reference,
            metadata: self.metadata,
            confirm: self.confirm,
        }
    }
}

impl LinesRequest {
    /// Reads the body of `PUT …/lines`.
    pub fn read(
        raw: &RawValue,
        at: At<'_>,
        faults: &mut Faults,
        context: &Context<'_>,
    ) -> Option<LinesRequest> {
        let mut object = Object::read(raw, at, faults)?;
        let lines = lines(&mut object, context);
        let channel = object.optional("channel", read::channel);
        object.finish();
        let lines = lines?;
        note_currencies(&lines, context, At::Member(&at, "lines"), faults);
        Some(LinesRequest { lines, channel })
    }

    /// The core's lines.
    pub fn lines(self) -> Vec<NewLine> {
        self.lines.into_iter().map(LineRequest::priced).collect()
    }
}

impl LineRequest {
    /// The core's line, at the price named or else in force.
    fn priced(self) -> NewLine {
        NewLine {
            line: self.line,
            key: self.key,
            quantity: self.quantity,
            unit_price: self.unit_price.or(self.current_price),
        }
    }

    /// What it will cost: the price of the line it continues holds.
    fn price(&self, held: Option<&Reservation>) -> Option<Money> {
        match held.and_then(|held| held.continued(&self.key, self.line.as_deref())) {
            Some(line) => line.unit_price,
            None => self.unit_price.or(self.current_price),
        }
    }
}

fn lines(object: &mut Object<'_, '_>, context: &Context<'_>) -> Option<Vec<LineRequest>> {
    let bound = Bound {
        min: 1,
        max: context.border.limits.lines_max,
        code: Code::TooManyLines,
    };
    let mut count = 0;
    let mut kept = BTreeMap::new();
    let lines = object.array("lines", bound, |raw, at, faults| {
        count += 1;
        line(raw, at, faults, context, &mut kept)
    })?;
    // A line with faults is left out; the others say nothing without it.
    (lines.len() == count).then_some(lines)
}

fn line(
    raw: &RawValue,
    at: At<'_>,
    faults: &mut Faults,
    context: &Context<'_>,
    kept: &mut BTreeMap<StockKey, Quantity>,
) -> Option<LineRequest> {
    let mut object = Object::read(raw, at, faults)?;
    let reference = object.optional("line", read::text);
    let sku = object.required("sku", read::sku);
    let location = object.required("location", read::location);
    let quantity = object.required("quantity", positive);
    let unit_price = object.optional_part("unit_price", money);
    if unit_price.is_some() && !context.token.may_set_prices() {
        let detail = "needs a token that may set prices, or the scope admin";
        object.wrong("unit_price", Wrong::new(Code::Forbidden, detail));
    }
    object.finish();
    let (sku, location, quantity) = (sku?, location?, quantity?);
    let item = key_in_body(context.border, &sku, &location, at, faults);
    let key = StockKey::new(&sku, &location);
    if let Some(item) = &item {
        let decimals = check_decimals(item, quantity);
        faults.unless(At::Member(&at, "quantity"), decimals);
        if may_have(item, &key, quantity, kept, context) {
            check_stocked(&key, at, faults, context.border);
        } else {
            let wrong = Wrong::rule(Code::NotReservable, "is not to be reserved");
            faults.note(At::Member(&at, "sku"), wrong);
        }
    }
    let current_price = item.and_then(|item| item.current_price(context.now));
    Some(LineRequest {
        line: reference,
        key,
        quantity,
        unit_price,
        current_price,
    })
}

/// Whether a line may ask for so much. An item that is not to be reserved may be kept, and less of
/// it be wanted, where the reservation has it already; `kept` is what lines so far want of such.
fn may_have(
    item: &Item,
    key: &StockKey,
    quantity: Quantity,
    kept: &mut BTreeMap<StockKey, Quantity>,
    context: &Context<'_>,
) -> bool {
    if item.may_be_reserved() {
        return true;
    }
    let wanted = kept.entry(key.clone()).or_default();
    *wanted += quantity;
    *wanted <= context.held(key)
}

fn check_stocked(key: &StockKey, at: At<'_>, faults: &mut Faults, border: &Border) {
    let is_stocked = border.stock.level(key).is_some_and(|level| level.stocked);
    // A location that is not known was noted by itself.
    if !is_stocked && border.catalogue.location(key.location()).is_some() {
        let wrong = Wrong::rule(Code::NotStocked, "names an item not stocked there");
        faults.note(at, wrong);
    }
}

/// Names every line whose currency is not the first one's.
fn note_currencies(lines: &[LineRequest], context: &Context<'_>, at: At<'_>, faults: &mut Faults) {
    let mut first: Option<Currency> = None;
    for (index, line) in lines.iter().enumerate() {
        let Some(price) = line.price(context.held.as_deref()) else {
            continue;
        };
        let first = *first.get_or_insert(price.currency);
        if price.currency != first {
            let (code, expected) = (price.currency.code(), first.code());
            let detail = format!("is priced in {code}, lines before it in {expected}");
            let wrong = Wrong::rule(Code::CurrencyMismatch, detail);
            faults.note(At::Element(&at, index), wrong);
        }
    }
}

/// A quantity of more than nothing.
pub fn positive(raw: &RawValue) -> Result<Quantity, Wrong> {
    let quantity = read::quantity(raw)?;
    if quantity.is_positive() {
        Ok(quantity)
    } else {
        Err(Wrong::new(Code::InvalidQuantity, "must be more than zero"))
    }
}

/// A price: `{"amount":"300.00","currency":"SEK"}`, not negative.
fn money(raw: &RawValue, at: At<'_>, faults: &mut Faults) -> Option<Money> {
    let mut object = Object::read(raw, at, faults)?;
    let money = amount_and_currency(&mut object);
    object.finish();
    let money = money?;
    if money.amount < Quantity::ZERO {
        let wrong = Wrong::invalid("may not be negative");
        faults.note(At::Member(&at, "amount"), wrong);
        return None;
    }
    Some(money)
}

/// The members `amount` and `currency`, which fit each other.
pub fn amount_and_currency(object: &mut Object<'_, '_>) -> Option<Money> {
    let amount = object.required("amount", read::decimal);
    let currency = object.required("currency", read::currency);
    let (amount, currency) = (amount?, currency?);
    let digits = currency.digits();
    if amount.decimals() > digits {
        let code = currency.code();
        let detail = format!("may have at most {digits} decimals in {code}");
        object.wrong("amount", Wrong::invalid(detail));
        return None;
    }
    Some(Money::new(amount, currency))
}
