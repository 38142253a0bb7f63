//! Orders that wait at a location until somebody there hands them over. It must not know how
//! they came to be.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;
use serde_json::Value;

/// Orders that may wait at one location; past it the oldest is forgotten by the desk (not by the
/// service), as happens where a play goes faster than its people.
const WAITING_MAX: usize = 500;

/// A desk at each location.
#[derive(Default)]
pub(super) struct Desk(Mutex<HashMap<String, VecDeque<Order>>>);

/// What a location has to hand over.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Order {
    /// The reservation.
    pub(super) id: String,
    /// Whose it is, as the shop calls them.
    pub(super) customer: String,
    /// Its lines at this location, as the contract wants them handed over.
    pub(super) lines: Vec<Value>,
}

impl Desk {
    /// Puts an order on a location's desk.
    pub(super) fn put(&self, location: &str, order: Order) {
        let mut desks = self.0.lock();
        let waiting = desks.entry(location.to_owned()).or_default();
        if waiting.len() == WAITING_MAX {
            waiting.pop_front();
        }
        waiting.push_back(order);
    }

    /// Takes the order that waited longest at a location.
    pub(super) fn take(&self, location: &str) -> Option<Order> {
        self.0.lock().get_mut(location)?.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_location_takes_its_own_orders_oldest_first_and_only_so_many_wait() {
        let desk = Desk::default();
        let order = |n: usize| Order {
            id: n.to_string(),
            customer: String::new(),
            lines: Vec::new(),
        };
        for n in 0..=WAITING_MAX {
            desk.put("malmo", order(n));
        }
        assert_eq!(desk.take("lund"), None);
        assert_eq!(desk.take("malmo"), Some(order(1)));
        assert_eq!(desk.take("malmo"), Some(order(2)));
    }
}
