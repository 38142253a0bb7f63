//! An item as JSON, the same wherever the whole of it is shown. Knows no route and asks nobody.

use std::collections::BTreeMap;

use serde::Serialize;

use super::wire::{Price, Time};
use crate::catalogue::{Item, ItemContent};
use crate::stock::{Money, Timestamp};

/// What was put, and what follows from it at a point in time.
#[derive(Serialize)]
pub struct ItemDocument<'a> {
    sku: &'a str,
    name: &'a str,
    unit: &'a str,
    decimals: u32,
    product: Option<&'a str>,
    barcodes: Vec<&'a str>,
    attributes: BTreeMap<&'a str, &'a str>,
    price: Option<Price>,
    offer: Option<OfferDocument>,
    current_price: Option<Price>,
    reservable: bool,
    archived: bool,
    version: u64,
    updated_at: Time,
}

/// An offer; its amount has the digits of the price's currency.
#[derive(Serialize)]
pub struct OfferDocument {
    amount: String,
    from: Option<Time>,
    until: Option<Time>,
}

impl ItemDocument<'_> {
    /// `item` as it is at `now`.
    pub fn of(item: &Item, now: Timestamp) -> ItemDocument<'_> {
        let content = &item.content;
        ItemDocument {
            sku: item.sku.as_str(),
            name: content.name.as_str(),
            unit: content.unit.as_str(),
            decimals: content.decimals,
            product: content.product.as_ref().map(|product| product.as_str()),
            barcodes: content.barcodes.iter().map(|code| code.as_str()).collect(),
            attributes: attributes(content),
            price: content.price.map(Price),
            offer: OfferDocument::of(content),
            current_price: content.current_price(now).map(Price),
            reservable: content.reservable,
            archived: content.archived,
            version: item.version,
            updated_at: Time(item.updated_at),
        }
    }
}

impl OfferDocument {
    /// The offer of an item, if it has one.
    pub fn of(content: &ItemContent) -> Option<OfferDocument> {
        let (offer, price) = (content.offer?, content.price?);
        Some(OfferDocument {
            amount: Money::new(offer.amount, price.currency).to_string(),
            from: offer.from.map(Time),
            until: offer.until.map(Time),
        })
    }
}

/// The attributes by their names.
pub fn attributes(content: &ItemContent) -> BTreeMap<&str, &str> {
    let pairs = content.attributes.iter();
    pairs
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}
