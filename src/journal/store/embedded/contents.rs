//! All of an embedded store, in portions. Each is read by itself: a view of the engine that
//! lived as long as a copy takes would keep all that is written meanwhile in memory.

use std::collections::VecDeque;
use std::iter::once_with;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fjall::Keyspace;

use super::entries::EntrySpace;
use super::{EmbeddedStore, META_PREFIX, entry, key, positioned};
use crate::journal::store::{Contents, Entries, Entry, Part};
use crate::journal::{Position, Store, StoreError};

/// A portion ends once it has this much.
const PORTION_BYTES: usize = 1 << 20;

/// How many hold the base where it is.
#[derive(Clone, Default)]
pub(super) struct Holds(Arc<AtomicUsize>);

/// Holds the base where it is until dropped.
struct Held(Holds);

impl Holds {
    /// Whether nobody does.
    pub(super) fn is_free(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }

    fn take(&self) -> Held {
        self.0.fetch_add(1, Ordering::AcqRel);
        Held(self.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The contents of the store from now on.
pub(super) fn contents(store: &EmbeddedStore) -> Contents {
    // The base moves under this lock only.
    let marks = store.marks.lock();
    let held = store.holds.take();
    let (first, after) = (META_PREFIX.into(), after_prefix(META_PREFIX));
    let meta = Portions::between(plain(&store.meta), first, after);
    let meta = meta.map(|value| {
        let (name, value) = value?;
        Ok(Part::Meta((name[META_PREFIX.len()..].to_vec(), value)))
    });
    let base = Portions::of(&store.base).map(|entry| entry.map(Part::Base));
    let snapshots = Portions::of(&store.snapshots).map(|entry| entry.map(Part::Snapshot));
    let (groups, first) = (store.groups.clone(), marks.base.next());
    // Their end is fixed only now: every snapshot entry that was read is of a record before it.
    let groups = once_with(move || groups_from(&groups, first)).flatten();
    let parts = meta.chain(base).chain(snapshots).chain(groups);
    Contents {
        base: marks.base,
        begun: store.last(),
        round: marks.round,
        bytes_estimated: bytes_estimated(store),
        parts: Box::new(Parts { parts, _held: held }),
    }
}

/// Parts that hold the base where it is.
struct Parts<I> {
    parts: I,
    _held: Held,
}

impl<I: Iterator> Iterator for Parts<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.parts.next()
    }
}

/// What lies in the engine's tables, and what is on its way there.
fn bytes_estimated(store: &EmbeddedStore) -> u64 {
    let in_tables = store.meta.disk_space() + store.groups.disk_space();
    let of_entries = store.base.disk_space() + store.snapshots.disk_space();
    in_tables + of_entries + store.database.write_buffer_size()
}

/// The groups from the one at `first` to the last there is now.
fn groups_from(
    groups: &Keyspace,
    first: Position,
) -> Box<dyn Iterator<Item = Result<Part, StoreError>> + Send> {
    let last = match groups.last_key_value().map(positioned).transpose() {
        Ok(last) => last.map_or(Position::ZERO, |(last, _)| last),
        Err(error) => return Box::new(std::iter::once(Err(error))),
    };
    if last < first {
        return Box::new(std::iter::empty());
    }
    let (from, to) = (key(first).into(), key(last.next()).into());
    let portions = Portions::between(plain(groups), from, to);
    Box::new(portions.map(|group| {
        let (first, bytes) = group?;
        let first = first.try_into().map_err(|_| StoreError::Damaged {
            what: "a group's position",
        })?;
        let first = Position::new(u64::from_be_bytes(first));
        Ok(Part::Group(first, bytes))
    }))
}

/// The first key after all that begin so.
fn after_prefix(prefix: &str) -> Vec<u8> {
    let mut after: Vec<u8> = prefix.into();
    if let Some(last) = after.last_mut() {
        *last += 1;
    }
    after
}

/// The keys that are meant.
type Range = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// What gives the entries of a range as of now.
type Source = Box<dyn Fn(Range) -> Entries + Send>;

/// The entries of a key space as they are there.
fn plain(space: &Keyspace) -> Source {
    let space = space.clone();
    Box::new(move |range| Box::new(space.range::<Vec<u8>, _>(range).map(entry)))
}

/// Entries, read portion by portion.
struct Portions {
    source: Source,
    from: Bound<Vec<u8>>,
    to: Bound<Vec<u8>>,
    portion: VecDeque<Entry>,
}

impl Portions {
    fn of(space: &EntrySpace) -> Portions {
        let space = space.clone();
        Portions {
            source: Box::new(move |range| space.range(range)),
            from: Bound::Unbounded,
            to: Bound::Unbounded,
            portion: VecDeque::new(),
        }
    }

    /// From one key to before another.
    fn between(source: Source, from: Vec<u8>, to: Vec<u8>) -> Portions {
        Portions {
            source,
            from: Bound::Included(from),
            to: Bound::Excluded(to),
            portion: VecDeque::new(),
        }
    }

    fn read(&mut self) -> Result<(), StoreError> {
        let mut bytes = 0;
        for read in (self.source)((self.from.clone(), self.to.clone())) {
            let (key, value) = read?;
            bytes += key.len() + value.len();
            self.from = Bound::Excluded(key.clone());
            self.portion.push_back((key, value));
            if bytes >= PORTION_BYTES {
                break;
            }
        }
        Ok(())
    }
}

impl Iterator for Portions {
    type Item = Result<Entry, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.portion.is_empty()
            && let Err(error) = self.read()
        {
            return Some(Err(error));
        }
        self.portion.pop_front().map(Ok)
    }
}
