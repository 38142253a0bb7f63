//! What was measured: latencies and answers by kind of request. It must not know how requests
//! were paced.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;

/// The longest latency that is told apart; longer ones count as this.
const LATENCY_NANOS_MAX: u64 = 600_000_000_000;

/// Points of a latency curve, as parts of all requests.
const CURVE: [f64; 14] = [
    0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99, 0.995, 0.999, 0.9995, 0.9999, 1.0,
];

/// Counts while load runs.
pub struct Tally {
    kinds: Vec<KindTally>,
    /// Only requests inside are measured; those of the warm-up are not.
    window: (Instant, Option<Instant>),
    since_progress: Histogram<u64>,
    pacing: Histogram<u64>,
}

struct KindTally {
    name: &'static str,
    answers: BTreeMap<u16, u64>,
    lost: u64,
    latency: Histogram<u64>,
}

/// One request's fate.
#[derive(Clone, Copy)]
pub struct Fate {
    /// Which kind of request, by its place among the workload's.
    pub kind: usize,
    /// The status; none if the connection was lost.
    pub status: Option<u16>,
    /// When it was sent, or should have been.
    pub sent: Instant,
    /// When it was answered.
    pub done: Instant,
}

/// What was measured of one kind of request.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Measured {
    /// The kind.
    pub kind: String,
    /// Answers by status.
    pub answers: BTreeMap<u16, u64>,
    /// Requests whose connection was lost.
    pub lost: u64,
    /// Answers a second.
    pub per_second: f64,
    /// How long they took.
    pub latency: Latency,
}

/// Latencies in milliseconds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Latency {
    /// The mean.
    pub mean_ms: f64,
    /// The median.
    pub p50_ms: f64,
    /// Nine of ten were no slower.
    pub p90_ms: f64,
    /// 99 of 100 were no slower.
    pub p99_ms: f64,
    /// 999 of 1000 were no slower.
    pub p999_ms: f64,
    /// The slowest.
    pub max_ms: f64,
    /// Quantile and latency, for a plot.
    pub curve: Vec<(f64, f64)>,
}

/// A line of progress.
pub struct Progress {
    /// Answers since the last line.
    pub answers: u64,
    /// Their 99th percentile in milliseconds.
    pub p99_ms: f64,
    /// Answers so far that were neither success nor refusal, and lost connections.
    pub troubles: u64,
}

impl Tally {
    /// Counts requests of these kinds from `from` on.
    pub fn new(kinds: &[&'static str], from: Instant) -> Tally {
        let kind = |name: &&'static str| KindTally {
            name,
            answers: BTreeMap::new(),
            lost: 0,
            latency: histogram(),
        };
        Tally {
            kinds: kinds.iter().map(kind).collect(),
            window: (from, None),
            since_progress: histogram(),
            pacing: histogram(),
        }
    }

    /// Counts no request that begins or ends later.
    pub fn close(&mut self, at: Instant) {
        self.window.1.get_or_insert(at);
    }

    /// Counts a request. `at` decides whether it is inside the window: for arrivals on schedule
    /// when it should have been sent, else when it was answered.
    pub fn count(&mut self, fate: Fate, at: Instant) {
        let took = nanos(fate.done.saturating_duration_since(fate.sent));
        self.since_progress.saturating_record(took);
        let (from, until) = self.window;
        if at < from || until.is_some_and(|until| at > until) {
            return;
        }
        let kind = &mut self.kinds[fate.kind];
        match fate.status {
            Some(status) => {
                *kind.answers.entry(status).or_default() += 1;
                kind.latency.saturating_record(took);
            }
            None => kind.lost += 1,
        }
    }

    /// Notes how late the generator itself was to send a request.
    pub fn paced(&mut self, late: Duration) {
        self.pacing.saturating_record(nanos(late));
    }

    /// The 99th percentile of the generator's own lateness.
    pub fn pacing_p99_ms(&self) -> f64 {
        at(&self.pacing, 0.99)
    }

    /// What happened since the last call.
    pub fn progress(&mut self) -> Progress {
        let trouble = |kind: &KindTally| {
            let bad = improper(&kind.answers);
            kind.lost + bad.map(|(_, count)| count).sum::<u64>()
        };
        let progress = Progress {
            answers: self.since_progress.len(),
            p99_ms: at(&self.since_progress, 0.99),
            troubles: self.kinds.iter().map(trouble).sum(),
        };
        self.since_progress.reset();
        progress
    }

    /// What was measured, kind by kind. Without an end of the window it is `ended`.
    pub fn measured(&self, ended: Instant) -> Vec<Measured> {
        let (from, until) = self.window;
        let seconds = until.unwrap_or(ended).saturating_duration_since(from);
        let kinds = self.kinds.iter();
        kinds.map(|kind| kind.measured(seconds)).collect()
    }
}

impl KindTally {
    fn measured(&self, window: Duration) -> Measured {
        let latency = &self.latency;
        let curve = CURVE.map(|part| (part, at(latency, part)));
        Measured {
            kind: self.name.to_owned(),
            answers: self.answers.clone(),
            lost: self.lost,
            per_second: ratio(latency.len(), window.as_secs_f64()),
            latency: Latency {
                mean_ms: latency.mean() / 1e6,
                p50_ms: at(latency, 0.5),
                p90_ms: at(latency, 0.9),
                p99_ms: at(latency, 0.99),
                p999_ms: at(latency, 0.999),
                max_ms: at(latency, 1.0),
                curve: curve.to_vec(),
            },
        }
    }
}

impl Measured {
    /// Answers that are neither success nor refusal, and lost connections.
    pub fn troubles(&self) -> u64 {
        let bad = improper(&self.answers);
        self.lost + bad.map(|(_, count)| count).sum::<u64>()
    }

    /// What they were, in words: how many of each status, and what may help.
    pub fn troubles_in_words(&self) -> Vec<String> {
        let words = improper(&self.answers).map(|(status, count)| {
            let advice = match status {
                404 => ": a server that runs already needs --yardstick",
                429 => ": its http.requests_per_second_max is below the load",
                _ => "",
            };
            format!("{count} × {status}{advice}")
        });
        let lost = (self.lost > 0).then(|| format!("{} lost connections", self.lost));
        words.chain(lost).collect()
    }
}

/// Those that are no success, and no refusal for want of stock.
fn improper(answers: &BTreeMap<u16, u64>) -> impl Iterator<Item = (&u16, &u64)> {
    let is_proper = |status: u16| (200..300).contains(&status) || status == 409;
    answers
        .iter()
        .filter(move |(status, _)| !is_proper(**status))
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_NANOS_MAX, 3).expect("the bounds are sound")
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn ratio(count: u64, by: f64) -> f64 {
    if by > 0.0 { count as f64 / by } else { 0.0 }
}

/// The latency at a quantile in milliseconds; zero if nothing was recorded.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds are far below 2^52")]
fn at(histogram: &Histogram<u64>, quantile: f64) -> f64 {
    if histogram.is_empty() {
        return 0.0;
    }
    histogram.value_at_quantile(quantile) as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn only_what_lies_in_the_window_is_measured() {
        let start = clock::now();
        let after = |millis| start + Duration::from_millis(millis);
        let mut tally = Tally::new(&["reserve", "read"], after(1000));
        tally.close(after(2000));
        let fate = |kind, sent, took, status| Fate {
            kind,
            status,
            sent: after(sent),
            done: after(sent + took),
        };
        tally.count(fate(0, 500, 400, Some(201)), after(900));
        tally.count(fate(0, 1500, 10, Some(201)), after(1510));
        tally.count(fate(0, 1600, 20, Some(503)), after(1620));
        tally.count(fate(1, 1700, 30, None), after(1730));
        tally.count(fate(0, 1999, 2, Some(201)), after(2001));

        let [reserve, read] = tally.measured(after(9000)).try_into().unwrap();
        assert_eq!(reserve.answers[&201], 1);
        assert_eq!(reserve.troubles(), 1);
        assert!((reserve.per_second - 2.0).abs() < 0.01);
        assert!(
            (19.9..20.1).contains(&reserve.latency.max_ms),
            "{reserve:?}"
        );
        assert_eq!((read.lost, read.troubles()), (1, 1));
        assert_eq!(tally.progress().answers, 5);
    }
}
