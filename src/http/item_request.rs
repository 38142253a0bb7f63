//! Reads what is said about an item: the whole of it, or a merge patch. Knows no route.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::body::{Bound, Object, is_null, members};
use super::fault::{At, Faults, Wrong};
use super::read;
use crate::catalogue::item::{ATTRIBUTES_MAX, AttributeName, AttributeValue, BARCODES_MAX, Unit};
use crate::catalogue::text::Text;
use crate::catalogue::{ItemContent, ItemPatch, Offer, OfferPatch, Patch, PricePatch};
use crate::stock::quantity::DECIMALS_MAX;
use crate::stock::{Money, Timestamp};

/// A patch may take away as many attributes as there may be, and bring as many.
const ATTRIBUTES_PATCHED_MAX: usize = 2 * ATTRIBUTES_MAX;

/// A text of the catalogue.
pub fn label<const MAX: usize>(raw: &RawValue) -> Result<Text<MAX>, Wrong> {
    Text::parse(&read::string(raw)?).map_err(|error| Wrong::invalid(error.to_string()))
}

/// The members of a whole item; `None` if something is wrong with it.
pub fn content(object: &mut Object<'_, '_>) -> Option<ItemContent> {
    let name = object.required("name", label);
    let unit = object.optional("unit", label);
    let decimals = object.optional("decimals", decimals);
    let product = object.optional("product", label);
    let barcodes = object.optional_array("barcodes", barcodes_bound(), |raw, at, faults| {
        faults.unless(at, label(raw))
    });
    let attributes = object.optional_part("attributes", |raw, at, faults| {
        let read = attributes(raw, at, faults, ATTRIBUTES_MAX)?;
        // An attribute without a value is one that is not there.
        let present = read
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        Some(present.collect())
    });
    let price = object.optional_part("price", price);
    let offer = object.optional_part("offer", offer);
    let reservable = object.optional("reservable", read::boolean);
    let archived = object.optional("archived", read::boolean);
    let bare = ItemContent::named(name?);
    Some(ItemContent {
        unit: unit.unwrap_or(bare.unit),
        decimals: decimals.unwrap_or(bare.decimals),
        product,
        barcodes: barcodes.unwrap_or_default(),
        attributes: attributes.unwrap_or_default(),
        price,
        offer,
        reservable: reservable.unwrap_or(bare.reservable),
        archived: archived.unwrap_or(bare.archived),
        name: bare.name,
    })
}

/// The members of a merge patch; `None` if something is wrong with it. Null takes away what may
/// be absent and brings back the default of the rest.
pub fn patch(object: &mut Object<'_, '_>) -> Option<ItemPatch> {
    let unit = || Unit::parse(ItemContent::UNIT_DEFAULT).expect("the default unit is a text");
    let barcodes = object.nullable_part("barcodes", |raw, at, faults| {
        super::body::elements(raw, at, barcodes_bound(), faults, |raw, at, faults| {
            faults.unless(at, label(raw))
        })
    });
    let attributes = object.nullable_part("attributes", |raw, at, faults| {
        attributes(raw, at, faults, ATTRIBUTES_PATCHED_MAX)
    });
    let patch = ItemPatch {
        name: required_if_present(object, "name", label),
        unit: nullable(object, "unit", label).map(|new| new.unwrap_or_else(unit)),
        decimals: nullable(object, "decimals", decimals).map(Option::unwrap_or_default),
        product: nullable(object, "product", label).into(),
        barcodes: barcodes.map(Option::unwrap_or_default),
        attributes: attributes.into(),
        price: object.nullable_part("price", price_patch).into(),
        offer: object.nullable_part("offer", offer_patch).into(),
        reservable: nullable(object, "reservable", read::boolean).map(|new| new.unwrap_or(true)),
        archived: nullable(object, "archived", read::boolean).map(Option::unwrap_or_default),
    };
    object.is_sound().then_some(patch)
}

/// A member of a patch: absent, null or a value.
pub fn nullable<'b, T>(
    object: &mut Object<'b, '_>,
    name: &str,
    read: impl FnOnce(&'b RawValue) -> Result<T, Wrong>,
) -> Option<Option<T>> {
    object.nullable_part(name, |raw, at, faults| faults.unless(at, read(raw)))
}

/// A member of a patch that may be absent but, where it stands, must have a value.
pub fn required_if_present<'b, T>(
    object: &mut Object<'b, '_>,
    name: &str,
    read: impl FnOnce(&'b RawValue) -> Result<T, Wrong>,
) -> Option<T> {
    let read = nullable(object, name, read)?;
    if read.is_none() {
        object.wrong(name, Wrong::invalid("may not be null"));
    }
    read
}

impl<T> From<Option<Option<T>>> for Patch<T> {
    fn from(read: Option<Option<T>>) -> Patch<T> {
        match read {
            None => Patch::Keep,
            Some(None) => Patch::Clear,
            Some(Some(value)) => Patch::Set(value),
        }
    }
}

fn decimals(raw: &RawValue) -> Result<u32, Wrong> {
    let read = read::whole(raw, 0..=u64::from(DECIMALS_MAX))?;
    Ok(u32::try_from(read).expect("at most 6"))
}

fn barcodes_bound() -> Bound {
    Bound::new(0, BARCODES_MAX)
}

fn attributes(
    raw: &RawValue,
    at: At<'_>,
    faults: &mut Faults,
    max: usize,
) -> Option<BTreeMap<AttributeName, Option<AttributeValue>>> {
    let mut read = BTreeMap::new();
    for (name, value) in members(raw, at, max, faults)? {
        let here = At::Member(&at, &name);
        let known = AttributeName::parse(&name);
        let known = known.map_err(|error| Wrong::invalid(format!("by its name {error}")));
        let known = faults.unless(here, known);
        let value = value.filter(|value| !is_null(value));
        let value = value.map(|value| faults.unless(here, label(value)));
        if let Some(name) = known {
            read.insert(name, value.flatten());
        }
    }
    Some(read)
}

fn price(raw: &RawValue, at: At<'_>, faults: &mut Faults) -> Option<Money> {
    let mut object = Object::read(raw, at, faults)?;
    let amount = object.required("amount", read::decimal);
    let currency = object.required("currency", read::currency);
    object.finish();
    Some(Money::new(amount?, currency?))
}

fn offer(raw: &RawValue, at: At<'_>, faults: &mut Faults) -> Option<Offer> {
    let mut object = Object::read(raw, at, faults)?;
    let amount = object.required("amount", read::decimal);
    let from = object.optional("from", read::time);
    let until = object.optional("until", read::time);
    object.finish();
    Some(Offer {
        amount: amount?,
        from,
        until,
    })
}

fn price_patch(raw: &RawValue, at: At<'_>, faults: &mut Faults) -> Option<PricePatch> {
    let mut object = Object::read(raw, at, faults)?;
    let patch = PricePatch {
        amount: required_if_present(&mut object, "amount", read::decimal),
        currency: required_if_present(&mut object, "currency", read::currency),
    };
    object.finish();
    Some(patch)
}

fn offer_patch(raw: &RawValue, at: At<'_>, faults: &mut Faults) -> Option<OfferPatch> {
    let mut object = Object::read(raw, at, faults)?;
    let time = |object: &mut Object<'_, '_>, name| -> Patch<Timestamp> {
        nullable(object, name, read::time).into()
    };
    let patch = OfferPatch {
        amount: required_if_present(&mut object, "amount", read::decimal),
        from: time(&mut object, "from"),
        until: time(&mut object, "until"),
    };
    object.finish();
    Some(patch)
}

/// The SKU of an entry of a batch, for its answer, however wrong the rest of the entry is.
pub fn sku_as_sent(raw: &RawValue) -> Option<Cow<'_, str>> {
    let mut ignored = Faults::default();
    let mut object = Object::read(raw, At::Root, &mut ignored)?;
    object.take("sku").and_then(|raw| read::string(raw).ok())
}
