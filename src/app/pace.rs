//! How fast work beside the requests may go: after each step it rests a multiple of what the step
//! took, so that it never has more than a small share of disk and processor, whatever they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::clock::Stopwatch;

/// The longest rest: a step that waited for a slow disk says nothing of the next one.
const REST_MAX: Duration = Duration::from_millis(250);

/// The pace of work beside the requests; a clone is the same pace.
#[derive(Clone, Default)]
pub struct Pace(Arc<AtomicBool>);

impl Pace {
    /// From now on without rests: nobody is served any more, and somebody waits for the end.
    pub fn hurry(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether nobody is served any more.
    pub fn is_hurried(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Does a step and rests after it, so many times as long as it took.
    pub async fn step<T>(&self, rest: u32, work: impl Future<Output = T>) -> T {
        let stopwatch = Stopwatch::start();
        let done = work.await;
        if !self.is_hurried() {
            tokio::time::sleep(stopwatch.elapsed().saturating_mul(rest).min(REST_MAX)).await;
        }
        done
    }
}
