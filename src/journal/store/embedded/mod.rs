//! The embedded store: a data directory of this machine with the engine `fjall` in it. Nothing
//! outside this folder knows the engine.
//!
//! Layout of a data directory, format 1:
//! - `lock` held by the one process that uses it;
//! - `engine/` the engine's own files, with the key spaces `groups` (key: position of the first
//!   record, big-endian `u64`; those that the base has passed may linger, unread), `snapshots`,
//!   `base`, what large values of both are in (see `entries.rs`), and `meta`;
//! - `witness` see `witness.rs`;
//! - `engine.restoring/` there only while a restore is under way, or was cut short: then nothing
//!   opens the directory but another restore.
//!
//! Own meta values, little-endian: `store/format` (`u32`), `store/base` (`u64`), `store/round`
//! (cut `u64`, witness `u64`, high-water mark `i64`). The callers' names get the prefix `meta/`.
//!
//! What is written without a sync of its own (snapshots, base) may be lost with the power, but the
//! engine's log loses its end only: never a write while a later one stays. What is written as a
//! run (see `runs.rs`) is in no log: it is durable once the run is finished, and what the log has
//! of the same entries is before that.

mod contents;
mod directory;
mod entries;
mod marks;
mod reclaim;
mod renewal;
mod restoration;
mod runs;
mod sorting;
mod witness;

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use fjall::{AbstractTree, Database, Keyspace, OwnedWriteBatch, PersistMode, Readable};
use parking_lot::Mutex;

pub use restoration::{Restoration, Restored};

use contents::Holds;
use directory::{
    ENGINE, Hold, RESTORING, check_format, create_engine, file_error, key_space, make_directory,
    open_engine, refuse_unfinished,
};
use entries::EntrySpace;
use marks::{BASE_NAME, Marks, ROUND_NAME, encode_round, read_marks};
use reclaim::Reclaim;
use witness::Witness;

use super::{Changes, Contents, Entries, Entry, Groups, Round, Store, StoreError};
use crate::journal::Position;
use crate::journal::group::GroupHeader;

/// What stands before the callers' names of meta values.
const META_PREFIX: &str = "meta/";

/// A data directory.
pub struct EmbeddedStore {
    groups: Keyspace,
    snapshots: EntrySpace,
    base: EntrySpace,
    meta: Keyspace,
    database: Database,
    witness: Witness,
    /// Position of the last record, as a number.
    last: AtomicU64,
    /// Held while appending: checking the position and writing is one step.
    appending: Mutex<()>,
    marks: Mutex<Marks>,
    /// Held while the base moves: two callers must not both move on from the same one.
    advancing: Mutex<()>,
    /// Whether nobody appends any more, so that nothing need rest.
    is_hurried: Arc<AtomicBool>,
    /// Of those who copy what is there.
    holds: Holds,
    _reclaim: Reclaim,
    /// Dropped last: the directory is free once the engine is closed. None if somebody else holds
    /// it for longer.
    _hold: Option<Hold>,
}

impl EmbeddedStore {
    /// Opens the data directory, and creates what is missing. Refuses one that another process
    /// uses, that another format has, or that has lost records.
    pub fn open(directory: &Path) -> Result<EmbeddedStore, StoreError> {
        make_directory(directory)?;
        let hold = Hold::take(directory)?;
        refuse_unfinished(directory)?;
        let engine = directory.join(ENGINE);
        if !engine
            .try_exists()
            .map_err(|source| file_error("read", &engine, source))?
        {
            create_engine(directory, &engine)?;
        }
        renewal::renew(&engine)?;
        EmbeddedStore::over(directory, &engine, Some(hold))
    }

    /// The same, but refuses a directory with nothing of ours in it, and writes nothing there.
    pub fn open_existing(directory: &Path) -> Result<EmbeddedStore, StoreError> {
        for ours in [ENGINE, RESTORING] {
            let path = directory.join(ours);
            match path.try_exists() {
                Ok(true) => return EmbeddedStore::open(directory),
                Err(source) if source.kind() != ErrorKind::NotADirectory => {
                    return Err(file_error("read", &path, source));
                }
                Ok(false) | Err(_) => {}
            }
        }
        Err(StoreError::Nothing {
            directory: directory.to_owned(),
        })
    }

    /// Opens the engine of a data directory.
    fn over(
        directory: &Path,
        engine: &Path,
        hold: Option<Hold>,
    ) -> Result<EmbeddedStore, StoreError> {
        let reclaim = Reclaim::begin(engine)?;
        let is_hurried = Arc::default();
        let database = open_engine(engine, &is_hurried)?;
        let meta = key_space(&database, "meta")?;
        check_format(&meta)?;
        let groups = key_space(&database, "groups")?;
        let marks = read_marks(&meta)?;
        let last = match groups.last_key_value() {
            Some(group) => last_of(group)?.max(marks.base),
            None => marks.base,
        };
        let witness = Witness::within(directory);
        let of_round = marks.round.map_or(Position::ZERO, |round| round.witness);
        let witnessed = witness.read()?.max(of_round);
        if last < witnessed {
            return Err(StoreError::Truncated {
                last,
                witness: witnessed,
            });
        }
        Ok(EmbeddedStore {
            snapshots: EntrySpace::open(&database, "snapshots", b's', &is_hurried)?,
            base: EntrySpace::open(&database, "base", b'b', &is_hurried)?,
            groups,
            meta,
            database,
            witness,
            last: AtomicU64::new(last.get()),
            appending: Mutex::new(()),
            marks: Mutex::new(marks),
            advancing: Mutex::new(()),
            is_hurried,
            holds: Holds::default(),
            _reclaim: reclaim,
            _hold: hold,
        })
    }

    fn synced_batch(&self) -> OwnedWriteBatch {
        self.database
            .batch()
            .durability(Some(PersistMode::SyncData))
    }

    /// Checks that `cut` is the end of a group and that none is missing between the base and it.
    fn check_cut(&self, base: Position, cut: Position) -> Result<(), StoreError> {
        let mut end = base;
        for group in self.groups.range(key(base.next())..=key(cut)) {
            let (first, bytes) = positioned(group)?;
            if first != end.next() {
                return Err(StoreError::Gap {
                    expected: end.next(),
                    found: first,
                });
            }
            end = end.plus(count(first, &bytes)?);
        }
        if end != cut {
            return Err(StoreError::Base {
                base,
                cut,
                reason: "it is not the end of a group",
            });
        }
        Ok(())
    }
}

impl Store for EmbeddedStore {
    fn append(&self, first: Position, group: &[u8]) -> Result<(), StoreError> {
        let _appending = self.appending.lock();
        let expected = self.last().next();
        if first != expected {
            return Err(StoreError::OutOfOrder { first, expected });
        }
        let count = count(first, group)?;
        let mut batch = self.synced_batch();
        batch.insert(&self.groups, key(first), group);
        batch.commit()?;
        self.last.fetch_add(count, Ordering::Release);
        Ok(())
    }

    fn read(&self, from: Position) -> Result<Groups, StoreError> {
        if from > self.last() {
            return Ok(Box::new(std::iter::empty()));
        }
        let earliest = self.earliest();
        if from < earliest {
            return Err(StoreError::Trimmed {
                asked: from,
                earliest,
            });
        }
        // One view for both steps: the base may move between them.
        let view = self.database.snapshot();
        let holding = view
            .range(&self.groups, key(earliest)..=key(from))
            .next_back();
        let first = match holding.map(positioned).transpose()? {
            Some((first, bytes)) if from < first.plus(count(first, &bytes)?) => first,
            None if from < self.earliest() => {
                let earliest = self.earliest();
                return Err(StoreError::Trimmed {
                    asked: from,
                    earliest,
                });
            }
            // The group is missing; the reader says so when it meets the next one.
            Some(_) | None => from,
        };
        Ok(Box::new(
            view.range(&self.groups, key(first)..).map(positioned),
        ))
    }

    fn last(&self) -> Position {
        Position::new(self.last.load(Ordering::Acquire))
    }

    fn put_snapshots(&self, changes: Changes<'_>) -> Result<(), StoreError> {
        fail::fail_point!("journal::before_put_snapshots", |_| std::process::abort());
        Ok(self.snapshots.write(changes)?.commit()?)
    }

    fn finish_round(&self, round: Round) -> Result<(), StoreError> {
        assert!(round.cut <= round.witness, "a round ends after its cut");
        assert!(
            round.witness <= self.last(),
            "a round witnesses what is durable"
        );
        fail::fail_point!("journal::before_finish_round", |_| std::process::abort());
        fail::fail_point!("journal::engine_ends", |_| Err(fjall::Error::Poisoned)?);
        let mut batch = self.synced_batch();
        batch.insert(&self.meta, ROUND_NAME, encode_round(round));
        batch.commit()?;
        self.marks.lock().round = Some(round);
        fail::fail_point!("journal::before_witness", |_| std::process::abort());
        self.witness.write(round.witness)?;
        fail::fail_point!("journal::after_finish_round", |_| std::process::abort());
        Ok(())
    }

    fn snapshots(&self) -> Result<Entries, StoreError> {
        Ok(self.snapshots.range(..))
    }

    fn round(&self) -> Option<Round> {
        self.marks.lock().round
    }

    fn advance_base(&self, cut: Position, changes: Changes<'_>) -> Result<(), StoreError> {
        let _advancing = self.advancing.lock();
        let Marks { base, round } = *self.marks.lock();
        let refused = |reason| Err(StoreError::Base { base, cut, reason });
        if !self.holds.is_free() {
            return Err(StoreError::Held);
        }
        if cut <= base {
            return refused("it only moves forwards");
        }
        if round.is_none_or(|round| round.cut < cut) {
            return refused("the newest snapshot round still needs the records up to there");
        }
        self.check_cut(base, cut)?;
        fail::fail_point!("journal::before_advance_base", |_| std::process::abort());
        let mut batch = self.base.write(changes)?;
        let mut marks = self.marks.lock();
        // Somebody may have begun to copy what is there, as if the process had died here.
        if !self.holds.is_free() {
            return Err(StoreError::Held);
        }
        batch.insert(&self.meta, BASE_NAME, cut.get().to_le_bytes());
        batch.commit()?;
        marks.base = cut;
        fail::fail_point!("journal::after_advance_base", |_| std::process::abort());
        Ok(())
    }

    fn base(&self) -> Result<Entries, StoreError> {
        Ok(self.base.range(..))
    }

    fn base_entry(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.base.get(key)
    }

    /// Whole files of groups are deleted, once all in them is passed. Deleting groups one by one
    /// would only add to the files: the marks of deletion are few and small, so the engine would
    /// hardly ever see a reason to rewrite what they stand for. The base's new position reaches the
    /// disk first: with the power it could be lost while the files are gone, and there would be a
    /// hole in the history for ever.
    fn free_trimmed(&self) -> Result<(), StoreError> {
        let passed = ..=key(self.base_position());
        self.database.persist(PersistMode::SyncData)?;
        let dropped = self.groups.tree.drop_range(passed);
        Ok(dropped.map_err(fjall::Error::from)?)
    }

    fn history_bytes(&self) -> u64 {
        self.groups.disk_space()
    }

    fn base_position(&self) -> Position {
        self.marks.lock().base
    }

    fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self
            .meta
            .get(format!("{META_PREFIX}{name}"))?
            .map(|value| value.to_vec()))
    }

    fn put_meta(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        let mut batch = self.synced_batch();
        batch.insert(&self.meta, format!("{META_PREFIX}{name}"), value);
        Ok(batch.commit()?)
    }

    fn hurry(&self) {
        self.is_hurried.store(true, Ordering::Relaxed);
    }

    fn contents(&self) -> Contents {
        contents::contents(self)
    }
}

impl Drop for EmbeddedStore {
    /// The engine closes once no sort is under way.
    fn drop(&mut self) {
        self.hurry();
    }
}

/// Big-endian, so that the order of the keys is that of the positions.
fn key(position: Position) -> [u8; 8] {
    position.get().to_be_bytes()
}

fn positioned(group: fjall::Guard) -> Result<(Position, Vec<u8>), StoreError> {
    let (key, bytes) = group.into_inner()?;
    let key = <[u8; 8]>::try_from(&*key).map_err(|_| StoreError::Damaged {
        what: "a group's position",
    })?;
    Ok((Position::new(u64::from_be_bytes(key)), bytes.to_vec()))
}

fn count(first: Position, group: &[u8]) -> Result<u64, StoreError> {
    let header = GroupHeader::read(group).map_err(|source| StoreError::Group { first, source })?;
    Ok(u64::from(header.records))
}

fn last_of(group: fjall::Guard) -> Result<Position, StoreError> {
    let (first, bytes) = positioned(group)?;
    Ok(Position::new(first.get() + count(first, &bytes)? - 1))
}

fn entry(of: fjall::Guard) -> Result<Entry, StoreError> {
    let (key, value) = of.into_inner()?;
    Ok((key.to_vec(), value.to_vec()))
}
