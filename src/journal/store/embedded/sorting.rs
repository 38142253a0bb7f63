//! The pace at which the engine sorts its files of entries into each other.
//!
//! A sort of a million entries takes a processor for most of a second, and syncs a file after the
//! other meanwhile. The engine has no limit for that, but asks a filter about each entry that it
//! sorts. This one keeps them all, and rests now and then. What groups are in needs none: they come
//! in order, and whole files are moved.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use fjall::compaction::filter::{
    CompactionFilter, CompactionFilterResult, Context, Factory, ItemAccessor, Verdict,
};

use crate::clock::Stopwatch;

/// How long it sorts before it rests, and after how many entries it looks at the clock.
const STEP: Duration = Duration::from_millis(1);
const ENTRIES_AT_ONCE: u32 = 32;

/// How many times as long as the step took the rest after it lasts, and at most.
const REST: u32 = 4;
const REST_MAX: Duration = Duration::from_millis(20);

/// How long all rests of one sort may take: meanwhile more files are gathered, and from eight more
/// on the engine has whoever writes wait.
const RESTS_MAX: Duration = Duration::from_secs(3);

/// Makes the filter of each sort.
pub(super) struct Unhurried {
    /// Whether somebody waits for the end, so that nothing need rest.
    pub(super) is_hurried: Arc<AtomicBool>,
}

impl Factory for Unhurried {
    fn name(&self) -> &str {
        "unhurried"
    }

    fn make_filter(&self, _: &Context) -> Box<dyn CompactionFilter> {
        Box::new(Resting {
            is_hurried: self.is_hurried.clone(),
            entries: 0,
            step: Stopwatch::start(),
            left: RESTS_MAX,
        })
    }
}

/// A sort under way.
struct Resting {
    is_hurried: Arc<AtomicBool>,
    entries: u32,
    /// Since the last rest.
    step: Stopwatch,
    /// What is left of all rests.
    left: Duration,
}

impl Resting {
    /// The rest that is due after one more entry.
    fn due(&mut self) -> Option<Duration> {
        self.entries = (self.entries + 1) % ENTRIES_AT_ONCE;
        if self.entries != 0 || self.is_hurried.load(Ordering::Relaxed) {
            return None;
        }
        let took = self.step.elapsed();
        let rest = (took * REST).min(REST_MAX).min(self.left);
        (took >= STEP && !rest.is_zero()).then_some(rest)
    }
}

impl CompactionFilter for Resting {
    fn filter_item(&mut self, _: ItemAccessor<'_>, _: &Context) -> CompactionFilterResult {
        if let Some(rest) = self.due() {
            thread::sleep(rest);
            self.left -= rest;
            self.step = Stopwatch::start();
        }
        Ok(Verdict::Keep)
    }
}

#[cfg(test)]
mod tests {
    use super::super::directory::{key_space, new_engine, open_engine};
    use super::*;

    fn resting(is_hurried: bool) -> Resting {
        let step = Stopwatch::start();
        while step.elapsed() < STEP {}
        Resting {
            is_hurried: Arc::new(AtomicBool::new(is_hurried)),
            entries: 0,
            step,
            left: RESTS_MAX,
        }
    }

    #[test]
    fn a_sort_rests_for_longer_than_its_step_took() {
        let mut resting = resting(false);
        for _ in 1..ENTRIES_AT_ONCE {
            assert_eq!(resting.due(), None);
        }
        let rest = resting.due().unwrap();
        assert!(rest >= STEP * REST && rest <= REST_MAX, "{rest:?}");
        resting.step = Stopwatch::start();
        assert_eq!(resting.due(), None);
    }

    #[test]
    fn a_sort_that_rested_for_long_goes_on_without() {
        let mut resting = resting(false);
        resting.left = Duration::from_micros(1);
        let rests = |resting: &mut Resting| (0..ENTRIES_AT_ONCE).find_map(|_| resting.due());
        assert_eq!(rests(&mut resting), Some(resting.left));
        resting.left = Duration::ZERO;
        assert_eq!(rests(&mut resting), None);
    }

    #[test]
    fn a_sort_that_somebody_waits_for_does_not_rest() {
        let mut resting = resting(true);
        assert!((0..2 * ENTRIES_AT_ONCE).all(|_| resting.due().is_none()));
    }

    #[test]
    fn everything_is_still_there_after_a_sort() {
        let folder = tempfile::tempdir().unwrap();
        drop(new_engine(folder.path()).unwrap());
        let database = open_engine(folder.path(), &Arc::default()).unwrap();
        let base = key_space(&database, "base").unwrap();
        for value in ["1", "2"] {
            for number in 0..1_000 {
                base.insert(format!("{number:04}"), value).unwrap();
            }
            base.rotate_memtable_and_wait().unwrap();
        }
        base.major_compact().unwrap();
        let all = base.iter().map(|entry| entry.into_inner().unwrap());
        let mut numbers = 0..1_000;
        for (key, value) in all {
            let number = numbers.next().unwrap();
            assert_eq!(
                (&*key, &*value),
                (format!("{number:04}").as_bytes(), &b"2"[..])
            );
        }
        assert_eq!(numbers.next(), None);
    }
}
