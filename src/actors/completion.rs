//! What happens once a record is durable: it is published, then whoever waits is answered.

use std::mem;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::call::{CallError, Replied};
use super::directory::Directory;
use super::idempotency::Claim;
use super::presence::Presence;
use super::reply::ReplyTo;
use crate::journal::{Completion, OutcomeUnknown, Position};
use crate::stock::event::StockRecord;
use crate::stock::{Event, Level, Reservation, StockKey, Timestamp};
use crate::telemetry::timed::Timed;

/// A record of a stock key on its way to the disk.
pub(super) struct Recorded {
    pub directory: Arc<Directory>,
    pub presence: Arc<Presence>,
    pub reservations: Vec<Arc<Reservation>>,
    pub at: Timestamp,
    pub key: StockKey,
    pub level: Level,
    /// How many holds there are at the key.
    pub holds: usize,
    /// Whether on hand changed with this record.
    pub moved: bool,
    pub claim: Option<Claim>,
    pub reply: Option<(ReplyTo, Replied)>,
    pub durable: Option<oneshot::Sender<()>>,
    pub timed: Option<Timed>,
}

impl Completion for Recorded {
    fn publish(&mut self, position: Position) {
        self.presence
            .publish(self.level, self.holds, self.moved.then_some(position));
        for reservation in mem::take(&mut self.reservations) {
            self.directory.context.reservations.publish(&reservation);
        }
        if let Some(listener) = self.directory.context.listener.get() {
            listener(&self.key, &self.level);
        }
        if let Some(claim) = self.claim.take() {
            claim.answered(self.at, &self.key);
        }
    }

    fn answer(self: Box<Self>, outcome: Result<(), OutcomeUnknown>) {
        if let Some(timed) = self.timed {
            timed.committed();
        }
        if let Some((who, replied)) = self.reply {
            who.hear(outcome.map_err(|_| CallError::OutcomeUnknown).and(replied));
        }
        if let (Some(durable), Ok(())) = (self.durable, outcome) {
            hear(durable, ());
        }
    }
}

/// The reservations a record brings to their next revision.
pub(super) fn reserved(record: &StockRecord) -> Vec<Arc<Reservation>> {
    let reserved = |event: &Event| match event {
        Event::Reserved { reservation, .. } => Some(reservation.clone()),
        Event::Moved(_)
        | Event::SafetyStockSet(_)
        | Event::Stopped
        | Event::Prepared { .. }
        | Event::Abandoned { .. }
        | Event::Settled { .. }
        | Event::Answered { .. }
        | Event::Denied { .. }
        | Event::Acknowledged(_) => None,
    };
    record.events.iter().filter_map(reserved).collect()
}

/// An answer that changes nothing but rests on records that may not be durable yet.
pub(super) struct Unrecorded {
    pub reply: ReplyTo,
    pub replied: Replied,
    /// Given back before the answer: who hears a refusal may try again at once.
    pub claim: Option<Claim>,
    pub timed: Option<Timed>,
}

impl Completion for Unrecorded {
    fn publish(&mut self, _: Position) {}

    fn answer(self: Box<Self>, outcome: Result<(), OutcomeUnknown>) {
        drop(self.claim);
        if let Some(timed) = self.timed {
            timed.committed();
        }
        let outcome = outcome.map_err(|_| CallError::OutcomeUnknown);
        self.reply.hear(outcome.and(self.replied));
    }
}

/// Tells someone who may have stopped listening.
pub(super) fn hear<T>(who: oneshot::Sender<T>, what: T) {
    // A caller that hung up is no failure: what happened is in the journal.
    drop(who.send(what));
}
