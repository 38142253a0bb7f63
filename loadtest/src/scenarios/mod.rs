//! The scenarios. Each starts what it needs, drives its loads, and ends with the books.

mod against_noop;
mod disturb;
mod expiry;
mod feed;
mod movements;
mod november;
mod peers;
mod read;
mod recover;
mod storm;
mod telemetry;

use anyhow::Result;

use crate::bench::Bench;
use crate::options::Choice;

/// Runs one scenario to its end.
///
/// # Errors
/// It could not be run. Books that do not agree are no error: they are in the outcome.
pub async fn run(choice: Choice, bench: &mut Bench) -> Result<()> {
    match choice {
        Choice::All => unreachable!("it stands for the others"),
        Choice::Noop => against_noop::noop(bench).await,
        Choice::Alone => against_noop::alone(bench).await,
        Choice::Hot => against_noop::hot(bench).await,
        Choice::Spread => against_noop::spread(bench).await,
        Choice::Basket => against_noop::basket(bench).await,
        Choice::Peers => peers::run(bench).await,
        Choice::Telemetry => telemetry::run(bench).await,
        Choice::Movements => movements::run(bench).await,
        Choice::Read => read::run(bench).await,
        Choice::Mixed => november::mixed(bench).await,
        Choice::Expiry => expiry::run(bench).await,
        Choice::Recover => recover::run(bench).await,
        Choice::Disturb => disturb::run(bench).await,
        Choice::Feed => feed::run(bench).await,
        Choice::Storm => storm::run(bench).await,
        Choice::Soak => november::soak(bench).await,
    }
}
