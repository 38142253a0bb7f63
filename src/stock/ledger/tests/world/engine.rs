//! Ledgers, their journal and the letters between them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::bench::{BEGIN, assert_sound, assert_step, key, movement};
use super::acts::Act;
use super::raise::Raising;
use crate::stock::command::{Acknowledgements, Inquiry};
use crate::stock::ledger::Errand;
use crate::stock::movement::MovementId;
use crate::stock::time::DAY_MS;
use crate::stock::{
    Answer, By, Command, Decision, Event, Ledger, Level, MovementKind, Refusal, Reservation,
    ReservationId, Rules, StockKey, StockRecord, Timestamp,
};

/// How often a command is tried again after leads were asked.
const TRIES_MAX: usize = 6;

/// Four keys and all that goes on between them.
pub struct World {
    pub now: Timestamp,
    pub rules: Rules,
    pub keys: Vec<StockKey>,
    pub ledgers: BTreeMap<StockKey, Ledger>,
    /// The records of all keys, in one order.
    pub journal: Vec<StockRecord>,
    pub durable: usize,
    /// The newest durable revision of every reservation there ever was, oldest first.
    pub published: BTreeMap<ReservationId, Arc<Reservation>>,
    pub mail: Vec<Letter>,
    /// Copies of letters that arrived, which may arrive again much later.
    pub astray: Vec<Letter>,
    pub raisings: BTreeMap<u64, Raising>,
    pub names: u64,
    /// Whether a raise goes on before what was prepared is durable: one journal keeps the order.
    eager: bool,
    /// Whether what is due is recorded no sooner than a command needs it.
    hurried: bool,
    /// Whether a change may come twice to its lead. If so, nobody abandons a raise after that.
    pub repeats_changes: bool,
}

/// A message on its way.
#[derive(Clone, Debug)]
pub struct Letter {
    pub content: Content,
    pub why: Why,
    /// It does not arrive before this many records are durable.
    pub after: usize,
    tries: usize,
}

#[derive(Clone, Debug)]
pub enum Content {
    Order(StockKey, Command),
    Reply(Result<Answer, Refusal>),
}

/// What a letter is part of, so that its reply is understood.
#[derive(Clone, Debug)]
pub enum Why {
    /// Nobody waits for the reply.
    Alone,
    /// A step of a raise, or a change at its lead.
    Raising(u64, u32),
    /// An errand: a follower is to settle.
    Settle(StockKey, ReservationId, StockKey, u64),
    /// The lead's word is wanted by this follower.
    Word(StockKey, ReservationId),
    /// A transfer is to arrive.
    Deliver(StockKey, MovementId),
}

impl World {
    /// Four keys with five pieces each, journaled and durable.
    pub fn new(eager: bool, hurried: bool, repeats_changes: bool) -> World {
        let keys: Vec<StockKey> = ["A@X", "A@Y", "B@X", "B@Y"].map(key).to_vec();
        let ledgers = keys
            .iter()
            .map(|key| (key.clone(), Ledger::new(key.clone())));
        let mut world = World {
            now: BEGIN,
            rules: Rules::default(),
            ledgers: ledgers.collect(),
            journal: Vec::new(),
            durable: 0,
            published: BTreeMap::new(),
            mail: Vec::new(),
            astray: Vec::new(),
            raisings: BTreeMap::new(),
            names: 0,
            keys,
            eager,
            hurried,
            repeats_changes,
        };
        for nth in 0..world.keys.len() {
            world.act(&Act::Receipt {
                key: nth,
                quantity: 5,
            });
        }
        world.calm_down();
        world
    }

    pub fn levels(&self) -> impl Iterator<Item = &Level> {
        self.ledgers.values().map(Ledger::level)
    }

    /// A name that was never used, far from all others.
    pub fn name(&mut self) -> u128 {
        self.names += 1;
        u128::from(self.names) << 64
    }

    pub fn act(&mut self, act: &Act) {
        match act {
            Act::Place { .. } | Act::Change { .. } => self.begin(act),
            Act::Sale { key, quantity, of } => {
                let reservation = of.and_then(|nth| self.known(nth));
                let reservation = reservation.map(|known| known.id.to_string().into());
                self.moves(*key, *quantity, MovementKind::Sale { reservation });
            }
            Act::Receipt { key, quantity } => self.moves(*key, *quantity, MovementKind::Receipt),
            Act::Transfer { key, to, quantity } if key != to => {
                let to = self.keys[*to].clone();
                self.moves(*key, *quantity, MovementKind::Transfer { to });
            }
            Act::Transfer { .. } => {}
            Act::Count { key, quantity } => {
                let (counted_at, expected_version) = (None, None);
                let kind = MovementKind::Count {
                    counted_at,
                    expected_version,
                };
                self.moves(*key, *quantity, kind);
            }
            Act::Arrive { nth, times } => (0..*times).for_each(|time| self.arrive(nth + time)),
            Act::ArriveTwice { nth } => self.arrive_twice(*nth),
            Act::Stray { nth } => self.arrive_again(*nth),
            Act::GoWell => self.go_well(),
            Act::Lose { nth } => drop(self.take_letter(*nth)),
            Act::Errands { key } => drop(self.run_errands(&self.keys[*key].clone())),
            Act::Inquire { key } => drop(self.inquire(&self.keys[*key].clone())),
            Act::Sync { records } => self.sync(*records),
            Act::Wait { seconds } => self.wait(*seconds),
            Act::Rest { key } => self.rest(*key),
            Act::Crash => self.crash(),
        }
    }

    fn wait(&mut self, seconds: i64) {
        self.now = self.now.plus_millis(seconds * 1000);
        if seconds * 1000 >= DAY_MS {
            // No copy is astray for longer than repeated requests are recognised.
            self.astray.clear();
        }
    }

    /// The `nth` reservation that is known, wrapping around.
    pub fn known(&self, nth: usize) -> Option<Arc<Reservation>> {
        let count = self.published.len();
        (count > 0).then(|| self.published.values().nth(nth % count).unwrap().clone())
    }

    fn moves(&mut self, nth: usize, quantity: u32, kind: MovementKind) {
        let name = self.name();
        let moved = crate::stock::Movement {
            id: MovementId(name),
            ..movement("m", kind, &quantity.to_string())
        };
        self.send(self.keys[nth].clone(), Command::Move(moved), Why::Alone, 0);
    }

    pub fn send(&mut self, to: StockKey, command: Command, why: Why, after: usize) {
        let (content, tries) = (Content::Order(to, command), 0);
        self.mail.push(Letter {
            content,
            why,
            after,
            tries,
        });
    }

    fn take_letter(&mut self, nth: usize) -> Option<Letter> {
        let ready = (0..self.mail.len()).filter(|index| self.mail[*index].after <= self.durable);
        let ready: Vec<usize> = ready.collect();
        (!ready.is_empty()).then(|| self.mail.remove(ready[nth % ready.len()]))
    }

    pub fn arrive(&mut self, nth: usize) {
        if let Some(letter) = self.take_letter(nth) {
            self.open(letter);
        }
    }

    fn arrive_twice(&mut self, nth: usize) {
        let Some(letter) = self.take_letter(nth) else {
            return;
        };
        let is_change = matches!(letter.content, Content::Order(_, Command::Change { .. }));
        if !is_change || self.repeats_changes {
            self.astray.push(letter.clone());
        }
        self.open(letter);
    }

    fn arrive_again(&mut self, nth: usize) {
        let count = self.astray.len();
        if count > 0 {
            self.open(self.astray[nth % count].clone());
        }
    }

    fn go_well(&mut self) {
        for key in self.keys.clone() {
            self.run_errands(&key);
        }
        for _ in 0..100 {
            self.sync(usize::MAX - self.durable);
            self.arrive(0);
        }
    }

    fn open(&mut self, letter: Letter) {
        match letter.content {
            Content::Order(to, command) => self.carry_out(to, command, letter.why, letter.tries),
            Content::Reply(reply) => self.hear(letter.why, reply),
        }
    }

    /// What an actor does with a command.
    fn carry_out(&mut self, to: StockKey, command: Command, why: Why, tries: usize) {
        self.record_due_before(&to, &command);
        let by = By::default();
        let decision = self.ledgers[&to].decide(&by, &command, self.now, &self.rules);
        let early = self.eager && matches!(command, Command::Prepare { .. });
        let reply = match decision {
            Ok(Decision::Record(events, answer)) => {
                self.record(&to, by, events);
                Ok(answer)
            }
            Ok(Decision::Nothing(answer)) => Ok(answer),
            Err(refusal) => Err(refusal),
            Ok(Decision::SettleFirst(inquiries)) => {
                for inquiry in inquiries {
                    self.ask_lead(&to, inquiry);
                }
                if tries < TRIES_MAX {
                    self.mail.push(Letter {
                        content: Content::Order(to, command),
                        why,
                        after: 0,
                        tries: tries + 1,
                    });
                    return;
                }
                // No room for it: nothing happened.
                Err(Refusal::TooLate)
            }
        };
        let after = if early { 0 } else { self.journal.len() };
        self.mail.push(Letter {
            content: Content::Reply(reply),
            why,
            after,
            tries: 0,
        });
    }

    pub fn record_due(&mut self, key: &StockKey) {
        loop {
            let due = self.ledgers[key].due(self.now, 1);
            if due.is_empty() {
                return;
            }
            self.record(key, By::onhand(), due);
        }
    }

    /// Records no more of what is due than the command needs, one at once.
    fn record_due_before(&mut self, key: &StockKey, command: &Command) {
        if !self.hurried {
            self.record_due(key);
        }
        loop {
            let due = self.ledgers[key].due_before(command, self.now, 1);
            if due.is_empty() {
                return;
            }
            self.record(key, By::onhand(), due);
        }
    }

    fn record(&mut self, key: &StockKey, by: By, events: Vec<Event>) {
        let ledger = self.ledgers.get_mut(key).unwrap();
        let before = ledger.clone();
        let record = ledger.record(by, events, self.now, &self.rules);
        ledger.note_position(&record, self.journal.len() as u64 + 1);
        assert_step(&before, &record, ledger);
        assert_sound(ledger);
        self.journal.push(record);
    }

    fn hear(&mut self, why: Why, reply: Result<Answer, Refusal>) {
        match (why, reply) {
            (Why::Raising(number, step), reply) => self.heard(number, step, reply),
            (Why::Settle(lead, id, follower, revision), Ok(_)) => {
                let done = Acknowledgements {
                    settled: vec![(id, follower, revision)],
                    arrived: Vec::new(),
                };
                self.send(lead, Command::Acknowledge(done), Why::Alone, 0);
            }
            (Why::Word(follower, reservation), Ok(Answer::Grant(grant))) => {
                let settle = Command::Settle(vec![(reservation, grant)]);
                self.send(follower, settle, Why::Alone, 0);
            }
            (Why::Deliver(source, id), Ok(_)) => {
                let done = Acknowledgements {
                    settled: Vec::new(),
                    arrived: vec![id],
                };
                self.send(source, Command::Acknowledge(done), Why::Alone, 0);
            }
            (Why::Alone, _) => {}
            (why, reply) => panic!("{why:?} got {reply:?}"),
        }
    }

    /// Sends all that `key` owes; how many letters that are.
    pub fn run_errands(&mut self, key: &StockKey) -> usize {
        let after = self.journal.len();
        let before = self.mail.len();
        for errand in self.ledgers[key].errands() {
            let ledger = &self.ledgers[key];
            match errand {
                Errand::Settle(id) => {
                    let reservation = ledger.reservation(id).unwrap().clone();
                    let followers: Vec<_> = ledger.unsettled(id).to_vec();
                    for (follower, _) in followers {
                        let grant = reservation.grant(&follower);
                        let revision = reservation.revision;
                        let why = Why::Settle(key.clone(), id, follower.clone(), revision);
                        let settle = Command::Settle(vec![(id, grant)]);
                        self.send(follower, settle, why, after);
                    }
                }
                Errand::ReportUse(id) => {
                    let hold = ledger.hold(id).unwrap();
                    let (lead, till_used) = (hold.lead.clone(), hold.till_used);
                    let (reservation, follower) = (id, key.clone());
                    let report = Command::ReportUse {
                        reservation,
                        follower,
                        till_used,
                    };
                    self.send(lead, report, Why::Word(key.clone(), id), after);
                }
                Errand::Deliver(id) => {
                    let outgoing = ledger.outgoing(id).unwrap().clone();
                    let arrival = Command::Move(outgoing.arrival);
                    self.send(outgoing.to, arrival, Why::Deliver(key.clone(), id), after);
                }
            }
        }
        self.mail.len() - before
    }

    /// Asks leads about what `key` doubts; how many.
    pub fn inquire(&mut self, key: &StockKey) -> usize {
        let inquiries = self.ledgers[key].inquiries(self.now);
        let count = inquiries.len();
        for inquiry in inquiries {
            self.ask_lead(key, inquiry);
        }
        count
    }

    fn ask_lead(&mut self, key: &StockKey, inquiry: Inquiry) {
        let Inquiry {
            reservation,
            lead,
            prepared,
        } = inquiry;
        let follower = key.clone();
        let inquire = Command::Inquire {
            reservation,
            follower,
            prepared,
        };
        self.send(lead, inquire, Why::Word(key.clone(), reservation), 0);
    }
}
