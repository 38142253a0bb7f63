//! Requests that are due and wait for a free connection, and the schedule they arrive by. It must
//! not know what is asked.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand_distr::{Distribution, Exp};
use tokio::sync::Notify;

/// Requests that may wait for a connection; more, and the server has lost the race for good.
const BACKLOG_MAX: usize = 1_000_000;

/// Requests that are due, each by the time it should have been sent.
#[derive(Default)]
pub struct Arrivals {
    due: RefCell<VecDeque<Instant>>,
    arrived: Notify,
    closed: Cell<bool>,
    backlog_max: Cell<usize>,
}

impl Arrivals {
    /// A request is due; false if too many wait already.
    pub fn add(&self, intended: Instant) -> bool {
        let mut due = self.due.borrow_mut();
        due.push_back(intended);
        self.backlog_max.set(self.backlog_max.get().max(due.len()));
        self.arrived.notify_one();
        due.len() <= BACKLOG_MAX
    }

    /// The request that has been due longest; waits for one. None after the end.
    pub async fn take(&self) -> Option<Instant> {
        loop {
            let next = self.due.borrow_mut().pop_front();
            if next.is_some() {
                return next;
            }
            if self.closed.get() {
                return None;
            }
            self.arrived.notified().await;
        }
    }

    /// No more will arrive; what is due is still asked.
    pub fn close(&self) {
        self.closed.set(true);
        self.arrived.notify_waiters();
        // One that is between looking and waiting.
        self.arrived.notify_one();
    }

    /// Whether no more may arrive.
    pub fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// The most that waited at once.
    pub fn backlog_max(&self) -> usize {
        self.backlog_max.get()
    }
}

/// The gaps of a Poisson stream.
pub struct Schedule {
    gaps: Exp<f64>,
    random: SmallRng,
}

impl Schedule {
    /// A stream of that rate; none if it is not above zero.
    pub fn new(per_second: f64, seed: u64) -> Option<Schedule> {
        let gaps = Exp::new(per_second).ok().filter(|_| per_second > 0.0)?;
        let random = SmallRng::seed_from_u64(seed);
        Some(Schedule { gaps, random })
    }

    /// The time to the next arrival.
    pub fn gap(&mut self) -> Duration {
        Duration::from_secs_f64(self.gaps.sample(&mut self.random))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[tokio::test]
    async fn what_is_due_is_asked_in_its_order_even_after_the_end() {
        let arrivals = Arrivals::default();
        let now = clock::now();
        let later = now + Duration::from_millis(1);
        assert!(arrivals.add(now) && arrivals.add(later));
        arrivals.close();
        assert_eq!(arrivals.take().await, Some(now));
        assert_eq!(arrivals.take().await, Some(later));
        assert_eq!(arrivals.take().await, None);
        assert_eq!(arrivals.backlog_max(), 2);
    }

    #[test]
    fn a_schedule_keeps_its_rate() {
        let mut schedule = Schedule::new(1000.0, 3).unwrap();
        let whole: Duration = (0..10_000).map(|_| schedule.gap()).sum();
        assert!((9.5..10.5).contains(&whole.as_secs_f64()), "{whole:?}");
        assert!(Schedule::new(0.0, 3).is_none());
    }
}
