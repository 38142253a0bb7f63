//! The actor of one stock key: it takes one command after the other, has the ledger decide,
//! queues the record and goes on. It never waits; a bug in it stops the process, so that a key
//! never comes back without its state. Its host brings what is for it.

mod alarm;
mod expiring;
mod watch;

use std::mem;
use std::sync::Arc;

use indexmap::IndexMap;
use tokio::sync::oneshot;

use super::call::{CallError, Deliver, Replied, Reply, TakenLedger};
use super::completion::{Recorded, Unrecorded, hear, reserved};
use super::directory::{Directory, hash};
use super::errand::{self, Reporting, SETTLE_AT_ONCE_MAX, Settling, Work};
use super::idempotency::Claim;
use super::presence::Presence;
use super::reply::ReplyTo;
use crate::clock::Stopwatch;
use crate::journal::codec::encode_stock;
use crate::journal::{Place, Position};
use crate::stock::command::{Acknowledgements, Inquiry};
use crate::stock::event::StockRecord;
use crate::stock::ledger::Errand;
use crate::stock::{
    Answer, By, Decision, Event, Ledger, MovementKind, Reservation, StockKey, Timestamp,
};
use crate::telemetry::labels::Outcome;
use crate::telemetry::timed::Timed;
use crate::telemetry::timings::{Timings, time_as};
use watch::{Turn, count_events, count_record, outcome};

/// How many turns a command has while leads are asked; each settles some of what is overdue.
const ASKED_MAX: u32 = 100;

/// How many things a ledger may keep whose image is written in less time than a copy is handed to
/// somebody else.
const IMAGED_HERE_MAX: usize = 100;

pub(super) struct StockActor {
    ledger: Ledger,
    directory: Arc<Directory>,
    presence: Arc<Presence>,
    /// The number of the thread it lives on.
    thread: usize,
    /// The position of the newest record.
    last: Position,
    last_used: Timestamp,
    /// Whether the directory knows that this key changed since the last snapshot round.
    dirty: bool,
    /// When the schedule wakes this actor next; early is no harm.
    scheduled: Option<Timestamp>,
    /// When a slice of what is due was last recorded.
    sliced_at: Timestamp,
    /// Leads were asked about all that is overdue: they have until then to answer.
    ask_again: Timestamp,
    done: Acknowledgements,
    gather_until: Option<Timestamp>,
}

/// Who is told of a record, besides everyone.
#[derive(Default)]
struct Told {
    reply: Option<(ReplyTo, Answer)>,
    decided: Option<oneshot::Sender<Replied>>,
    claim: Option<Claim>,
    timed: Option<Timed>,
}

/// What became of a command.
enum Fate {
    /// It was decided.
    Decided,
    /// There was no room for it: nothing happened.
    Shed,
    /// Leads must be asked first; then it has another turn.
    Later(Vec<Inquiry>, Box<Deliver>),
}

impl StockActor {
    /// The actor of a key that wakes, at work on what the key owes.
    pub fn awake(ledger: Ledger, directory: Arc<Directory>, presence: Arc<Presence>) -> StockActor {
        let last_used = directory.context.clock.now();
        let mut actor = StockActor {
            thread: directory.host_of(hash(ledger.key())),
            ledger,
            directory,
            presence,
            last: Position::ZERO,
            last_used,
            dirty: false,
            scheduled: None,
            sliced_at: Timestamp::MIN,
            ask_again: Timestamp::MIN,
            done: Acknowledgements::default(),
            gather_until: None,
        };
        actor.run(actor.ledger.errands(), None, None, None);
        let raises = actor.ledger.raises();
        if !raises.is_empty() {
            actor.ask_leads(raises, None);
        }
        actor.set_alarm();
        actor
    }

    /// Takes a command, then those that are to follow it. What follows one that was shed is
    /// dropped, and what follows one that waits for leads waits with it: none overtakes another.
    pub fn take(&mut self, mut deliver: Deliver) {
        loop {
            let mut then = mem::take(&mut deliver.then);
            match self.turn(deliver) {
                Fate::Decided => {}
                Fate::Shed => break,
                Fate::Later(inquiries, mut again) => {
                    again.then = then;
                    self.ask_leads(inquiries, Some(*again));
                    break;
                }
            }
            let Some(next) = then.pop_front() else { break };
            deliver = Deliver { then, ..next };
        }
        self.set_alarm();
    }

    /// Gives a command its turn.
    fn turn(&mut self, deliver: Deliver) -> Fate {
        let turn = (self.now(), deliver.sent.elapsed());
        if deliver.reply.is_closed() && !deliver.reserved {
            self.count_command(&deliver, turn, Outcome::Skipped);
            return Fate::Decided;
        }
        let journal = &self.directory.context.journal;
        let place = if deliver.reserved {
            journal.place_reserved()
        } else {
            match journal.place() {
                Ok(place) => place,
                Err(_) => {
                    self.count_command(&deliver, turn, Outcome::Shed);
                    deliver.reply.hear(Err(CallError::Overloaded));
                    return Fate::Shed;
                }
            }
        };
        self.carry_out(deliver, turn, place)
    }

    /// The ledger for a snapshot, and where its newest record is.
    pub fn take_image(&mut self) -> (TakenLedger, Option<Position>) {
        self.dirty = false;
        let ledger = match self.ledger.things() <= IMAGED_HERE_MAX {
            true => TakenLedger::Image(self.ledger.image()),
            false => TakenLedger::Copy(Box::new(self.ledger.copy())),
        };
        (ledger, Some(self.last))
    }

    fn now(&self) -> Timestamp {
        self.directory.context.clock.now()
    }

    /// Carries out a command whose place in the queue is taken.
    fn carry_out(&mut self, deliver: Deliver, turn: Turn, place: Place) -> Fate {
        let now = turn.0;
        self.last_used = now;
        let timings = deliver.timings.clone();
        let timed =
            timings.map(|timings| Timed::taken(timings, turn.1, self.ledger.key().as_str()));
        self.record_due_before(&deliver.command, now);
        let rules = &self.directory.context.rules;
        let decided = self
            .ledger
            .decide(&deliver.by, &deliver.command, now, rules);
        if let Some(outcome) = outcome(&deliver.command, &decided, deliver.asked < ASKED_MAX) {
            self.count_command(&deliver, turn, outcome);
        }
        match decided {
            Ok(Decision::Record(events, answer)) => {
                let Deliver {
                    by,
                    reply,
                    decided,
                    claim,
                    ..
                } = deliver;
                let told = Told {
                    reply: Some((reply, answer)),
                    decided,
                    claim,
                    timed,
                };
                self.commit(by, events, now, place, told);
            }
            Ok(Decision::Nothing(answer)) => {
                let level = *self.ledger.level();
                self.answer(deliver, Ok(Reply { answer, level }), timed, place);
            }
            Err(refusal) => self.answer(deliver, Err(refusal.into()), timed, place),
            Ok(Decision::SettleFirst(_)) if deliver.asked >= ASKED_MAX => {
                self.answer(deliver, Err(CallError::Overloaded), timed, place);
                return Fate::Shed;
            }
            Ok(Decision::SettleFirst(inquiries)) => {
                return Fate::Later(inquiries, Box::new(deliver));
            }
        }
        Fate::Decided
    }

    /// Applies the events, queues their record, and sees to what they make others owe.
    fn commit(&mut self, by: By, events: Vec<Event>, now: Timestamp, place: Place, told: Told) {
        count_events(&self.ledger, &events, now);
        let rules = &self.directory.context.rules;
        let record = self.ledger.record(by, events, now, rules);
        count_record(&record);
        let errands = self.owed(&record);
        let level = record.level;
        let reply = told
            .reply
            .map(|(who, answer)| (who, Ok(Reply { answer, level })));
        let decided = told.decided.zip(reply.as_ref());
        let decided = decided.map(|(who, (_, replied))| (who, replied.clone()));
        let owes = !errands.is_empty();
        let (durable, when_durable) = owes.then(oneshot::channel).unzip();
        let (now_told, later_told) = if owes { (None, reply) } else { (reply, None) };
        // Before the record can be durable: a snapshot round that covers it must copy this key.
        if !mem::replace(&mut self.dirty, true) {
            self.directory.mark_dirty(self.ledger.key());
        }
        let timings = told.timed.as_ref().map(|timed| timed.timings().clone());
        let bytes = encode_stock(&record);
        let presence = self.presence.clone();
        let position = place.append(
            bytes,
            Box::new(Recorded {
                directory: self.directory.clone(),
                presence,
                reservations: reserved(&record),
                at: record.at,
                key: record.key.clone(),
                level,
                holds: self.ledger.holds().len(),
                moved: self.ledger.is_movement(&record),
                claim: told.claim,
                reply: now_told,
                durable,
                timed: told.timed.map(|timed| timed.decided(record.key.as_str())),
            }),
        );
        self.ledger.note_position(&record, position.get());
        self.last = position;
        // Not before: what its hearer has another key do then comes later in the journal, too.
        if let Some((decided, replied)) = decided {
            hear(decided, replied);
        }
        self.run(errands, when_durable, later_told, timings);
    }

    /// What the record just applied makes this key owe to others.
    fn owed(&self, record: &StockRecord) -> Vec<Errand> {
        let mut owed = Vec::new();
        for event in &record.events {
            match event {
                Event::Reserved { reservation, .. } => {
                    if !self.ledger.unsettled(reservation.id).is_empty() {
                        owed.push(Errand::Settle(reservation.id));
                    }
                }
                Event::Moved(moved) => {
                    if let MovementKind::Transfer { .. } = moved.movement.kind {
                        let key = self.ledger.key();
                        owed.push(Errand::Deliver(moved.movement.id.at_destination(key)));
                    }
                    let hold = moved
                        .used
                        .and_then(|(id, _)| Some((id, self.ledger.hold(id)?)));
                    if let Some((id, hold)) = hold
                        && hold.lead != *self.ledger.key()
                    {
                        owed.push(Errand::ReportUse(id));
                    }
                }
                Event::SafetyStockSet(_)
                | Event::Stopped
                | Event::Prepared { .. }
                | Event::Abandoned { .. }
                | Event::Settled { .. }
                | Event::Answered { .. }
                | Event::Denied { .. }
                | Event::Acknowledged(_) => {}
            }
        }
        owed.dedup();
        owed
    }

    /// Runs errands beside the actor once `durable` says so, then answers `reply`.
    fn run(
        &self,
        errands: Vec<Errand>,
        durable: Option<oneshot::Receiver<()>>,
        reply: Option<(ReplyTo, Replied)>,
        timings: Option<Arc<Timings>>,
    ) {
        if errands.is_empty() {
            return;
        }
        let key = self.ledger.key().clone();
        let works = self.works(errands);
        // What nobody waits for is no part of a request's time.
        let timings = timings.filter(|_| reply.is_some());
        let work = errand::run(self.directory.clone(), key, works, durable, reply);
        self.directory.run_errand(time_as(timings, work));
    }

    /// The errands with all they need; what one follower is to be told comes together.
    fn works(&self, errands: Vec<Errand>) -> Vec<Work> {
        let mut works = Vec::new();
        let mut told: IndexMap<(StockKey, By), Vec<Arc<Reservation>>> = IndexMap::new();
        for errand in errands {
            match errand {
                Errand::Settle(id) => {
                    let Some(reservation) = self.ledger.reservation(id) else {
                        continue;
                    };
                    for (follower, _) in self.ledger.unsettled(id) {
                        let to = (follower.clone(), reservation.by.clone());
                        told.entry(to).or_default().push(reservation.clone());
                    }
                }
                Errand::ReportUse(id) => works.extend(self.ledger.hold(id).map(|hold| {
                    Work::Report(Reporting {
                        id,
                        follower: self.ledger.key().clone(),
                        lead: hold.lead.clone(),
                        till_used: hold.till_used,
                    })
                })),
                Errand::Deliver(id) => {
                    let outgoing = self.ledger.outgoing(id);
                    works.extend(outgoing.map(|one| Work::Deliver(Box::new(one.clone()))));
                }
            }
        }
        for ((follower, by), reservations) in told {
            let portions = reservations.chunks(SETTLE_AT_ONCE_MAX);
            works.extend(portions.map(|portion| {
                Work::Settle(Settling {
                    follower: follower.clone(),
                    by: by.clone(),
                    reservations: portion.to_vec(),
                })
            }));
        }
        works
    }

    /// Asks leads about holds past their hint; then `again` has another turn.
    fn ask_leads(&self, inquiries: Vec<Inquiry>, again: Option<Deliver>) {
        let again = again.map(|deliver| Deliver {
            asked: deliver.asked + 1,
            sent: Stopwatch::start(),
            ..deliver
        });
        let (directory, key) = (self.directory.clone(), self.ledger.key().clone());
        self.directory
            .run_errand(errand::inquire(directory, key, inquiries, again));
    }

    /// Answers once every record this key's answer rests on is durable.
    fn answer(&self, deliver: Deliver, replied: Replied, timed: Option<Timed>, place: Place) {
        let Deliver {
            reply,
            decided,
            claim,
            ..
        } = deliver;
        // A refusal rests on what may not be durable yet, so nobody hears of it early.
        if let (Some(decided), Ok(_)) = (decided, &replied) {
            hear(decided, replied.clone());
        }
        let unrecorded = Unrecorded {
            reply,
            replied,
            claim,
            timed: timed.map(|timed| timed.decided(self.ledger.key().as_str())),
        };
        place.wait(self.last, Box::new(unrecorded));
    }
}
