//! Reads records back in order and trusts no store: a gap between groups is an error, never a
//! shorter history.

use super::Position;
use super::group::{GroupError, GroupHeader, Records};
use super::store::{Groups, Store, StoreError};
use crate::stock::time::Timestamp;

/// A record read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place.
    pub position: Position,
    /// What was appended.
    pub bytes: Vec<u8>,
}

/// The records of a store from one position to another, both included. Ends after an error.
pub struct RecordReader {
    groups: Groups,
    records: Option<Records>,
    first_of_group: Position,
    records_of_group: u32,
    next: Position,
    until: Position,
}

impl RecordReader {
    /// Reads from `from` until the last record there is now.
    pub fn open(store: &dyn Store, from: Position) -> Result<RecordReader, StoreError> {
        RecordReader::until(store, from, store.last())
    }

    /// Reads from `from` until `until`, which must be there.
    pub fn until(
        store: &dyn Store,
        from: Position,
        until: Position,
    ) -> Result<RecordReader, StoreError> {
        // Nobody asks for what came before the first record; "from the start" is meant.
        let from = from.max(Position::ZERO.next());
        let groups: Groups = if from > until {
            Box::new(std::iter::empty())
        } else {
            store.read(from)?
        };
        Ok(RecordReader {
            groups,
            records: None,
            first_of_group: Position::ZERO,
            records_of_group: 0,
            next: from,
            until,
        })
    }

    fn read(&mut self) -> Result<Record, StoreError> {
        loop {
            let first = self.first_of_group;
            let Some(records) = &mut self.records else {
                self.open_group()?;
                continue;
            };
            match records.next() {
                None => self.records = None,
                Some(Err(source)) => return Err(StoreError::Group { first, source }),
                Some(Ok(bytes)) => {
                    let left = records.left();
                    let position = first.plus(u64::from(self.records_of_group - 1 - left));
                    if position < self.next {
                        continue;
                    }
                    self.next = position.next();
                    return Ok(Record { position, bytes });
                }
            }
        }
    }

    fn open_group(&mut self) -> Result<(), StoreError> {
        let expected = self.next;
        let Some(group) = self.groups.next() else {
            return Err(StoreError::Truncated {
                last: before(expected),
                witness: self.until,
            });
        };
        let (first, bytes) = group?;
        let damaged = |source| StoreError::Group { first, source };
        let count = GroupHeader::read(&bytes).map_err(damaged)?.records;
        let is_first_group = self.records_of_group == 0;
        let holds_next = first <= expected && expected < first.plus(u64::from(count));
        if !(holds_next && (is_first_group || first == expected)) {
            return Err(StoreError::Gap {
                expected,
                found: first,
            });
        }
        self.records = Some(Records::new(bytes).map_err(damaged)?);
        self.first_of_group = first;
        self.records_of_group = count;
        Ok(())
    }
}

impl Iterator for RecordReader {
    type Item = Result<Record, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next > self.until {
            return None;
        }
        let record = self.read();
        if record.is_err() {
            self.until = Position::ZERO;
        }
        Some(record)
    }
}

/// The high-water mark of the clock in a store: no record there, and no round, is later. It is
/// what the clock must start from. The earliest time there is if the store is new.
pub fn high_water(store: &dyn Store) -> Result<Timestamp, StoreError> {
    let of_round = store
        .round()
        .map_or(Timestamp::MIN, |round| round.high_water);
    let last = store.last();
    if last < store.earliest() {
        return Ok(of_round);
    }
    let Some(group) = store.read(last)?.next() else {
        return Err(StoreError::Truncated {
            last: before(last),
            witness: last,
        });
    };
    let (first, bytes) = group?;
    let header = GroupHeader::read(&bytes)
        .map_err(|source: GroupError| StoreError::Group { first, source })?;
    Ok(header.high_water.max(of_round))
}

fn before(position: Position) -> Position {
    Position::new(position.get().saturating_sub(1))
}
