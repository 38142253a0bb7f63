//! Every metric there is, in one struct: a field's doc comment is the help that Prometheus shows.
//! It must not know who counts. Durations are in seconds, sizes in bytes, and no label ever takes
//! a word that somebody else chose.

use std::sync::LazyLock;

use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, Registry,
    TextEncoder,
};

use super::labels::{Barred, End, Kind, Outcome, Reason, Revised, Transport, WorkResult};
use super::metric::{By, metrics};

/// Bounds for what takes from a tenth of a millisecond to seconds. Among them are the promises:
/// 50 ms for availability, 250 ms from the commit to the socket.
const TIMES: &[f64] = &[
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

/// Bounds for what is done a few times a minute.
const LONG_TIMES: &[f64] = &[0.01, 0.05, 0.25, 1.0, 5.0, 15.0, 60.0, 300.0];

/// Bounds for the age of a hold: from a glance to the longest life there is, and beyond it, for
/// what was confirmed and waits to be collected.
const AGES: &[f64] = &[
    1.0, 5.0, 15.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 14_400.0, 86_400.0,
];

/// Bounds for how late a deadline was kept; 20 ms is what we promise.
const LATENESS: &[f64] = &[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0];

/// Bounds for numbers of things.
const NUMBERS: &[f64] = &[1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0];

/// Bounds for sizes.
const BYTES: &[f64] = &[
    256.0,
    1024.0,
    4096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
];

metrics! {
    /// All that this process counts and measures.
    pub struct Metrics {
        /// The running version; the value is always 1.
        pub build_info: GaugeVec["version"],
        /// Whether requests are taken: 1 when ready.
        pub ready: IntGauge,
        /// What time this process goes by, in seconds since 1970. Its clock never leaps, so it can
        /// be off after the machine slept or its clock was set; a restart sets it right.
        pub clock_timestamp_seconds: Gauge,

        /// Requests answered, by the route's pattern, the method and the class of the status.
        pub http_requests_total: IntCounterVec["route", "method", "status"],
        /// Time from a request's head to its answer's head, without what its body took to
        /// arrive, by the route's pattern and the method.
        pub http_request_seconds: HistogramVec["route", "method"] => TIMES,
        /// Requests that are being answered.
        pub http_requests_in_flight: IntGauge,
        /// Problems by their code: of requests, and of entries of a batch that were refused
        /// before any stock was asked.
        pub http_problems_total: IntCounterVec["code"],
        /// Requests that took longer than telemetry.slow_request_ms; each is a line of the log.
        pub http_slow_requests_total: IntCounter,

        /// Commands to stock keys, by what they ask and what became of them: recorded, without a
        /// change, refused, shed for want of room, or skipped because nobody waited any more.
        pub commands_total: By<Kind, By<Outcome, IntCounter>>,
        /// Time a command waited for the actor of its key.
        pub mailbox_wait_seconds: Histogram => TIMES,
        /// Commands that waited at a key when its actor took the next one.
        pub mailbox_depth: Histogram => NUMBERS,
        /// Commands refused, by reason.
        pub refusals_total: By<Reason, IntCounter>,
        /// Requests answered with the first answer to the same Idempotency-Key.
        pub idempotent_replays_total: IntCounter,
        /// Stock keys in memory.
        pub stock_keys: IntGauge,

        /// Changes of reservations, by what they were.
        pub reservations_total: By<Revised, IntCounter>,
        /// Reservations known, those that came to their end within a day included.
        pub reservations_known: IntGauge,
        /// Holds opened: one for each stock key that a reservation takes something of.
        pub holds_opened_total: IntCounter,
        /// Holds that came to their end, by how.
        pub holds_closed_total: By<End, IntCounter>,
        /// Age of holds at their end, by how.
        pub hold_age_seconds: By<End, Histogram> => AGES,
        /// How long after its deadline the end of an expired hold was recorded. Figures and
        /// decisions are right from the deadline on; this is when others hear of it.
        pub hold_expiry_lateness_seconds: Histogram => LATENESS,
        /// Records that made or deepened a shortfall: tills sold what was promised to others.
        pub shortfalls_total: IntCounter,
        /// Reservations accepted beyond what was there. It must stay 0: anything else is a bug.
        pub oversells_total: IntCounter,

        /// Time to write and sync one group of records.
        pub journal_append_seconds: Histogram => TIMES,
        /// Time to publish a group and to answer those who waited for it.
        pub journal_completion_seconds: Histogram => TIMES,
        /// Records in a group that was written with one sync.
        pub journal_group_records: Histogram => NUMBERS,
        /// Size of a group.
        pub journal_group_bytes: Histogram => BYTES,
        /// Places taken in the journal's queue.
        pub journal_queue_places: IntGauge,
        /// Places there are in the journal's queue; past it commands are shed.
        pub journal_queue_places_max: IntGauge,
        /// The last durable position of the journal.
        pub journal_position: IntGauge,
        /// Size of the history in the store's files; what is still in its log is not counted.
        pub journal_history_bytes: IntGauge,

        /// Snapshot rounds, by result.
        pub snapshots_total: By<WorkResult, IntCounter>,
        /// Time of a snapshot round, its rests included.
        pub snapshot_seconds: Histogram => LONG_TIMES,
        /// Entries written by snapshot rounds.
        pub snapshot_entries_total: IntCounter,
        /// When the newest snapshot round was finished, in seconds since 1970.
        pub snapshot_finished_timestamp_seconds: Gauge,
        /// Time the start of this process took, from the data directory to ready.
        pub recovery_seconds: Gauge,
        /// Records this process replayed when it started.
        pub recovery_records: IntGauge,

        /// Connections of the feed.
        pub feed_connections: IntGauge,
        /// Stock keys, known or not, that followers of the feed asked for; those that nobody
        /// follows any more are swept now and then.
        pub feed_topics: IntGauge,
        /// Connections let in, by transport.
        pub feed_opened_total: By<Transport, IntCounter>,
        /// Connections not let in: all places taken, those of a client, or the page's origin.
        pub feed_barred_total: By<Barred, IntCounter>,
        /// Connections that ended, by close code; 0 when the client was just gone.
        pub feed_closes_total: IntCounterVec["code"],
        /// Frames handed to sockets.
        pub feed_frames_total: IntCounter,
        /// Bytes handed to sockets.
        pub feed_bytes_total: IntCounter,
        /// Levels that were news for a connection.
        pub feed_deliveries_total: IntCounter,
        /// Levels a connection was not told because a newer one came first.
        pub feed_conflated_total: IntCounter,
        /// Time from a level's commit to when it was handed to a socket.
        pub feed_commit_to_socket_seconds: Histogram => TIMES,

        /// Reads of the event stream.
        pub events_reads_total: IntCounter,
        /// Events told.
        pub events_told_total: IntCounter,
        /// Readers of the event stream that wait for news.
        pub events_waiting: IntGauge,

        /// Demand at the most contended stock keys, by rank: calls a second that want some of it.
        pub contention_demand_per_second: GaugeVec["rank"],
        /// Calls a second that these keys refused or shed, by rank.
        pub contention_refusals_per_second: GaugeVec["rank"],
        /// Mean time that commands waited at these keys, by rank.
        pub contention_waiting_seconds: GaugeVec["rank"],
        /// Holds at these keys, by rank.
        pub contention_holds: GaugeVec["rank"],
    }
}

struct Telling {
    registry: Registry,
    metrics: Metrics,
}

static TELLING: LazyLock<Telling> = LazyLock::new(|| {
    let registry = Registry::new();
    let metrics = Metrics::register(&registry);
    let version = env!("CARGO_PKG_VERSION");
    metrics.build_info.with_label_values(&[version]).set(1.0);
    #[cfg(target_os = "linux")]
    {
        let process = prometheus::process_collector::ProcessCollector::for_self();
        let told = registry.register(Box::new(process));
        told.expect("every metric has a name of its own");
    }
    Telling { registry, metrics }
});

/// The metrics of this process.
#[inline]
pub fn metrics() -> &'static Metrics {
    &TELLING.metrics
}

/// All metrics in the text that Prometheus reads.
pub fn exposition() -> String {
    let mut text = String::new();
    let families = TELLING.registry.gather();
    let written = TextEncoder::new().encode_utf8(&families, &mut text);
    written.expect("every metric can be written as text");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_told_with_its_help() {
        metrics().holds_opened_total.inc();
        let text = exposition();
        assert!(text.contains(
            "# HELP onhand_oversells_total Reservations accepted beyond what was there. It must \
             stay 0: anything else is a bug.\n# TYPE onhand_oversells_total counter\n\
             onhand_oversells_total 0\n"
        ));
        assert!(text.contains("\nonhand_holds_opened_total 1\n"), "{text}");
        assert!(text.contains("\nonhand_refusals_total{reason=\"insufficient_stock\"} 0\n"));
        let pair = "\nonhand_commands_total{kind=\"place\",outcome=\"refused\"} 0\n";
        assert!(text.contains(pair), "{text}");
    }

    #[test]
    fn the_promises_are_bounds_of_buckets() {
        assert!(TIMES.contains(&0.05) && TIMES.contains(&0.25) && LATENESS.contains(&0.02));
        for bounds in [TIMES, LONG_TIMES, AGES, LATENESS, NUMBERS, BYTES] {
            assert!(bounds.is_sorted());
        }
    }
}
