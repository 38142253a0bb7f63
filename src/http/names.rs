//! Whether what a request names is known: items, locations, stocked keys. In a path that is a
//! 404, in a body a fault at its place.

use std::sync::Arc;

use super::border::Border;
use super::fault::{At, Faults, Wrong};
use super::problem::{Code, Problem};
use crate::catalogue::{Item, Location};
use crate::stock::{Level, LocationId, Quantity, Sku, StockKey};

/// The item a path names.
pub fn item_in_path(border: &Border, sku: &str) -> Result<Arc<Item>, Problem> {
    let item = border.catalogue.item(sku);
    item.ok_or_else(|| Problem::not_found(Code::UnknownItem, format!("there is no item {sku}")))
}

/// The location a path names.
pub fn location_in_path(border: &Border, location: &str) -> Result<Arc<Location>, Problem> {
    let detail = || format!("there is no location {location}");
    let found = border.catalogue.location(location);
    found.ok_or_else(|| Problem::not_found(Code::UnknownLocation, detail()))
}

/// What a path names is not stocked.
pub fn not_stocked_in_path(key: &StockKey) -> Problem {
    let (sku, location) = (key.sku(), key.location());
    let detail = format!("{sku} is not stocked at {location}");
    Problem::not_found(Code::NotStocked, detail)
}

/// The key a body names, once its SKU and location were read, with its item; faults at the
/// members `sku` and `location` of `at`.
pub fn key_in_body(
    border: &Border,
    sku: &Sku,
    location: &LocationId,
    at: At<'_>,
    faults: &mut Faults,
) -> Option<Arc<Item>> {
    let item = border.catalogue.item(sku.as_str());
    if item.is_none() {
        let wrong = Wrong::rule(Code::UnknownItem, "is not an item");
        faults.note(At::Member(&at, "sku"), wrong);
    }
    location_in_body(border, location, At::Member(&at, "location"), faults);
    item
}

/// Notes a fault if a body names a location that is not known.
pub fn location_in_body(border: &Border, location: &LocationId, at: At<'_>, faults: &mut Faults) {
    if border.catalogue.location(location.as_str()).is_none() {
        faults.note(at, Wrong::rule(Code::UnknownLocation, "is not a location"));
    }
}

/// What is wrong with a quantity that has more decimals than its item.
pub fn check_decimals(item: &Item, quantity: Quantity) -> Result<(), Wrong> {
    let decimals = item.content.decimals;
    if quantity.decimals() <= decimals {
        return Ok(());
    }
    let unit = item.content.unit.as_str();
    let detail = format!("may have at most {decimals} decimals: it is counted in {unit}");
    Err(Wrong::rule(Code::InvalidQuantity, detail))
}

/// The figures of a key as they are now, if it is stocked: past a deadline it is settled first.
pub async fn current_level(border: &Border, key: &StockKey) -> Result<Option<Level>, Problem> {
    let level = border.stock.fresh_level(key).await?;
    Ok(level.filter(|level| level.stocked))
}
