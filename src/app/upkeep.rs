//! What runs on and on beside the work: snapshot rounds, forgetting, trimming of history.

use std::time::Duration;

use super::recovery::RecoveryError;
use super::snapshots::{Snapshots, blocking};
use super::trim::{Beyond, Trim};
use crate::config;
use crate::stock::time::{DAY_MS, Timestamp};

/// Runs until it is aborted.
pub async fn run(snapshots: Snapshots, config: config::Journal) {
    let mut every = tokio::time::interval(Duration::from_secs(config.snapshot_interval_seconds));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    every.tick().await;
    let clock = snapshots.directory.context.clock.clone();
    let mut trim_at = clock.now();
    loop {
        every.tick().await;
        let now = clock.now();
        let rounded = round(&snapshots, now).await;
        let surplus = snapshots.store.history_bytes();
        let surplus = surplus.saturating_sub(config.history_bytes_max);
        if rounded && (now >= trim_at || surplus > 0) {
            let kept_ms = i64::from(config.history_days) * DAY_MS;
            let beyond = Beyond {
                before: now.plus_millis(-kept_ms),
                bytes: surplus,
            };
            trim(&snapshots, beyond).await;
            trim_at = now.plus_millis(i64::from(config.trim_interval_seconds) * 1000);
        }
    }
}

/// Forgets what is past its time and takes a snapshot round; whether it succeeded.
async fn round(snapshots: &Snapshots, now: Timestamp) -> bool {
    let context = &snapshots.directory.context;
    context.idempotency.forget(now);
    context.reservations.forget(now);
    match snapshots.round().await {
        Ok(entries) => {
            tracing::debug!(entries, "snapshot round finished");
            true
        }
        Err(error) => {
            tracing::error!(%error, "snapshot round failed; its keys are tried again");
            false
        }
    }
}

async fn trim(snapshots: &Snapshots, beyond: Beyond) {
    if beyond.bytes > 0 {
        tracing::warn!(
            surplus_bytes = beyond.bytes,
            "history takes more of the disk than journal.history_bytes_max: the oldest goes, \
             whatever journal.history_days says"
        );
    }
    match trim_in_steps(snapshots, beyond).await {
        Ok(records @ 1..) => tracing::info!(records, "history trimmed"),
        Ok(0) => {}
        Err(error) => tracing::error!(%error, "history could not be trimmed; tried again later"),
    }
}

async fn trim_in_steps(snapshots: &Snapshots, beyond: Beyond) -> Result<u64, RecoveryError> {
    let store = snapshots.store.clone();
    let Some(mut trim) = blocking(move || Trim::begin(&*store, beyond)).await? else {
        return Ok(0);
    };
    loop {
        let store = snapshots.store.clone();
        let step = blocking(move || {
            let more = trim.step(&*store)?;
            Ok::<_, RecoveryError>((trim, more))
        });
        let more;
        (trim, more) = snapshots.pace.step(step).await?;
        if !more {
            return Ok(trim.folded());
        }
    }
}
