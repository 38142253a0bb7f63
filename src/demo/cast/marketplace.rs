//! A marketplace: its customers have paid already, so an order is reserved and confirmed in one
//! call, and now and then cancelled. It must not know how orders leave the shelves.

use serde_json::{Value, json};

use super::web_shop::{why, words};
use super::{Hand, Player, people};
use crate::cli::client::Method;
use crate::demo::caller::{Heard, reservation_path, text};
use crate::demo::sample::WAREHOUSE;

/// Orders that may still be thought better of; the oldest is forgotten past it.
const ORDERS_MAX: usize = 20;

/// The marketplace.
#[derive(Default)]
pub(super) struct Marketplace {
    orders: Vec<Order>,
    shoppers: u32,
}

struct Order {
    id: String,
    shopper: String,
}

impl Player for Marketplace {
    fn act(&mut self, hand: &mut Hand) {
        if !self.orders.is_empty() && hand.dice.chance(10) {
            let order = self.orders.swap_remove(hand.dice.place(self.orders.len()));
            return cancel(&order, hand);
        }
        self.order(hand);
    }
}

impl Marketplace {
    fn order(&mut self, hand: &mut Hand) {
        self.shoppers += 1;
        let shopper = people::id("t", self.shoppers);
        let good = hand.dice.one(&hand.sample.goods);
        let quantity = good.amount(&mut hand.dice).to_string();
        let lines: [Value; 1] =
            [json!({"sku": good.sku, "location": WAREHOUSE, "quantity": quantity})];
        let order = hand.caller.name();
        let confirm = json!({"order": order, "fulfilment": {"method": "ship"}});
        let body = json!({"lines": lines, "customer": shopper, "confirm": confirm});
        let heard = hand.caller.once(Method::Post, "/v1/reservations", &body);
        let (name, wanted) = (people::name(&shopper), words(hand, &lines));
        match heard {
            Heard::Done(placed) => {
                hand.voice.say(&format!("{name} orders {wanted}"));
                if self.orders.len() == ORDERS_MAX {
                    self.orders.remove(0);
                }
                let id = text(&placed["id"]).to_owned();
                self.orders.push(Order { id, shopper });
            }
            Heard::Refused { code, problem } => {
                let why = why(hand, &code, &problem);
                hand.voice.say(&format!("{name} wanted {wanted}: {why}"));
            }
        }
    }
}

fn cancel(order: &Order, hand: &mut Hand) {
    let path = reservation_path(&order.id, "cancel");
    let heard = hand.caller.once(Method::Post, &path, &json!({}));
    let name = people::name(&order.shopper);
    match heard {
        Heard::Done(_) => hand.voice.say(&format!("{name} cancels the order")),
        Heard::Refused { code, problem } => {
            let why = why(hand, &code, &problem);
            hand.voice.say(&format!("{name} cancels the order: {why}"));
        }
    }
}
