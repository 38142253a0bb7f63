//! The file, read ahead on a thread of its own: while one batch travels, the next is made ready. It
//! must not know where batches go.

use std::io::{self, Read};
use std::mem;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use super::Stopped;
use super::header::Header;
use super::lines::{Lines, Record};
use super::sending::Batch;
use super::sheet::Layout;

/// Pieces that wait to be sent.
const PIECES_AHEAD: usize = 2;

/// What was read.
pub(super) enum Piece {
    /// Lines that travel together.
    Batch(Batch),
    /// A line that cannot be sent.
    Bad {
        /// Its number.
        line: u64,
        /// Why not.
        reason: String,
    },
}

/// Reads the whole file, in its order. The thread may outlive whoever listens, when an input such
/// as a pipe has no end.
pub(super) fn read_ahead(
    input: impl Read + Send + 'static,
    layout: Layout,
) -> Receiver<Result<Piece, Stopped>> {
    let (tell, told) = sync_channel(PIECES_AHEAD);
    thread::spawn(move || {
        let goes_on = |piece| tell.send(Ok(piece)).is_ok();
        if let Err(stopped) = read(input, &layout, goes_on) {
            // Nobody listens any more once the server stopped the import.
            tell.send(Err(stopped)).ok();
        }
    });
    told
}

/// Reads until `goes_on` says no.
fn read(input: impl Read, layout: &Layout, goes_on: impl Fn(Piece) -> bool) -> Result<(), Stopped> {
    let unreadable = |error: io::Error| Stopped::File(format!("cannot be read on: {error}"));
    let mut lines = Lines::new(input);
    let header = match lines.next().map_err(unreadable)? {
        Some(Record::Cells { cells, .. }) => Header::check(cells, layout.columns()),
        Some(Record::Bad { reason, .. }) => Err(format!("the header: {reason}")),
        None => Err("the file is empty; its first line must name the columns".to_owned()),
    };
    let header = header.map_err(Stopped::File)?;
    let mut batch = Batch::default();
    while let Some(record) = lines.next().map_err(unreadable)? {
        let entry = match record {
            Record::Cells { line, cells } => {
                let entry = header.row(&cells).and_then(|row| layout.entry(line, &row));
                entry.map_err(|reason| (line, reason))
            }
            Record::Bad { line, reason } => Err((line, reason)),
        };
        let piece = match entry {
            Ok(entry) if batch.has_room_for(&entry) => {
                batch.push(entry);
                continue;
            }
            Ok(entry) => {
                let full = mem::take(&mut batch);
                batch.push(entry);
                Piece::Batch(full)
            }
            Err((line, reason)) => Piece::Bad { line, reason },
        };
        if !goes_on(piece) {
            return Ok(());
        }
    }
    goes_on(Piece::Batch(batch));
    Ok(())
}
