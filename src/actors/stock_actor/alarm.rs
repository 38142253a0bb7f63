//! What a stock actor does by itself: it is woken for its earliest deadline, to gather what others
//! have done, and to go to rest when nobody needs it.

use std::mem;

use super::{StockActor, Told};
use crate::actors::waking::AWAKE_BEFORE_MS;
use crate::stock::command::Acknowledgements;
use crate::stock::ledger::EXPIRE_AT_ONCE_MAX;
use crate::stock::{By, Command, Decision, Timestamp};

/// How many things a ledger may keep that goes to rest: it is packed in less than ten milliseconds.
/// To pack one with hundreds of thousands of holds takes half a second, and so does waking it; all
/// others of the thread would wait.
const REST_THINGS_MAX: usize = 10_000;

/// How soon leads are asked again about what is overdue: their answer is on its way.
const OVERDUE_MS: i64 = 100;

/// How long acknowledgements are gathered into one record, milliseconds.
const GATHER_MS: i64 = 100;

/// How many acknowledgements one record takes; each is looked up, and nobody is served meanwhile.
const ACKNOWLEDGE_AT_ONCE_MAX: usize = 1000;

impl StockActor {
    /// Has this actor woken when it next has something to do. One that is woken before that is no
    /// later set back: a busy key would change the schedule with every command.
    pub(super) fn set_alarm(&mut self) {
        let doubt = self.ledger.next_doubt();
        let doubt = doubt.map(|at| at.max(self.ask_again));
        let due = doubt.into_iter().chain(self.gather_until);
        let due = due.chain(self.ledger.next_deadline());
        let at = due.fold(self.idle_at(), Timestamp::min);
        if self.scheduled.is_none_or(|set| at < set) {
            self.schedule(Some(at));
        }
    }

    fn schedule(&mut self, at: Option<Timestamp>) {
        let old = mem::replace(&mut self.scheduled, at);
        let key = self.ledger.key();
        self.directory.schedule_of(key).change(key, old, at);
    }

    fn idle_at(&self) -> Timestamp {
        let idle_ms = self.directory.context.config.idle_ms;
        self.last_used.plus_millis(idle_ms)
    }

    /// Takes what others have done, to be recorded with what they do soon after.
    pub fn gather(&mut self, done: Acknowledgements) {
        self.done.settled.extend(done.settled);
        self.done.arrived.extend(done.arrived);
        let until = self.now().plus_millis(GATHER_MS);
        self.gather_until.get_or_insert(until);
        self.set_alarm();
    }

    /// Sees to what is due; whether the key went to rest.
    pub fn wake_goes_to_rest(&mut self) -> bool {
        self.scheduled = None;
        let now = self.now();
        if self.gather_until.is_some_and(|until| until <= now) {
            self.record_done(now);
        }
        let overdue = self.ledger.next_doubt().is_some_and(|at| at <= now);
        if overdue && self.ask_again <= now {
            self.ask_again = now.plus_millis(OVERDUE_MS);
            self.ask_leads(self.ledger.inquiries(now), None);
        }
        if self.ledger.next_deadline().is_some_and(|at| at <= now) {
            // It goes to rest later: others may be waiting for their turn to expire.
            self.last_used = now;
            self.record_slice(now, EXPIRE_AT_ONCE_MAX);
        }
        if self.idle_at() <= now {
            if self.goes_to_rest(now) {
                return true;
            }
            self.last_used = now;
            self.forget(now);
        }
        self.set_alarm();
        false
    }

    /// Has a ledger that stays awake forget what is past its time. Ledgers forget with a record, so
    /// that replay does the same; where nothing happens any more, this makes one.
    fn forget(&mut self, now: Timestamp) {
        if self.ledger.forgets(now) {
            let place = self.directory.context.journal.place_reserved();
            self.commit(By::onhand(), Vec::new(), now, place, Told::default());
        }
    }

    /// Records what others have done, a good part of what was gathered in one record.
    fn record_done(&mut self, now: Timestamp) {
        let settled = self.done.settled.len().min(ACKNOWLEDGE_AT_ONCE_MAX);
        let later = self.done.settled.split_off(settled);
        self.gather_until = (!later.is_empty()).then_some(now);
        let command = Command::Acknowledge(mem::take(&mut self.done));
        self.done.settled = later;
        self.record_due_before(&command, now);
        let by = By::onhand();
        let rules = &self.directory.context.rules;
        if let Ok(Decision::Record(events, _)) = self.ledger.decide(&by, &command, now, rules) {
            let place = self.directory.context.journal.place_reserved();
            self.commit(by, events, now, place, Told::default());
        }
    }

    /// Puts the ledger to rest in the directory, if nothing depends on this actor and it is not too
    /// large. The key is woken before its next deadline.
    fn goes_to_rest(&mut self, now: Timestamp) -> bool {
        let durable = self.directory.context.journal.durable() >= self.last;
        let deadline = self.ledger.level().deadline;
        let far = now.plus_millis(2 * AWAKE_BEFORE_MS);
        let soon = deadline.is_some_and(|at| at <= far);
        let large = self.ledger.things() > REST_THINGS_MAX;
        if !durable || soon || large || !self.ledger.is_idle() || !self.done.is_empty() {
            return false;
        }
        self.schedule(deadline.map(|at| at.plus_millis(-AWAKE_BEFORE_MS)));
        self.directory.passivate(&self.ledger);
        true
    }
}
