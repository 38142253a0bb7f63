//! The composition root: what is started in which order, and stopped in the reverse one.
//!
//! Start: data directory, clock, journal, recovery, what is due and owed, the public listener, the
//! first token, snapshot rounds; then it is ready. The ops listener answers from the beginning.
//! Stop: not ready, the companion, the feed's clients told, requests under way, errands, a last
//! snapshot, the journal.

mod check;
mod companion;
mod connections;
pub mod epoch;
pub mod feed;
mod huge_pages;
mod listen;
mod node;
mod open_files;
mod pace;
pub mod recovery;
mod replay;
pub mod restore;
pub mod snapshots;
pub mod state;
mod stream;
pub mod trim;
pub mod upkeep;
pub mod verify;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use futures::future::OptionFuture;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::clock::Stopwatch;
use crate::config::Config;
use crate::http::border::Readiness;
use crate::http::ops::OpsView;
use crate::journal::{EmbeddedStore, StoreError};
use crate::telemetry::{choose_counting, metrics};

use companion::Companion;

pub use check::{Checked, check};
pub use companion::Ready;
pub use node::Node;
pub use restore::{Restore, RestoreError, restore};

/// Why the service did not start, or stopped otherwise than asked to.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The data directory.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is in the data directory.
    #[error("the data directory cannot be recovered: {0}")]
    Recovery(#[from] recovery::RecoveryError),
    /// The system's clock.
    #[error(transparent)]
    Clock(#[from] crate::clock::ClockError),
    /// A listener or a signal handler.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// An address that somebody else has.
    #[error(
        "cannot listen on {address}: another program does, perhaps a second Onhand; stop it, or \
         choose another address with {flag} (port 0 lets the system choose)"
    )]
    AddressInUse {
        /// The address.
        address: SocketAddr,
        /// What chooses another one.
        flag: &'static str,
    },
    /// A certificate or key.
    #[error("{0}")]
    Tls(String),
    /// The first token could not be made.
    #[error("the first token could not be made: {0}")]
    Bootstrap(crate::catalogue::CatalogueError),
    /// The journal could not be written.
    #[error("the journal could not be written; what was not acknowledged may or may not be there")]
    JournalFailed,
    /// What ran beside the service.
    #[error("{0}")]
    Companion(String),
}

/// Runs the service until it is told to stop.
pub fn serve(config: &Config, out: &mut dyn Write) -> Result<(), AppError> {
    actix::System::new().block_on(run(config, out, companion::nobody))
}

/// As [`serve`], with a companion beside the service: begun when it is ready, told to end before
/// it stops. A companion that ends by itself ends the service.
pub fn serve_with<F>(
    config: &Config,
    out: &mut dyn Write,
    companion: impl FnOnce(Ready, oneshot::Receiver<()>) -> F,
) -> Result<(), AppError>
where
    F: Future<Output = Result<(), String>> + 'static,
{
    actix::System::new().block_on(run(config, out, companion))
}

/// Opens a data directory that no service has open and proves it. Makes none where there is none.
pub fn verify_directory(directory: &Path) -> Result<verify::Verified, AppError> {
    let store = EmbeddedStore::open_existing(directory)?;
    let progress = |records: u64| {
        if records.is_multiple_of(replay::PROGRESS_RECORDS) {
            tracing::info!(records, "replaying the journal");
        }
    };
    Ok(verify::verify(&store, progress)?)
}

async fn run<F>(
    config: &Config,
    out: &mut dyn Write,
    companion: impl FnOnce(Ready, oneshot::Receiver<()>) -> F,
) -> Result<(), AppError>
where
    F: Future<Output = Result<(), String>> + 'static,
{
    let stopwatch = Stopwatch::start();
    choose_counting(config.telemetry.counting);
    huge_pages::disable();
    open_files::raise(config.feed.connections_max);
    let mut stop = Stop::listen()?;
    let readiness = Readiness::not_ready("starting");
    let node = Node::open(config)?;
    tracing::info!(elapsed = ?stopwatch.elapsed(), "data directory opened");
    readiness.set_not_ready("recovering");
    let ops_view = OpsView::new(readiness.clone());
    let ops = listen::ops(config, &ops_view)?;
    let recovered = node.recover(config).await?;
    let mut started = node.start(config).await?;
    let failed = started.failed.take().expect("a node starts once");
    let border = listen::border(config, &started);
    let public = listen::public(config, border.clone(), &ops)?;
    started.make_first_token(config).await?;
    let mut upkeep = actix::spawn(upkeep::run(
        started.snapshots.clone(),
        config.journal.clone(),
    ));
    readiness.set_ready();
    count_start(&recovered, stopwatch.elapsed());
    ops_view.set(border.clone());
    let listening = (&public, &ops);
    if let Err(error) = started.greet(config, &recovered, stopwatch.elapsed(), listening, out) {
        tracing::warn!(%error, "the greeting could not be written");
    }
    let mut companion = Companion::begin(started.ready(&public, &ops), companion);

    let failed = stop.wait(failed, &mut upkeep, &mut companion).await;
    readiness.set_not_ready("stopping");
    let accompanied = companion.end().await;
    border.stop_waiting();
    border.feed.stop();
    public.server.stop(true).await;
    upkeep.abort();
    let outcome = if failed {
        Err(AppError::JournalFailed)
    } else {
        started.close().await.and(accompanied)
    };
    ops.server.stop(true).await;
    tracing::info!(elapsed = ?stopwatch.elapsed(), "stopped");
    outcome
}

fn count_start(recovered: &recovery::Recovered, took: Duration) {
    let metrics = metrics();
    metrics.recovery_seconds.set(took.as_secs_f64());
    let records = recovered.records.try_into().unwrap_or(i64::MAX);
    metrics.recovery_records.set(records);
}

/// What ends the service: a signal, the journal's failure, which is the upkeep's too, or the
/// companion's end.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
    /// The terminal was closed; none if that is nothing to us.
    hangup: Option<Signal>,
}

impl Stop {
    fn listen() -> Result<Stop, AppError> {
        let listen = |kind| {
            signal(kind).map_err(|source| AppError::Io {
                what: "signals".into(),
                source,
            })
        };
        let hangup = match is_deaf_to_hangups() {
            true => None,
            false => Some(listen(SignalKind::hangup())?),
        };
        Ok(Stop {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup,
        })
    }

    /// Waits for the end; whether it is the journal's failure.
    async fn wait(
        &mut self,
        failed: oneshot::Receiver<()>,
        upkeep: &mut JoinHandle<()>,
        companion: &mut Companion,
    ) -> bool {
        tokio::select! {
            _ = self.terminate.recv() => false,
            _ = self.interrupt.recv() => false,
            Some(_) = OptionFuture::from(self.hangup.as_mut().map(Signal::recv)) => false,
            failed = failed => failed.is_ok(),
            _ = upkeep => true,
            () = companion.ended() => false,
        }
    }
}

/// Whether it was begun to outlive its terminal, as by `nohup`: listening would undo that. Only
/// Linux tells.
fn is_deaf_to_hangups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let hangup = SignalKind::hangup().as_raw_value();
    mask.is_some_and(|mask| mask & (1 << (hangup - 1)) != 0)
}
