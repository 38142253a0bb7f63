//! What is sold: its names, its unit, its price and the offer that lowers it for a while.
//! Knows no stock and reads no clock; what a price is depends on the time it is given.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::text::Text;
use crate::stock::quantity::DECIMALS_MAX;
use crate::stock::{Currency, Money, Quantity, Sku, Timestamp};

/// The most barcodes of one item.
pub const BARCODES_MAX: usize = 20;

/// The most attributes of one item.
pub const ATTRIBUTES_MAX: usize = 50;

/// What people call an item.
pub type ItemName = Text<200>;
/// What it is counted in: `each`, `m`, `kg`.
pub type Unit = Text<20>;
/// What several items are variants of.
pub type Product = Text<64>;
/// A number under a scanner: EAN, UPC or the retailer's own.
pub type Barcode = Text<48>;
/// The name of an attribute, such as `colour`.
pub type AttributeName = Text<64>;
/// The value of an attribute, such as `red`.
pub type AttributeValue = Text<256>;

/// An item of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Which.
    pub sku: Sku,
    /// What the retailer says about it.
    pub content: ItemContent,
    /// Rises by one with each record of the item; the first is 1.
    pub version: u64,
    /// When its newest record was decided: it shows the price of that moment.
    pub updated_at: Timestamp,
}

/// What the retailer says about an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemContent {
    /// What people call it.
    pub name: ItemName,
    /// What it is counted in.
    pub unit: Unit,
    /// How many decimals a quantity of it may have, at most 6; never lowered.
    pub decimals: u32,
    /// What it is a variant of.
    pub product: Option<Product>,
    /// What a scanner reads on it.
    pub barcodes: Vec<Barcode>,
    /// What else is known of it.
    pub attributes: BTreeMap<AttributeName, AttributeValue>,
    /// What one unit costs, including VAT.
    pub price: Option<Money>,
    /// What it costs for a while instead.
    pub offer: Option<Offer>,
    /// Whether it may be reserved at all.
    pub reservable: bool,
    /// Whether it left the assortment: what is there can be sold at a till, nothing is reserved.
    pub archived: bool,
}

/// A price for a while, in the currency of the item's price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// What one unit costs meanwhile.
    pub amount: Quantity,
    /// The first moment it is in force; always has been, if absent.
    pub from: Option<Timestamp>,
    /// The first moment it is no longer in force; never, if absent.
    pub until: Option<Timestamp>,
}

impl Item {
    /// The price in force at `now`: the offer's while it lasts.
    pub fn current_price(&self, now: Timestamp) -> Option<Money> {
        self.content.current_price(now)
    }

    /// The next time the price turns by itself, which nobody has been told of yet: the first
    /// begin or end of the offer after the item's newest record.
    pub fn next_offer_boundary(&self) -> Option<Timestamp> {
        let offer = self.content.offer?;
        let boundaries = [offer.from, offer.until].into_iter().flatten();
        boundaries.filter(|at| *at > self.updated_at).min()
    }

    /// Whether it may be reserved: reservable and not archived.
    pub fn may_be_reserved(&self) -> bool {
        self.content.reservable && !self.content.archived
    }
}

impl ItemContent {
    /// The unit of an item that names none.
    pub const UNIT_DEFAULT: &'static str = "each";

    /// An item of which only the name is known: counted in whole pieces, reservable, no price.
    pub fn named(name: ItemName) -> ItemContent {
        ItemContent {
            name,
            unit: Unit::parse(ItemContent::UNIT_DEFAULT).expect("the default unit is a text"),
            decimals: 0,
            product: None,
            barcodes: Vec::new(),
            attributes: BTreeMap::new(),
            price: None,
            offer: None,
            reservable: true,
            archived: false,
        }
    }

    /// The price in force at `now`.
    pub fn current_price(&self, now: Timestamp) -> Option<Money> {
        let price = self.price?;
        match self.offer.filter(|offer| offer.is_in_force(now)) {
            Some(offer) => Some(Money::new(offer.amount, price.currency)),
            None => Some(price),
        }
    }

    /// Everything that is wrong with it, alone and together; empty if nothing is.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let decimals_max = DECIMALS_MAX as usize;
        faults.extend(above("/decimals", self.decimals as usize, decimals_max));
        faults.extend(above("/barcodes", self.barcodes.len(), BARCODES_MAX));
        faults.extend(above("/attributes", self.attributes.len(), ATTRIBUTES_MAX));
        if let Some(price) = self.price {
            let fault = amount_fault(price.amount, price.currency);
            faults.extend(fault.map(|detail| Fault::new("/price/amount", detail)));
        }
        if let Some(offer) = self.offer {
            faults.extend(self.offer_faults(offer));
        }
        faults
    }

    fn offer_faults(&self, offer: Offer) -> Vec<Fault> {
        let mut faults = Vec::new();
        match self.price {
            None => faults.push(Fault::new("/offer", "needs a price to depart from")),
            Some(price) => {
                let fault = amount_fault(offer.amount, price.currency);
                faults.extend(fault.map(|detail| Fault::new("/offer/amount", detail)));
            }
        }
        if let (Some(from), Some(until)) = (offer.from, offer.until)
            && from >= until
        {
            faults.push(Fault::new("/offer/until", "must be later than from"));
        }
        faults
    }
}

impl Offer {
    /// Whether it is the price at `now`: from its begin on, and no longer at its end.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}

fn above(pointer: &'static str, number: usize, max: usize) -> Option<Fault> {
    (number > max).then(|| Fault::new(pointer, format!("may be at most {max}")))
}

fn amount_fault(amount: Quantity, currency: Currency) -> Option<String> {
    if amount < Quantity::ZERO {
        return Some("may not be below zero".to_owned());
    }
    let (digits, code) = (currency.digits(), currency.code());
    (amount.decimals() > digits).then(|| format!("may have at most {digits} decimals in {code}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clogs() -> ItemContent {
        let mut content = ItemContent::named(ItemName::parse("Red clogs 38").unwrap());
        let sek = Currency::parse("SEK").unwrap();
        content.price = Some(Money::new(Quantity::from(300), sek));
        content
    }

    fn offer(from: Option<i64>, until: Option<i64>) -> Offer {
        Offer {
            amount: Quantity::from(240),
            from: from.map(Timestamp::from_millis),
            until: until.map(Timestamp::from_millis),
        }
    }

    #[test]
    fn an_offer_is_the_price_from_its_begin_until_its_end() {
        let table = [
            (offer(Some(100), Some(200)), 99, 300),
            (offer(Some(100), Some(200)), 100, 240),
            (offer(Some(100), Some(200)), 199, 240),
            (offer(Some(100), Some(200)), 200, 300),
            (offer(None, Some(200)), -5, 240),
            (offer(Some(100), None), i64::MAX, 240),
            (offer(None, None), 0, 240),
        ];
        for (offer, now, expected) in table {
            let mut content = clogs();
            content.offer = Some(offer);
            let price = content.current_price(Timestamp::from_millis(now)).unwrap();
            assert_eq!(price.amount, Quantity::from(expected), "{offer:?} at {now}");
        }
        let mut unpriced = clogs();
        unpriced.price = None;
        assert_eq!(unpriced.current_price(Timestamp::from_millis(0)), None);
    }

    #[test]
    fn the_next_boundary_is_the_first_one_nobody_was_told_of() {
        let table = [
            (offer(Some(100), Some(200)), 99, Some(100)),
            (offer(Some(100), Some(200)), 100, Some(200)),
            (offer(Some(100), Some(200)), 200, None),
            (offer(None, Some(200)), 0, Some(200)),
            (offer(Some(100), None), 150, None),
            (offer(None, None), 0, None),
        ];
        for (offer, updated_at, expected) in table {
            let mut content = clogs();
            content.offer = Some(offer);
            let item = Item {
                sku: Sku::parse("A").unwrap(),
                content,
                version: 1,
                updated_at: Timestamp::from_millis(updated_at),
            };
            let expected = expected.map(Timestamp::from_millis);
            assert_eq!(item.next_offer_boundary(), expected, "{offer:?}");
        }
    }

    #[test]
    fn every_fault_of_an_item_is_named() {
        let mut content = clogs();
        assert_eq!(content.faults(), vec![]);
        content.decimals = 7;
        content.barcodes = (0..21)
            .map(|n| Barcode::parse(&format!("{n}")).unwrap())
            .collect();
        content.attributes = (0..51)
            .map(|n| AttributeName::parse(&format!("{n}")).unwrap())
            .map(|name| (name, AttributeValue::parse("x").unwrap()))
            .collect();
        content.price = content
            .price
            .map(|price| Money::new(Quantity::parse("1.005").unwrap(), price.currency));
        content.offer = Some(Offer {
            amount: Quantity::parse("-1").unwrap(),
            ..offer(Some(100), Some(100))
        });
        let pointers: Vec<_> = content.faults().iter().map(|fault| fault.pointer).collect();
        let expected = [
            "/decimals",
            "/barcodes",
            "/attributes",
            "/price/amount",
            "/offer/amount",
            "/offer/until",
        ];
        assert_eq!(pointers, expected);

        let mut unpriced = clogs();
        unpriced.price = None;
        unpriced.offer = Some(offer(None, None));
        assert_eq!(unpriced.faults()[0].pointer, "/offer");
    }
}
