//! A store that keeps everything in memory and nothing beyond its own life: for tests and trials
//! of what stands on the journal. It keeps the same promises as any other, but for durability.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use super::{Changes, Contents, Entries, EntryChange, Groups, Part, Round, Store, StoreError};
use crate::journal::Position;
use crate::journal::group::GroupHeader;

/// Groups, snapshots, base and meta values in maps.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Kept>);

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Debug, Default)]
struct Kept {
    groups: BTreeMap<Position, Vec<u8>>,
    snapshots: Map,
    base: Map,
    meta: Map,
    last: Position,
    base_position: Position,
    round: Option<Round>,
}

impl Kept {
    /// The groups after the base up to `cut`; none if no group ends there.
    fn groups_up_to(&self, cut: Position) -> Result<Option<Vec<Position>>, StoreError> {
        let mut end = self.base_position;
        let mut firsts = Vec::new();
        for (first, bytes) in self.groups.range(..=cut) {
            end = end.plus(count(*first, bytes)?);
            firsts.push(*first);
        }
        Ok((end == cut).then_some(firsts))
    }
}

impl Store for MemoryStore {
    fn append(&self, first: Position, group: &[u8]) -> Result<(), StoreError> {
        let mut contents = self.0.lock();
        let expected = contents.last.next();
        if first != expected {
            return Err(StoreError::OutOfOrder { first, expected });
        }
        contents.last = contents.last.plus(count(first, group)?);
        contents.groups.insert(first, group.to_vec());
        Ok(())
    }

    fn read(&self, from: Position) -> Result<Groups, StoreError> {
        let contents = self.0.lock();
        if from > contents.last {
            return Ok(Box::new(std::iter::empty()));
        }
        let earliest = contents.base_position.next();
        let holding = contents.groups.range(..=from).next_back();
        let Some((first, _)) = holding.filter(|_| from >= earliest) else {
            return Err(StoreError::Trimmed {
                asked: from,
                earliest,
            });
        };
        let groups: Vec<_> = contents
            .groups
            .range(first..)
            .map(|(first, bytes)| Ok((*first, bytes.clone())))
            .collect();
        Ok(Box::new(groups.into_iter()))
    }

    fn last(&self) -> Position {
        self.0.lock().last
    }

    fn put_snapshots(&self, changes: Changes<'_>) -> Result<(), StoreError> {
        for change in changes {
            // Whoever brings the next one may wait for an append.
            apply(&mut self.0.lock().snapshots, [change]);
        }
        Ok(())
    }

    fn finish_round(&self, round: Round) -> Result<(), StoreError> {
        assert!(round.cut <= round.witness, "a round ends after its cut");
        assert!(
            round.witness <= self.last(),
            "a round witnesses what is durable"
        );
        self.0.lock().round = Some(round);
        Ok(())
    }

    fn snapshots(&self) -> Result<Entries, StoreError> {
        Ok(entries(&self.0.lock().snapshots))
    }

    fn round(&self) -> Option<Round> {
        self.0.lock().round
    }

    fn advance_base(&self, cut: Position, changes: Changes<'_>) -> Result<(), StoreError> {
        let contents = &mut *self.0.lock();
        let base = contents.base_position;
        let refused = |reason| Err(StoreError::Base { base, cut, reason });
        if cut <= base {
            return refused("it only moves forwards");
        }
        if contents.round.is_none_or(|round| round.cut < cut) {
            return refused("the newest snapshot round still needs the records up to there");
        }
        let Some(firsts) = contents.groups_up_to(cut)? else {
            return refused("it is not the end of a group");
        };
        for first in firsts {
            contents.groups.remove(&first);
        }
        apply(&mut contents.base, changes);
        contents.base_position = cut;
        Ok(())
    }

    fn base(&self) -> Result<Entries, StoreError> {
        Ok(entries(&self.0.lock().base))
    }

    fn base_entry(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.lock().base.get(key).cloned())
    }

    fn free_trimmed(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn history_bytes(&self) -> u64 {
        let contents = self.0.lock();
        contents
            .groups
            .values()
            .map(|group| group.len() as u64)
            .sum()
    }

    fn base_position(&self) -> Position {
        self.0.lock().base_position
    }

    fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.lock().meta.get(name.as_bytes()).cloned())
    }

    fn put_meta(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        self.0.lock().meta.insert(name.into(), value.to_vec());
        Ok(())
    }

    fn contents(&self) -> Contents {
        let contents = self.0.lock();
        let owned = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
        let mut parts: Vec<Part> = Vec::new();
        parts.extend(contents.meta.iter().map(owned).map(Part::Meta));
        parts.extend(contents.base.iter().map(owned).map(Part::Base));
        parts.extend(contents.snapshots.iter().map(owned).map(Part::Snapshot));
        let group = |(first, bytes): (&Position, &Vec<u8>)| Part::Group(*first, bytes.clone());
        parts.extend(contents.groups.iter().map(group));
        Contents {
            base: contents.base_position,
            begun: contents.last,
            round: contents.round,
            bytes_estimated: 0,
            parts: Box::new(parts.into_iter().map(Ok)),
        }
    }
}

fn count(first: Position, group: &[u8]) -> Result<u64, StoreError> {
    let header = GroupHeader::read(group).map_err(|source| StoreError::Group { first, source })?;
    Ok(u64::from(header.records))
}

fn apply(map: &mut Map, changes: impl IntoIterator<Item = EntryChange>) {
    for EntryChange { key, value } in changes {
        match value {
            Some(value) => map.insert(key, value),
            None => map.remove(&key),
        };
    }
}

fn entries(map: &Map) -> Entries {
    let entries: Vec<_> = map
        .iter()
        .map(|(key, value)| Ok((key.clone(), value.clone())))
        .collect();
    Box::new(entries.into_iter())
}
