//! What has gone into a copy, or come out of one: its order, its counts, and whether a group is
//! missing. The writer and the reader of a copy hold the same against it.

use super::frame::Kind;
use super::{Header, Trailer};
use crate::journal::Part;
use crate::journal::group::GroupHeader;

/// Counts the parts of one copy.
#[derive(Debug)]
pub(super) struct Tally {
    counts: Trailer,
    /// The position that the groups must reach.
    until: u64,
    /// The kind of the last part, and its key if it has one.
    before: (Kind, Vec<u8>),
}

impl Tally {
    pub(super) fn new(header: &Header) -> Tally {
        let counts = Trailer {
            last: header.base,
            ..Trailer::default()
        };
        Tally {
            counts,
            until: header.begun,
            before: (Kind::Header, Vec::new()),
        }
    }

    /// Takes note of a part; says what is wrong with it.
    pub(super) fn take(&mut self, part: &Part) -> Result<(), &'static str> {
        let kind = Kind::of(part);
        let key: &[u8] = match part {
            Part::Meta((key, _)) | Part::Base((key, _)) | Part::Snapshot((key, _)) => key,
            Part::Group(..) => &[],
        };
        let (before, key_before) = &mut self.before;
        let rises = kind > *before || (kind == *before && *key > key_before[..]);
        if !rises && kind != Kind::Group || kind < *before {
            return Err("its entries are not in order");
        }
        *before = kind;
        key_before.clear();
        key_before.extend_from_slice(key);
        match part {
            Part::Meta(_) => self.counts.meta += 1,
            Part::Base(_) => self.counts.base += 1,
            Part::Snapshot(_) => self.counts.snapshots += 1,
            Part::Group(first, group) => {
                let group = GroupHeader::read(group).map_err(|_| "a group cannot be read")?;
                if first.get() != self.counts.last + 1 {
                    return Err("a group is missing");
                }
                self.counts.groups += 1;
                self.counts.records += u64::from(group.records);
                self.counts.last += u64::from(group.records);
            }
        }
        Ok(())
    }

    /// The trailer of a copy with these parts and this digest.
    pub(super) fn trailer(&self, digest: u128) -> Result<Trailer, &'static str> {
        if self.counts.last < self.until {
            return Err("its last groups are missing");
        }
        Ok(Trailer {
            digest,
            ..self.counts
        })
    }
}
