//! The ledger of one stock key: everything it has, promises, remembers and owes.
//!
//! `decide` turns a command into events and changes nothing; `record` applies events and gives
//! the journal's record of them; `replay` applies such a record again. Whatever the state is, it
//! came about by `apply` alone, live and at recovery.
//!
//! A reservation over several keys has its decision at one of them, the lead. There the ledger
//! keeps the reservation (`led`); at every key, the lead's included, it keeps a hold.

mod apply;
mod call;
mod decide;
mod expire;
mod figures;
mod follower;
mod forget;
mod image;
mod lead;
mod lines;
mod movement;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::command::Inquiry;
use super::hold::Hold;
use super::key::StockKey;
use super::level::Level;
use super::movement::{Movement, MovementId, Remembered};
use super::quantity::Quantity;
use super::reservation::{Reservation, ReservationId};
use super::time::{DAY_MS, Timestamp};

pub use apply::ReplayError;
pub use expire::EXPIRE_AT_ONCE_MAX;
pub use image::Copied;

/// How long a resolved reservation and an idempotency answer are remembered.
pub const FORGET_AFTER_MS: i64 = DAY_MS;

/// How long a movement's id is remembered.
pub const REMEMBER_MOVEMENTS_MS: i64 = 7 * DAY_MS;

/// How many leads are asked before one command is tried again.
const INQUIRE_AT_ONCE_MAX: usize = 100;

/// The bounds of one key, and what counts as a few. From the configuration.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Up to this much is shown as `limited`, with its count.
    pub limited_max: Quantity,
    /// Holds at one key.
    pub holds_max: usize,
    /// Reservations one key leads and remembers.
    pub led_max: usize,
    /// Movement ids one key remembers.
    pub remembered_max: usize,
    /// First answers to requests with an Idempotency-Key one key remembers.
    pub answers_max: usize,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            limited_max: Quantity::from(3),
            holds_max: 1_000_000,
            led_max: 20_000_000,
            remembered_max: 5_000_000,
            answers_max: 20_000_000,
        }
    }
}

/// The state of one stock key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    key: StockKey,
    kept: Kept,
    /// What prepared raises would take on top of what is granted.
    tentative: Quantity,
    /// Deadlines of reservations led here that are recorded as live. Those up to the newest
    /// record have lapsed, see `expire`.
    deadlines: BTreeSet<(Timestamp, ReservationId)>,
    /// Deadlines of holds led elsewhere, as far as known here.
    hints: BTreeSet<(Timestamp, ReservationId)>,
    /// When prepared raises are to be asked after.
    waits: BTreeSet<(Timestamp, ReservationId)>,
    /// When resolved reservations led here may be forgotten.
    forgettable: BTreeSet<(Timestamp, ReservationId)>,
    /// When denied raises may be forgotten.
    denials: BTreeSet<(Timestamp, ReservationId)>,
    /// Reservations led here whose followers have yet to settle.
    unsettled: BTreeSet<ReservationId>,
    /// Holds here whose use the lead has yet to record.
    unreported: BTreeSet<ReservationId>,
}

/// What is found by an id and goes in the order in which it came.
type ById<K, V> = IndexMap<K, V, foldhash::fast::RandomState>;

/// What a snapshot holds, see `image`. The order of the fields is that of images of version 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    level: Level,
    /// The newest version that changed on hand.
    on_hand_version: u64,
    /// The newest moment that a count with `counted_at` spoke of.
    counted_until: Timestamp,
    /// The newest moment that any count spoke of.
    last_count_at: Timestamp,
    /// The position of the newest record that changed on hand; zero: none.
    last_movement: u64,
    holds: BTreeMap<ReservationId, Hold>,
    led: BTreeMap<ReservationId, Led>,
    answers: ById<u128, Answered>,
    remembered: ById<MovementId, Remembered>,
    /// Raises denied although nobody ever heard of their reservation, and until when.
    denied: BTreeMap<ReservationId, Timestamp>,
    /// Transfers that have yet to arrive.
    outgoing: Vec<Outgoing>,
}

/// A reservation led here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Led {
    reservation: Arc<Reservation>,
    /// The followers that have yet to settle, and at which revision.
    unsettled: Vec<(StockKey, u64)>,
    /// The requests whose answer is the newest revision.
    answers: Vec<u128>,
}

/// The first answer to a request with an Idempotency-Key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Answered {
    body: u128,
    at: Timestamp,
    reservation: ReservationId,
    /// The reservation as it was then; none while that is its newest revision.
    past: Option<Arc<Reservation>>,
}

/// A transfer that left and has yet to arrive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// Where to.
    pub to: StockKey,
    /// What the destination is to record, under the same id.
    pub arrival: Movement,
    /// Who sent it.
    pub by: super::cause::By,
}

/// Work this key owes others, to be repeated until it is durable there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Errand {
    /// Tell these followers what the reservation grants them.
    Settle(ReservationId),
    /// Tell the lead what tills used here.
    ReportUse(ReservationId),
    /// Let the transfer arrive.
    Deliver(MovementId),
}

impl Ledger {
    /// The ledger of a key that was never stocked.
    pub fn new(key: StockKey) -> Ledger {
        Ledger::with(key, Kept::default())
    }

    fn with(key: StockKey, kept: Kept) -> Ledger {
        let mut ledger = Ledger {
            key,
            kept,
            tentative: Quantity::ZERO,
            deadlines: BTreeSet::new(),
            hints: BTreeSet::new(),
            waits: BTreeSet::new(),
            forgettable: BTreeSet::new(),
            denials: BTreeSet::new(),
            unsettled: BTreeSet::new(),
            unreported: BTreeSet::new(),
        };
        ledger.derive();
        ledger
    }

    /// Which key.
    pub fn key(&self) -> &StockKey {
        &self.key
    }

    /// The figures after the newest record.
    pub fn level(&self) -> &Level {
        &self.kept.level
    }

    /// A reservation led here, at its newest revision.
    pub fn reservation(&self, id: ReservationId) -> Option<&Arc<Reservation>> {
        self.kept.led.get(&id).map(|led| &led.reservation)
    }

    /// Every reservation led here.
    pub fn reservations(&self) -> impl Iterator<Item = &Arc<Reservation>> {
        self.kept.led.values().map(|led| &led.reservation)
    }

    /// Every remembered answer: request key, request body, when, and the reservation it showed.
    pub fn answers(&self) -> impl Iterator<Item = (u128, u128, Timestamp, Arc<Reservation>)> {
        self.kept.answers.iter().filter_map(|(key, answered)| {
            let shown = self.shown(answered)?;
            Some((*key, answered.body, answered.at, shown))
        })
    }

    fn shown(&self, answered: &Answered) -> Option<Arc<Reservation>> {
        let newest = || self.reservation(answered.reservation);
        answered.past.as_ref().or_else(newest).cloned()
    }

    /// The hold of a reservation here.
    pub fn hold(&self, id: ReservationId) -> Option<&Hold> {
        self.kept.holds.get(&id)
    }

    /// Every hold here.
    pub fn holds(&self) -> impl ExactSizeIterator<Item = (ReservationId, &Hold)> {
        self.kept.holds.iter().map(|(id, hold)| (*id, hold))
    }

    /// The followers of `id` that have yet to settle.
    pub fn unsettled(&self, id: ReservationId) -> &[(StockKey, u64)] {
        self.kept.led.get(&id).map_or(&[], |led| &led.unsettled)
    }

    /// A transfer that has yet to arrive.
    pub fn outgoing(&self, id: MovementId) -> Option<&Outgoing> {
        self.kept
            .outgoing
            .iter()
            .find(|outgoing| outgoing.arrival.id == id)
    }

    /// All work owed to other keys.
    pub fn errands(&self) -> Vec<Errand> {
        let settle = self.unsettled.iter().map(|id| Errand::Settle(*id));
        let report = self.unreported.iter().map(|id| Errand::ReportUse(*id));
        let deliver = self
            .kept
            .outgoing
            .iter()
            .map(|one| Errand::Deliver(one.arrival.id));
        settle.chain(report).chain(deliver).collect()
    }

    /// Whether this key may rest until the deadline in its level: it owes nothing, asks after no
    /// raise, and nothing that lapsed has yet to come to its end.
    pub fn is_idle(&self) -> bool {
        let owing = !self.unsettled.is_empty() || !self.unreported.is_empty();
        let as_of = self.kept.level.updated_at;
        let lapsed = self.next_deadline().is_some_and(|at| at <= as_of);
        !owing && !lapsed && self.waits.is_empty() && self.kept.outgoing.is_empty()
    }

    /// The position of the newest record that changed on hand; zero: none.
    pub fn last_movement(&self) -> u64 {
        self.kept.last_movement
    }

    /// When leads are next to be asked: the earliest raise that is asked after, or hint that a
    /// lead should long have spoken of.
    pub fn next_doubt(&self) -> Option<Timestamp> {
        const HINT_GRACE_MS: i64 = 1000;
        let hint = self.hints.first();
        let hint = hint.map(|(at, _)| at.plus_millis(HINT_GRACE_MS));
        let wait = self.waits.first().map(|(at, _)| *at);
        hint.into_iter().chain(wait).min()
    }

    /// The holds whose fate the lead should tell before anything is refused for their sake.
    pub fn inquiries(&self, now: Timestamp) -> Vec<Inquiry> {
        let until = (now, ReservationId(u128::MAX));
        let overdue = self.waits.range(..=until).chain(self.hints.range(..=until));
        let overdue = overdue.take(INQUIRE_AT_ONCE_MAX);
        overdue.map(|(_, id)| self.inquiry(*id, now)).collect()
    }

    /// Every raise that is set aside here, to be asked after at once: when a ledger comes back
    /// from the disk, whoever prepared it is gone.
    pub fn raises(&self) -> Vec<Inquiry> {
        self.waits
            .iter()
            .map(|(before, id)| self.inquiry(*id, *before))
            .collect()
    }

    /// The question to the lead of a hold here. It calls off a raise whose time is over, and what
    /// is set aside, for whoever asks after that does not wait.
    fn inquiry(&self, id: ReservationId, now: Timestamp) -> Inquiry {
        let hold = &self.kept.holds[&id];
        let waiting = hold.prepared;
        let waiting = waiting.filter(|prepared| prepared.before <= now || hold.is_set_aside());
        Inquiry {
            reservation: id,
            lead: hold.lead.clone(),
            prepared: waiting.map(|prepared| prepared.revision),
        }
    }

    /// What decisions may still give away: below zero when more is promised than there is.
    fn free(&self) -> Quantity {
        let level = &self.kept.level;
        level.on_hand - level.held - level.committed - level.safety_stock - self.tentative
    }

    /// The most that `id` could be granted here over its life, its own hold not counted against
    /// it. `used_before` is what it used here by a hold that has ended.
    fn grantable(&self, id: ReservationId, used_before: Quantity) -> Quantity {
        let hold = self.kept.holds.get(&id);
        let own = hold.map_or(used_before, |hold| hold.used() + hold.remaining());
        let back = hold.map_or(Quantity::ZERO, Hold::tentative);
        own + (self.free() + back).or_zero()
    }
}
