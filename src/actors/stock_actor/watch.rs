//! What is counted of an actor's work: commands, refusals, and what their records did to
//! reservations and holds. It must not decide anything.

use std::time::Duration;

use super::StockActor;
use crate::actors::call::Deliver;
use crate::actors::directory::hash;
use crate::stock::Timestamp;
use crate::stock::event::{Cause, StockRecord};
use crate::stock::{
    Answer, Change, Command, Decision, Event, Ledger, MovementKind, Refusal, Reservation, State,
    StockKey,
};
use crate::telemetry::labels::{self, End, Kind, Outcome, Reason};
use crate::telemetry::sketch::Figures;
use crate::telemetry::{Local, is_counting, local, metrics};

/// When a command had its turn, and how long it waited for it.
pub(super) type Turn = (Timestamp, Duration);

impl StockActor {
    /// A command had its turn, with this outcome.
    pub(super) fn count_command(&self, deliver: &Deliver, (now, waited): Turn, outcome: Outcome) {
        if !is_counting() {
            return;
        }
        let (thread, hash) = (self.thread, hash(self.ledger.key()));
        let waiting = self.directory.waiting.count(hash);
        local(|count| {
            count
                .commands_total
                .of(kind(&deliver.command))
                .of(outcome)
                .inc();
            count.mailbox_wait_seconds.observe(waited.as_secs_f64());
            count.mailbox_depth.observe(waiting as f64);
        });
        let shed = self.directory.waiting.take_shed(hash) as u64;
        let was_refused = matches!(outcome, Outcome::Refused | Outcome::Shed);
        let waited_us = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        let figures = Figures {
            refusals: shed + u64::from(was_refused),
            commands: 1,
            waited_us,
            waited_us_max: waited_us,
        };
        let wants = wants_stock(&deliver.command, was_refused);
        let demand = shed + u64::from(wants);
        let contention = &self.directory.contention;
        contention.note(thread, now, self.ledger.key(), demand, &figures);
    }
}

/// Whether a command wants some of the key's stock for somebody. What asks without taking goes with
/// one that does, unless it is refused.
fn wants_stock(command: &Command, was_refused: bool) -> bool {
    match command {
        Command::Ask { .. } => was_refused,
        Command::Change { change, .. } => change.takes_stock(),
        Command::Prepare { .. } => true,
        Command::Move(movement) => matches!(movement.kind, MovementKind::Sale { .. }),
        Command::SetSafetyStock(_)
        | Command::Stop
        | Command::Touch
        | Command::TouchReservation(_)
        | Command::Abandon { .. }
        | Command::Settle(_)
        | Command::Inquire { .. }
        | Command::ReportUse { .. }
        | Command::Acknowledge(_) => false,
    }
}

/// What became of a command; none if it waits for leads and has another turn.
pub(super) fn outcome(
    command: &Command,
    decided: &Result<Decision, Refusal>,
    again: bool,
) -> Option<Outcome> {
    let refused = match decided {
        Ok(Decision::Record(..)) => return Some(Outcome::Recorded),
        Ok(Decision::SettleFirst(_)) => return (!again).then_some(Outcome::Shed),
        Ok(Decision::Nothing(answer)) if refuses_basket(command, answer) => {
            Reason::InsufficientStock
        }
        Ok(Decision::Nothing(_)) => return Some(Outcome::Unchanged),
        Err(refusal) => reason(refusal),
    };
    local(|count| count.refusals_total.of(refused).inc());
    Some(Outcome::Refused)
}

/// Whether a reservation over several keys is refused for this answer of one of them.
fn refuses_basket(command: &Command, answer: &Answer) -> bool {
    match (command, answer) {
        (
            Command::Ask {
                base,
                wanted,
                partial: false,
                ..
            },
            Answer::Grantable(available),
        ) => base.falls_short(*wanted, *available),
        _ => false,
    }
}

/// Counts what a record says.
pub(super) fn count_record(record: &StockRecord) {
    let shortfall = record.level.shortfall();
    if shortfall > record.before.1 {
        metrics().shortfalls_total.inc();
        if was_accepted_beyond_stock(record) {
            metrics().oversells_total.inc();
            let key = record.key.as_str();
            tracing::error!(key, %shortfall, "a reservation was accepted beyond what was there");
        }
    }
}

/// Counts what events, decided now, do to the reservations that a ledger leads.
pub(super) fn count_events(ledger: &Ledger, events: &[Event], now: Timestamp) {
    for event in events {
        if let Event::Reserved {
            reservation, cause, ..
        } = event
        {
            let old = ledger.reservation(reservation.id);
            let old = old.map(|old| &**old);
            local(|count| count_reservation(count, old, reservation, *cause, now));
        }
    }
}

/// Whether a reservation was accepted with a record that deepened a shortfall, and no till sold
/// anything with it: decisions give away what is there, and no more.
fn was_accepted_beyond_stock(record: &StockRecord) -> bool {
    let accepted = |event: &Event| {
        matches!(
            event,
            Event::Reserved {
                cause: Cause::Placed | Cause::LinesReplaced,
                ..
            }
        )
    };
    let moved = |event: &Event| matches!(event, Event::Moved(_));
    record.events.iter().any(accepted) && !record.events.iter().any(moved)
}

fn count_reservation(
    count: &Local,
    old: Option<&Reservation>,
    new: &Reservation,
    cause: Cause,
    now: Timestamp,
) {
    count.reservations_total.of(change(cause)).inc();
    let opened = holds(Some(new)).filter(|key| !takes(old, key)).count();
    count.holds_opened_total.inc_by(opened as u64);
    let end = end(new.state, cause);
    let age = seconds_between(new.created_at, now);
    for _ in holds(old).filter(|key| !takes(Some(new), key)) {
        count.holds_closed_total.of(end).inc();
        count.hold_age_seconds.of(end).observe(age);
    }
    if let Some(deadline) = new.deadline.filter(|_| cause == Cause::Expired) {
        count
            .hold_expiry_lateness_seconds
            .observe(seconds_between(deadline, now));
    }
}

/// The keys at which a reservation has something to take.
fn holds(reservation: Option<&Reservation>) -> impl Iterator<Item = &StockKey> {
    let shares = reservation.into_iter().flat_map(|one| one.shares.iter());
    let keys = shares.map(|share| &share.key);
    keys.filter(move |key| takes(reservation, key))
}

fn takes(reservation: Option<&Reservation>, key: &StockKey) -> bool {
    reservation.is_some_and(|one| one.state.is_live() && one.wanted(key).is_positive())
}

fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    (to.as_millis() - from.as_millis()) as f64 / 1000.0
}

/// How holds end with a change; those of a reservation that lives on by other lines are released.
fn end(state: State, cause: Cause) -> End {
    match state {
        State::Held | State::Confirmed if cause == Cause::Cancelled => End::Cancelled,
        State::Held | State::Confirmed | State::Released => End::Released,
        State::Fulfilled => End::Fulfilled,
        State::Expired => End::Expired,
        State::Cancelled => End::Cancelled,
    }
}

fn change(cause: Cause) -> labels::Revised {
    match cause {
        Cause::Placed => labels::Revised::Placed,
        Cause::LinesReplaced => labels::Revised::LinesReplaced,
        Cause::Extended => labels::Revised::Extended,
        Cause::Confirmed => labels::Revised::Confirmed,
        Cause::HandedOver => labels::Revised::HandedOver,
        Cause::Used => labels::Revised::Used,
        Cause::Released => labels::Revised::Released,
        Cause::Expired => labels::Revised::Expired,
        Cause::Cancelled => labels::Revised::Cancelled,
        Cause::Denied => labels::Revised::Denied,
    }
}

fn kind(command: &Command) -> Kind {
    match command {
        Command::Move(movement) => match movement.kind {
            MovementKind::Sale { .. } => Kind::Sale,
            MovementKind::Receipt => Kind::Receipt,
            MovementKind::Return { .. } => Kind::Return,
            MovementKind::Adjustment { .. } => Kind::Adjustment,
            MovementKind::Count { .. } => Kind::Count,
            MovementKind::Transfer { .. } | MovementKind::Arrival { .. } => Kind::Transfer,
        },
        Command::SetSafetyStock(_) => Kind::SafetyStock,
        Command::Stop => Kind::Stop,
        Command::Touch | Command::TouchReservation(_) => Kind::Touch,
        Command::Ask { .. } => Kind::Ask,
        Command::Prepare { .. } => Kind::Prepare,
        Command::Abandon { .. } => Kind::Abandon,
        Command::Settle(_) => Kind::Settle,
        Command::Change { change, .. } => match change {
            Change::Place(_) => Kind::Place,
            Change::ReplaceLines(_) => Kind::ReplaceLines,
            Change::Extend { .. } => Kind::Extend,
            Change::Confirm { .. } => Kind::Confirm,
            Change::Fulfil(_) => Kind::Fulfil,
            Change::Release => Kind::Release,
            Change::Cancel(_) => Kind::Cancel,
        },
        Command::Inquire { .. } => Kind::Inquire,
        Command::ReportUse { .. } => Kind::ReportUse,
        Command::Acknowledge(_) => Kind::Acknowledge,
    }
}

fn reason(refusal: &Refusal) -> Reason {
    match refusal {
        Refusal::InsufficientStock(_) => Reason::InsufficientStock,
        Refusal::NotStocked => Reason::NotStocked,
        Refusal::NotEmpty => Reason::NotEmpty,
        Refusal::OutOfRange => Reason::OutOfRange,
        Refusal::StaleVersion => Reason::StaleVersion,
        Refusal::IdReused => Reason::IdReused,
        Refusal::IdempotencyMismatch => Reason::IdempotencyMismatch,
        Refusal::ReservationNotFound => Reason::ReservationNotFound,
        Refusal::WrongState(_) => Reason::WrongState,
        Refusal::ReservationResolved(_) => Reason::ReservationResolved,
        Refusal::ReservationExpired => Reason::ReservationExpired,
        Refusal::AlreadyConfirmed(_) => Reason::AlreadyConfirmed,
        Refusal::OverFulfilled(_) => Reason::OverFulfilled,
        Refusal::PaymentMismatch { .. } => Reason::PaymentMismatch,
        Refusal::CurrencyMismatch | Refusal::ForeignPayments(_) => Reason::CurrencyMismatch,
        Refusal::Full(_) => Reason::Full,
        Refusal::Superseded => Reason::Superseded,
        Refusal::TooLate => Reason::TooLate,
    }
}
