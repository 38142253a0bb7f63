//! What runs on and on beside the work: snapshot rounds, forgetting, trimming of history.

use std::time::Duration;

use super::snapshots::{Snapshots, blocking};
use super::trim;
use crate::config;
use crate::stock::time::DAY_MS;

/// Runs until it is aborted.
pub async fn run(snapshots: Snapshots, config: config::Journal) {
    let mut every = tokio::time::interval(Duration::from_secs(config.snapshot_interval_seconds));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    every.tick().await;
    loop {
        every.tick().await;
        once(&snapshots, config.history_days).await;
    }
}

async fn once(snapshots: &Snapshots, history_days: u32) {
    let context = &snapshots.directory.context;
    let now = context.clock.now();
    context.idempotency.forget(now);
    context.reservations.forget(now);
    match snapshots.round().await {
        Ok(entries) => tracing::debug!(entries, "snapshot round finished"),
        Err(error) => {
            tracing::error!(%error, "snapshot round failed; its keys are tried again");
            return;
        }
    }
    let limit = now.plus_millis(-i64::from(history_days) * DAY_MS);
    let store = snapshots.store.clone();
    let trimmed = blocking(move || {
        trim::trim(&store, limit).map_err(|error| {
            tracing::error!(%error, "history could not be trimmed; tried again next round");
            crate::journal::StoreError::Closed
        })
    });
    if let Ok(records @ 1..) = trimmed.await {
        tracing::info!(records, "history trimmed");
    }
}
