//! Random commands at one key, with leaps of time and re-openings, against a small model. The
//! model knows what was told to it and works every figure out anew; it shares no code with the
//! ledger.

mod acts;
mod figures;

use proptest::prelude::*;

use self::acts::{Act, acts};
use self::figures::{Model, Outcome, Phase, outcome};
use super::bench::{BEGIN, Bench, change, line, movement, place};
use super::script::code;
use crate::stock::{
    Answer, Change, Command, Confirmation, MovementKind, Quantity, Refusal, ReservationId, State,
    Timestamp,
};

/// The ledger and the model side by side.
struct Pair {
    bench: Bench,
    model: Model,
    names: u128,
    last: Option<(Command, i64)>,
}

impl Pair {
    fn new(hurried: bool) -> Pair {
        let mut bench = Bench::new("A@X");
        bench.hurried = hurried;
        Pair {
            bench,
            model: Model::new(),
            names: 0,
            last: None,
        }
    }

    fn act(&mut self, act: &Act) {
        if let Act::Repeat = act {
            return self.repeat();
        }
        if let Act::Reopen = act {
            self.bench.reopen();
        }
        if let Act::Wait(seconds) = act {
            self.model.now += seconds;
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
            let lapsed =
                known.state.is_live() && known.deadline.is_some_and(|at| at <= time(model.now));
            assert!(!lapsed || self.bench.hurried, "the end of it is recorded");
            let state = if lapsed { State::Expired } else { known.state };
            assert_eq!(format!("{state:?}"), format!("{:?}", claim.phase));
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
        let mut pair = Pair::new(false);
        for act in &acts {
            pair.act(act);
        }
        pair.bench.reopen();
    }

    /// Whatever is recorded of it so far, what is due is gone for every command and figure.
    #[test]
    fn a_ledger_in_a_hurry_does_what_the_model_does(acts in prop::collection::vec(acts(), 1..80)) {
        // What is recorded later is remembered longer: nothing is to be forgotten meanwhile.
        let acts = acts.iter().filter(|act| !matches!(act, Act::Wait(1_000..)));
        let mut pair = Pair::new(true);
        for act in acts {
            pair.act(act);
        }
        pair.bench.reopen();
        pair.bench.hurried = false;
        pair.act(&Act::Wait(0));
    }
}
