//! Everything that anyone was told, to be held against what is there later.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::Dice;
use super::acts::{Act, Told};
use crate::stock::movement::MovementId;
use crate::stock::{Level, MovementKind, Quantity, Reservation, ReservationId, StockKey};

#[derive(Default)]
pub struct Heard {
    /// The newest revision anyone was told of.
    pub reservations: BTreeMap<ReservationId, Arc<Reservation>>,
    /// First answers, oldest first.
    pub answers: Vec<(Act, Told)>,
    /// What each movement that was told to be recorded did to on hand, over all keys.
    pub moved: HashMap<MovementId, Quantity>,
    levels: HashMap<(StockKey, u64), Level>,
    /// Reservations of customers who go to a till and do nothing else.
    pub at_till: HashSet<ReservationId>,
    /// How many pieces of them tills were told to sell.
    sold: HashMap<(ReservationId, StockKey), u32>,
}

impl Heard {
    pub fn hear(&mut self, act: &Act, told: Told) {
        match (&told, act) {
            (Told::Reserved(reservation), _) => self.reservation(reservation),
            (Told::Moved(_), Act::Move(_, movement)) => {
                let delta = match movement.kind {
                    MovementKind::Receipt => movement.quantity,
                    MovementKind::Sale { .. } => -movement.quantity,
                    MovementKind::Transfer { .. } => Quantity::ZERO,
                    MovementKind::Return { .. }
                    | MovementKind::Adjustment { .. }
                    | MovementKind::Count { .. }
                    | MovementKind::Arrival { .. } => panic!("no storm has {movement:?}"),
                };
                self.moved.insert(movement.id, delta);
            }
            (Told::Moved(_), act) => panic!("{act:?} moved something"),
        }
        self.answers.push((act.clone(), told));
    }

    pub fn reservation(&mut self, told: &Arc<Reservation>) {
        let known = self
            .reservations
            .entry(told.id)
            .or_insert_with(|| told.clone());
        if known.revision < told.revision {
            *known = told.clone();
        } else if known.revision == told.revision {
            assert_eq!(known, told, "one revision says one thing");
        }
    }

    /// A version never names two levels.
    pub fn level(&mut self, key: &StockKey, level: Level) {
        let known = self
            .levels
            .entry((key.clone(), level.version))
            .or_insert(level);
        assert_eq!(*known, level, "{key}");
    }

    /// One of the newer reservations, of customers who do anything.
    pub fn any_reservation(&self, dice: &Dice) -> Option<Arc<Reservation>> {
        const NEWEST: usize = 30;
        let newest = self.reservations.values().rev();
        let newest: Vec<_> = newest
            .filter(|one| !self.at_till.contains(&one.id))
            .take(NEWEST)
            .collect();
        (!newest.is_empty()).then(|| Arc::clone(dice.of::<&Arc<Reservation>>(&newest)))
    }

    /// A piece that a customer at a till has and that was not sold yet.
    pub fn for_sale(&mut self, dice: &Dice) -> Option<(ReservationId, StockKey)> {
        let at_till = self.reservations.values();
        let at_till: Vec<_> = at_till
            .filter(|one| self.at_till.contains(&one.id))
            .collect();
        if at_till.is_empty() {
            return None;
        }
        let customer: &&Arc<Reservation> = dice.of(&at_till);
        let key = dice.of(&customer.lines).key.clone();
        let piece = (customer.id, key.clone());
        let sold = self.sold.entry(piece.clone()).or_default();
        *sold += 1;
        (Quantity::from(*sold) <= customer.wanted(&key)).then_some(piece)
    }
}
