//! History is kept as long and as large as configured. What is beyond is folded into the base
//! generation, the exact state at the cut, which `verify` starts from; then its groups are
//! deleted. Of the base only the entries are read that the folded records change: it is as large
//! as the node.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem;
use std::time::Duration;

use super::pace::Pace;
use super::recovery::{RecoveryError, decode, read_entry};
use super::state::ledger_of;
use crate::catalogue::{self, CatalogueRecord, EntityKey};
use crate::clock::Stopwatch;
use crate::journal::codec::{Tagged, stock_entry};
use crate::journal::group::{GroupHeader, Records};
use crate::journal::store::Groups;
use crate::journal::{EntryChange, Position, Store, StoreError};
use crate::stock::{Ledger, StockKey, Timestamp};

/// How long a step takes before whoever wants the processor may have it.
const STEP: Duration = Duration::from_micros(250);

/// How much is unpacked at once: so many ledgers, or so many things (holds, answers, movements)
/// that they keep. A ledger is packed as a whole, however little changes in it.
const LEDGERS_MAX: usize = if cfg!(test) { 64 } else { 4 * 1024 };
const THINGS_MAX: usize = 500_000;

/// How much is gathered before the base is written, once that many are packed. Much: its files are
/// sorted the less often.
const GATHERED_BYTES_MAX: usize = if cfg!(test) { 16 << 10 } else { 6 << 20 };

/// For how long one view of history is read from. Meanwhile the engine forgets nothing of what it
/// gathers and sorts.
const VIEW: Duration = Duration::from_secs(1);

/// What of history is to go: whatever is beyond either bound.
#[derive(Clone, Copy, Debug)]
pub struct Beyond {
    /// What was decided before.
    pub before: Timestamp,
    /// The oldest, so many bytes of it.
    pub bytes: u64,
}

/// What was decided before `limit`, however little it is.
#[cfg(test)]
pub fn older(before: Timestamp) -> Beyond {
    Beyond { before, bytes: 0 }
}

/// A trim under way.
pub struct Trim {
    /// What the newest snapshot round covers: no more may go.
    cut: Position,
    beyond: Beyond,
    bytes: u64,
    folded: u64,
    /// What was not read yet, as of then.
    unread: Option<(Groups, Stopwatch)>,
    /// What is left of the group at hand, and the position of its next record.
    group: Option<(Position, Records)>,
    fold: Fold,
    gathered: Gathered,
    /// The newest record in the fold, or in what is gathered.
    end: Option<Position>,
    pace: Pace,
    /// How many times as long as writing takes the rest after it lasts.
    rest: u32,
}

impl Trim {
    /// Begins to fold what is beyond; none when there is no finished snapshot round.
    pub fn begin(store: &dyn Store, beyond: Beyond, pace: &Pace, rest: u32) -> Option<Trim> {
        let round = store.round()?;
        Some(Trim {
            cut: round.cut,
            beyond,
            bytes: 0,
            folded: 0,
            unread: None,
            group: None,
            fold: Fold::default(),
            gathered: Gathered::default(),
            end: None,
            pace: pace.clone(),
            rest,
        })
    }

    /// Whether no group is folded by half, so that it may end here.
    pub fn is_between_groups(&self) -> bool {
        self.group.is_none()
    }

    /// Folds a step; false when that was all.
    pub fn step(&mut self, store: &dyn Store) -> Result<bool, RecoveryError> {
        let stopwatch = Stopwatch::start();
        self.unread = self
            .unread
            .take()
            .filter(|(_, since)| since.elapsed() < VIEW);
        loop {
            if self.group.is_none() {
                self.group = self.next_group(store)?;
            }
            let Some((next, records)) = &mut self.group else {
                self.advance(store)?;
                return Ok(false);
            };
            for bytes in records.by_ref() {
                let first = *next;
                let bytes = bytes.map_err(|source| StoreError::Group { first, source })?;
                let base = Base(store, &self.gathered);
                self.fold.replay(base, first, &bytes)?;
                self.end = Some(first);
                *next = first.next();
                if stopwatch.elapsed() >= STEP {
                    break;
                }
            }
            if records.left() == 0 {
                self.group = None;
            }
            if stopwatch.elapsed() >= STEP {
                if self.fold.is_full() {
                    self.pack();
                }
                if self.gathered.bytes >= GATHERED_BYTES_MAX && self.is_between_groups() {
                    return self.advance(store);
                }
                return Ok(true);
            }
        }
    }

    /// Gathers what was folded.
    fn pack(&mut self) {
        let changes = mem::take(&mut self.fold).changes();
        for change in self.pace.between(self.rest, changes) {
            self.gathered.put(change);
        }
    }

    /// Moves the base to the end of what was folded; whether that could be.
    fn advance(&mut self, store: &dyn Store) -> Result<bool, RecoveryError> {
        let Some(end) = self.end.take() else {
            return Ok(true);
        };
        let unwritten = end.get() - store.base_position().get();
        self.unread = None;
        fail::fail_point!("trim::before_advance", |_| std::process::abort());
        self.pack();
        let changes = mem::take(&mut self.gathered).changes();
        let changes = self.pace.between(self.rest, changes);
        match store.advance_base(end, Box::new(changes)) {
            // A backup is being taken; there is a next time.
            Err(StoreError::Held) => return Ok(false),
            advanced => advanced?,
        }
        fail::fail_point!("trim::after_advance", |_| std::process::abort());
        self.folded += unwritten;
        Ok(true)
    }

    /// The next group, if it is beyond either bound.
    fn next_group(
        &mut self,
        store: &dyn Store,
    ) -> Result<Option<(Position, Records)>, RecoveryError> {
        let (groups, _) = match &mut self.unread {
            Some(unread) => unread,
            None => {
                let first = self.end.map_or(store.earliest(), Position::next);
                let groups = store.read(first)?;
                self.unread.insert((groups, Stopwatch::start()))
            }
        };
        let Some(group) = groups.next() else {
            return Ok(None);
        };
        let (first, bytes) = group?;
        let header = GroupHeader::read(&bytes);
        let header = header.map_err(|source| StoreError::Group { first, source })?;
        let after = first.plus(u64::from(header.records));
        let is_covered = after <= self.cut.next();
        let is_old = header.high_water < self.beyond.before;
        let is_too_much = self.bytes < self.beyond.bytes;
        if !is_covered || !(is_old || is_too_much) {
            return Ok(None);
        }
        self.bytes += bytes.len() as u64;
        let records = Records::new(bytes);
        let records = records.map_err(|source| StoreError::Group { first, source })?;
        Ok(Some((first, records)))
    }

    /// Ends here, between groups, and frees what was folded; gives how many records that were.
    pub fn end(mut self, store: &dyn Store) -> Result<u64, RecoveryError> {
        self.advance(store)?;
        if self.folded > 0 {
            store.free_trimmed()?;
        }
        Ok(self.folded)
    }
}

/// Folds all that is beyond at once; gives the number of records.
#[cfg(test)]
pub fn trim(store: &dyn Store, beyond: Beyond) -> Result<u64, RecoveryError> {
    let Some(mut trim) = Trim::begin(store, beyond, &Pace::default(), 0) else {
        return Ok(0);
    };
    while trim.step(store)? {}
    trim.end(store)
}

/// Entries of the base that are to change.
#[derive(Default)]
struct Gathered {
    entries: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    /// The size of their values.
    bytes: usize,
}

impl Gathered {
    fn put(&mut self, EntryChange { key, value }: EntryChange) {
        let length = |value: &Option<Vec<u8>>| value.as_ref().map_or(0, Vec::len);
        self.bytes += length(&value);
        if let Some(before) = self.entries.insert(key, value) {
            self.bytes -= length(&before);
        }
    }

    fn changes(self) -> impl Iterator<Item = EntryChange> {
        let entries = self.entries.into_iter();
        entries.map(|(key, value)| EntryChange { key, value })
    }
}

/// The base as it shall be: with what is gathered.
#[derive(Clone, Copy)]
struct Base<'a>(&'a dyn Store, &'a Gathered);

impl Base<'_> {
    fn entry(self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.1.entries.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.0.base_entry(key),
        }
    }

    fn ledger(self, key: &StockKey) -> Result<Ledger, RecoveryError> {
        let (entry_key, _) = stock_entry(key.as_str(), &[]);
        if let Some(value) = self.entry(&entry_key)?
            && let Some((_, image)) = read_entry(&entry_key, &value)?
        {
            return ledger_of(key, &image);
        }
        Ok(Ledger::new(key.clone()))
    }
}

/// What was folded and is not packed yet.
#[derive(Default)]
struct Fold {
    ledgers: HashMap<StockKey, Box<Ledger>>,
    /// How many things they keep, at most.
    things: usize,
    catalogue: catalogue::Recovery,
    entities: BTreeSet<EntityKey>,
}

impl Fold {
    fn replay(
        &mut self,
        base: Base<'_>,
        position: Position,
        bytes: &[u8],
    ) -> Result<(), RecoveryError> {
        match decode(position, bytes)? {
            Tagged::Stock(stock) => {
                if !self.ledgers.contains_key(&stock.key) {
                    let ledger = base.ledger(&stock.key)?;
                    self.things += ledger.things();
                    self.ledgers.insert(stock.key.clone(), Box::new(ledger));
                }
                let ledger = self.ledgers.get_mut(&stock.key);
                let ledger = ledger.expect("it was just put there");
                ledger.replay(&stock, position.get())?;
                self.things += 1;
            }
            Tagged::Catalogue(bytes) => {
                let record = CatalogueRecord::decode(bytes)?;
                let entity = record.event.key();
                if self.entities.insert(entity.clone()) {
                    let key = entity.to_string().into_bytes();
                    if let Some(value) = base.entry(&key)? {
                        self.catalogue.load(&key, &value)?;
                    }
                }
                self.catalogue.replay(&record)?;
            }
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.ledgers.len() >= LEDGERS_MAX || self.things >= THINGS_MAX
    }

    fn changes(self) -> impl Iterator<Item = EntryChange> {
        let of_key = |(key, ledger): (StockKey, Box<Ledger>)| {
            let (key, value) = stock_entry(key.as_str(), &ledger.image());
            EntryChange {
                key,
                value: Some(value),
            }
        };
        let catalogue = self.catalogue;
        let of_entity = move |entity: EntityKey| EntryChange {
            key: entity.to_string().into_bytes(),
            value: catalogue.register().image(&entity),
        };
        let of_entities = self.entities.into_iter().map(of_entity);
        self.ledgers.into_iter().map(of_key).chain(of_entities)
    }
}
