//! Orders and their payments: each checkout makes one, and what Swish says of it counts once,
//! however often and however late it is said. It must not know how an order is shown.

use std::sync::Arc;

use indexmap::IndexMap;
use parking_lot::Mutex;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Shop;
use super::checkout::Way;
use crate::cli::client::Method;
use crate::demo::caller::{Heard, reservation_path, text};

/// Orders that are remembered; past it the oldest is forgotten by the shop, not by the service.
const ORDERS_MAX: usize = 20_000;

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
    /// Another amount was paid: it goes back.
    Wrong(Decimal),
    /// The goods were gone, or paid already: it goes back.
    Returned(String),
}

impl Payment {
    /// In one word, for a page that waits for another.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Payment::Awaited => "awaited",
            Payment::Taken => "taken",
            Payment::Declined => "declined",
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
}

impl Shop {
    /// Takes what Swish says; whether the money stays. `None`: say it again later.
    pub(super) fn settle(&self, order: &Order, said: &Said) -> Option<bool> {
        let mut payment = order.payment.lock();
        if *payment == Payment::Awaited {
            *payment = match said {
                Said::Declined => Payment::Declined,
                Said::Paid(paid) if *paid != order.amount => Payment::Wrong(*paid),
                Said::Paid(_) => self.confirm(order)?,
            };
        }
        Some(*payment == Payment::Taken)
    }

    /// Has the service commit the goods, those of a cart that lapsed meanwhile too if they are
    /// still there.
    fn confirm(&self, order: &Order) -> Option<Payment> {
        let amount = format!("{:.2}", order.amount);
        let payment = json!({"method": "swish", "reference": order.id, "amount": amount,
            "currency": "SEK"});
        let body = json!({"payments": [payment], "adjustments": order.way.adjustments(),
            "fulfilment": order.way.fulfilment(), "order": order.number(), "reclaim": true});
        let path = reservation_path(&order.reservation, "confirm");
        let key = format!("swish-{}", order.id);
        match self
            .backend
            .ask(Method::Post, &path, Some(&body), Some(&key))
        {
            Heard::Done(_) => {
                self.forget_cart(order);
                Some(Payment::Taken)
            }
            Heard::Refused { code, .. } if code == "no_answer" => None,
            Heard::Refused { code, problem } => Some(Payment::Returned(match code.as_str() {
                "already_confirmed" => "This cart was paid for already.".to_owned(),
                code => self.why(code, &problem),
            })),
        }
    }

    /// What is paid is in no cart any more.
    fn forget_cart(&self, order: &Order) {
        let session = self.sessions.of(Some(&order.session));
        let mut hand = session.hand.lock();
        if hand.cart.as_deref() == Some(&order.reservation) {
            hand.cart = None;
            hand.lines = 0;
        }
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
