//! Where the time of one request goes. The border makes the timings of a request and has its
//! handler run under them; commands that the handler sends carry them to the actor and on to the
//! commit. What several commands spend beside each other counts once, what they spend one after
//! the other adds up.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tracing::{Level, Span, span};

use super::trace::Trace;
use crate::clock::Stopwatch;

/// The target of spans: `ONHAND_LOG=info,onhand::trace=debug` writes a line when each ends.
pub const SPANS: &str = "onhand::trace";

/// What a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its own body, as fast as the client sends it.
    Body,
    /// Its turn at the actor of a stock key.
    Mailbox,
    /// The actor's decision.
    Decide,
    /// The commit: from the decision until it is durable and published.
    Commit,
    /// The part of the commit that its group's write and sync took.
    Write,
}

const STAGES: usize = 5;

/// Where the time of one request goes.
#[derive(Debug)]
pub struct Timings {
    since: Stopwatch,
    spent: Mutex<[Spent; STAGES]>,
    excused: AtomicBool,
    /// What spans are told with, if they are looked at.
    traced: Option<Traced>,
}

/// The time covered by intervals, which come in the order of their ends. Those that meet make one.
#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    /// Of all intervals before the newest, and when the last of these ended.
    before: Duration,
    before_until: Duration,
    from: Duration,
    until: Duration,
}

impl Spent {
    fn add(&mut self, from: Duration, until: Duration) {
        if from > self.until {
            (self.before, self.before_until) = (self.total(), self.until);
            (self.from, self.until) = (from, until);
        } else {
            self.from = self.from.min(from.max(self.before_until));
            self.until = self.until.max(until);
        }
    }

    fn total(&self) -> Duration {
        self.before + (self.until - self.from)
    }
}

/// The span of a request, and what each of its spans says, for a line is to be read alone.
#[derive(Debug)]
pub struct Traced {
    span: Span,
    request_id: String,
    trace_id: Option<String>,
}

impl Traced {
    /// That of a request that begins now.
    pub fn new(request_id: String, trace: Option<&Trace>, method: &str, path: &str) -> Traced {
        let (trace_id, span_id) = (trace.map(Trace::id), trace.map(Trace::span_id));
        let parent_id = trace.map(Trace::parent_id);
        let span = span!(
            target: SPANS, Level::DEBUG, "request",
            request_id, trace_id, parent_id, span_id, method, path
        );
        Traced {
            span,
            request_id,
            trace_id,
        }
    }

    fn child(&self, stage: Stage, key: &str) -> Span {
        let (parent, request_id) = (&self.span, self.request_id.as_str());
        let trace_id = self.trace_id.as_deref();
        match stage {
            Stage::Body => Span::none(),
            Stage::Mailbox | Stage::Decide => span!(
                target: SPANS, parent: parent, Level::DEBUG, "decide", request_id, trace_id, key
            ),
            Stage::Commit | Stage::Write => span!(
                target: SPANS, parent: parent, Level::DEBUG, "commit", request_id, trace_id, key
            ),
        }
    }
}

tokio::task_local! {
    static CURRENT: Arc<Timings>;
}

thread_local! {
    /// How long the newest group's write and sync took, on the journal's thread.
    static WRITTEN: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

impl Timings {
    /// Those of a request that begins now.
    pub fn new(traced: Option<Traced>) -> Arc<Timings> {
        Arc::new(Timings {
            since: Stopwatch::start(),
            spent: Mutex::default(),
            excused: AtomicBool::new(false),
            traced,
        })
    }

    /// Runs a handler, whose commands are timed here.
    pub async fn time<F: Future>(self: Arc<Timings>, handler: F) -> F::Output {
        CURRENT.scope(self, handler).await
    }

    /// A stage ends now that took so long.
    pub fn note(&self, stage: Stage, took: Duration) {
        let until = self.since.elapsed();
        let from = until.saturating_sub(took);
        self.spent.lock()[stage as usize].add(from, until);
    }

    /// How long a stage took in all.
    pub fn total(&self, stage: Stage) -> Duration {
        self.spent.lock()[stage as usize].total()
    }

    /// Whether somebody looks at its spans.
    pub fn is_traced(&self) -> bool {
        self.traced.is_some()
    }

    /// Whether the request asked to wait: then its time says nothing.
    pub fn is_excused(&self) -> bool {
        self.excused.load(Ordering::Relaxed)
    }

    /// The span of a stage at a stock key; it says nothing unless spans are looked at.
    pub fn span(&self, stage: Stage, key: &str) -> Span {
        let traced = self.traced.as_ref();
        traced.map_or_else(Span::none, |traced| traced.child(stage, key))
    }
}

/// The timings of the request that runs here.
pub fn current() -> Option<Arc<Timings>> {
    CURRENT.try_with(Arc::clone).ok()
}

/// Runs work beside a handler that is timed with it.
pub async fn time_as<F: Future>(timings: Option<Arc<Timings>>, work: F) -> F::Output {
    match timings {
        Some(timings) => timings.time(work).await,
        None => work.await,
    }
}

/// A stage of the request that runs here ends now, and took so long.
pub fn note(stage: Stage, took: Duration) {
    CURRENT.try_with(|timings| timings.note(stage, took)).ok();
}

/// The request that runs here asked to wait.
pub fn excuse() {
    CURRENT
        .try_with(|timings| timings.excused.store(true, Ordering::Relaxed))
        .ok();
}

/// On the journal's thread: the group that is completed next took so long to write and sync.
pub fn written(took: Duration) {
    WRITTEN.set(took);
}

/// On the journal's thread: how long the group that is being completed took to write and sync.
pub fn write_time() -> Duration {
    WRITTEN.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent_beside_each_other_counts_once_and_one_after_the_other_adds_up() {
        let total = |intervals: &[(u64, u64)]| {
            let mut spent = Spent::default();
            for (from, until) in intervals {
                spent.add(Duration::from_millis(*from), Duration::from_millis(*until));
            }
            spent.total().as_millis()
        };
        assert_eq!(total(&[]), 0);
        assert_eq!(total(&[(2, 5), (7, 8)]), 4);
        assert_eq!(total(&[(2, 5), (2, 9)]), 7);
        assert_eq!(total(&[(2, 5), (7, 8), (6, 10)]), 7);
        assert_eq!(total(&[(2, 5), (7, 8), (1, 10)]), 8);
    }

    #[tokio::test]
    async fn a_handler_is_timed_and_nothing_after_it() {
        let timings = Timings::new(None);
        let note = async { current().unwrap().note(Stage::Commit, Duration::MAX) };
        timings.clone().time(note).await;
        assert!(timings.total(Stage::Commit) > Duration::ZERO);
        assert_eq!(timings.total(Stage::Mailbox), Duration::ZERO);
        assert!(current().is_none());
    }

    #[tokio::test]
    async fn who_asked_to_wait_is_excused() {
        let timings = Timings::new(None);
        assert!(!timings.is_excused());
        timings.clone().time(async { excuse() }).await;
        assert!(timings.is_excused());
    }
}
