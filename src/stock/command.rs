//! What a stock key can be asked, in the imperative, and what it answers.

use std::sync::Arc;

use super::event::Event;
use super::hold::Grant;
use super::key::StockKey;
use super::money::Money;
use super::movement::Movement;
use super::quantity::Quantity;
use super::reservation::{Confirmation, Reservation, ReservationId};
use super::time::Timestamp;

/// Recognises a repeated request: token and Idempotency-Key, hashed, and its body, hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Idempotency {
    /// Token and key.
    pub key: u128,
    /// The parsed body.
    pub body: u128,
}

/// A line as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NewLine {
    /// The caller's own reference.
    pub line: Option<Arc<str>>,
    /// What and where.
    pub key: StockKey,
    /// How much.
    pub quantity: Quantity,
    /// The price in force.
    pub unit_price: Option<Money>,
}

/// What the followers of a raise prepared, and until when the lead may commit it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raise {
    /// The revision the raise was based on; zero for a new reservation.
    pub base_revision: u64,
    /// What each follower prepared: the new grant there.
    pub prepared: Vec<(StockKey, Quantity)>,
    /// The lead refuses to commit from this time on.
    pub before: Timestamp,
}

/// A reservation to be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its new name.
    pub id: ReservationId,
    /// Its lines.
    pub lines: Vec<NewLine>,
    /// How long it is held, milliseconds.
    pub ttl_ms: i64,
    /// Whether less than asked for will do.
    pub partial: bool,
    /// The shop's customer.
    pub customer: Option<Arc<str>>,
    /// The shop's own id.
    pub reference: Option<Arc<str>>,
    /// A JSON object of the shop's own.
    pub metadata: Option<Arc<str>>,
    /// Confirms in the same step.
    pub confirm: Option<Confirmation>,
}

/// A change to a reservation, decided by its lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Takes the lines, all or nothing unless partial.
    Place(Box<Place>),
    /// What is wanted from now on.
    ReplaceLines(Vec<NewLine>),
    /// Held until `ttl_ms` from now.
    Extend {
        /// Milliseconds.
        ttl_ms: i64,
    },
    /// Held becomes committed.
    Confirm {
        /// What is confirmed.
        confirmation: Confirmation,
        /// Whether an expired one takes its lines again.
        reclaim: bool,
    },
    /// Handed over: these quantities, or all that is left.
    Fulfil(Option<Vec<(StockKey, Quantity)>>),
    /// Given up while held.
    Release,
    /// Given up after it was confirmed: these quantities, or all that is left.
    Cancel(Option<Vec<(StockKey, Quantity)>>),
}

impl Change {
    /// Whether it may take more from stock than the reservation has: then it is decided only
    /// against the revision it was reckoned from.
    pub fn takes_stock(&self) -> bool {
        match self {
            Change::Place(_) | Change::ReplaceLines(_) => true,
            Change::Confirm { reclaim, .. } => *reclaim,
            Change::Extend { .. } | Change::Fulfil(_) | Change::Release | Change::Cancel(_) => {
                false
            }
        }
    }
}

/// Something a stock key is asked to do. Who asks comes beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Records a movement.
    Move(Movement),
    /// Withholds this much from sale.
    SetSafetyStock(Quantity),
    /// Stops stocking the key.
    Stop,
    /// Nothing but what is due to the figures.
    Touch,
    /// At the lead: nothing but what is due to a reservation.
    TouchReservation(ReservationId),
    /// What a reservation could be granted here: no promise.
    Ask {
        /// Whose own hold does not count against it.
        reservation: ReservationId,
        /// What the lead grants here so far; nothing for a new reservation.
        base: Grant,
        /// How much it wants in all.
        wanted: Quantity,
        /// Whether less will do.
        partial: bool,
    },
    /// At a follower: sets the raise aside until the lead decides. One that grants no more than
    /// before sets aside what is there, to be handed over or cancelled: tills use none of it.
    Prepare {
        /// Whose.
        reservation: ReservationId,
        /// The key that will decide.
        lead: StockKey,
        /// What the lead grants here so far; nothing for a new reservation.
        base: Grant,
        /// The new grant.
        granted: Quantity,
        /// Whether less will do.
        partial: bool,
        /// Past it the follower asks the lead.
        before: Timestamp,
    },
    /// At a follower: the raise will not come, says the one who prepared it.
    Abandon {
        /// Whose.
        reservation: ReservationId,
        /// The revision that was prepared.
        revision: u64,
        /// And its time limit, so that a late word never drops another raise.
        before: Timestamp,
    },
    /// At a follower: what its leads' records give it, each reservation once.
    Settle(Vec<(ReservationId, Grant)>),
    /// At the lead: changes a reservation.
    Change {
        /// Whose; for a new one its name.
        reservation: ReservationId,
        /// What.
        change: Change,
        /// What it was reckoned from and what the followers prepared; none for a new
        /// reservation at one key and for a change that takes nothing more.
        raise: Option<Raise>,
        /// What tills used at followers and the lead may not know yet.
        uses: Vec<(StockKey, Quantity)>,
        /// Recognises a repetition.
        idempotency: Option<Idempotency>,
    },
    /// At the lead: a follower asks what became of a raise or a hold past its hint.
    Inquire {
        /// Whose.
        reservation: ReservationId,
        /// Who asks.
        follower: StockKey,
        /// The revision it prepared for, if it waits for one.
        prepared: Option<u64>,
    },
    /// At the lead: a follower says what tills used there, over the hold's life.
    ReportUse {
        /// Whose.
        reservation: ReservationId,
        /// Where.
        follower: StockKey,
        /// How much.
        till_used: Quantity,
    },
    /// Others have done what this key owed them: batched, so that a busy key pays once.
    Acknowledge(Acknowledgements),
}

impl Command {
    /// The reservation it names, if it names one: a sale may name any text.
    pub fn reservation(&self) -> Option<ReservationId> {
        match self {
            Command::Move(movement) => movement.reservation(),
            Command::TouchReservation(reservation)
            | Command::Ask { reservation, .. }
            | Command::Prepare { reservation, .. }
            | Command::Abandon { reservation, .. }
            | Command::Change { reservation, .. }
            | Command::Inquire { reservation, .. }
            | Command::ReportUse { reservation, .. } => Some(*reservation),
            Command::SetSafetyStock(_)
            | Command::Stop
            | Command::Touch
            | Command::Settle(_)
            | Command::Acknowledge(_) => None,
        }
    }
}

/// Work at other keys that is durable there.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Acknowledgements {
    /// Followers that settled, and at which revision.
    pub settled: Vec<(ReservationId, StockKey, u64)>,
    /// Transfers that arrived.
    pub arrived: Vec<super::movement::MovementId>,
}

impl Acknowledgements {
    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.settled.is_empty() && self.arrived.is_empty()
    }
}

/// What a command that was carried out answers, besides the key's level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Done.
    Done,
    /// A movement was recorded, now or before.
    Moved {
        /// Whether it had been recorded before.
        duplicate: bool,
        /// Whether it made or deepened a shortfall.
        oversold: bool,
        /// Whether a count had already seen it.
        absorbed: bool,
        /// How much of a hold it used, if it named a reservation.
        used: Option<Quantity>,
    },
    /// The reservation, as the call left it.
    Reservation {
        /// At which revision.
        reservation: Arc<Reservation>,
        /// Whether this is the first answer again.
        replayed: bool,
    },
    /// The most a reservation could be granted here.
    Grantable(Quantity),
    /// What was set aside.
    Prepared {
        /// The grant it would be.
        granted: Quantity,
        /// What tills used of it; they use no more until the lead has decided.
        till_used: Quantity,
    },
    /// The lead's word.
    Grant(Grant),
}

/// What the core makes of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// These events happen; then this is the answer.
    Record(Vec<Event>, Answer),
    /// Nothing happens; this is the answer.
    Nothing(Answer),
    /// These holds are past the hint this key has: their leads must be asked first.
    SettleFirst(Vec<Inquiry>),
}

/// A question to a lead: what became of this reservation?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inquiry {
    /// Whose hold is in doubt.
    pub reservation: ReservationId,
    /// Who knows.
    pub lead: StockKey,
    /// The revision that was prepared, if the doubt is about that.
    pub prepared: Option<u64>,
}
