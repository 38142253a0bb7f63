//! What runs on and on beside the work: snapshot rounds, forgetting, trimming of history.

use std::convert::Infallible;
use std::time::Duration;

use super::recovery::RecoveryError;
use super::snapshots::{Snapshots, blocking};
use super::trim::{Beyond, Trim};
use crate::clock::Stopwatch;
use crate::config;
use crate::journal::StoreError;
use crate::stock::time::{DAY_MS, Timestamp};

/// How many times as long as a step of trimming took the rest after it lasts, at most.
const REST: u32 = 32;

/// Which share of history may be surplus before a turn of trimming takes no rests.
const SURPLUS_SHARE: u64 = 16;

/// Runs until it is aborted, or until the store can write no more: then the process must stop as
/// after a failed append, before anybody asks for one.
pub async fn run(snapshots: Snapshots, config: config::Journal) {
    let Err(error) = run_on(&snapshots, &config).await;
    tracing::error!(
        %error,
        "the store can write no more: this process stops; make room on the disk or mend it, then \
         start it again, it goes on from what is durable"
    );
}

async fn run_on(snapshots: &Snapshots, config: &config::Journal) -> Result<Infallible, StoreError> {
    let turn = Duration::from_secs(config.snapshot_interval_seconds);
    let mut every = tokio::time::interval(turn);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    every.tick().await;
    let clock = snapshots.directory.context.clock.clone();
    let mut trim_at = clock.now();
    loop {
        every.tick().await;
        let now = clock.now();
        let rounded = round(snapshots, now).await?;
        let pause = || tokio::time::sleep(Duration::from_millis(1));
        snapshots.directory.gather(pause).await;
        let surplus = snapshots.store.history_bytes();
        let surplus = surplus.saturating_sub(config.history_bytes_max);
        if rounded && (now >= trim_at || surplus > 0) {
            let kept_ms = i64::from(config.history_days) * DAY_MS;
            let beyond = Beyond {
                before: now.plus_millis(-kept_ms),
                bytes: surplus,
            };
            if trim(snapshots, beyond, turn).await? {
                trim_at = now.plus_millis(i64::from(config.trim_interval_seconds) * 1000);
            }
        }
    }
}

/// Forgets what is past its time and takes a snapshot round; whether it succeeded.
///
/// # Errors
/// The store can write no more.
async fn round(snapshots: &Snapshots, now: Timestamp) -> Result<bool, StoreError> {
    let context = &snapshots.directory.context;
    context.idempotency.forget(now);
    context.reservations.forget(now);
    match snapshots.round().await {
        Ok(entries) => {
            tracing::debug!(entries, "snapshot round finished");
            Ok(true)
        }
        Err(error) if error.is_for_good() => Err(error),
        Err(error) => {
            tracing::error!(%error, "snapshot round failed; its keys are tried again");
            Ok(false)
        }
    }
}

/// Trims for one turn at most; whether that was all there is to do for now.
///
/// # Errors
/// The store can write no more.
async fn trim(snapshots: &Snapshots, beyond: Beyond, turn: Duration) -> Result<bool, StoreError> {
    if beyond.bytes > 0 {
        tracing::warn!(
            surplus_bytes = beyond.bytes,
            "history takes more of the disk than journal.history_bytes_max: the oldest goes, \
             whatever journal.history_days says"
        );
    }
    match trim_in_steps(snapshots, beyond, turn).await {
        Ok(Trimmed { records, is_all }) => {
            if records > 0 {
                tracing::info!(records, is_all, "history trimmed");
            }
            Ok(is_all)
        }
        Err(RecoveryError::Store(error)) if error.is_for_good() => Err(error),
        Err(error) => {
            tracing::error!(%error, "history could not be trimmed; tried again later");
            Ok(true)
        }
    }
}

/// What one turn of trimming came to.
pub(super) struct Trimmed {
    /// How many records went.
    pub(super) records: u64,
    /// Whether nothing is left that may go. Otherwise a snapshot round is due before it goes on:
    /// what a restart has to replay would grow for as long as there is something to trim.
    pub(super) is_all: bool,
}

/// The rest after each step: the disk has bounds, however fast records come, so the further history
/// of so many bytes is past them the less trimming yields.
fn rest_of(surplus: u64, history: u64) -> u32 {
    let rest = (history / SURPLUS_SHARE).checked_div(surplus);
    rest.map_or(REST, |rest| rest.min(REST.into()) as u32)
}

/// Trims until all is done or the turn is over.
pub(super) async fn trim_in_steps(
    snapshots: &Snapshots,
    beyond: Beyond,
    turn: Duration,
) -> Result<Trimmed, RecoveryError> {
    let stopwatch = Stopwatch::start();
    let rest = rest_of(beyond.bytes, snapshots.store.history_bytes());
    let Some(mut trim) = Trim::begin(&*snapshots.store, beyond, &snapshots.pace, rest) else {
        return Ok(Trimmed {
            records: 0,
            is_all: true,
        });
    };
    let mut more;
    loop {
        let store = snapshots.store.clone();
        let step = blocking(move || {
            let more = trim.step(&*store)?;
            Ok::<_, RecoveryError>((trim, more))
        });
        (trim, more) = snapshots.pace.step(rest, step).await?;
        if !more || (trim.is_between_groups() && stopwatch.elapsed() >= turn) {
            break;
        }
    }
    let store = snapshots.store.clone();
    let records = blocking(move || trim.end(&*store)).await?;
    Ok(Trimmed {
        records,
        is_all: !more,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trimming_rests_the_less_the_more_bytes_are_surplus() {
        let history = 1 << 30;
        assert_eq!(rest_of(0, history), 32, "what is only old has time");
        assert_eq!(rest_of(1, history), 32);
        assert_eq!(rest_of(history / 64, history), 4);
        assert_eq!(rest_of(history / 16, history), 1);
        assert_eq!(rest_of(history / 16 + 1, history), 0);
        assert_eq!(rest_of(0, 0), 32);
    }
}
