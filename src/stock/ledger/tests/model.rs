//! Random commands at one key, with leaps of time and re-openings, against a small model. The
//! model knows what was told to it and works every figure out anew; it shares no code with the
//! ledger.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::bench::{BEGIN, Bench, change, line, movement, place};
use super::script::code;
use crate::stock::{
    Answer, Change, Command, Confirmation, MovementKind, Quantity, Refusal, ReservationId,
    Timestamp,
};

#[derive(Clone, Debug)]
enum Act {
    Receipt(i64, Option<i64>),
    Sale(i64, Option<usize>, Option<i64>),
    Return(i64, bool),
    Adjust(i64),
    Count(i64, Option<i64>),
    /// The last movement again.
    Repeat,
    Safety(i64),
    Place {
        quantity: i64,
        ttl: i64,
        partial: bool,
        confirm: bool,
    },
    Lines(usize, i64),
    Extend(usize, i64),
    Confirm(usize, Option<i64>, bool),
    Fulfil(usize, Option<i64>),
    Release(usize),
    Cancel(usize, Option<i64>),
    Wait(i64),
    Reopen,
}

fn acts() -> impl Strategy<Value = Act> {
    let nth = || 0..6usize;
    let few = || 1..6i64;
    let ago = || prop::option::weighted(0.3, 0..50i64);
    let part = || prop::option::of(1..4i64);
    let place = (few(), 1..90i64, any::<bool>(), any::<bool>());
    prop_oneof![
        3 => (1..12i64, ago()).prop_map(|(q, ago)| Act::Receipt(q, ago)),
        4 => (few(), prop::option::of(nth()), ago()).prop_map(|(q, of, ago)| Act::Sale(q, of, ago)),
        1 => (few(), any::<bool>()).prop_map(|(q, damaged)| Act::Return(q, damaged)),
        1 => (-3..4i64).prop_filter("not nothing", |q| *q != 0).prop_map(Act::Adjust),
        2 => (0..15i64, ago()).prop_map(|(q, ago)| Act::Count(q, ago)),
        1 => Just(Act::Repeat),
        1 => (0..4i64).prop_map(Act::Safety),
        7 => place.prop_map(|(quantity, ttl, partial, confirm)| {
            Act::Place { quantity, ttl, partial, confirm }
        }),
        3 => (nth(), few()).prop_map(|(nth, q)| Act::Lines(nth, q)),
        2 => (nth(), 1..90i64).prop_map(|(nth, ttl)| Act::Extend(nth, ttl)),
        4 => (nth(), prop::option::of(1..90i64), any::<bool>())
            .prop_map(|(nth, until, reclaim)| Act::Confirm(nth, until, reclaim)),
        4 => (nth(), part()).prop_map(|(nth, part)| Act::Fulfil(nth, part)),
        1 => nth().prop_map(Act::Release),
        3 => (nth(), part()).prop_map(|(nth, part)| Act::Cancel(nth, part)),
        4 => prop_oneof![5 => 0..40i64, 1 => 3_000..50_000i64].prop_map(Act::Wait),
        1 => Just(Act::Reopen),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Held,
    Confirmed,
    Fulfilled,
    Released,
    Expired,
    Cancelled,
}

/// A reservation of one line.
#[derive(Clone, Debug)]
struct Claim {
    phase: Phase,
    quantity: i64,
    cancelled: i64,
    used: i64,
    ttl: i64,
    deadline: Option<i64>,
    /// The `expires_at` it was confirmed with, if it was confirmed.
    confirmed: Option<Option<i64>>,
    resolved_at: Option<i64>,
}

impl Claim {
    fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Held | Phase::Confirmed)
    }

    fn left(&self) -> i64 {
        (self.quantity - self.cancelled - self.used).max(0)
    }

    fn end(&mut self, phase: Phase, now: i64) {
        self.phase = phase;
        self.resolved_at = Some(now);
    }

    /// What every change comes to: nothing left of what was used is all of it handed over.
    fn conclude(&mut self, now: i64) {
        if self.is_live() && self.left() == 0 && self.used > 0 {
            self.end(Phase::Fulfilled, now);
        }
    }

    fn unfit(&self) -> String {
        match self.phase {
            Phase::Held => "wrong_state:held".into(),
            Phase::Confirmed => "wrong_state:confirmed".into(),
            Phase::Expired => "expired".into(),
            Phase::Fulfilled => "resolved:fulfilled".into(),
            Phase::Released => "resolved:released".into(),
            Phase::Cancelled => "resolved:cancelled".into(),
        }
    }
}

/// A change of what is there, at the moment it tells of.
struct Fact {
    moment: i64,
    delta: i64,
}

struct Model {
    now: i64,
    stocked: bool,
    facts: Vec<Fact>,
    counted: i64,
    /// What was told when the last count was.
    told: usize,
    /// The moment it spoke of, if it was not of now.
    counted_moment: Option<i64>,
    last_count: i64,
    counted_until: i64,
    safety: i64,
    claims: BTreeMap<u128, Claim>,
}

/// What is to come of a command: its refusal, and for a movement its flags and use.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    code: String,
    oversold: bool,
    absorbed: bool,
    used: Option<i64>,
}

fn outcome(code: impl Into<String>) -> Outcome {
    Outcome {
        code: code.into(),
        oversold: false,
        absorbed: false,
        used: None,
    }
}

type Called = Result<(), String>;

impl Model {
    fn new() -> Model {
        Model {
            now: 0,
            stocked: false,
            facts: Vec::new(),
            counted: 0,
            told: 0,
            counted_moment: None,
            last_count: i64::MIN,
            counted_until: i64::MIN,
            safety: 0,
            claims: BTreeMap::new(),
        }
    }

    fn on_hand(&self) -> i64 {
        // What the last count has not seen: what happened later, and what was told later, less
        // what had no effect.
        let since = self.facts.iter().enumerate().filter(|(index, fact)| {
            *index >= self.told
                || self
                    .counted_moment
                    .is_some_and(|moment| fact.moment > moment)
        });
        self.counted + since.map(|(_, fact)| fact.delta).sum::<i64>()
    }

    fn promised(&self, phase: Phase) -> i64 {
        let claims = self.claims.values().filter(|claim| claim.phase == phase);
        claims.map(Claim::left).sum()
    }

    fn free(&self) -> i64 {
        let promised = self.promised(Phase::Held) + self.promised(Phase::Confirmed);
        (self.on_hand() - promised - self.safety).max(0)
    }

    fn shortfall(&self) -> i64 {
        let promised = self.promised(Phase::Held) + self.promised(Phase::Confirmed);
        (promised - self.on_hand()).max(0)
    }

    /// What time alone brings about; whether that is anything.
    fn expire(&mut self) -> bool {
        let now = self.now;
        let mut any = false;
        for claim in self.claims.values_mut() {
            if claim.is_live() && claim.deadline.is_some_and(|deadline| deadline <= now) {
                claim.end(Phase::Expired, now);
                any = true;
            }
        }
        any
    }

    fn forget(&mut self) {
        let limit = self.now - 86_400;
        self.claims
            .retain(|_, claim| claim.resolved_at.is_none_or(|at| at > limit));
    }

    fn moves(&mut self, delta: i64, ago: Option<i64>, of: Option<u128>) -> Outcome {
        let before = self.shortfall();
        let moment = ago.map_or(self.now, |ago| self.now - ago);
        let absorbed = ago.is_some() && moment <= self.counted_until;
        let now = self.now;
        let claim = of.and_then(|id| self.claims.get_mut(&id));
        let used = claim.filter(|claim| claim.is_live()).map_or(0, |claim| {
            let used = claim.left().min(-delta);
            claim.used += used;
            claim.conclude(now);
            used
        });
        let delta = if absorbed { 0 } else { delta };
        self.facts.push(Fact { moment, delta });
        self.stocked = true;
        Outcome {
            oversold: self.shortfall() > before,
            absorbed,
            used: of.map(|_| used),
            ..outcome("nothing")
        }
    }

    fn count(&mut self, quantity: i64, ago: Option<i64>) -> Outcome {
        let before = self.shortfall();
        let moment = ago.map_or(self.now, |ago| self.now - ago);
        let absorbed = ago.is_some() && moment < self.last_count;
        self.stocked = true;
        if !absorbed {
            self.counted = quantity;
            self.last_count = moment.max(self.last_count);
            self.told = self.facts.len();
            self.counted_moment = ago.map(|_| moment);
            if ago.is_some() {
                self.counted_until = moment.max(self.counted_until);
            }
        }
        Outcome {
            oversold: self.shortfall() > before,
            absorbed,
            ..outcome("nothing")
        }
    }

    fn place(&mut self, id: u128, quantity: i64, ttl: i64, partial: bool, confirm: bool) -> Called {
        if !self.stocked {
            return Err("not_stocked".into());
        }
        let free = self.free();
        if quantity > free && (!partial || free == 0) {
            return Err(format!("insufficient:{quantity}:{free}"));
        }
        let deadline = (!confirm).then_some(self.now + ttl);
        let claim = Claim {
            phase: if confirm {
                Phase::Confirmed
            } else {
                Phase::Held
            },
            quantity: quantity.min(free),
            cancelled: 0,
            used: 0,
            ttl,
            deadline,
            confirmed: confirm.then_some(None),
            resolved_at: None,
        };
        self.claims.insert(id, claim);
        Ok(())
    }

    fn claim(&mut self, id: u128) -> Result<&mut Claim, String> {
        self.claims.get_mut(&id).ok_or("not_found".into())
    }

    fn lines(&mut self, id: u128, quantity: i64) -> Called {
        let (now, free) = (self.now, self.free());
        let claim = self.claim(id)?;
        if claim.phase != Phase::Held {
            return Err(claim.unfit());
        }
        let most = claim.used + claim.left() + free;
        if quantity > most && quantity > claim.used {
            return Err(format!("insufficient:{quantity}:{most}"));
        }
        claim.quantity = quantity;
        claim.deadline = Some(now + claim.ttl);
        claim.conclude(now);
        Ok(())
    }

    fn extend(&mut self, id: u128, ttl: i64) -> Called {
        let now = self.now;
        let claim = self.claim(id)?;
        if claim.phase != Phase::Held {
            return Err(claim.unfit());
        }
        claim.deadline = Some(now + ttl);
        Ok(())
    }

    fn confirm(&mut self, id: u128, until: Option<i64>, reclaim: bool) -> Called {
        let (now, free) = (self.now, self.free());
        let claim = self.claim(id)?;
        let equal = claim.confirmed == Some(until);
        match claim.phase {
            Phase::Held => {}
            Phase::Confirmed | Phase::Fulfilled if equal => return Ok(()),
            Phase::Confirmed => return Err("already_confirmed:none".into()),
            Phase::Expired if reclaim => {
                let wanted = claim.quantity - claim.cancelled;
                if wanted > claim.used + free && wanted > claim.used {
                    let most = claim.used + free;
                    return Err(format!("insufficient:{wanted}:{most}"));
                }
            }
            Phase::Expired | Phase::Fulfilled | Phase::Released | Phase::Cancelled => {
                return Err(claim.unfit());
            }
        }
        claim.phase = Phase::Confirmed;
        claim.resolved_at = None;
        claim.deadline = until;
        claim.confirmed = Some(until);
        claim.conclude(now);
        Ok(())
    }

    fn fulfil(&mut self, id: u128, part: Option<i64>) -> Called {
        let now = self.now;
        let claim = self.claim(id)?;
        if claim.phase == Phase::Fulfilled && part.is_none() {
            return Ok(());
        }
        let part = due(claim, part)?;
        claim.used += part;
        claim.conclude(now);
        let (moment, delta) = (now, -part);
        self.facts.push(Fact { moment, delta });
        Ok(())
    }

    fn release(&mut self, id: u128) -> Called {
        let now = self.now;
        let claim = self.claim(id)?;
        match claim.phase {
            Phase::Held => claim.end(Phase::Released, now),
            Phase::Released => {}
            _ => return Err(claim.unfit()),
        }
        Ok(())
    }

    fn cancel(&mut self, id: u128, part: Option<i64>) -> Called {
        let now = self.now;
        let claim = self.claim(id)?;
        if claim.phase == Phase::Cancelled && part.is_none() {
            return Ok(());
        }
        claim.cancelled += due(claim, part)?;
        if claim.left() == 0 {
            claim.end(Phase::Cancelled, now);
        }
        Ok(())
    }
}

/// How much of a confirmed claim is meant.
fn due(claim: &Claim, part: Option<i64>) -> Result<i64, String> {
    let left = claim.left();
    match part {
        _ if claim.phase != Phase::Confirmed => Err(claim.unfit()),
        Some(part) if part > left => Err(format!("over_fulfilled:{part}:{left}")),
        part => Ok(part.unwrap_or(left)),
    }
}

/// The ledger and the model side by side.
struct Pair {
    bench: Bench,
    model: Model,
    names: u128,
    last: Option<(Command, i64)>,
}

impl Pair {
    fn new() -> Pair {
        Pair {
            bench: Bench::new("A@X"),
            model: Model::new(),
            names: 0,
            last: None,
        }
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Wait(seconds) => self.model.now += seconds,
            Act::Reopen => self.bench.reopen(),
            Act::Repeat => return self.repeat(),
            _ => {}
        }
        self.bench.now = time(self.model.now);
        self.names += 1;
        let command = self.command(act);
        if self.model.expire() {
            self.model.forget();
        }
        let expected = self.expect(act);
        let found = self.run(&command);
        assert_eq!(found, expected, "{act:?}");
        if let Command::Move(_) = &command {
            self.last = Some((command, self.model.now));
        }
        self.compare();
    }

    /// The last movement again has the first answer, and no effect.
    fn repeat(&mut self) {
        let recent = |(_, at): &&(Command, i64)| self.model.now - at < 7 * 86_400;
        let Some((command, _)) = self.last.as_ref().filter(recent).cloned() else {
            return;
        };
        if self.model.expire() {
            self.model.forget();
        }
        let answer = self.bench.run(&command);
        assert!(matches!(
            answer,
            Ok(Answer::Moved {
                duplicate: true,
                ..
            })
        ));
        self.compare();
    }

    /// Runs the command; the model forgets when the ledger may: with a record.
    fn run(&mut self, command: &Command) -> Outcome {
        let answer = match self.bench.decide(command) {
            Ok(_) => {
                let version = self.bench.ledger.level().version;
                let answer = self.bench.run(command);
                if self.bench.ledger.level().version > version {
                    self.model.forget();
                }
                answer
            }
            Err(refusal) => Err(refusal),
        };
        found(&answer)
    }

    /// The `nth` reservation that was ever asked for, whether or not it came to be.
    fn id(&self, nth: usize) -> u128 {
        let known = self.model.claims.len();
        let newest = self.model.claims.keys().rev().nth(nth % known.max(1));
        newest.copied().unwrap_or(1)
    }

    fn expect(&mut self, act: &Act) -> Outcome {
        let id = |nth: &usize| self.id(*nth);
        let called = match act {
            Act::Receipt(quantity, ago) => return self.model.moves(*quantity, *ago, None),
            Act::Sale(quantity, of, ago) => {
                let of = of.as_ref().map(id);
                return self.model.moves(-quantity, *ago, of);
            }
            Act::Return(quantity, damaged) => {
                let quantity = if *damaged { 0 } else { *quantity };
                return self.model.moves(quantity, None, None);
            }
            Act::Adjust(quantity) => return self.model.moves(*quantity, None, None),
            Act::Count(quantity, ago) => return self.model.count(*quantity, *ago),
            Act::Safety(_) if !self.model.stocked => Err("not_stocked".into()),
            Act::Safety(quantity) => {
                self.model.safety = *quantity;
                Ok(())
            }
            Act::Place {
                quantity,
                ttl,
                partial,
                confirm,
            } => self
                .model
                .place(self.names, *quantity, *ttl, *partial, *confirm),
            Act::Lines(nth, quantity) => {
                let id = id(nth);
                self.model.lines(id, *quantity)
            }
            Act::Extend(nth, ttl) => {
                let id = id(nth);
                self.model.extend(id, *ttl)
            }
            Act::Confirm(nth, until, reclaim) => {
                let until = until.map(|seconds| self.model.now + seconds);
                let id = id(nth);
                self.model.confirm(id, until, *reclaim)
            }
            Act::Fulfil(nth, part) => {
                let id = id(nth);
                self.model.fulfil(id, *part)
            }
            Act::Release(nth) => {
                let id = id(nth);
                self.model.release(id)
            }
            Act::Cancel(nth, part) => {
                let id = id(nth);
                self.model.cancel(id, *part)
            }
            Act::Wait(_) | Act::Reopen | Act::Repeat => Ok(()),
        };
        called.map_or_else(outcome, |()| outcome("nothing"))
    }

    fn command(&self, act: &Act) -> Command {
        let here = self.bench.ledger.key();
        let parts = |part: &Option<i64>| part.map(|part| vec![(here.clone(), whole(part))]);
        let lines = |quantity: &i64| vec![line(here, &quantity.to_string())];
        let change = |nth: &usize, what| self.change(self.id(*nth), what);
        match act {
            Act::Receipt(quantity, ago) => self.moved(MovementKind::Receipt, *quantity, *ago),
            Act::Sale(quantity, of, ago) => {
                let name = |nth: &usize| ReservationId(self.id(*nth)).to_string().into();
                let reservation = of.as_ref().map(name);
                self.moved(MovementKind::Sale { reservation }, *quantity, *ago)
            }
            Act::Return(quantity, damaged) => {
                let damaged = *damaged;
                self.moved(MovementKind::Return { damaged }, *quantity, None)
            }
            Act::Adjust(quantity) => {
                self.moved(MovementKind::Adjustment { reason: None }, *quantity, None)
            }
            Act::Count(quantity, ago) => {
                let counted_at = ago.map(|ago| time(self.model.now - ago));
                let expected_version = None;
                let kind = MovementKind::Count {
                    counted_at,
                    expected_version,
                };
                self.moved(kind, *quantity, None)
            }
            Act::Safety(quantity) => Command::SetSafetyStock(whole(*quantity)),
            Act::Place {
                quantity,
                ttl,
                partial,
                confirm,
            } => {
                let placed = crate::stock::command::Place {
                    id: ReservationId(self.names),
                    ttl_ms: ttl * 1000,
                    partial: *partial,
                    confirm: confirm.then(Confirmation::default),
                    ..place("", lines(quantity))
                };
                self.change(self.names, Change::Place(Box::new(placed)))
            }
            Act::Lines(nth, quantity) => change(nth, Change::ReplaceLines(lines(quantity))),
            Act::Extend(nth, ttl) => change(nth, Change::Extend { ttl_ms: ttl * 1000 }),
            Act::Confirm(nth, until, reclaim) => {
                let expires_at = until.map(|seconds| time(self.model.now + seconds));
                let confirmation = Confirmation {
                    expires_at,
                    ..Confirmation::default()
                };
                let reclaim = *reclaim;
                change(
                    nth,
                    Change::Confirm {
                        confirmation,
                        reclaim,
                    },
                )
            }
            Act::Fulfil(nth, part) => change(nth, Change::Fulfil(parts(part))),
            Act::Release(nth) => change(nth, Change::Release),
            Act::Cancel(nth, part) => change(nth, Change::Cancel(parts(part))),
            Act::Wait(_) | Act::Reopen | Act::Repeat => Command::Touch,
        }
    }

    fn moved(&self, kind: MovementKind, quantity: i64, ago: Option<i64>) -> Command {
        let occurred_at = ago.map(|ago| time(self.model.now - ago));
        Command::Move(crate::stock::Movement {
            id: crate::stock::movement::MovementId(self.names),
            occurred_at,
            ..movement("m", kind, &quantity.to_string())
        })
    }

    fn change(&self, id: u128, what: Change) -> Command {
        let Command::Change { change, .. } = change("", what) else {
            unreachable!("made as one");
        };
        Command::Change {
            reservation: ReservationId(id),
            change,
            raise: None,
            uses: Vec::new(),
            idempotency: None,
        }
    }

    fn compare(&self) {
        let (level, model) = (self.bench.ledger.level(), &self.model);
        assert_eq!(level.stocked, model.stocked);
        assert_eq!(level.on_hand, whole(model.on_hand()), "on hand");
        assert_eq!(level.held, whole(model.promised(Phase::Held)));
        assert_eq!(level.committed, whole(model.promised(Phase::Confirmed)));
        assert_eq!(level.available(), whole(model.free()));
        assert_eq!(level.shortfall(), whole(model.shortfall()));
        let known: Vec<_> = self.bench.ledger.reservations().collect();
        let ids: Vec<u128> = known.iter().map(|known| known.id.0).collect();
        assert!(
            ids.iter().eq(model.claims.keys()),
            "the same are remembered"
        );
        for (known, claim) in known.iter().zip(model.claims.values()) {
            let phase = format!("{:?}", claim.phase);
            assert_eq!(format!("{:?}", known.state), phase);
            let here = self.bench.ledger.key();
            assert_eq!(known.remaining(here), whole(claim.left()));
            assert_eq!(known.used(here), whole(claim.used));
            assert_eq!(known.deadline, claim.deadline.map(time));
        }
    }
}

fn found(answer: &Result<Answer, Refusal>) -> Outcome {
    let code = code(answer);
    match answer {
        Ok(Answer::Moved {
            oversold,
            absorbed,
            used,
            ..
        }) => Outcome {
            code,
            oversold: *oversold,
            absorbed: *absorbed,
            used: used.map(|used| used.to_string().parse().unwrap()),
        },
        _ => outcome(code),
    }
}

fn time(seconds: i64) -> Timestamp {
    BEGIN.plus_millis(seconds * 1000)
}

fn whole(quantity: i64) -> Quantity {
    Quantity::normalized(quantity.into())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..Default::default() })]

    #[test]
    fn a_ledger_does_what_the_model_does(acts in prop::collection::vec(acts(), 1..80)) {
        let mut pair = Pair::new();
        for act in &acts {
            pair.act(act);
        }
        pair.bench.reopen();
    }
}
