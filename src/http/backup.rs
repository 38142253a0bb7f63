//! `POST /v1/backup`: a copy of everything, streamed while the node works. The client sets the
//! pace, and slows nobody but itself: at most a few chunks are in memory, and whoever takes
//! nothing for long is dropped, for history is not trimmed meanwhile.

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::{Bytes, Data};
use futures::{Stream, stream};
use serde_json::value::RawValue;
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::answer::Answered;
use super::auth::Caller;
use super::body::{Object, document_or_empty, parse_with_faults};
use super::border::Border;
use super::catalogue_schema as schema;
use super::fault::{At, Faults};
use super::problem::{Code, Problem};
use super::problem_schema;
use super::request::Body;
use super::wire::Time;
use crate::backup::{Backup, Busy, CopyError, Header};
use crate::catalogue::Scope;
use crate::stock::Timestamp;

/// When to ask again while another backup is being taken; it takes seconds or minutes.
const BUSY_SECONDS: u64 = 30;

/// What goes from the reading of the store to the answer.
enum Piece {
    Chunk(Bytes),
    /// The copy is whole. Without it, the answer must not look finished.
    End,
}

/// Why the stream broke off; the client sees a connection that ends too early.
#[derive(Debug, thiserror::Error)]
#[error("the backup was broken off")]
struct BrokenOff;

/// Takes a copy of everything as of this moment, while the service runs.
///
/// `onhand restore` makes a data directory of it; `onhand backup` asks for it with a progress bar.
#[utoipa::path(
    post,
    path = "/v1/backup",
    operation_id = "takeBackup",
    tag = "Backup",
    responses(
        (status = 200, description = "A copy of everything as of this moment, to be given to \
            `onhand restore`. It is whole only with its trailer: `onhand restore --check` tells",
            body = schema::BackupStream, content_type = "application/octet-stream",
            headers(
                ("Backup-Bytes-Estimated" = u64, description = "How long it will be, roughly"),
            )),
        problem_schema::Problems,
    ),
    security(("bearer" = ["admin"])),
)]
pub async fn take(caller: Caller, body: Body, border: Data<Border>) -> Answered {
    caller.needs(Scope::Admin)?;
    let body = body.read().await?;
    parse_with_faults(document_or_empty(&body)?, nothing)?;
    let (backups, epoch) = (border.backups.clone(), border.stock.epoch().to_owned());
    let now = border.stock.now();
    let begun = tokio::task::spawn_blocking(move || backups.begin(&epoch, now));
    let backup = match begun.await {
        Ok(begun) => begun.map_err(|Busy| {
            let detail = "another backup is being taken; one at a time";
            Problem::new(Code::BackupInProgress, detail).retry_after(BUSY_SECONDS)
        })?,
        Err(_) => return Err(Problem::new(Code::Overloaded, "the service is stopping")),
    };
    let response = HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/octet-stream"))
        .insert_header((CONTENT_DISPOSITION, disposition(backup.header())))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(("backup-bytes-estimated", backup.bytes_estimated()))
        .streaming(streamed(backup, border.into_inner()));
    Ok(response)
}

/// There is nothing to be asked for.
fn nothing(raw: &RawValue, at: At<'_>, faults: &mut Faults) -> Option<()> {
    Object::read(raw, at, faults)?.finish();
    Some(())
}

/// A name for the file, as in `onhand-20261122T010048Z.backup`.
fn disposition(header: &Header) -> String {
    let time = Time(Timestamp::from_millis(header.taken_at_ms)).text();
    let time = String::from_utf8_lossy(&time[..19]).replace(['-', ':'], "");
    format!("attachment; filename=\"onhand-{time}Z.backup\"")
}

/// The body of the answer. One chunk is being read, one waits, one is on its way to the client.
fn streamed(
    backup: Backup,
    border: Arc<Border>,
) -> impl Stream<Item = Result<Bytes, BrokenOff>> + 'static {
    let (give, taken) = mpsc::channel(1);
    actix_web::rt::spawn(feed(backup, border, give));
    let next = |state: Option<Receiver<Piece>>| async {
        let mut taken = state?;
        match taken.recv().await {
            Some(Piece::Chunk(bytes)) => Some((Ok(bytes), Some(taken))),
            Some(Piece::End) => None,
            None => Some((Err(BrokenOff), None)),
        }
    };
    Box::pin(stream::unfold(Some(taken), next))
}

/// Reads the copy, chunk by chunk, as fast as the client takes it.
async fn feed(mut backup: Backup, border: Arc<Border>, give: Sender<Piece>) {
    let mut bytes = 0;
    loop {
        let (read, chunk) = match next_chunk(backup).await {
            Some(read) => read,
            None => return,
        };
        backup = read;
        let piece = match chunk {
            Some(Ok(chunk)) => {
                bytes += chunk.len();
                Piece::Chunk(chunk.into())
            }
            Some(Err(error)) => {
                tracing::error!(%error, bytes, "a backup was broken off");
                return;
            }
            None => Piece::End,
        };
        let is_end = matches!(piece, Piece::End);
        if let Err(reason) = pass(&border, &give, piece).await {
            tracing::warn!(bytes, reason, "a backup was broken off");
            return;
        }
        if is_end {
            let position = backup.trailer().map(|trailer| trailer.last);
            tracing::info!(position, bytes, "a backup was taken");
            return;
        }
    }
}

/// The next chunk, read where reading may block; none if the process is stopping.
async fn next_chunk(mut backup: Backup) -> Option<(Backup, Option<Result<Vec<u8>, CopyError>>)> {
    let read = tokio::task::spawn_blocking(move || {
        let chunk = backup.next_chunk();
        (backup, chunk)
    });
    read.await.ok()
}

/// Hands a piece on, or says why not.
async fn pass(border: &Border, give: &Sender<Piece>, piece: Piece) -> Result<(), &'static str> {
    let stall = Duration::from_secs(border.limits.backup_stall_seconds_max);
    tokio::select! {
        biased;
        () = border.stopping() => Err("the service is stopping"),
        given = give.send(piece) => given.map_err(|_| "the client is gone"),
        () = tokio::time::sleep(stall) => Err("the client took nothing for too long"),
    }
}
