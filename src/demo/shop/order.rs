//! Orders and their payments: each checkout makes one, and what Swish says of it counts once,
//! however often and however late it is said. It must not know how an order is shown.

use std::sync::Arc;

use indexmap::IndexMap;
use parking_lot::Mutex;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Shop;
use super::cart::lines_of;
use super::checkout::Way;
use super::session::Hand;
use crate::cli::client::Method;
use crate::demo::caller::{Heard, reservation_path, text};

/// Orders that are remembered; past it the oldest is forgotten by the shop, not by the service.
const ORDERS_MAX: usize = 20_000;
/// Why money for another cart than there is goes back.
const CHANGED: &str = "Your cart was changed after you went to pay for this order.";

/// All orders.
#[derive(Default)]
pub(super) struct Orders(Mutex<IndexMap<String, Arc<Order>>>);

/// One order.
pub(super) struct Order {
    /// What it is called where nobody else may guess it.
    pub(super) id: String,
    /// Whose it is.
    pub(super) session: String,
    /// What is ordered.
    pub(super) reservation: String,
    /// The same as it was at the checkout: what the payment is for.
    pub(super) cart: Value,
    /// What is to be paid.
    pub(super) amount: Decimal,
    /// How it comes to the customer.
    pub(super) way: Way,
    /// What became of the payment. Held while the service is told of it, so that the same word
    /// said twice is heard once.
    pub(super) payment: Mutex<Payment>,
}

/// What became of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Payment {
    /// Nothing was heard yet.
    Awaited,
    /// Paid, and the goods are committed.
    Taken,
    /// The customer would not pay.
    Declined,
    /// The customer took the goods up again in a cart: what is paid all the same goes back.
    Withdrawn,
    /// Another amount was paid: it goes back.
    Wrong(Decimal),
    /// The goods were gone, paid already or not those that it was for: it goes back.
    Returned(String),
}

impl Payment {
    /// In one word, for a page that waits for another.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Payment::Awaited => "awaited",
            Payment::Taken => "taken",
            Payment::Declined => "declined",
            Payment::Withdrawn => "withdrawn",
            Payment::Wrong(_) => "wrong",
            Payment::Returned(_) => "returned",
        }
    }
}

/// What Swish says of a payment.
pub(super) enum Said {
    /// So much was paid.
    Paid(Decimal),
    /// It will not be.
    Declined,
}

impl Orders {
    /// Adds one.
    pub(super) fn add(&self, order: Order) -> Arc<Order> {
        let mut orders = self.0.lock();
        if orders.len() == ORDERS_MAX {
            orders.shift_remove_index(0);
        }
        let order = Arc::new(order);
        orders.insert(order.id.clone(), order.clone());
        order
    }

    /// The order of this id.
    pub(super) fn find(&self, id: &str) -> Option<Arc<Order>> {
        self.0.lock().get(id).cloned()
    }
}

impl Order {
    /// What people call it.
    pub(super) fn number(&self) -> String {
        self.id[..8].to_uppercase()
    }

    /// Whether a reservation is still what the payment is for.
    fn is_for(&self, reservation: &Value) -> bool {
        let [mut asked, mut now] = [&self.cart, reservation].map(lines_of);
        asked.sort();
        now.sort();
        asked == now
    }
}

impl Shop {
    /// Takes what Swish says; whether the money stays. `None`: say it again later.
    pub(super) fn settle(&self, order: &Order, said: &Said) -> Option<bool> {
        let session = self.sessions.of(Some(&order.session));
        // Nobody changes the cart between the look at it and the confirmation.
        let mut hand = session.hand.lock();
        let mut payment = order.payment.lock();
        if *payment == Payment::Awaited {
            *payment = match said {
                Said::Declined => Payment::Declined,
                Said::Paid(paid) if *paid != order.amount => Payment::Wrong(*paid),
                Said::Paid(_) => self.confirm(order, &mut hand)?,
            };
        }
        Some(*payment == Payment::Taken)
    }

    /// Has the service commit the goods, those of a cart that lapsed meanwhile too if they are
    /// still there. A cart that is not what was asked for any more stays as it is: its goods may
    /// be elsewhere than the order says, even if the sum is the same.
    fn confirm(&self, order: &Order, hand: &mut Hand) -> Option<Payment> {
        let confirmed = match self.backend.read(&order.reservation) {
            Heard::Done(now) if !order.is_for(&now) => {
                return Some(Payment::Returned(CHANGED.to_owned()));
            }
            Heard::Done(_) => self.commit(order),
            refused @ Heard::Refused { .. } => refused,
        };
        match confirmed {
            Heard::Done(_) => {
                // What is paid is in no cart any more.
                if hand.cart.as_deref() == Some(&order.reservation) {
                    hand.cart = None;
                    hand.lines = 0;
                }
                Some(Payment::Taken)
            }
            Heard::Refused { code, .. } if code == "no_answer" => None,
            Heard::Refused { code, problem } => Some(Payment::Returned(match code.as_str() {
                "already_confirmed" => "This cart was paid for already.".to_owned(),
                // The same goods, put in again at another price.
                "payment_mismatch" => CHANGED.to_owned(),
                code => self.why(code, &problem),
            })),
        }
    }

    fn commit(&self, order: &Order) -> Heard {
        let amount = format!("{:.2}", order.amount);
        let payment = json!({"method": "swish", "reference": order.id, "amount": amount,
            "currency": "SEK"});
        let body = json!({"payments": [payment], "adjustments": order.way.adjustments(),
            "fulfilment": order.way.fulfilment(), "order": order.number(), "reclaim": true});
        let path = reservation_path(&order.reservation, "confirm");
        let key = format!("swish-{}", order.id);
        self.backend
            .ask(Method::Post, &path, Some(&body), Some(&key))
    }

    /// Orders of a cart that a payment would still confirm, the newest first.
    pub(super) fn awaited(&self, hand: &Hand, cart: &Value) -> Vec<Arc<Order>> {
        let orders = hand.orders().into_iter();
        let orders = orders.filter_map(|id| self.orders.find(&id));
        let is_awaited = |order: &Arc<Order>| {
            order.reservation == text(&cart["id"])
                && order.is_for(cart)
                && *order.payment.lock() == Payment::Awaited
        };
        orders.filter(is_awaited).collect()
    }

    /// Cancels what was not handed over yet, in words.
    pub(super) fn cancel(&self, order: &Order, key: &str) -> Result<(), String> {
        let path = reservation_path(&order.reservation, "cancel");
        match self
            .backend
            .ask(Method::Post, &path, Some(&json!({})), Some(key))
        {
            Heard::Done(_) => Ok(()),
            Heard::Refused { problem, .. } if text(&problem["state"]) == "fulfilled" => {
                Err("It is handed over already.".to_owned())
            }
            Heard::Refused { code, problem } => Err(self.why(&code, &problem)),
        }
    }

    /// The order's reservation as it is now.
    pub(super) fn ordered(&self, order: &Order) -> Option<Value> {
        self.backend.reservation(&order.reservation)
    }
}
