//! What a stock actor does by itself: its one alarm rings for its earliest deadline, to gather what
//! others have done, and to go to rest when nobody needs it.

use std::mem;
use std::time::Duration;

use actix::fut::{ActorFutureExt, wrap_future};
use actix::{ActorContext, AsyncContext, Context, Handler};

use super::{StockActor, Told};
use crate::actors::call::Done;
use crate::actors::waking::AWAKE_BEFORE_MS;
use crate::stock::{By, Command, Decision, Timestamp};

/// How soon leads are asked again about what is overdue: their answer is on its way.
const OVERDUE_MS: i64 = 100;

/// How many acknowledgements one record takes; each is looked up, and nobody is served meanwhile.
const ACKNOWLEDGE_AT_ONCE_MAX: usize = 1000;

/// How long acknowledgements are gathered into one record, milliseconds.
const GATHER_MS: i64 = 100;

/// How long a passivated actor still forwards what reaches its mailbox.
const FORWARD: Duration = Duration::from_secs(2);

impl StockActor {
    pub(super) fn set_alarm(&mut self, ctx: &mut Context<Self>) {
        if self.retired {
            return;
        }
        self.schedule(self.ledger.next_deadline());
        let idle_at = self
            .last_used
            .plus_millis(self.directory.context.config.idle_ms);
        let now = self.now();
        let doubt = self.ledger.next_doubt();
        let doubt = doubt.map(|at| if at <= now { self.ask_again } else { at });
        let due = doubt.into_iter().chain(self.gather_until);
        let at = due.fold(idle_at, Timestamp::min).max(now);
        if self.alarm.as_ref().is_some_and(|(set, _)| *set <= at) {
            return;
        }
        let clock = self.directory.context.clock.clone();
        let sleep = wrap_future::<_, Self>(async move {
            clock.sleep_until(at).await;
        });
        let handle = ctx.spawn(sleep.map(move |(), actor, ctx| actor.ring(at, ctx)));
        if let Some((_, old)) = self.alarm.replace((at, handle)) {
            ctx.cancel_future(old);
        }
    }

    /// The alarm set for `at` rang: something is due, or the key had nothing to do for a while.
    fn ring(&mut self, at: Timestamp, ctx: &mut Context<Self>) {
        // One that was called off may still ring, if it was due in the same moment. Heeded, it
        // would leave two alarms, and the second would put to rest what others have woken since.
        if self.alarm.as_ref().is_none_or(|(set, _)| *set != at) {
            return;
        }
        self.alarm = None;
        let now = self.now();
        if self.gather_until.is_some_and(|until| until <= now) {
            self.record_done(now);
        }
        let overdue = self.ledger.next_doubt().is_some_and(|at| at <= now);
        if overdue && self.ask_again <= now {
            self.ask_again = now.plus_millis(OVERDUE_MS);
            self.ask_leads(self.ledger.inquiries(now), None);
        }
        let idle_at = self
            .last_used
            .plus_millis(self.directory.context.config.idle_ms);
        if idle_at <= now && !self.passivate(ctx) {
            self.last_used = now;
        }
        self.set_alarm(ctx);
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

    /// Puts the ledger to rest in the directory, if nothing depends on this actor.
    fn passivate(&mut self, ctx: &mut Context<Self>) -> bool {
        let durable = self.directory.context.journal.durable() >= self.last;
        let deadline = self.ledger.level().deadline;
        let far = self.now().plus_millis(2 * AWAKE_BEFORE_MS);
        let soon = deadline.is_some_and(|at| at <= far);
        if !durable || soon || !self.ledger.is_idle() || !self.done.is_empty() {
            return false;
        }
        self.schedule_key();
        self.retired = true;
        self.directory.passivate(&self.ledger, &self.addr);
        ctx.run_later(FORWARD, |_, ctx| ctx.stop());
        true
    }
}

impl Handler<Done> for StockActor {
    type Result = ();

    fn handle(&mut self, Done(done): Done, ctx: &mut Self::Context) {
        // A key rests only when all was done: this is an errand that an older revision sent, too.
        if self.retired {
            return;
        }
        self.done.settled.extend(done.settled);
        self.done.arrived.extend(done.arrived);
        let until = self.now().plus_millis(GATHER_MS);
        self.gather_until.get_or_insert(until);
        self.set_alarm(ctx);
    }
}
