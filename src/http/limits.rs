//! What the border allows: sizes, counts, rates. Set by the configuration, read by handlers.

use crate::config::Config;

/// The bounds of everything that comes in, and the rules of what is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest body.
    pub body_bytes_max: usize,
    /// How long a body may take to arrive.
    pub body_ms_max: u64,
    /// Requests a second without a token, by client address; zero lifts the limit.
    pub requests_per_second_max: u32,
    /// How far an address may run ahead of its rate.
    pub requests_burst_max: u32,
    /// Requests a second with a token, by token; zero lifts the limit.
    pub token_requests_per_second_max: u32,
    /// What `Retry-After` says when there is too much to do.
    pub retry_after_seconds: u64,
    /// Whether a proxy ends TLS in front of us, so that its word on the client's address counts.
    pub behind_proxy: bool,
    /// At or below this many the public status is `limited` and the number is told.
    pub limited_max: u32,
    /// The life of a reservation that asks for none.
    pub ttl_seconds_default: u32,
    /// The longest life one may ask for.
    pub ttl_seconds_max: u32,
    /// Lines in one reservation.
    pub lines_max: usize,
    /// Movements, settings or availability questions in one request.
    pub batch_max: usize,
    /// How far back a count may say it was taken.
    pub counted_days_max: u32,
    /// How far ahead of our clock a till's may be.
    pub clock_ahead_ms_max: i64,
    /// How long a reader of events may ask us to wait.
    pub events_wait_seconds_max: u32,
    /// How long the client of a backup may take nothing.
    pub backup_stall_seconds_max: u64,
    /// Whether the screens of stores are served.
    pub screens: bool,
    /// Whether the tills of stores are served.
    pub tills: bool,
    /// How long a request may take before the log tells of it.
    pub slow_request_ms: u64,
}

impl Limits {
    /// What the configuration says, and what the contract fixes.
    pub fn of(config: &Config) -> Limits {
        let (http, stock) = (&config.http, &config.stock);
        Limits {
            body_bytes_max: http.body_bytes_max,
            body_ms_max: http.body_ms_max,
            requests_per_second_max: http.requests_per_second_max,
            requests_burst_max: http.requests_burst_max,
            token_requests_per_second_max: http.token_requests_per_second_max,
            retry_after_seconds: http.retry_after_seconds,
            behind_proxy: http.behind_proxy,
            limited_max: stock.limited_max,
            ttl_seconds_default: stock.ttl_seconds_default,
            ttl_seconds_max: stock.ttl_seconds_max,
            lines_max: stock.lines_max,
            batch_max: stock.movements_max,
            counted_days_max: 7,
            clock_ahead_ms_max: 60_000,
            events_wait_seconds_max: 30,
            backup_stall_seconds_max: http.backup_stall_seconds_max,
            screens: config.pages.screens,
            tills: config.pages.tills,
            slow_request_ms: config.telemetry.slow_request_ms,
        }
    }
}

/// Those of a configuration that says nothing: defaults have one place.
impl Default for Limits {
    fn default() -> Limits {
        Limits::of(&Config::default())
    }
}
