//! Changes to part of an item or a location, with the meaning of a JSON merge patch (RFC 7396):
//! what is not named stays, what is null goes or falls back to its default, objects merge member
//! by member. Typed, and merged where writes are serialised, so that two patches never lose each
//! other's fields.

use std::collections::BTreeMap;

use super::fault::Fault;
use super::item::{
    AttributeName, AttributeValue, Barcode, ItemContent, ItemName, Offer, Product, Unit,
};
use super::location::{Degrees, LocationContent, LocationKind, LocationName, Region};
use crate::stock::{Currency, Money, Quantity, Timestamp};

/// What becomes of a member that may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It goes.
    Clear,
    /// It is this from now on.
    Set(T),
}

/// What changes of an item. A member with a default is never cleared but set to its default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemPatch {
    /// The new name.
    pub name: Option<ItemName>,
    /// The new unit.
    pub unit: Option<Unit>,
    /// The new number of decimals.
    pub decimals: Option<u32>,
    /// The product.
    pub product: Patch<Product>,
    /// All barcodes: lists are replaced as a whole.
    pub barcodes: Option<Vec<Barcode>>,
    /// Attribute by attribute; one without a value goes.
    pub attributes: Patch<BTreeMap<AttributeName, Option<AttributeValue>>>,
    /// The price, member by member.
    pub price: Patch<PricePatch>,
    /// The offer, member by member.
    pub offer: Patch<OfferPatch>,
    /// Whether it may be reserved.
    pub reservable: Option<bool>,
    /// Whether it left the assortment.
    pub archived: Option<bool>,
}

/// What changes of a price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PricePatch {
    /// The new amount.
    pub amount: Option<Quantity>,
    /// The new currency.
    pub currency: Option<Currency>,
}

/// What changes of an offer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfferPatch {
    /// The new amount.
    pub amount: Option<Quantity>,
    /// Its begin.
    pub from: Patch<Timestamp>,
    /// Its end.
    pub until: Patch<Timestamp>,
}

/// What changes of a location.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocationPatch {
    /// The new name.
    pub name: Option<LocationName>,
    /// The new kind.
    pub kind: Option<LocationKind>,
    /// The latitude.
    pub latitude: Patch<Degrees>,
    /// The longitude.
    pub longitude: Patch<Degrees>,
    /// The region.
    pub region: Patch<Region>,
}

impl<T> Patch<T> {
    /// What is there after the patch, where `old` was before.
    fn over(self, old: Option<T>) -> Option<T> {
        match self {
            Patch::Keep => old,
            Patch::Clear => None,
            Patch::Set(new) => Some(new),
        }
    }
}

impl ItemPatch {
    /// What `old` becomes. The faults are those of merging; those of the result are its own.
    pub fn over(self, old: &ItemContent) -> Result<ItemContent, Vec<Fault>> {
        let mut faults = Vec::new();
        let price = self.price.merge(old.price, &mut faults);
        let offer = self.offer.merge(old.offer, &mut faults);
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(ItemContent {
            name: self.name.unwrap_or_else(|| old.name.clone()),
            unit: self.unit.unwrap_or_else(|| old.unit.clone()),
            decimals: self.decimals.unwrap_or(old.decimals),
            product: self.product.over(old.product.clone()),
            barcodes: self.barcodes.unwrap_or_else(|| old.barcodes.clone()),
            attributes: merge_attributes(self.attributes, &old.attributes),
            price,
            offer,
            reservable: self.reservable.unwrap_or(old.reservable),
            archived: self.archived.unwrap_or(old.archived),
        })
    }
}

impl LocationPatch {
    /// What `old` becomes.
    pub fn over(self, old: &LocationContent) -> LocationContent {
        LocationContent {
            name: self.name.unwrap_or_else(|| old.name.clone()),
            kind: self.kind.unwrap_or(old.kind),
            latitude: self.latitude.over(old.latitude),
            longitude: self.longitude.over(old.longitude),
            region: self.region.over(old.region.clone()),
        }
    }
}

impl Patch<PricePatch> {
    fn merge(self, old: Option<Money>, faults: &mut Vec<Fault>) -> Option<Money> {
        let patch = match self {
            Patch::Keep => return old,
            Patch::Clear => return None,
            Patch::Set(patch) => patch,
        };
        let amount = patch.amount.or(old.map(|price| price.amount));
        let currency = patch.currency.or(old.map(|price| price.currency));
        faults.extend(missing(amount.is_none(), "/price/amount"));
        faults.extend(missing(currency.is_none(), "/price/currency"));
        Some(Money::new(amount?, currency?))
    }
}

impl Patch<OfferPatch> {
    fn merge(self, old: Option<Offer>, faults: &mut Vec<Fault>) -> Option<Offer> {
        let patch = match self {
            Patch::Keep => return old,
            Patch::Clear => return None,
            Patch::Set(patch) => patch,
        };
        let amount = patch.amount.or(old.map(|offer| offer.amount));
        faults.extend(missing(amount.is_none(), "/offer/amount"));
        Some(Offer {
            amount: amount?,
            from: patch.from.over(old.and_then(|offer| offer.from)),
            until: patch.until.over(old.and_then(|offer| offer.until)),
        })
    }
}

fn missing(is_missing: bool, pointer: &'static str) -> Option<Fault> {
    is_missing.then(|| Fault::new(pointer, "is required"))
}

fn merge_attributes(
    patch: Patch<BTreeMap<AttributeName, Option<AttributeValue>>>,
    old: &BTreeMap<AttributeName, AttributeValue>,
) -> BTreeMap<AttributeName, AttributeValue> {
    let changes = match patch {
        Patch::Keep => return old.clone(),
        Patch::Clear => return BTreeMap::new(),
        Patch::Set(changes) => changes,
    };
    let mut merged = old.clone();
    for (name, value) in changes {
        match value {
            Some(value) => merged.insert(name, value),
            None => merged.remove(&name),
        };
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::text::Text;

    fn text<const MAX: usize>(text: &str) -> Text<MAX> {
        Text::parse(text).unwrap()
    }

    fn sek(amount: u32) -> Money {
        Money::new(amount.into(), Currency::parse("SEK").unwrap())
    }

    fn clogs() -> ItemContent {
        ItemContent {
            product: Some(text("clogs")),
            attributes: [(text("colour"), text("red")), (text("size"), text("38"))].into(),
            price: Some(sek(300)),
            offer: Some(Offer {
                amount: Quantity::from(240),
                from: Some(Timestamp::from_millis(1)),
                until: Some(Timestamp::from_millis(2)),
            }),
            ..ItemContent::named(text("Clogs"))
        }
    }

    #[test]
    fn an_empty_patch_changes_nothing() {
        assert_eq!(ItemPatch::default().over(&clogs()), Ok(clogs()));
    }

    #[test]
    fn members_merge_and_null_takes_away() {
        let patch = ItemPatch {
            product: Patch::Clear,
            attributes: Patch::Set(
                [(text("size"), None), (text("sole"), Some(text("wood")))].into(),
            ),
            price: Patch::Set(PricePatch {
                amount: Some(Quantity::from(320)),
                currency: None,
            }),
            offer: Patch::Set(OfferPatch {
                until: Patch::Clear,
                ..OfferPatch::default()
            }),
            ..ItemPatch::default()
        };
        let expected = ItemContent {
            product: None,
            attributes: [(text("colour"), text("red")), (text("sole"), text("wood"))].into(),
            price: Some(sek(320)),
            offer: clogs().offer.map(|offer| Offer {
                until: None,
                ..offer
            }),
            ..clogs()
        };
        assert_eq!(patch.over(&clogs()), Ok(expected));
    }

    #[test]
    fn part_of_what_is_not_there_is_refused_by_name() {
        let bare = ItemContent::named(text("Clogs"));
        let patch = ItemPatch {
            price: Patch::Set(PricePatch::default()),
            offer: Patch::Set(OfferPatch::default()),
            ..ItemPatch::default()
        };
        let faults = patch.over(&bare).unwrap_err();
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer).collect();
        assert_eq!(
            pointers,
            ["/price/amount", "/price/currency", "/offer/amount"]
        );
    }

    #[test]
    fn a_location_keeps_what_is_not_named() {
        let old = LocationContent {
            name: text("Malmö"),
            kind: LocationKind::Store,
            latitude: Some(Degrees(55.into())),
            longitude: Some(Degrees(13.into())),
            region: Some(text("south")),
        };
        let patch = LocationPatch {
            kind: Some(LocationKind::Warehouse),
            region: Patch::Clear,
            ..LocationPatch::default()
        };
        let expected = LocationContent {
            kind: LocationKind::Warehouse,
            region: None,
            ..old.clone()
        };
        assert_eq!(patch.over(&old), expected);
    }
}
