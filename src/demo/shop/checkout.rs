//! From a cart to an order: how it comes to the customer, what that costs, and the way to Swish.
//! It must not know how any of it is shown.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Shop;
use super::backend::{PLACES, place_name};
use super::cart::lines_of;
use super::order::{Order, Payment};
use super::session::{Hand, Session, secret};
use crate::demo::caller::{number, text};
use crate::demo::sample::{STORES, WAREHOUSE};

/// What shipping costs.
const SHIPPING: Decimal = Decimal::from_parts(4900, 0, 0, false, 2);

/// How an order comes to the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// In a parcel.
    Ship,
    /// From a store's counter.
    Collect(&'static str),
}

impl Way {
    /// All of them.
    pub(super) const ALL: [Way; 3] = [Way::Ship, Way::Collect(STORES[0]), Way::Collect(STORES[1])];

    /// The place that the goods are taken from.
    pub(super) fn from(self) -> &'static str {
        match self {
            Way::Ship => WAREHOUSE,
            Way::Collect(store) => store,
        }
    }

    /// The one that takes goods from there.
    pub(super) fn at(location: &str) -> Option<Way> {
        Way::ALL.into_iter().find(|way| way.from() == location)
    }

    /// In words.
    pub(super) fn words(self) -> String {
        match self {
            Way::Ship => "Ship it to me".to_owned(),
            Way::Collect(store) => format!("Collect in {}", place_name(store)),
        }
    }

    /// What it costs.
    pub(super) fn cost(self) -> Decimal {
        match self {
            Way::Ship => SHIPPING,
            Way::Collect(_) => Decimal::ZERO,
        }
    }

    /// What the confirmation adds to the total.
    pub(super) fn adjustments(self) -> Value {
        match self {
            Way::Ship => json!([{"label": "shipping", "amount": format!("{SHIPPING:.2}")}]),
            Way::Collect(_) => json!([]),
        }
    }

    /// What the confirmation says of it.
    pub(super) fn fulfilment(self) -> Value {
        match self {
            Way::Ship => json!({"method": "ship"}),
            Way::Collect(store) => json!({"method": "collect", "location": store}),
        }
    }
}

impl Shop {
    /// Makes an order of the cart and has Swish ask for the money: where that is done. If it
    /// cannot be, the visitor is told why.
    pub(super) fn check_out(
        &self,
        session: &Session,
        hand: &mut Hand,
        key: &str,
        way: Way,
    ) -> Option<String> {
        let cart = self.gathered(session, hand, key, way)?;
        let order = self.orders.add(Order {
            id: secret(),
            session: session.id.clone(),
            reservation: text(&cart["id"]).to_owned(),
            amount: number(&cart["total"]["amount"]) + way.cost(),
            cart,
            way,
            payment: Payment::Awaited.into(),
        });
        let back = format!("{}/order/{}", self.url, order.id);
        match self
            .swish
            .ask(&order.id, order.amount, &order.number(), &back)
        {
            Ok(page) => {
                hand.add_order(&order.id);
                Some(page)
            }
            Err(reason) => {
                tracing::warn!(reason, "the pretend Swish does not answer");
                hand.warn("Swish does not answer. Nothing was paid; try again.");
                None
            }
        }
    }

    /// The cart with everything from where it will be sent or collected, held long enough to pay.
    fn gathered(&self, session: &Session, hand: &mut Hand, key: &str, way: Way) -> Option<Value> {
        let cart = hand
            .cart
            .as_deref()
            .and_then(|id| self.backend.reservation(id));
        let held = cart.filter(|cart| cart["state"] == "held");
        let Some(held) = held else {
            hand.warn("Your cart had lapsed before you came to pay.");
            return None;
        };
        let is_there = lines_of(&held)
            .iter()
            .all(|line| line.location == way.from());
        if !is_there && !self.take_from(session, hand, key, way.from()) {
            return None;
        }
        let renewed = self.renew(hand, &format!("{key}-renew"));
        if renewed.is_none() {
            hand.warn("Your cart lapsed just now.");
        }
        renewed
    }
}

/// The one way that a cart as it is allows without taking anything from elsewhere.
pub(super) fn natural(cart: &Value) -> Way {
    let lines = lines_of(cart);
    let first = lines.first().map_or(PLACES[0].0, |line| &line.location);
    let is_one_place = lines.iter().all(|line| line.location == first);
    let way = Way::at(first).filter(|_| is_one_place);
    way.unwrap_or(Way::Ship)
}
