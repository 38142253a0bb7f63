//! What a crowd was told, counted: levels, frames, how long after the commit, and what should
//! not have happened. It must not know who was told.

use std::collections::BTreeMap;
use std::time::Instant;

use hdrhistogram::Histogram;
use jiff::Timestamp;

use crate::clock;

/// The longest delay that is told apart.
const DELAY_MICROS_MAX: u64 = 600_000_000;

/// The kinds of breach of which each is told once, with how often.
type Breaches = BTreeMap<String, u64>;

/// Counts since the last look, and breaches since the beginning.
pub struct FeedTally {
    since: Instant,
    levels: u64,
    frames: u64,
    conflated: u64,
    delay: Histogram<u64>,
    breaches: Breaches,
    /// When each that had lost its connection had its state again.
    pub returned: Vec<Instant>,
}

/// What was delivered in a while.
#[derive(Debug)]
pub struct Delivered {
    /// How long the while was.
    pub seconds: f64,
    /// Levels in updates, each counted at each socket that it reached.
    pub levels: u64,
    /// Updates, each of one level or more.
    pub frames: u64,
    /// Versions that were left out.
    pub conflated: u64,
    delay: Histogram<u64>,
}

impl FeedTally {
    pub fn new() -> FeedTally {
        FeedTally {
            since: clock::now(),
            levels: 0,
            frames: 0,
            conflated: 0,
            delay: histogram(),
            breaches: Breaches::new(),
            returned: Vec::new(),
        }
    }

    /// An update came.
    pub fn update(&mut self, conflated: u64) {
        self.frames += 1;
        self.conflated += conflated;
    }

    /// A level came in an update, decided at `at` and read at `now`.
    pub fn level(&mut self, at: Option<Timestamp>, now: Timestamp) {
        self.levels += 1;
        let micros = at.map(|at| now.as_microsecond() - at.as_microsecond());
        match micros.map(u64::try_from) {
            Some(Ok(micros)) => self.delay.saturating_record(micros.max(1)),
            Some(Err(_)) => self.breach("a level came before its time"),
            None => self.breach("a level without a time"),
        }
    }

    /// Something happened that the contract rules out.
    pub fn breach(&mut self, what: impl Into<String>) {
        *self.breaches.entry(what.into()).or_default() += 1;
    }

    /// The breaches so far, in words.
    pub fn breaches(&self) -> Vec<String> {
        let breaches = self.breaches.iter();
        breaches
            .map(|(what, times)| format!("{what} ({times} times)"))
            .collect()
    }

    /// What was delivered since the last call.
    pub fn take(&mut self) -> Delivered {
        let now = clock::now();
        let delivered = Delivered {
            seconds: now.saturating_duration_since(self.since).as_secs_f64(),
            levels: std::mem::take(&mut self.levels),
            frames: std::mem::take(&mut self.frames),
            conflated: std::mem::take(&mut self.conflated),
            delay: std::mem::replace(&mut self.delay, histogram()),
        };
        self.since = now;
        delivered
    }
}

impl Delivered {
    /// How long after it was decided a level was read, at a quantile, in milliseconds.
    #[expect(
        clippy::cast_precision_loss,
        reason = "microseconds are far below 2^52"
    )]
    pub fn delay_ms(&self, quantile: f64) -> f64 {
        if self.delay.is_empty() {
            return 0.0;
        }
        self.delay.value_at_quantile(quantile) as f64 / 1e3
    }

    /// So many a second.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn per_second(&self, count: u64) -> f64 {
        count as f64 / self.seconds.max(0.001)
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, DELAY_MICROS_MAX, 3).expect("the bounds are sound")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_those_since_the_last_look_and_breaches_are_kept() {
        let mut tally = FeedTally::new();
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        tally.update(2);
        tally.level(Some(at(1_000)), at(1_030));
        tally.level(Some(at(2_000)), at(1_999));
        let delivered = tally.take();
        assert_eq!(
            (delivered.levels, delivered.frames, delivered.conflated),
            (2, 1, 2)
        );
        assert!(
            (29.9..30.1).contains(&delivered.delay_ms(0.99)),
            "{delivered:?}"
        );
        assert_eq!(tally.take().levels, 0);
        assert_eq!(tally.breaches(), ["a level came before its time (1 times)"]);
    }
}
