//! The group: the unit in which records reach the disk, one sync each. A group is opaque to the
//! store but for its header, and its records are opaque to the group.
//!
//! Format, version 1, all numbers little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version of this format, `1` |
//! | 8 | high-water mark of the clock when the group was written, `i64` milliseconds |
//! | 4 | number of records, `u32`, at least 1 |
//! | then, for each record: 4 | its length, `u32` |
//! | … | its bytes |
//!
//! Nothing follows the last record. Checksums are the store's business.

use thiserror::Error;

use crate::stock::time::Timestamp;

/// The version this release writes.
pub const VERSION: u8 = 1;

const HEADER_BYTES: usize = 13;
const LENGTH_BYTES: usize = 4;

/// How large a group may grow.
#[derive(Clone, Copy, Debug)]
pub struct GroupLimits {
    /// A group past this takes no further record; a single larger record gets a group of its own.
    pub group_bytes_max: usize,
    /// Most records of one group.
    pub group_records_max: u32,
}

impl Default for GroupLimits {
    /// 4 MiB fit one value of any store we know; 4096 small records amortise a sync well.
    fn default() -> GroupLimits {
        GroupLimits {
            group_bytes_max: 4 << 20,
            group_records_max: 4096,
        }
    }
}

/// What a group says of itself before its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupHeader {
    /// No record of this group, nor of any before it, was decided later than this.
    pub high_water: Timestamp,
    /// Number of records, at least 1.
    pub records: u32,
}

/// Why bytes are not a group.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum GroupError {
    /// A later release wrote it.
    #[error("the group has format {found}, this release reads format {VERSION}: use a newer one")]
    Version {
        /// The version found.
        found: u8,
    },
    /// The bytes end before what they announce.
    #[error("the group ends after {bytes} bytes, before all that it announces")]
    Short {
        /// The bytes there are.
        bytes: usize,
    },
    /// Bytes follow the last record.
    #[error("{bytes} bytes follow the last record of the group")]
    Trailing {
        /// How many.
        bytes: usize,
    },
    /// A group without records takes no place in the journal.
    #[error("the group says that it holds no record")]
    Empty,
}

impl GroupHeader {
    /// Reads the header alone, whatever follows it.
    pub fn read(group: &[u8]) -> Result<GroupHeader, GroupError> {
        let short = GroupError::Short { bytes: group.len() };
        match group.first() {
            None => return Err(short),
            Some(&VERSION) => {}
            Some(&found) => return Err(GroupError::Version { found }),
        }
        let (Some(high_water), Some(records)) = (array(group, 1), array(group, 9)) else {
            return Err(short);
        };
        let records = u32::from_le_bytes(records);
        if records == 0 {
            return Err(GroupError::Empty);
        }
        let high_water = Timestamp::from_millis(i64::from_le_bytes(high_water));
        Ok(GroupHeader {
            high_water,
            records,
        })
    }
}

/// Assembles a group; used again for the next one, so the memory is.
#[derive(Debug)]
pub struct GroupBuilder {
    limits: GroupLimits,
    bytes: Vec<u8>,
    records: u32,
}

impl GroupBuilder {
    /// An empty group.
    pub fn new(limits: GroupLimits) -> GroupBuilder {
        let mut builder = GroupBuilder {
            limits,
            bytes: Vec::new(),
            records: 0,
        };
        builder.clear();
        builder
    }

    /// Whether a record of so many bytes still belongs into this group. The first always does.
    pub fn takes(&self, record_bytes: usize) -> bool {
        let bytes = self.bytes.len() + LENGTH_BYTES + record_bytes;
        self.records == 0
            || (self.records < self.limits.group_records_max
                && bytes <= self.limits.group_bytes_max)
    }

    /// Adds a record.
    ///
    /// # Panics
    /// If the record has 4 GiB or more: bodies are bounded far below.
    pub fn push(&mut self, record: &[u8]) {
        let length = u32::try_from(record.len()).expect("a record is bounded by its body's limit");
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(record);
        self.records += 1;
    }

    /// Number of records so far.
    pub fn records(&self) -> u32 {
        self.records
    }

    /// The bytes of the group as it stands, marked with the time.
    pub fn seal(&mut self, high_water: Timestamp) -> &[u8] {
        self.bytes[0] = VERSION;
        self.bytes[1..9].copy_from_slice(&high_water.as_millis().to_le_bytes());
        self.bytes[9..HEADER_BYTES].copy_from_slice(&self.records.to_le_bytes());
        &self.bytes
    }

    /// Starts over. Memory beyond the limit, left by one huge record, is given back.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(self.limits.group_bytes_max);
        self.bytes.resize(HEADER_BYTES, 0);
        self.records = 0;
    }
}

/// The records of one group, in order. Ends after the first error.
#[derive(Debug)]
pub struct Records {
    group: Vec<u8>,
    offset: usize,
    left: u32,
}

impl Records {
    /// Opens a group.
    pub fn new(group: Vec<u8>) -> Result<Records, GroupError> {
        let left = GroupHeader::read(&group)?.records;
        Ok(Records {
            group,
            offset: HEADER_BYTES,
            left,
        })
    }

    /// Number of records still to come.
    pub fn left(&self) -> u32 {
        self.left
    }

    fn read(&mut self) -> Result<Vec<u8>, GroupError> {
        let short = GroupError::Short {
            bytes: self.group.len(),
        };
        let Some(length) = array(&self.group, self.offset) else {
            return Err(short);
        };
        let start = self.offset + LENGTH_BYTES;
        let end = start.saturating_add(u32::from_le_bytes(length) as usize);
        let Some(record) = self.group.get(start..end) else {
            return Err(short);
        };
        let record = record.to_vec();
        self.offset = end;
        self.left -= 1;
        match self.group.len() - end {
            bytes if self.left == 0 && bytes > 0 => Err(GroupError::Trailing { bytes }),
            _ => Ok(record),
        }
    }
}

impl Iterator for Records {
    type Item = Result<Vec<u8>, GroupError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let record = self.read();
        if record.is_err() {
            self.left = 0;
        }
        Some(record)
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Never to be changed: data directories out there hold these bytes.
    const GOLDEN: &[u8] = include_bytes!("golden/group_v1.bin");

    fn golden() -> GroupBuilder {
        let mut builder = GroupBuilder::new(GroupLimits::default());
        builder.push(b"first");
        builder.push(b"");
        builder.push(&[0xff; 300]);
        builder
    }

    #[test]
    fn the_format_is_the_one_on_the_disks_out_there() {
        let high_water = Timestamp::from_millis(1_800_000_000_123);
        assert_eq!(golden().seal(high_water), GOLDEN);
        assert_eq!(
            GroupHeader::read(GOLDEN),
            Ok(GroupHeader {
                high_water,
                records: 3
            })
        );
        let records: Result<Vec<Vec<u8>>, GroupError> =
            Records::new(GOLDEN.to_vec()).unwrap().collect();
        assert_eq!(
            records.unwrap(),
            [b"first".to_vec(), Vec::new(), vec![0xff; 300]]
        );
    }

    #[test]
    fn a_group_cut_anywhere_is_an_error_and_never_a_shorter_group() {
        for length in 0..GOLDEN.len() {
            let short = GroupError::Short { bytes: length };
            let error = match Records::new(GOLDEN[..length].to_vec()) {
                Ok(records) => records.last().unwrap().unwrap_err(),
                Err(error) => error,
            };
            assert_eq!(error, short, "cut after {length} bytes");
        }
    }

    #[test]
    fn bytes_after_the_last_record_are_an_error() {
        let mut bytes = GOLDEN.to_vec();
        bytes.push(0);
        let last = Records::new(bytes).unwrap().last().unwrap();
        assert_eq!(last, Err(GroupError::Trailing { bytes: 1 }));
    }

    #[test]
    fn an_unknown_version_and_an_empty_group_are_refused() {
        let mut bytes = GOLDEN.to_vec();
        bytes[0] = 2;
        assert_eq!(
            GroupHeader::read(&bytes),
            Err(GroupError::Version { found: 2 })
        );

        let mut empty = GroupBuilder::new(GroupLimits::default());
        let bytes = empty.seal(Timestamp::from_millis(0));
        assert_eq!(GroupHeader::read(bytes), Err(GroupError::Empty));
    }

    #[test]
    fn a_group_takes_records_up_to_its_bounds_and_one_record_of_any_size() {
        let limits = GroupLimits {
            group_bytes_max: 100,
            group_records_max: 3,
        };
        let mut builder = GroupBuilder::new(limits);
        assert!(builder.takes(1_000));
        builder.push(&[0; 60]);
        assert!(builder.takes(100 - HEADER_BYTES - 60 - 2 * LENGTH_BYTES));
        assert!(!builder.takes(100 - HEADER_BYTES - 60 - 2 * LENGTH_BYTES + 1));
        builder.push(&[]);
        builder.push(&[]);
        assert_eq!(builder.records(), 3);
        assert!(!builder.takes(0));
        builder.clear();
        assert!(builder.takes(1_000));
    }
}
