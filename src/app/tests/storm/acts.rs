//! What shoppers, tills and clerks do, and how they insist until they know what became of it.

use std::sync::Arc;

use super::super::asking::*;
use super::{KEYS, Storm};
use crate::actors::CallError;
use crate::stock::command::Place;
use crate::stock::{
    Answer, Change, Command, Movement, MovementKind, Quantity, Reservation, ReservationId, StockKey,
};

/// How often one asks again what is in progress.
const TRIES_MAX: usize = 300_000;

/// One thing to do, named so that it can be asked for again.
#[derive(Clone, Debug)]
pub enum Act {
    Place(Box<Place>, u128),
    Change(ReservationId, Change, u128),
    Move(StockKey, Movement),
}

/// What came of asking once.
#[derive(Clone, Debug)]
pub enum Told {
    Reserved(Arc<Reservation>),
    Moved(Answer),
}

impl Storm {
    pub fn next_act(&self) -> Act {
        let live = self.heard.borrow().any_reservation(&self.dice);
        let Some(known) = live.filter(|_| !self.dice.one_in(3)) else {
            return match self.dice.roll(6) {
                0 => self.receipt(),
                1 => self.transfer(),
                _ => self.placing(),
            };
        };
        let id = known.id;
        let change = match self.dice.roll(12) {
            0 | 1 => Change::ReplaceLines(lines(&self.wants())),
            2 => Change::Extend { ttl_ms: self.ttl() },
            3 | 4 => confirm(false),
            5 => confirm(true),
            6 => Change::Fulfil(self.some_parts(&known)),
            7 => Change::Cancel(self.some_parts(&known)),
            8 | 9 => Change::Release,
            _ => return self.sale(&known),
        };
        Act::Change(id, change, self.node.number())
    }

    fn ttl(&self) -> i64 {
        100 + i64::try_from(self.dice.roll(5_000)).unwrap()
    }

    /// One to three different keys, in any order.
    fn wants(&self) -> Vec<(&'static str, u32)> {
        let mut keys = KEYS.to_vec();
        let count = 1 + self.dice.roll(3);
        let mut wanted = Vec::new();
        for _ in 0..count {
            let index = usize::try_from(self.dice.roll(keys.len() as u64)).unwrap();
            wanted.push((keys.swap_remove(index), self.dice.quantity(3)));
        }
        wanted
    }

    fn placing(&self) -> Act {
        let mut place = basket(self.node.new_id(), &self.wants(), self.ttl());
        place.partial = self.dice.one_in(5);
        place.confirm = self.dice.one_in(5).then(Default::default);
        Act::Place(Box::new(place), self.node.number())
    }

    fn receipt(&self) -> Act {
        let quantity = self.dice.quantity(6);
        let receipt = self.node.movement(MovementKind::Receipt, quantity);
        let name: &&str = self.dice.of(KEYS);
        Act::Move(key(name), receipt)
    }

    /// Where nothing may be oversold, what is transferred was never promised: nothing at all.
    fn transfer(&self) -> Act {
        if !self.weather.wild_tills {
            return self.receipt();
        }
        let (from, to): (&&str, &&str) = (self.dice.of(KEYS), self.dice.of(KEYS));
        if from == to {
            return self.receipt();
        }
        let to = key(to);
        let transfer = self
            .node
            .movement(MovementKind::Transfer { to }, self.dice.quantity(2));
        Act::Move(key(from), transfer)
    }

    /// All that is left, or something of it.
    fn some_parts(&self, known: &Reservation) -> Option<Vec<(StockKey, Quantity)>> {
        if self.dice.one_in(3) {
            return None;
        }
        let share = self.dice.of(&known.shares);
        Some(vec![(share.key.clone(), q(self.dice.quantity(2)))])
    }

    fn sale(&self, known: &Reservation) -> Act {
        if !self.weather.wild_tills {
            return self.tame_sale();
        }
        let share = self.dice.of(&known.shares);
        let named = !self.dice.one_in(4);
        let reservation = named.then(|| known.id.to_string().into());
        let kind = MovementKind::Sale { reservation };
        let sale = self.node.movement(kind, self.dice.quantity(2));
        Act::Move(share.key.clone(), sale)
    }

    /// Only what is surely still promised to the customer at the till, who does nothing else.
    fn tame_sale(&self) -> Act {
        let Some((id, key)) = self.heard.borrow_mut().for_sale(&self.dice) else {
            return self.receipt();
        };
        let reservation = Some(id.to_string().into());
        Act::Move(
            key,
            self.node.movement(MovementKind::Sale { reservation }, 1),
        )
    }

    /// Asks until the answer is known, or until the process dies.
    pub async fn insist(&self, act: Act) {
        let mut last = None;
        for _ in 0..TRIES_MAX {
            let polls = if self.dice.one_in(4) {
                self.dice.quantity(6)
            } else {
                1_000_000
            };
            match hang_up_after(polls as usize, self.ask(&act)).await {
                Some(Ok(told)) => return self.heard.borrow_mut().hear(&act, told),
                Some(Err(CallError::Refused(_))) => return,
                Some(Err(CallError::OutcomeUnknown)) => {
                    assert!(self.dying.get(), "only a dying process does not know");
                    return self.unknown.borrow_mut().push(act);
                }
                again @ (None
                | Some(Err(CallError::Overloaded | CallError::IdempotencyInProgress))) => {
                    let overloaded = matches!(again, Some(Err(CallError::Overloaded)));
                    last = again;
                    if self.dying.get() {
                        return self.unknown.borrow_mut().push(act);
                    }
                    tokio::task::yield_now().await;
                    if overloaded && self.dice.one_in(50) {
                        // It may wait for a raise to be given up.
                        self.node.clock.advance(20);
                    }
                }
            }
        }
        panic!("{act:?} never comes to an answer: {last:?}");
    }

    async fn ask(&self, act: &Act) -> Result<Told, CallError> {
        let (stock, by) = (self.node.stock(), self.node.by());
        match act {
            Act::Place(place, number) => {
                // Each try has a name of its own, as at the border.
                let id = self.node.new_id();
                if place.confirm.is_some() && number % 2 == 0 {
                    self.heard.borrow_mut().at_till.insert(id);
                }
                let place = Place {
                    id,
                    ..Place::clone(place)
                };
                let reserved = stock.reserve(by, place, request(*number)).await?;
                Ok(Told::Reserved(reserved.reservation))
            }
            Act::Change(id, change, number) => {
                let reserved = stock
                    .change(by, *id, change.clone(), request(*number))
                    .await?;
                Ok(Told::Reserved(reserved.reservation))
            }
            Act::Move(key, movement) => {
                let reply = stock.call(key, by, Command::Move(movement.clone())).await?;
                self.heard.borrow_mut().level(key, reply.level);
                Ok(Told::Moved(reply.answer))
            }
        }
    }

    /// Asks for something again whose first answer is known: it must be the same.
    pub async fn ask_again(&self, act: &Act, first: &Told) {
        match (self.ask(act).await.unwrap(), first) {
            (Told::Reserved(again), Told::Reserved(first)) => assert_eq!(&again, first, "{act:?}"),
            (Told::Moved(again), Told::Moved(first)) => {
                let ((again, is_duplicate), (first, _)) = (moved(&again), moved(first));
                assert!(is_duplicate, "{act:?}");
                assert_eq!(again, first, "{act:?}");
            }
            (again, first) => panic!("{act:?} answered {first:?}, then {again:?}"),
        }
    }
}

/// What a movement's answer says, and whether it had been recorded before.
fn moved(answer: &Answer) -> ((bool, bool, Option<Quantity>), bool) {
    let Answer::Moved {
        duplicate,
        oversold,
        absorbed,
        used,
    } = *answer
    else {
        panic!("a movement answered {answer:?}")
    };
    ((oversold, absorbed, used), duplicate)
}
