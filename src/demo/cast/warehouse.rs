//! The warehouse: sends what was ordered, takes deliveries when stock runs low, fills up the
//! stores, counts a shelf now and then. It must not know who buys.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::till::hand_over;
use super::{Hand, Player};
use crate::demo::caller::{number, text};
use crate::demo::sample::{Good, STORES, WAREHOUSE};

/// Products in one delivery.
const DELIVERED_MAX: usize = 4;

/// A store is filled up, and a piece is missed in a count, only where there is plenty: even if
/// others reserve meanwhile, no order is left without.
const PLENTY: Decimal = Decimal::from_parts(20, 0, 0, false, 0);

/// The warehouse.
pub(super) struct Warehouse;

impl Player for Warehouse {
    fn act(&mut self, hand: &mut Hand) {
        let order = match hand.dice.chance(60) {
            true => hand.desk.take(WAREHOUSE),
            false => None,
        };
        if let Some(order) = order {
            return hand_over(WAREHOUSE, &order, hand);
        }
        match hand.dice.below(100) {
            0..50 => receive(hand),
            50..90 => fill_up(hand),
            _ => count(hand),
        }
    }
}

/// Takes a delivery of what runs low, if anything does.
fn receive(hand: &mut Hand) {
    let low = low(hand, WAREHOUSE, DELIVERED_MAX);
    let mut movements = Vec::new();
    let mut words = Vec::new();
    for good in &low {
        let quantity = good.delivery(&mut hand.dice);
        words.push(good.words(quantity));
        movements.push(
            json!({"type": "receipt", "sku": good.sku, "location": WAREHOUSE,
            "quantity": quantity.to_string()}),
        );
    }
    if movements.is_empty() {
        return fill_up(hand);
    }
    if !hand.caller.move_goods(movements).is_empty() {
        hand.voice
            .say(&format!("takes a delivery: {}", words.join(", ")));
    }
}

/// Sends a store what it runs low on, if there is plenty of it here.
fn fill_up(hand: &mut Hand) {
    let store = *hand.dice.one(&STORES);
    for good in low(hand, store, usize::MAX) {
        let here = hand
            .caller
            .read(&format!("/v1/stock/{}/{WAREHOUSE}", good.sku));
        let plenty = here
            .done()
            .is_some_and(|here| number(&here["available"]) >= PLENTY);
        if !plenty {
            continue;
        }
        let quantity = Decimal::from(3 + hand.dice.below(4));
        let transfer = json!({"type": "transfer", "sku": good.sku, "location": WAREHOUSE,
            "to": store, "quantity": quantity.to_string()});
        if !hand.caller.move_goods(vec![transfer]).is_empty() {
            let words = good.words(quantity);
            hand.voice.say(&format!("sends {words} to {store}"));
        }
        return;
    }
    count(hand);
}

/// Counts a shelf. One in five misses a piece; if the shelf changed while it was counted, the
/// count is refused.
fn count(hand: &mut Hand) {
    let good = hand.dice.one(&hand.sample.goods).clone();
    let path = format!("/v1/stock/{}/{WAREHOUSE}", good.sku);
    let is_missing = hand.dice.chance(20);
    let Some(stock) = hand.caller.read(&path).done() else {
        return;
    };
    let missing = match is_missing && number(&stock["available"]) >= PLENTY {
        true => Decimal::ONE,
        false => Decimal::ZERO,
    };
    let counted = number(&stock["on_hand"]) - missing;
    let count = json!({"type": "count", "sku": good.sku, "location": WAREHOUSE,
        "quantity": counted.to_string(), "expected_version": stock["version"]});
    let results = hand.caller.move_goods(vec![count]);
    let Some(result) = results.first() else {
        return;
    };
    let words = good.words(counted);
    let outcome = match (text(&result["status"]), missing.is_zero()) {
        ("applied", true) => "as it should be",
        ("applied", false) => "one is missing",
        _ => "but something moved meanwhile, so it does not count",
    };
    hand.voice.say(&format!("counts {words}: {outcome}"));
}

/// What a location runs low on, in an order that chance decides.
fn low(hand: &mut Hand, location: &str, most: usize) -> Vec<Good> {
    let path = format!("/v1/stock?location={location}&limit=1000");
    let Some(page) = hand.caller.read(&path).done() else {
        return Vec::new();
    };
    let rows: &[Value] = page["items"].as_array().map_or(&[], Vec::as_slice);
    let goods = &hand.sample.goods;
    let is_low = |good: &&Good| {
        let row = rows.iter().find(|row| row["sku"] == good.sku.as_str());
        row.is_some_and(|row| good.is_low(number(&row["available"])))
    };
    let mut low: Vec<Good> = goods.iter().filter(is_low).cloned().collect();
    let first = match low.is_empty() {
        true => 0,
        false => hand.dice.place(low.len()),
    };
    low.rotate_left(first);
    low.truncate(most);
    low
}
