//! A customer's claim on one or more lines, as its lead keeps it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::cause::By;
use super::hold::Grant;
use super::key::StockKey;
use super::money::{Currency, Money, sum};
use super::quantity::Quantity;
use super::time::Timestamp;

/// The name of a reservation: 128 bits, the first of them its time of birth, so that names sort
/// by age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReservationId(pub u128);

/// On the wire: 32 hexadecimal digits.
impl fmt::Display for ReservationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl ReservationId {
    /// Parses 32 lower-case hexadecimal digits; anything else names no reservation.
    pub fn parse(text: &str) -> Option<ReservationId> {
        let digits = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        let well_formed = text.len() == 32 && text.bytes().all(digits);
        if !well_formed {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(ReservationId)
    }
}

/// Where a reservation is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum State {
    /// Kept for a customer until its deadline.
    Held,
    /// Promised.
    Confirmed,
    /// Handed over, all of it.
    Fulfilled,
    /// Given up before it was confirmed.
    Released,
    /// Its deadline passed.
    Expired,
    /// Given up after it was confirmed.
    Cancelled,
}

impl State {
    /// Whether it still keeps stock from others.
    pub fn is_live(self) -> bool {
        matches!(self, State::Held | State::Confirmed)
    }

    /// The state's name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            State::Held => "held",
            State::Confirmed => "confirmed",
            State::Fulfilled => "fulfilled",
            State::Released => "released",
            State::Expired => "expired",
            State::Cancelled => "cancelled",
        }
    }
}

/// One line: how much of a stock key, at what price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The caller's own reference, echoed.
    pub line: Option<Arc<str>>,
    /// What and where.
    pub key: StockKey,
    /// How much was taken.
    pub quantity: Quantity,
    /// How much was asked for, where less could be taken.
    pub requested: Option<Quantity>,
    /// The price that holds as long as the reservation.
    pub unit_price: Option<Money>,
    /// How much of it was cancelled.
    pub cancelled: Quantity,
}

impl Line {
    /// Price times what was not cancelled, rounded half up.
    pub fn total(&self) -> Option<Money> {
        self.unit_price
            .map(|price| price.times(self.quantity - self.cancelled))
    }
}

/// What was used of a reservation at one key, as far as the lead knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Where.
    pub key: StockKey,
    /// Handed over through the reservation.
    pub handed_over: Quantity,
    /// Used by tills.
    pub till_used: Quantity,
}

impl Share {
    /// Nothing used at `key` yet.
    pub fn of(key: &StockKey) -> Share {
        Share {
            key: key.clone(),
            handed_over: Quantity::ZERO,
            till_used: Quantity::ZERO,
        }
    }
}

/// A payment, as the shop reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// `card`, `swish`, …
    pub method: Arc<str>,
    /// The payment's own id.
    pub reference: Arc<str>,
    /// How much.
    pub money: Money,
}

/// Shipping, a voucher, rounding: what comes on top of the lines' total.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjustment {
    /// What it is.
    pub label: Arc<str>,
    /// How much, in the reservation's currency; negative for a voucher.
    pub amount: Quantity,
}

/// How the goods reach the customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fulfilment {
    /// Whether the customer collects it; else it is shipped.
    pub collect: bool,
    /// Where it is collected or shipped from.
    pub location: Option<Arc<str>>,
    /// The fulfilment's own id.
    pub reference: Option<Arc<str>>,
}

/// What a confirmation said. Two confirmations are the same when these are equal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// What was paid.
    pub payments: Option<Vec<Payment>>,
    /// What came on top of the lines.
    pub adjustments: Vec<Adjustment>,
    /// How the goods reach the customer.
    pub fulfilment: Option<Fulfilment>,
    /// The order it became.
    pub order: Option<Arc<str>>,
    /// When it lapses unless it was fulfilled.
    pub expires_at: Option<Timestamp>,
}

/// A reservation at one revision. Never changed in place: a change makes the next revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Its name.
    pub id: ReservationId,
    /// The key that holds the decision: the greatest it was placed with.
    pub lead: StockKey,
    /// Rises with each change; the `version` of the wire.
    pub revision: u64,
    /// Where it is in its life.
    pub state: State,
    /// Its lines, in the caller's order; shared by the revisions that have the same.
    pub lines: Arc<[Line]>,
    /// One for the lead, first, and each key it has a line at or used something of; shared, too.
    pub shares: Arc<[Share]>,
    /// When it lapses; none for a confirmed one without `expires_at`.
    pub deadline: Option<Timestamp>,
    /// How long a hold lives, milliseconds.
    pub ttl_ms: i64,
    /// Who placed it, through which channel.
    pub by: By,
    /// The shop's customer.
    pub customer: Option<Arc<str>>,
    /// The shop's own id.
    pub reference: Option<Arc<str>>,
    /// A JSON object of the shop's own, as text.
    pub metadata: Option<Arc<str>>,
    /// What was confirmed.
    pub confirmation: Option<Box<Confirmation>>,
    /// When it was placed.
    pub created_at: Timestamp,
    /// When it was resolved; it is remembered for a day after.
    pub resolved_at: Option<Timestamp>,
}

impl Reservation {
    /// What this revision gives `key`.
    pub fn grant(&self, key: &StockKey) -> Grant {
        let share = self.share(key);
        Grant {
            revision: self.revision,
            granted: if self.state.is_live() {
                self.wanted(key)
            } else {
                Quantity::ZERO
            },
            committed: self.state == State::Confirmed,
            handed_over: share.map_or(Quantity::ZERO, |share| share.handed_over),
            acknowledged: share.map_or(Quantity::ZERO, |share| share.till_used),
            deadline: self.deadline,
            closed: !self.state.is_live(),
        }
    }

    /// The line that a new one at `key` continues, and whose price it keeps: the one of the same
    /// reference, or else the first there.
    pub fn continued(&self, key: &StockKey, reference: Option<&str>) -> Option<&Line> {
        let same_key = || self.lines.iter().filter(|line| line.key == *key);
        same_key()
            .find(|line| line.line.as_deref() == reference)
            .or_else(|| same_key().next())
    }

    /// What the lines want of `key` over the reservation's life.
    pub fn wanted(&self, key: &StockKey) -> Quantity {
        let here = self.lines.iter().filter(|line| line.key == *key);
        here.map(|line| line.quantity - line.cancelled).sum()
    }

    /// What is not yet used of `key`, as far as the lead knows.
    pub fn remaining(&self, key: &StockKey) -> Quantity {
        (self.wanted(key) - self.used(key)).or_zero()
    }

    /// What was used of `key`, as far as the lead knows.
    pub fn used(&self, key: &StockKey) -> Quantity {
        self.share(key)
            .map_or(Quantity::ZERO, |share| share.handed_over + share.till_used)
    }

    /// The part at `key`, if it ever had one.
    pub fn share(&self, key: &StockKey) -> Option<&Share> {
        self.shares.iter().find(|share| share.key == *key)
    }

    /// The part at `key`, made if it never had one.
    pub fn share_mut(&mut self, key: &StockKey) -> &mut Share {
        let index = self.shares.iter().position(|share| share.key == *key);
        let index = index.unwrap_or_else(|| {
            let shares = self.shares.iter().cloned();
            self.shares = shares.chain([Share::of(key)]).collect();
            self.shares.len() - 1
        });
        &mut Arc::make_mut(&mut self.shares)[index]
    }

    /// The keys other than the lead that it has a part at.
    pub fn followers(&self) -> impl Iterator<Item = &StockKey> {
        self.shares
            .iter()
            .map(|share| &share.key)
            .filter(|key| **key != self.lead)
    }

    /// The keys other than the lead that a hand-over or cancellation of these parts takes from, or
    /// of all that is left.
    pub fn gives_from<'a>(
        &'a self,
        parts: Option<&'a [(StockKey, Quantity)]>,
    ) -> impl Iterator<Item = &'a StockKey> {
        let is_named = move |key: &StockKey| {
            parts.is_none_or(|parts| parts.iter().any(|(named, _)| named == key))
        };
        let followers = self.followers();
        followers.filter(move |key| is_named(key) && self.remaining(key).is_positive())
    }

    /// Whether all of every line was used or cancelled, and something was used.
    pub fn is_used_up(&self) -> bool {
        let nothing_left = self
            .shares
            .iter()
            .all(|share| self.remaining(&share.key).is_zero());
        let something_used = self
            .shares
            .iter()
            .any(|share| !self.used(&share.key).is_zero());
        nothing_left && something_used
    }

    /// How much of each line was handed over or used by a till, in the order of the lines: a
    /// key's use fills its lines one after the other.
    pub fn fulfilled_by_line(&self) -> Vec<Quantity> {
        let mut left: Vec<(&StockKey, Quantity)> = self
            .shares
            .iter()
            .map(|share| (&share.key, self.used(&share.key)))
            .collect();
        let fill = |line: &Line| {
            let used = left.iter_mut().find(|(key, _)| **key == line.key);
            used.map_or(Quantity::ZERO, |(_, used)| {
                let taken = (*used).min(line.quantity - line.cancelled);
                *used -= taken;
                taken
            })
        };
        self.lines.iter().map(fill).collect()
    }

    /// The lines' currency; none if no line has a price.
    pub fn currency(&self) -> Option<Currency> {
        self.lines
            .iter()
            .find_map(|line| line.unit_price)
            .map(|price| price.currency)
    }

    /// The sum of the line totals; none if no line has a price.
    pub fn total(&self) -> Option<Money> {
        let totals = self
            .lines
            .iter()
            .filter_map(Line::total)
            .map(|total| total.amount);
        self.currency()
            .map(|currency| Money::new(sum(totals), currency))
    }
}
