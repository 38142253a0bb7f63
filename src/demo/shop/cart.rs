//! What is done with a cart: put in, changed, moved to another place, taken again after it lapsed.
//! Each is one call of the service, all or nothing, under the form's key. It must not know how a
//! cart is shown.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Shop;
use super::backend::place_name;
use super::order::Payment;
use super::session::{Hand, Session};
use crate::cli::client::Method;
use crate::demo::caller::{Heard, number, reservation_path, text};

/// Lines of one cart.
const LINES_MAX: usize = 20;
/// So much of one item in one cart.
const QUANTITY_MAX: Decimal = Decimal::from_parts(99, 0, 0, false, 0);

/// One line of a cart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Line {
    /// The item.
    pub(super) sku: String,
    /// From where.
    pub(super) location: String,
    /// How much.
    pub(super) quantity: Decimal,
}

/// The lines of a reservation.
pub(super) fn lines_of(reservation: &Value) -> Vec<Line> {
    let lines = reservation["lines"].as_array().into_iter().flatten();
    let line = |line: &Value| Line {
        sku: text(&line["sku"]).to_owned(),
        location: text(&line["location"]).to_owned(),
        quantity: number(&line["quantity"]),
    };
    lines.map(line).collect()
}

/// Lines as the contract wants them.
fn wanted(lines: &[Line]) -> Vec<Value> {
    let wanted = lines.iter().map(|line| {
        json!({"sku": line.sku, "location": line.location,
            "quantity": line.quantity.to_string()})
    });
    wanted.collect()
}

impl Shop {
    /// Puts something into the cart.
    pub(super) fn put_in(&self, session: &Session, hand: &mut Hand, key: &str, new: Line) {
        let mut lines = self.held_lines(hand);
        let same = |line: &&mut Line| (&line.sku, &line.location) == (&new.sku, &new.location);
        match lines.iter_mut().find(same) {
            Some(line) => line.quantity += new.quantity,
            None => lines.push(new.clone()),
        }
        let name = self.name(&new.sku);
        if self.hold(session, hand, key, &lines) {
            let from = place_name(&new.location);
            hand.tell(format!("{name} is in your cart, held for you ({from})."));
        }
    }

    /// Has so much of a line in the cart from now on; nothing takes it out.
    pub(super) fn change(&self, session: &Session, hand: &mut Hand, key: &str, changed: &Line) {
        let mut lines = self.held_lines(hand);
        for line in &mut lines {
            if (&line.sku, &line.location) == (&changed.sku, &changed.location) {
                line.quantity = changed.quantity;
            }
        }
        lines.retain(|line| line.quantity > Decimal::ZERO);
        if self.hold(session, hand, key, &lines) {
            hand.tell("Your cart is changed.");
        }
    }

    /// Takes everything from one place; whether it is there.
    pub(super) fn take_from(
        &self,
        session: &Session,
        hand: &mut Hand,
        key: &str,
        location: &str,
    ) -> bool {
        let mut moved: Vec<Line> = Vec::new();
        for line in self.held_lines(hand) {
            match moved.iter_mut().find(|known| known.sku == line.sku) {
                Some(known) => known.quantity += line.quantity,
                None => moved.push(Line {
                    location: location.to_owned(),
                    ..line
                }),
            }
        }
        self.hold(session, hand, key, &moved)
    }

    /// Takes again what lapsed, if it is still there. A payment for it that comes all the same
    /// does not take the goods a second time.
    pub(super) fn take_again(&self, session: &Session, hand: &mut Hand, key: &str) {
        let cart = hand
            .cart
            .as_deref()
            .and_then(|id| self.backend.reservation(id));
        let Some(lapsed) = cart.filter(|cart| cart["state"] == "expired") else {
            hand.warn("There is nothing to put back any more.");
            return;
        };
        let awaited = self.awaited(hand, &lapsed);
        if self.hold(session, hand, key, &lines_of(&lapsed)) {
            for order in awaited {
                *order.payment.lock() = Payment::Withdrawn;
            }
            hand.tell("It was still there, and is held for you again.");
        }
    }

    /// Gives everything back.
    pub(super) fn empty(&self, hand: &mut Hand, key: &str) {
        if let Some(id) = hand.cart.take() {
            let path = reservation_path(&id, "release");
            // One that has lapsed is given back already.
            let released = self
                .backend
                .ask(Method::Post, &path, Some(&json!({})), Some(key));
            tracing::debug!(done = released.done().is_some(), "a cart is given back");
        }
        hand.lines = 0;
    }

    /// What is held now.
    fn held_lines(&self, hand: &Hand) -> Vec<Line> {
        let cart = hand
            .cart
            .as_deref()
            .and_then(|id| self.backend.reservation(id));
        let held = cart.filter(|cart| cart["state"] == "held");
        held.as_ref().map(lines_of).unwrap_or_default()
    }

    /// Has the cart hold exactly these lines, anew for as long as carts are held; whether it does.
    /// If not, what was held stays held and the visitor is told why.
    fn hold(&self, session: &Session, hand: &mut Hand, key: &str, lines: &[Line]) -> bool {
        if lines.is_empty() {
            self.empty(hand, key);
            return true;
        }
        if lines.len() > LINES_MAX {
            hand.warn(format!("A cart has room for {LINES_MAX} different things."));
            return false;
        }
        if lines.iter().any(|line| line.quantity > QUANTITY_MAX) {
            hand.warn(format!("You can have at most {QUANTITY_MAX} of each."));
            return false;
        }
        let is_held = !self.held_lines(hand).is_empty();
        let heard = match hand.cart.as_deref().filter(|_| is_held) {
            Some(id) => {
                let body = json!({"lines": wanted(lines)});
                let path = reservation_path(id, "lines");
                self.backend.ask(Method::Put, &path, Some(&body), Some(key))
            }
            None => {
                let body = json!({"lines": wanted(lines), "ttl_seconds": self.cart_seconds,
                    "customer": session.customer});
                self.backend
                    .ask(Method::Post, "/v1/reservations", Some(&body), Some(key))
            }
        };
        match heard {
            Heard::Done(cart) => {
                hand.cart = Some(text(&cart["id"]).to_owned());
                hand.lines = lines.len();
                true
            }
            Heard::Refused { code, problem } => {
                hand.warn(self.why(&code, &problem));
                false
            }
        }
    }

    /// Holds the cart anew for as long as carts are held; its document if that could be.
    pub(super) fn renew(&self, hand: &Hand, key: &str) -> Option<Value> {
        let path = reservation_path(hand.cart.as_deref()?, "extend");
        let body = json!({"ttl_seconds": self.cart_seconds});
        self.backend
            .ask(Method::Post, &path, Some(&body), Some(key))
            .done()
    }

    /// The cart's reservation, whatever became of it.
    pub(super) fn cart(&self, session: &Session) -> Option<Value> {
        let id = session.hand.lock().cart.clone()?;
        self.backend.reservation(&id)
    }

    /// The name of an item.
    pub(super) fn name<'a>(&'a self, sku: &'a str) -> &'a str {
        self.known.get(sku).map_or(sku, |good| &good.name)
    }

    /// A refusal, as a shop says it to people.
    pub(super) fn why(&self, code: &str, problem: &Value) -> String {
        let shortages = problem["shortages"].as_array().into_iter().flatten();
        let short = shortages.map(|short| {
            let name = self.name(text(&short["sku"]));
            let place = place_name(text(&short["location"]));
            let left = number(&short["available"]).normalize();
            match left.is_zero() {
                true => format!("{name} has just been taken: none is left ({place})."),
                false => format!("Only {left} of {name} can be had ({place})."),
            }
        });
        let short: Vec<String> = short.collect();
        match code {
            "insufficient_stock" => short.join(" "),
            "invalid_quantity" => "It is not sold in such amounts.".to_owned(),
            "no_answer" => "The shop cannot reach its stock right now. Try again.".to_owned(),
            "reservation_expired" | "reservation_resolved" => {
                "Your cart had lapsed. What was in it is on the shelf again.".to_owned()
            }
            code => format!("That could not be done ({code})."),
        }
    }
}
