//! The entries of the snapshots and of the base. A value that is too large to be written at once,
//! for whoever appends waits for the engine's log meanwhile, and a group's sync for all of its
//! bytes, is written in pieces and becomes the entry's with the write after them.
//!
//! Such an entry has an empty value. Its pieces are in the key space `pieces`, in one of two
//! places, which take turns: what is being written never touches what is read. Which place it is
//! and how many pieces are in each is in the key space `split`, which is consulted for empty values
//! only.
//!
//! What is no longer read goes with the entry's next write, never with the one that puts something
//! in its stead, and `split` is written before the entry: the engine may show a view that is opened
//! meanwhile the first part of a write only. What was begun and not finished is noted, too, and
//! goes with the next write.
//!
//! ```text
//! pieces: space u8, key, place u8, index u32 big-endian -> up to 64 KiB
//! split:  space u8, key -> place u8 (2: none, 3 and 4: place 0 and 1 were read before the entry
//!         had a value of its own again), pieces in each place 2 × u32 little-endian
//! ```

use std::mem;
use std::ops::RangeBounds;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use fjall::{Database, Keyspace, OwnedWriteBatch, Readable, Snapshot, UserValue};

use super::directory::key_space;
use super::entry;
use crate::clock::Stopwatch;
use crate::journal::store::{Changes, Entries, EntryChange, StoreError};

/// The largest value that is written at once, and the size of the pieces of others.
pub(super) const PIECE_BYTES: usize = 64 * 1024;

/// How many times as long as it took the rest after a piece lasts, and the bounds of that: the
/// next sync of the log waits for all pieces since the last one.
const REST: u32 = 4;
const REST_MIN: Duration = Duration::from_millis(1);
const REST_MAX: Duration = Duration::from_millis(20);

/// How much one batch changes, since whoever appends waits for it: some 100 µs. In between, whoever
/// wants the processor may have it.
const CHANGES_AT_ONCE: usize = 16;
const BYTES_AT_ONCE: usize = 4 * 1024;

/// How many times as much when nobody appends any more.
const HURRIED: usize = 128;

/// From how many changes on they are written as sorted runs (see `runs.rs`).
const RUN_CHANGES_MIN: usize = if cfg!(any(test, feature = "failpoints")) {
    4
} else {
    4 * 1024
};

/// What `split` says where nothing was ever read, and what it adds where it was read before.
const NO_PLACE: u8 = 2;
const READ_BEFORE: u8 = 3;

/// The snapshots or the base.
#[derive(Clone)]
pub(super) struct EntrySpace {
    /// Names it in the key spaces it shares with the other.
    tag: u8,
    pub(super) entries: Keyspace,
    pieces: Keyspace,
    split: Keyspace,
    pub(super) database: Database,
    /// Whether nobody appends any more, so that nothing need rest.
    is_hurried: Arc<AtomicBool>,
}

/// Where the pieces of an entry are.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Split {
    /// The place that is read, or was before the newest write.
    place: Option<u8>,
    is_read: bool,
    /// Pieces in each place, at most.
    counts: [u32; 2],
}

const WHOLE: Split = Split {
    place: None,
    is_read: false,
    counts: [0; 2],
};

impl EntrySpace {
    /// The key space of that name, named by `tag` in those it shares.
    pub fn open(
        database: &Database,
        name: &str,
        tag: u8,
        is_hurried: &Arc<AtomicBool>,
    ) -> Result<EntrySpace, StoreError> {
        Ok(EntrySpace {
            tag,
            entries: key_space(database, name)?,
            pieces: key_space(database, "pieces")?,
            split: key_space(database, "split")?,
            database: database.clone(),
            is_hurried: is_hurried.clone(),
        })
    }

    /// About how many bytes it has in the engine's tables: of the pieces, which it shares, half.
    pub fn disk_space(&self) -> u64 {
        self.entries.disk_space() + self.pieces.disk_space() / 2
    }

    /// The entries of a range, in the order of their keys, as of now.
    pub fn range(&self, range: impl RangeBounds<Vec<u8>>) -> Entries {
        let (space, view) = (self.clone(), self.database.snapshot());
        let entries = view.range(&self.entries, range);
        Box::new(entries.map(move |guard| {
            let (key, value) = entry(guard)?;
            let value = space.whole(&view, &key, value)?;
            Ok((key, value))
        }))
    }

    /// The value of an entry.
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let view = self.database.snapshot();
        let value = view.get(&self.entries, key)?;
        let whole = |value: UserValue| self.whole(&view, key, value.to_vec());
        value.map(whole).transpose()
    }

    fn whole(&self, view: &Snapshot, key: &[u8], value: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        if !value.is_empty() {
            return Ok(value);
        }
        let split = Split::read(view.get(&self.split, self.named(key))?)?;
        let Some(place) = split.place else {
            return Ok(value);
        };
        let mut whole = Vec::new();
        for index in 0..split.counts[usize::from(place)] {
            let piece = view.get(&self.pieces, self.piece_key(key, place, index))?;
            whole.extend_from_slice(&piece.ok_or(DAMAGED)?);
        }
        Ok(whole)
    }

    /// Writes all changes but the last few, which it gives as a batch to be committed. If there
    /// may be many, they should be in the order of their keys.
    pub fn write(&self, changes: Changes<'_>) -> Result<OwnedWriteBatch, StoreError> {
        let at_most = changes.size_hint().1;
        if at_most.is_some_and(|at_most| at_most >= RUN_CHANGES_MIN) {
            self.write_runs(changes)?;
            return Ok(self.database.batch());
        }
        self.write_batches(changes)
    }

    pub(super) fn write_batches(
        &self,
        changes: impl IntoIterator<Item = EntryChange>,
    ) -> Result<OwnedWriteBatch, StoreError> {
        let mut batch = self.database.batch();
        let mut bytes = 0;
        for EntryChange { key, value } in changes {
            let length = value.as_ref().map_or(0, Vec::len);
            let is_large = length > PIECE_BYTES;
            let times = if self.is_hurried() { HURRIED } else { 1 };
            let is_full = batch.len() >= times * CHANGES_AT_ONCE || bytes >= times * BYTES_AT_ONCE;
            // What is split where is read from what is written.
            if is_large || is_full {
                mem::replace(&mut batch, self.database.batch()).commit()?;
                thread::yield_now();
                bytes = 0;
            }
            bytes += length;
            let split = self.split_of(&key)?;
            match value {
                // An empty value would be taken for what its pieces were, so it is none of them.
                Some(value) if is_large || (value.is_empty() && split.place.is_some()) => {
                    self.write_pieces(&mut batch, &key, split, &value)?;
                }
                Some(value) => {
                    self.settle(&mut batch, &key, split, split.of_a_whole_value());
                    batch.insert(&self.entries, key, value);
                }
                None => {
                    self.settle(&mut batch, &key, split, split.of_a_whole_value());
                    batch.remove(&self.entries, key);
                }
            }
        }
        Ok(batch)
    }

    /// Writes `value` in pieces; what makes them the entry's goes into `batch`.
    fn write_pieces(
        &self,
        batch: &mut OwnedWriteBatch,
        key: &[u8],
        split: Split,
        value: &[u8],
    ) -> Result<(), StoreError> {
        let place = split.place.map_or(0, |place| 1 - place);
        let pieces = value.chunks(PIECE_BYTES);
        let count = u32::try_from(pieces.len()).expect("a value is less than 256 TiB");
        let mut begun = split;
        let noted = &mut begun.counts[usize::from(place)];
        *noted = count.max(*noted);
        let mut one = self.database.batch();
        self.note(&mut one, key, begun);
        for (index, piece) in (0..).zip(pieces) {
            let stopwatch = Stopwatch::start();
            one.insert(&self.pieces, self.piece_key(key, place, index), piece);
            mem::replace(&mut one, self.database.batch()).commit()?;
            fail::fail_point!("journal::after_a_piece", |_| std::process::abort());
            if !self.is_hurried() {
                thread::sleep((stopwatch.elapsed() * REST).clamp(REST_MIN, REST_MAX));
            }
        }
        self.settle(batch, key, begun, begun.of_pieces(place, count));
        batch.insert(&self.entries, key, []);
        Ok(())
    }

    /// Notes where the pieces are from now on, and removes those that are not there any more.
    fn settle(&self, batch: &mut OwnedWriteBatch, key: &[u8], before: Split, after: Split) {
        if before == after {
            return;
        }
        self.note(batch, key, after);
        for place in 0..NO_PLACE {
            let counts = |split: Split| split.counts[usize::from(place)];
            for index in counts(after)..counts(before) {
                batch.remove(&self.pieces, self.piece_key(key, place, index));
            }
        }
    }

    fn note(&self, batch: &mut OwnedWriteBatch, key: &[u8], split: Split) {
        match split {
            WHOLE => batch.remove(&self.split, self.named(key)),
            _ => batch.insert(&self.split, self.named(key), split.bytes()),
        }
    }

    /// Whether an entry can be written as it is: no piece is, was or shall be anywhere.
    pub(super) fn is_plain(&self, key: &[u8], value: &[u8]) -> Result<bool, StoreError> {
        Ok(value.len() <= PIECE_BYTES && self.split_of(key)? == WHOLE)
    }

    fn split_of(&self, key: &[u8]) -> Result<Split, StoreError> {
        Split::read(self.split.get(self.named(key))?)
    }

    pub(super) fn is_hurried(&self) -> bool {
        self.is_hurried.load(Ordering::Relaxed)
    }

    fn named(&self, key: &[u8]) -> Vec<u8> {
        [&[self.tag], key].concat()
    }

    fn piece_key(&self, key: &[u8], place: u8, index: u32) -> Vec<u8> {
        [&[self.tag], key, &[place], &index.to_be_bytes()].concat()
    }
}

impl Split {
    /// Where the pieces are once the entry has a value of its own again.
    fn of_a_whole_value(self) -> Split {
        match self.place {
            Some(place) if self.is_read => Split {
                is_read: false,
                ..self.with_only(place)
            },
            Some(_) | None => WHOLE,
        }
    }

    /// Where they are once so many in `place`, which was not read, are the entry's.
    fn of_pieces(self, place: u8, count: u32) -> Split {
        let mut of = self.place.map_or(WHOLE, |before| self.with_only(before));
        of.counts[usize::from(place)] = count;
        Split {
            place: Some(place),
            is_read: true,
            ..of
        }
    }

    fn with_only(mut self, place: u8) -> Split {
        self.counts[usize::from(1 - place)] = 0;
        self
    }

    fn bytes(self) -> Vec<u8> {
        let place = match self.place {
            Some(place) if self.is_read => place,
            Some(place) => READ_BEFORE + place,
            None => NO_PLACE,
        };
        let counts = self.counts.iter().flat_map(|count| count.to_le_bytes());
        [place].into_iter().chain(counts).collect()
    }

    fn read(value: Option<UserValue>) -> Result<Split, StoreError> {
        let Some(value) = value else {
            return Ok(WHOLE);
        };
        let (place, counts) = value.split_first().ok_or(DAMAGED)?;
        let (place, is_read) = match *place {
            place @ (0 | 1) => (Some(place), true),
            NO_PLACE => (None, false),
            before @ (3 | 4) => (Some(before - READ_BEFORE), false),
            _ => return Err(DAMAGED),
        };
        let ([first, second], []) = counts.as_chunks() else {
            return Err(DAMAGED);
        };
        Ok(Split {
            place,
            is_read,
            counts: [*first, *second].map(u32::from_le_bytes),
        })
    }
}

const DAMAGED: StoreError = StoreError::Damaged {
    what: "a large value",
};
