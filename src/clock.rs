//! The only place where time is read. Everyone else is given a [`Timestamp`] or asks a [`Clock`].
//! It must not know what the time is used for.
//!
//! The wall clock is read once, at the start; from then on the monotonic clock counts. So time
//! never runs backwards and never leaps when somebody sets the machine's clock. Across restarts
//! the high-water mark kept in the journal plays the same part.

mod text;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use thiserror::Error;
use tokio::sync::watch;

use crate::stock::time::Timestamp;

pub use text::{TimeError, parse_time};

/// A wall clock may lag this much behind the mark (NTP corrections); more is a wrong clock.
const BEHIND_MILLIS_MAX: i64 = 60_000;

/// Tells the time and wakes sleepers. A clone tells the same time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System { base: Timestamp, started: Instant },
    Manual(Arc<watch::Sender<Timestamp>>),
}

/// Why a clock could not be started.
#[derive(Debug, Error)]
pub enum ClockError {
    /// Deadlines already passed would seem to lie ahead again.
    #[error(
        "the system clock says {wall}, which is {} s before {mark}, the latest time in the \
         journal: set the system clock (for instance by NTP) and start again",
        (mark_millis - wall_millis) / 1000,
        wall = display(*wall_millis),
        mark = display(*mark_millis)
    )]
    Behind {
        /// What the wall clock says, milliseconds since the epoch.
        wall_millis: i64,
        /// The journal's high-water mark, milliseconds since the epoch.
        mark_millis: i64,
    },
    /// The wall clock says a year no stock was ever sold in.
    #[error("the system clock says a time before 1970 or past the year 9999: set it")]
    Unset,
}

impl Clock {
    /// The machine's clock, never earlier than `high_water`, the latest time known to be used.
    /// Refuses a wall clock more than a minute behind the mark.
    pub fn system(high_water: Timestamp) -> Result<Clock, ClockError> {
        Clock::starting_at(wall()?, high_water)
    }

    /// A clock for tests: it stands still until advanced.
    pub fn manual(start: Timestamp) -> Clock {
        Clock(Source::Manual(Arc::new(watch::Sender::new(start))))
    }

    /// Now; never earlier than any time told before.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System { base, started } => {
                base.plus_millis(i64::try_from(elapsed(*started).as_millis()).unwrap_or(i64::MAX))
            }
            Source::Manual(time) => *time.borrow(),
        }
    }

    /// Waits until `now() >= deadline`; returns at once when that is so already.
    pub async fn sleep_until(&self, deadline: Timestamp) {
        match &self.0 {
            Source::System { base, started } => {
                let ahead = deadline.as_millis().saturating_sub(base.as_millis());
                let ahead = Duration::from_millis(u64::try_from(ahead).unwrap_or(0));
                match started.checked_add(ahead) {
                    Some(instant) => tokio::time::sleep_until(instant.into()).await,
                    None => std::future::pending().await,
                }
            }
            Source::Manual(time) => {
                // Closed only when the last clock is dropped, and we hold one.
                let reached = time
                    .subscribe()
                    .wait_for(|now| *now >= deadline)
                    .await
                    .is_ok();
                assert!(reached, "a manual clock outlives its sleepers");
            }
        }
    }

    /// Moves a manual clock forward and wakes the sleepers whose deadline is reached.
    ///
    /// # Panics
    /// On a system clock, and on a step backwards: both are errors in the test.
    pub fn advance(&self, millis: i64) {
        assert!(millis >= 0, "a clock never runs backwards");
        match &self.0 {
            Source::System { .. } => panic!("only a manual clock can be advanced"),
            Source::Manual(time) => time.send_modify(|now| *now = now.plus_millis(millis)),
        }
    }

    fn starting_at(wall: Timestamp, high_water: Timestamp) -> Result<Clock, ClockError> {
        let lag = high_water.as_millis().saturating_sub(wall.as_millis());
        if lag > BEHIND_MILLIS_MAX {
            return Err(ClockError::Behind {
                wall_millis: wall.as_millis(),
                mark_millis: high_water.as_millis(),
            });
        }
        Ok(Clock(Source::System {
            base: wall.max(high_water),
            started: instant(),
        }))
    }
}

/// Measures how long something takes, for logs and metrics; never for decisions.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    pub fn start() -> Stopwatch {
        Stopwatch(instant())
    }

    /// The time since the start.
    pub fn elapsed(&self) -> Duration {
        elapsed(self.0)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the file that reads clocks"
)]
fn instant() -> Instant {
    Instant::now()
}

fn elapsed(since: Instant) -> Duration {
    instant().duration_since(since)
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the file that reads clocks"
)]
fn wall() -> Result<Timestamp, ClockError> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    since_epoch
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .filter(|millis| jiff::Timestamp::from_millisecond(*millis).is_ok())
        .map(Timestamp::from_millis)
        .ok_or(ClockError::Unset)
}

fn display(millis: i64) -> String {
    match jiff::Timestamp::from_millisecond(millis) {
        Ok(time) => time.to_string(),
        Err(_) => format!("{millis} ms since 1970"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[test]
    fn a_wall_clock_slightly_behind_the_mark_starts_at_the_mark() {
        let mark = START.plus_millis(BEHIND_MILLIS_MAX);
        let clock = Clock::starting_at(START, mark).unwrap();
        assert!(clock.now() >= mark);
        assert!(clock.now() < mark.plus_millis(BEHIND_MILLIS_MAX));
    }

    #[test]
    fn a_wall_clock_ahead_of_the_mark_is_taken() {
        let clock = Clock::starting_at(START, START.plus_millis(-1)).unwrap();
        assert!(clock.now() >= START);
    }

    #[test]
    fn a_wall_clock_far_behind_the_mark_is_refused_with_advice() {
        let mark = START.plus_millis(BEHIND_MILLIS_MAX + 1);
        let error = Clock::starting_at(START, mark).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the system clock says 2027-01-15T08:00:00Z, which is 60 s before \
             2027-01-15T08:01:00.001Z, the latest time in the journal: set the system clock \
             (for instance by NTP) and start again"
        );
    }

    #[test]
    fn without_a_mark_the_system_clock_is_the_wall_clock() {
        let before = wall().unwrap();
        let now = Clock::system(Timestamp::MIN).unwrap().now();
        assert!(now >= before && now <= before.plus_millis(60_000));
    }

    #[test]
    fn the_system_clock_never_runs_backwards() {
        let clock = Clock::system(Timestamp::from_millis(0)).unwrap();
        let times: Vec<Timestamp> = (0..10_000).map(|_| clock.now()).collect();
        assert!(times.is_sorted());
    }

    #[test]
    fn a_manual_clock_stands_still_and_wakes_sleepers_when_advanced() {
        let clock = Clock::manual(START);
        let mut context = Context::from_waker(Waker::noop());
        let mut sleeper = pin!(clock.sleep_until(START.plus_millis(10)));
        assert_eq!(sleeper.as_mut().poll(&mut context), Poll::Pending);

        clock.clone().advance(9);
        assert_eq!(clock.now(), START.plus_millis(9));
        assert_eq!(sleeper.as_mut().poll(&mut context), Poll::Pending);

        clock.advance(1);
        assert_eq!(sleeper.as_mut().poll(&mut context), Poll::Ready(()));
    }

    #[tokio::test]
    async fn a_system_sleeper_wakes_no_earlier_than_its_deadline() {
        let clock = Clock::system(Timestamp::from_millis(0)).unwrap();
        let deadline = clock.now().plus_millis(3);
        clock.sleep_until(deadline).await;
        assert!(clock.now() >= deadline);
        clock.sleep_until(deadline.plus_millis(-1_000)).await;
    }

    #[test]
    #[should_panic(expected = "only a manual clock")]
    fn a_system_clock_cannot_be_advanced() {
        Clock::system(Timestamp::from_millis(0)).unwrap().advance(1);
    }
}
