//! How fast work beside the requests may go: after each step it owes a multiple of what the step
//! took in rest, so that it never has more than a small share of disk and processor, whatever they
//! are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::clock::Stopwatch;

/// The longest rest: a step that waited for a slow disk says nothing of the next one.
const REST_MAX: Duration = Duration::from_millis(250);

/// The shortest: timers tell no shorter times apart, so what short steps owe is gathered.
const REST_MIN: Duration = Duration::from_millis(4);

/// The pace of work beside the requests; a clone is the same pace.
#[derive(Clone, Default)]
pub struct Pace(Arc<Shared>);

#[derive(Default)]
struct Shared {
    is_hurried: AtomicBool,
    /// Rest that is still to be taken, in microseconds.
    owed: AtomicU64,
}

impl Pace {
    /// From now on without rests: nobody is served any more, and somebody waits for the end.
    pub fn hurry(&self) {
        self.0.is_hurried.store(true, Ordering::Relaxed);
    }

    /// Whether nobody is served any more.
    pub fn is_hurried(&self) -> bool {
        self.0.is_hurried.load(Ordering::Relaxed)
    }

    /// Does a step; it owes a rest so many times as long as the step took.
    pub async fn step<T>(&self, rest: u32, work: impl Future<Output = T>) -> T {
        let stopwatch = Stopwatch::start();
        let done = work.await;
        let rest = self.owe(stopwatch.elapsed().saturating_mul(rest));
        if let Some(rest) = rest
            && !self.is_hurried()
        {
            tokio::time::sleep(rest).await;
        }
        done
    }

    /// The items; whoever takes one has what it did since the one before followed by a rest.
    pub fn between<T>(&self, rest: u32, items: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        let pace = self.clone();
        let mut since: Option<Stopwatch> = None;
        items.inspect(move |_| {
            let took = since.map_or(Duration::ZERO, |since| since.elapsed());
            if let Some(rest) = pace.owe(took.saturating_mul(rest))
                && !pace.is_hurried()
            {
                thread::sleep(rest);
            }
            since = Some(Stopwatch::start());
        })
    }

    /// Adds to what is owed, and gives it once it is worth a rest.
    fn owe(&self, more: Duration) -> Option<Duration> {
        let more = more.min(REST_MAX);
        let micros = u64::try_from(more.as_micros()).unwrap_or(0);
        let before = self.0.owed.fetch_add(micros, Ordering::Relaxed);
        if Duration::from_micros(before + micros) < REST_MIN {
            return None;
        }
        let owed = Duration::from_micros(self.0.owed.swap(0, Ordering::Relaxed));
        Some(owed.min(REST_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_steps_rest_together_and_as_long_as_each_owes() {
        let pace = Pace::default();
        let millis = Duration::from_millis;
        assert_eq!(pace.owe(millis(1)), None);
        assert_eq!(pace.owe(millis(2)), None);
        assert_eq!(pace.owe(millis(2)), Some(millis(5)));
        assert_eq!(pace.owe(millis(3)), None, "what was rested is owed no more");
        assert_eq!(pace.owe(millis(9_000)), Some(REST_MAX));
        assert_eq!(pace.owe(millis(3)), None);
    }

    #[test]
    fn whoever_takes_an_item_rests_for_what_was_done_since_the_one_before() {
        let pace = Pace::default();
        let stopwatch = Stopwatch::start();
        let mut owed = Duration::ZERO;
        for item in pace.between(3, 0..4) {
            let work = Stopwatch::start();
            while work.elapsed() < REST_MIN {}
            if item < 3 {
                let took = work.elapsed();
                owed += took + (took * 3).min(REST_MAX);
            }
        }
        assert!(stopwatch.elapsed() >= owed);
        pace.hurry();
        assert_eq!(pace.between(u32::MAX, 0..2).size_hint(), (2, Some(2)));
        assert_eq!(pace.between(u32::MAX, 0..1_000).count(), 1_000);
    }
}
