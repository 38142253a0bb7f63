//! A till: sells what a customer brings from the shelf, looks for it elsewhere if it is gone,
//! takes returns, hands over what was ordered online. It must not know how the shelf is filled.

use std::collections::VecDeque;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::web_shop::why;
use super::{Hand, Player, people};
use crate::cli::client::Method;
use crate::demo::caller::{Heard, number, reservation_path, text};
use crate::demo::desk::Order;
use crate::demo::sample::Good;

/// Sales that may come back; the oldest is forgotten past it.
const SOLD_MAX: usize = 50;

/// A till.
pub(super) struct Till {
    store: &'static str,
    sold: VecDeque<(Good, Decimal)>,
}

impl Till {
    /// The till of a store.
    pub(super) fn of(store: &'static str) -> Till {
        let sold = VecDeque::new();
        Till { store, sold }
    }
}

impl Player for Till {
    fn act(&mut self, hand: &mut Hand) {
        match hand.dice.below(100) {
            0..30 => match hand.desk.take(self.store) {
                Some(order) => hand_over(self.store, &order, hand),
                None => self.serve(hand),
            },
            30..40 => self.take_back(hand),
            _ => self.serve(hand),
        }
    }
}

impl Till {
    fn serve(&mut self, hand: &mut Hand) {
        let good = hand.dice.one(&hand.sample.goods).clone();
        let quantity = good.amount(&mut hand.dice);
        // Some customers come with what they found on the shelf, be it promised to others or not.
        let grabs = hand.dice.chance(10);
        let path = format!("/v1/stock/{}/{}", good.sku, self.store);
        let Some(stock) = hand.caller.read(&path).done() else {
            return;
        };
        let within_reach = if grabs { "on_hand" } else { "available" };
        match number(&stock[within_reach]) >= quantity {
            true => self.sell(&good, quantity, hand),
            false => self.look_elsewhere(&good, quantity, hand),
        }
    }

    fn sell(&mut self, good: &Good, quantity: Decimal, hand: &mut Hand) {
        let sold = good.words(quantity);
        let Some(result) = self.record(hand, "sale", good, quantity) else {
            return;
        };
        let oversold = match result["oversold"] == true {
            true => ", which was promised online",
            false => "",
        };
        hand.voice.say(&format!("sells {sold}{oversold}"));
        if self.sold.len() == SOLD_MAX {
            self.sold.pop_front();
        }
        self.sold.push_back((good.clone(), quantity));
    }

    fn take_back(&mut self, hand: &mut Hand) {
        let Some((good, quantity)) = self.sold.pop_front() else {
            return self.serve(hand);
        };
        let is_damaged = hand.dice.chance(15);
        let condition = if is_damaged { "damaged" } else { "sellable" };
        let fields = json!({"condition": condition});
        if self
            .record_with(hand, "return", &good, quantity, fields)
            .is_some()
        {
            let words = good.words(quantity);
            hand.voice.say(&format!("takes {words} back, {condition}"));
        }
    }

    /// Says who has it instead, as a clerk would.
    fn look_elsewhere(&self, good: &Good, quantity: Decimal, hand: &mut Hand) {
        let path = format!("/v1/availability/{}", good.sku);
        let Some(seen) = hand.caller.read(&path).done() else {
            return;
        };
        let places = seen["locations"].as_array().into_iter().flatten();
        let elsewhere = places.filter(|place| place["location"] != self.store);
        let has = |place: &&Value| number(&place["available"]) >= quantity;
        let elsewhere: Vec<&str> = elsewhere
            .filter(has)
            .map(|at| text(&at["location"]))
            .collect();
        let found = match elsewhere.is_empty() {
            true => "nobody has it".to_owned(),
            false => format!("there is some at {}", elsewhere.join(" and ")),
        };
        let words = good.words(quantity);
        hand.voice
            .say(&format!("looks for {words} in vain; {found}"));
    }

    fn record(&self, hand: &mut Hand, kind: &str, good: &Good, quantity: Decimal) -> Option<Value> {
        self.record_with(hand, kind, good, quantity, json!({}))
    }

    fn record_with(
        &self,
        hand: &mut Hand,
        kind: &str,
        good: &Good,
        quantity: Decimal,
        mut movement: Value,
    ) -> Option<Value> {
        movement["type"] = json!(kind);
        movement["sku"] = json!(good.sku);
        movement["location"] = json!(self.store);
        movement["quantity"] = json!(quantity.to_string());
        let results = hand.caller.move_goods(vec![movement]);
        results
            .into_iter()
            .find(|result| result["status"] == "applied")
    }
}

/// Hands over what an order wants of this place.
pub(super) fn hand_over(place: &str, order: &Order, hand: &mut Hand) {
    let path = reservation_path(&order.id, "fulfil");
    let heard = hand
        .caller
        .once(Method::Post, &path, &json!({"lines": order.lines}));
    let name = people::name(&order.customer);
    match heard {
        Heard::Done(_) => {
            let lines = order.lines.iter();
            let words = lines.map(|line| {
                hand.sample
                    .words(text(&line["sku"]), number(&line["quantity"]))
            });
            let words = words.collect::<Vec<_>>().join(", ");
            hand.voice.say(&format!("hands {words} over for {name}"));
        }
        Heard::Refused { code, problem } => {
            let why = why(hand, &code, &problem);
            hand.voice.say(&format!(
                "has nothing to hand over for {name} at {place}: {why}"
            ));
        }
    }
}
