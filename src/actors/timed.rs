//! A command on its way through its stages, for the request that wants to know where its time
//! went. It must not know what is decided.

use std::sync::Arc;
use std::time::Duration;

use tracing::Span;

use crate::clock::Stopwatch;
use crate::stock::StockKey;
use crate::telemetry::timings::{self, Stage, Timings};

/// A command that is timed, in one of its stages.
pub(super) struct Timed {
    timings: Arc<Timings>,
    /// Since the stage began.
    since: Stopwatch,
    span: Span,
}

impl Timed {
    /// The actor of `key` begins to decide, after the command waited so long.
    pub fn taken(timings: Arc<Timings>, waited: Duration, key: &StockKey) -> Timed {
        timings.note(Stage::Mailbox, waited);
        Timed {
            since: Stopwatch::start(),
            span: timings.span(Stage::Decide, key.as_str()),
            timings,
        }
    }

    /// Where it is timed.
    pub fn timings(&self) -> &Arc<Timings> {
        &self.timings
    }

    /// It was decided; the commit begins.
    pub fn decided(self, key: &StockKey) -> Timed {
        self.timings.note(Stage::Decide, self.since.elapsed());
        Timed {
            since: Stopwatch::start(),
            span: self.timings.span(Stage::Commit, key.as_str()),
            timings: self.timings,
        }
    }

    /// It is durable and published. Called on the thread that completed it.
    pub fn committed(self) {
        self.timings.note(Stage::Commit, self.since.elapsed());
        self.timings.note(Stage::Write, timings::write_time());
        drop(self.span);
    }
}
