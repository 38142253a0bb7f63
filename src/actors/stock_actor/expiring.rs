//! How a stock actor lets reservations expire: a slice at a time, with everyone else served in
//! between. The figures are right from the first slice on, so nobody waits for the last. It must
//! not know how the ledger tells what is due.

use super::{StockActor, Told};
use crate::stock::ledger::EXPIRE_AT_ONCE_MAX;
use crate::stock::{By, Command, Timestamp};

/// How many reservations expire at the cost of a command: the slices between commands do most of
/// the work, and this sees to it that it is done though commands never cease.
const EXPIRE_BESIDE_MAX: usize = 32;

impl StockActor {
    /// Records what must be recorded before `command` is decided, and a few more that are due,
    /// once in a moment.
    pub(super) fn record_due_before(&mut self, command: &Command, now: Timestamp) {
        if self.sliced_at < now {
            self.record_slice(now, EXPIRE_BESIDE_MAX);
        }
        loop {
            let events = self.ledger.due_before(command, now, EXPIRE_AT_ONCE_MAX);
            if events.is_empty() {
                return;
            }
            let place = self.directory.context.journal.place_reserved();
            self.commit(By::onhand(), events, now, place, Told::default());
        }
    }

    /// Records the end of up to `most` reservations that are due. If there are more, the schedule
    /// wakes this actor again as soon as others had their turn.
    pub(super) fn record_slice(&mut self, now: Timestamp, most: usize) {
        self.sliced_at = now;
        let events = self.ledger.due(now, most);
        if !events.is_empty() {
            let place = self.directory.context.journal.place_reserved();
            self.commit(By::onhand(), events, now, place, Told::default());
        }
    }
}
