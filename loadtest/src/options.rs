//! The command line: which scenario, how large, against what. It must not know how load is
//! driven.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Measures Onhand under load, and checks its books afterwards.
///
/// Starts the server itself, each scenario on a data directory of its own. Results are JSON, one
/// file a scenario, with a table and a page of plots beside them.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "loadtest",
    version,
    about,
    max_term_width = 100,
    args_override_self = true
)]
pub struct Options {
    /// What to run
    #[arg(value_enum, required = true)]
    pub scenarios: Vec<Choice>,
    /// Small sizes: everything in five minutes
    #[arg(long)]
    pub short: bool,
    /// How often a scenario alternates with the yardstick
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub rounds: Option<u64>,
    /// How long each phase is measured
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    pub seconds: Option<f64>,
    /// How long each phase runs before it is measured
    #[arg(long, value_name = "SECONDS", value_parser = not_negative)]
    pub warm_up: Option<f64>,
    /// Connections of a closed load, and at most of an open one; followers of the feed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub connections: Option<u64>,
    /// Requests a second where arrivals are on a schedule
    #[arg(long, value_name = "PER_SECOND", value_parser = positive)]
    pub rate: Option<f64>,
    /// Stock keys
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(10..=10_000_000))]
    pub keys: Option<u64>,
    /// Live holds, for `expiry`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=10_000_000))]
    pub holds: Option<u64>,
    /// Holds due in one second, for `expiry`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub due: Option<u64>,
    /// Records to replay, for `recover`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub tail: Option<u64>,
    /// Sockets that are held open for their memory, for `feed`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(10..=100_000))]
    pub sockets: Option<u64>,
    /// Draws keys by Zipf's law with this exponent instead of uniformly
    #[arg(long, value_name = "EXPONENT", value_parser = not_negative)]
    pub zipf: Option<f64>,
    /// Of all random numbers
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Reservations without an Idempotency-Key
    #[arg(long)]
    pub without_keys: bool,
    /// The server's binary; built from this workspace if it is not given
    #[arg(long, value_name = "FILE")]
    pub server: Option<PathBuf>,
    /// A server that runs already with --yardstick, instead of one of our own; the binary is still
    /// needed to import, so name it with --server or it is built
    #[arg(long, value_name = "ADDRESS", requires = "token")]
    pub running: Option<SocketAddr>,
    /// A token with all scopes of the running server
    #[arg(long, env = "ONHAND_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// The running server's process id, so that its processor time is seen
    #[arg(long, value_name = "ID", requires = "running")]
    pub process: Option<u32>,
    /// Where results go
    #[arg(long, value_name = "FOLDER", default_value = "loadtest-results")]
    pub out: PathBuf,
    /// Where data directories are made; it should be on the disk that matters
    #[arg(long, value_name = "FOLDER", default_value = "loadtest-results")]
    pub data: PathBuf,
    /// Leaves the data directories where they are
    #[arg(long)]
    pub keep_data: bool,
}

/// What can be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// Every scenario
    All,
    /// The yardstick itself: what a request costs without stock
    Noop,
    /// One caller alone: how long a durable answer takes
    Alone,
    /// A flash sale: everyone reserves the same key
    Hot,
    /// Reservations over many keys
    Spread,
    /// Reservations of three lines
    Basket,
    /// The same beside PostgreSQL and Redis, where they are installed
    Peers,
    /// A flash sale at a server that counts and at one that does not
    Telemetry,
    /// Batches of 1,000 movements
    Movements,
    /// Availability beside a flash sale
    Read,
    /// A November day: shoppers, carts, tills, abandoned holds
    Mixed,
    /// Many holds due in one second
    Expiry,
    /// A restart after kill -9 with a long tail, and memory per passive key
    Recover,
    /// Reservations while snapshots and trims run beside many keys
    Disturb,
    /// Many who follow the feed: memory, delay, deliveries, and some who never read
    Feed,
    /// The server restarts under many who follow the feed, and all come back
    Storm,
    /// The November day for long, with memory watched
    Soak,
}

impl Choice {
    /// Every scenario, the quick ones first.
    pub const EVERY: [Choice; 16] = [
        Choice::Noop,
        Choice::Alone,
        Choice::Hot,
        Choice::Spread,
        Choice::Basket,
        Choice::Peers,
        Choice::Telemetry,
        Choice::Movements,
        Choice::Read,
        Choice::Mixed,
        Choice::Expiry,
        Choice::Recover,
        Choice::Disturb,
        Choice::Feed,
        Choice::Storm,
        Choice::Soak,
    ];

    /// Its name on the command line and in results.
    pub fn name(self) -> String {
        let value = self.to_possible_value().expect("none is hidden");
        value.get_name().to_owned()
    }
}

impl Options {
    /// The scenarios to run, in the order they were named.
    pub fn chosen(&self) -> Vec<Choice> {
        if self.scenarios.contains(&Choice::All) {
            return Choice::EVERY.to_vec();
        }
        self.scenarios.clone()
    }
}

fn positive(text: &str) -> Result<f64, String> {
    number(text, |value| value > 0.0, "above zero")
}

fn not_negative(text: &str) -> Result<f64, String> {
    number(text, |value| value >= 0.0, "zero or more")
}

fn number(text: &str, fits: fn(f64) -> bool, what: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && fits(value) => Ok(value),
        Ok(_) | Err(_) => Err(format!("must be a number {what}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_describes_itself_without_contradiction() {
        use clap::CommandFactory;
        Options::command().debug_assert();
    }

    #[test]
    fn all_names_every_scenario_once() {
        let chosen = Options::parse_from(["loadtest", "all", "--short"]).chosen();
        let others = Choice::value_variants().len() - 1;
        assert_eq!(chosen.len(), others);
        assert!(
            chosen
                .iter()
                .enumerate()
                .all(|(at, choice)| !chosen[..at].contains(choice))
        );
    }
}
