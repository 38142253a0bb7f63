//! The registrar: the one actor through which the catalogue changes. It decides against what was
//! appended, durable or not, and goes on at once; the journal publishes and answers. Once an
//! offer begins or ends it records that too. It must not wait for the disk.

use std::sync::Arc;

use actix::prelude::*;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::command::{ItemCommand, LocationCommand, Outcome, TokenCommand, Written};
use super::fault::{CatalogueError, CatalogueRefusal};
use super::item::Item;
use super::location::Location;
use super::published::Published;
use super::record::{CatalogueEvent, CatalogueRecord};
use super::register::Register;
use super::token::Token;
use crate::clock::{Clock, Stopwatch};
use crate::journal::{Completion, Journal, OutcomeUnknown, Place, Position};
use crate::stock::{By, Timestamp};
use crate::telemetry::timed::Timed;
use crate::telemetry::timings::Timings;

/// Offers that turn at the same moment are recorded in runs of so many, writes in between.
const TURNS_IN_A_RUN_MAX: usize = 1000;

/// What its commands are called where stock keys are told.
const TIMED_AS: &str = "catalogue";

/// One answer per command, in their order.
pub(super) type Answers<T> = Vec<Result<Written<T>, CatalogueError>>;

/// Asks for changes, each with an answer of its own, all answered together.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Write {
    pub(super) by: By,
    pub(super) work: Work,
    /// Since when it waits for the registrar.
    pub(super) sent: Stopwatch,
    /// Where the time of the request that sent it is noted.
    pub(super) timings: Option<Arc<Timings>>,
}

/// The changes of one kind and who waits for them.
pub(super) enum Work {
    Items(Vec<ItemCommand>, oneshot::Sender<Answers<Item>>),
    Location(LocationCommand, oneshot::Sender<Answers<Location>>),
    Token(TokenCommand, oneshot::Sender<Answers<Token>>),
}

pub(super) struct Registrar {
    register: Register,
    published: Arc<Published>,
    journal: Journal,
    clock: Clock,
    mailbox_capacity: usize,
    /// The newest record of the catalogue: every answer waits for it, for it may have read it.
    newest: Position,
    /// What it will wake for, and the timer.
    timer: Option<(Timestamp, SpawnHandle)>,
}

impl Registrar {
    pub(super) fn new(
        register: Register,
        published: Arc<Published>,
        journal: Journal,
        clock: Clock,
        mailbox_capacity: usize,
    ) -> Registrar {
        Registrar {
            register,
            published,
            journal,
            clock,
            mailbox_capacity,
            newest: Position::ZERO,
            timer: None,
        }
    }

    /// Decides the commands in order. Once one finds no place in the journal, those after it are
    /// shed too, so that none overtakes another of the same entity.
    fn write<T, C>(
        &mut self,
        by: &By,
        commands: Vec<C>,
        reply: oneshot::Sender<Answers<T>>,
        timed: Option<Timed>,
        decide: fn(&Register, C, Timestamp) -> Result<Written<T>, CatalogueRefusal>,
    ) where
        T: Send + Sync + 'static,
        CatalogueEvent: From<Arc<T>>,
    {
        let gathering = Gathering::of(commands.len(), reply, timed);
        let mut is_full = false;
        for (index, command) in commands.into_iter().enumerate() {
            let place = (!is_full).then(|| self.journal.place().ok()).flatten();
            let Some(place) = place else {
                is_full = true;
                gathering.answer(index, Err(CatalogueError::Overloaded));
                continue;
            };
            let now = self.clock.now();
            let decided = decide(&self.register, command, now);
            let changed = decided.as_ref().ok();
            let changed = changed.filter(|written| written.outcome != Outcome::Unchanged);
            let event = changed.map(|written| CatalogueEvent::from(written.entity.clone()));
            let gathering = gathering.clone();
            let answer = move |outcome: Result<(), OutcomeUnknown>| {
                let answer = match outcome {
                    Ok(()) => decided.map_err(CatalogueError::Refused),
                    Err(OutcomeUnknown) => Err(CatalogueError::OutcomeUnknown),
                };
                gathering.answer(index, answer);
            };
            match event {
                Some(event) => self.append(place, now, by.clone(), event, answer),
                None => place.wait(self.newest, self.completion(None, answer)),
            }
        }
        gathering.decided();
    }

    /// Takes the event in and appends its record.
    fn append(
        &mut self,
        place: Place,
        at: Timestamp,
        by: By,
        event: CatalogueEvent,
        answer: impl FnOnce(Result<(), OutcomeUnknown>) + Send + 'static,
    ) {
        let applied = self.register.apply(&event);
        assert_eq!(
            applied,
            Ok(true),
            "a decision follows the state it was made on"
        );
        let completion = self.completion(Some(event.clone()), answer);
        let record = CatalogueRecord { at, by, event };
        self.newest = place.append(record.encode(), completion);
    }

    fn completion(
        &self,
        event: Option<CatalogueEvent>,
        answer: impl FnOnce(Result<(), OutcomeUnknown>) + Send + 'static,
    ) -> Box<dyn Completion> {
        Box::new(Done {
            published: self.published.clone(),
            event,
            answer,
        })
    }

    /// Records the offers that began or ended by now. Never shed: everyone must hear of a price.
    fn turn_offers(&mut self, context: &mut Context<Registrar>) {
        self.timer = None;
        let now = self.clock.now();
        for item in self.register.due_offers(now, TURNS_IN_A_RUN_MAX) {
            let place = self.journal.place_reserved();
            let event = CatalogueEvent::OfferTurned(item);
            // Nobody asked, so nobody is answered; a failed journal stops the process by itself.
            self.append(place, now, By::default(), event, |_| {});
        }
        self.set_timer(context);
    }

    /// One timer, for the earliest boundary.
    fn set_timer(&mut self, context: &mut Context<Registrar>) {
        let next = self.register.next_offer_boundary();
        if self.timer.map(|(at, _)| at) == next {
            return;
        }
        if let Some((_, timer)) = self.timer.take() {
            context.cancel_future(timer);
        }
        if let Some(at) = next {
            let clock = self.clock.clone();
            let sleep = async move { clock.sleep_until(at).await };
            let wake = sleep
                .into_actor(self)
                .map(|(), registrar, context| registrar.turn_offers(context));
            self.timer = Some((at, context.spawn(wake)));
        }
    }
}

impl Actor for Registrar {
    type Context = Context<Registrar>;

    fn started(&mut self, context: &mut Context<Registrar>) {
        context.set_mailbox_capacity(self.mailbox_capacity);
        // What turned while nobody ran is due at once.
        self.set_timer(context);
    }
}

impl Handler<Write> for Registrar {
    type Result = ();

    fn handle(&mut self, write: Write, context: &mut Context<Registrar>) {
        let (by, waited) = (&write.by, write.sent.elapsed());
        let timings = write.timings;
        let timed = timings.map(|timings| Timed::taken(timings, waited, TIMED_AS));
        match write.work {
            Work::Items(commands, reply) => {
                self.write(by, commands, reply, timed, Register::decide_item);
            }
            Work::Location(command, reply) => {
                self.write(by, vec![command], reply, timed, Register::decide_location);
            }
            Work::Token(command, reply) => {
                self.write(by, vec![command], reply, timed, Register::decide_token);
            }
        }
        self.set_timer(context);
    }
}

/// Publishes and answers once durable.
struct Done<A> {
    published: Arc<Published>,
    event: Option<CatalogueEvent>,
    answer: A,
}

impl<A: FnOnce(Result<(), OutcomeUnknown>) + Send> Completion for Done<A> {
    fn publish(&mut self, _: Position) {
        if let Some(event) = &self.event {
            self.published.publish(event);
        }
    }

    fn answer(self: Box<Self>, outcome: Result<(), OutcomeUnknown>) {
        (self.answer)(outcome);
    }
}

/// Gathers the answers to one message and sends them when the last is in.
struct Gathering<T>(Mutex<Gathered<T>>);

struct Gathered<T> {
    answers: Vec<Option<Result<Written<T>, CatalogueError>>>,
    missing: usize,
    reply: Option<oneshot::Sender<Answers<T>>>,
    timed: Option<Timed>,
}

impl<T> Gathering<T> {
    fn of(
        commands: usize,
        reply: oneshot::Sender<Answers<T>>,
        timed: Option<Timed>,
    ) -> Arc<Gathering<T>> {
        let mut answers = Vec::new();
        answers.resize_with(commands, || None);
        Arc::new(Gathering(Mutex::new(Gathered {
            answers,
            missing: commands,
            reply: Some(reply),
            timed,
        })))
    }

    /// All commands are decided; what is not durable yet is waited for.
    fn decided(&self) {
        let mut gathered = self.0.lock();
        let timed = gathered.timed.take();
        gathered.timed = timed.map(|timed| timed.decided(TIMED_AS));
    }

    fn answer(&self, index: usize, answer: Result<Written<T>, CatalogueError>) {
        let mut gathered = self.0.lock();
        let before = gathered.answers[index].replace(answer);
        assert!(before.is_none(), "a command is answered once");
        gathered.missing -= 1;
        if gathered.missing > 0 {
            return;
        }
        if let Some(timed) = gathered.timed.take() {
            timed.committed();
        }
        let answers = std::mem::take(&mut gathered.answers);
        let answers = answers.into_iter().flatten().collect();
        if let Some(reply) = gathered.reply.take() {
            // A caller that hung up wants no answer.
            drop(reply.send(answers));
        }
    }
}
