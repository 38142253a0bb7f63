//! Where the time of one request goes. The border makes the timings of a request and has its
//! handler run under them; commands that the handler sends carry them to the actor and on to the
//! commit. Of several commands the longest counts: they run beside each other.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tracing::{Level, Span, span};

/// The target of spans: `ONHAND_LOG=info,onhand::trace=debug` writes a line when each ends.
pub const SPANS: &str = "onhand::trace";

/// What a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its turn at the actor of a stock key.
    Mailbox,
    /// The actor's decision.
    Decide,
    /// The commit: from the decision until it is durable and published.
    Commit,
    /// The part of the commit that its group's write and sync took.
    Write,
}

const STAGES: usize = 4;

/// Where the time of one request goes.
#[derive(Debug)]
pub struct Timings {
    longest_us: [AtomicU64; STAGES],
    excused: AtomicBool,
    /// What spans are told with, if they are looked at.
    traced: Option<Traced>,
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
    pub fn new(request_id: String, trace_id: Option<String>, method: &str, path: &str) -> Traced {
        let (id, trace) = (request_id.as_str(), trace_id.as_deref());
        let span = span!(
            target: SPANS, Level::DEBUG, "request", request_id = id, trace_id = trace, method, path
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
            longest_us: [const { AtomicU64::new(0) }; STAGES],
            excused: AtomicBool::new(false),
            traced,
        })
    }

    /// Runs a handler, whose commands are timed here.
    pub async fn time<F: Future>(self: Arc<Timings>, handler: F) -> F::Output {
        CURRENT.scope(self, handler).await
    }

    /// A stage took so long; the longest counts.
    pub fn note(&self, stage: Stage, took: Duration) {
        let longest = &self.longest_us[stage as usize];
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        // Hardly any is longer than the ones before, and to look costs nothing.
        if took > longest.load(Ordering::Relaxed) {
            longest.fetch_max(took, Ordering::Relaxed);
        }
    }

    /// The longest that a stage took, milliseconds.
    pub fn milliseconds(&self, stage: Stage) -> f64 {
        self.longest_us[stage as usize].load(Ordering::Relaxed) as f64 / 1000.0
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

    #[tokio::test]
    async fn the_longest_of_what_ran_beside_each_other_counts() {
        let timings = Timings::new(None);
        let note = |ms| async move {
            let current = current().unwrap();
            current.note(Stage::Commit, Duration::from_millis(ms));
        };
        let both = futures::future::join(note(7), note(3));
        timings.clone().time(both).await;
        assert_eq!(timings.milliseconds(Stage::Commit), 7.0);
        assert_eq!(timings.milliseconds(Stage::Mailbox), 0.0);
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
