//! An item as JSON: its face beside availability, and the whole of it. Knows no route.

use std::collections::BTreeMap;

use serde::Serialize;

use super::wire::{Price, Time};
use crate::catalogue::{Item, Offer};
use crate::stock::{Currency, Money, Timestamp};

/// What a product page shows of an item.
#[derive(Serialize)]
pub struct ItemFace<'a> {
    name: &'a str,
    unit: &'a str,
    attributes: BTreeMap<&'a str, &'a str>,
    price: Option<Price>,
    offer: Option<OfferDocument>,
    current_price: Option<Price>,
}

/// All there is to know of an item.
#[derive(Serialize)]
pub struct ItemDocument<'a> {
    sku: &'a str,
    #[serde(flatten)]
    face: ItemFace<'a>,
    decimals: u32,
    product: Option<&'a str>,
    barcodes: Vec<&'a str>,
    reservable: bool,
    archived: bool,
    version: u64,
    updated_at: Time,
}

/// A price for a while.
#[derive(Serialize)]
struct OfferDocument {
    amount: String,
    from: Option<Time>,
    until: Option<Time>,
}

impl<'a> ItemFace<'a> {
    /// The face of `item` at `now`.
    pub fn new(item: &'a Item, now: Timestamp) -> ItemFace<'a> {
        let content = &item.content;
        let attributes = content.attributes.iter();
        let currency = content.price.map(|price| price.currency);
        let offer = content.offer.zip(currency);
        ItemFace {
            name: content.name.as_str(),
            unit: content.unit.as_str(),
            attributes: attributes
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect(),
            price: content.price.map(Price),
            offer: offer.map(|(offer, currency)| OfferDocument::new(offer, currency)),
            current_price: item.current_price(now).map(Price),
        }
    }
}

impl<'a> ItemDocument<'a> {
    /// `item` with its price at `now`.
    pub fn new(item: &'a Item, now: Timestamp) -> ItemDocument<'a> {
        let content = &item.content;
        let barcodes = content.barcodes.iter();
        ItemDocument {
            sku: item.sku.as_str(),
            face: ItemFace::new(item, now),
            decimals: content.decimals,
            product: content.product.as_ref().map(|product| product.as_str()),
            barcodes: barcodes.map(|barcode| barcode.as_str()).collect(),
            reservable: content.reservable,
            archived: content.archived,
            version: item.version,
            updated_at: Time(item.updated_at),
        }
    }
}

impl OfferDocument {
    fn new(offer: Offer, currency: Currency) -> OfferDocument {
        OfferDocument {
            amount: Money::new(offer.amount, currency).to_string(),
            from: offer.from.map(Time),
            until: offer.until.map(Time),
        }
    }
}
