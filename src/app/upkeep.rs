//! What runs on and on beside the work: snapshot rounds, forgetting, trimming of history.

use std::time::Duration;

use super::snapshots::{Snapshots, blocking};
use super::trim;
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
        if rounded && now >= trim_at {
            let kept_ms = i64::from(config.history_days) * DAY_MS;
            trim_before(&snapshots, now.plus_millis(-kept_ms)).await;
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

async fn trim_before(snapshots: &Snapshots, limit: Timestamp) {
    let store = snapshots.store.clone();
    let trimmed = blocking(move || {
        trim::trim(&store, limit).map_err(|error| {
            tracing::error!(%error, "history could not be trimmed; tried again later");
            crate::journal::StoreError::Closed
        })
    });
    if let Ok(records @ 1..) = trimmed.await {
        tracing::info!(records, "history trimmed");
    }
}
