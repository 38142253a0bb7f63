//! A command on its way through its stages, for the request that wants to know where its time
//! went. It must not know what is decided.

use std::sync::Arc;
use std::time::Duration;

use tracing::Span;

use super::timings::{self, Stage, Timings};
use crate::clock::Stopwatch;

/// A command that is timed, in one of its stages.
#[derive(Debug)]
pub struct Timed {
    timings: Arc<Timings>,
    /// Since the stage began.
    since: Stopwatch,
    span: Span,
}

impl Timed {
    /// Who decides for `key` begins to, after the command waited so long.
    pub fn taken(timings: Arc<Timings>, waited: Duration, key: &str) -> Timed {
        timings.note(Stage::Mailbox, waited);
        Timed {
            since: Stopwatch::start(),
            span: timings.span(Stage::Decide, key),
            timings,
        }
    }

    /// Where it is timed.
    pub fn timings(&self) -> &Arc<Timings> {
        &self.timings
    }

    /// It was decided; the commit begins.
    pub fn decided(self, key: &str) -> Timed {
        self.timings.note(Stage::Decide, self.since.elapsed());
        Timed {
            since: Stopwatch::start(),
            span: self.timings.span(Stage::Commit, key),
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
