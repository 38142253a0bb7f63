//! Every store against a small model: whatever is appended, snapshotted, trimmed and reopened in
//! whatever order, it holds what the model holds.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::journal::{
    Contents, EmbeddedStore, EntryChange, MemoryStore, Part, Restoration, Round, StoreError,
};

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<Vec<u8>>),
    PutSnapshots(Vec<EntryChange>),
    /// The cut lies so many records before the last.
    FinishRound(u64),
    /// The base moves over at most so many groups.
    AdvanceBase(usize, Vec<EntryChange>),
    PutMeta(u8, Vec<u8>),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..40);
    // Some are so large that they are written in pieces.
    let large = (any::<u8>(), 65_536..200_000_usize);
    let large = large.prop_map(|(byte, length)| vec![byte; length]);
    let value = prop_oneof![4 => bytes(), 1 => large];
    let change = move || (0..12_u8, prop::option::of(value.clone()));
    let changes = || {
        let change = change().prop_map(|(key, value)| EntryChange {
            key: vec![key],
            value,
        });
        // From four on they are written as runs where their keys ascend.
        prop::collection::vec(change, 0..9).prop_map(|mut changes| {
            if changes.len() % 2 == 0 {
                changes.sort_by(|a, b| a.key.cmp(&b.key));
            }
            changes
        })
    };
    prop_oneof![
        6 => prop::collection::vec(bytes(), 1..6).prop_map(Step::Append),
        2 => changes().prop_map(Step::PutSnapshots),
        2 => (0..8_u64).prop_map(Step::FinishRound),
        2 => (1..4_usize, changes())
            .prop_map(|(groups, changes)| Step::AdvanceBase(groups, changes)),
        1 => (0..3_u8, bytes()).prop_map(|(name, value)| Step::PutMeta(name, value)),
        1 => Just(Step::Reopen),
    ]
}

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Default)]
struct Model {
    records: Vec<Vec<u8>>,
    /// The last position of each group.
    ends: Vec<u64>,
    snapshots: Map,
    base: Map,
    meta: Map,
    base_position: u64,
    round: Option<Round>,
}

impl Model {
    fn last(&self) -> u64 {
        self.records.len() as u64
    }

    /// Does the same to the store and to the model.
    fn perform(&mut self, store: &dyn Store, step: Step) {
        match step {
            Step::Append(records) => {
                let views: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
                store
                    .append(Position::new(self.last() + 1), &group(&views))
                    .unwrap();
                self.records.extend(records);
                self.ends.push(self.last());
            }
            Step::PutSnapshots(changes) => {
                put_snapshots(store, changes.clone()).unwrap();
                apply(&mut self.snapshots, changes);
            }
            Step::FinishRound(back) => {
                let before = self.round.map_or(0, |round| round.cut.get());
                let cut = Position::new(self.last().saturating_sub(back).max(before));
                let round = Round {
                    cut,
                    witness: Position::new(self.last()),
                    high_water: NOW,
                };
                store.finish_round(round).unwrap();
                self.round = Some(round);
            }
            Step::AdvanceBase(groups, changes) => self.advance_base(store, groups, changes),
            Step::PutMeta(name, value) => {
                store.put_meta(&name.to_string(), &value).unwrap();
                self.meta.insert(name.to_string().into(), value);
            }
            Step::Reopen => {}
        }
    }

    fn advance_base(&mut self, store: &dyn Store, groups: usize, changes: Vec<EntryChange>) {
        let limit = self.round.map_or(0, |round| round.cut.get());
        let within = |end: &&u64| **end > self.base_position && **end <= limit;
        let Some(cut) = self.ends.iter().filter(within).take(groups).last().copied() else {
            assert!(advance_base(store, limit + 1, changes).is_err());
            return;
        };
        advance_base(store, cut, changes.clone()).unwrap();
        self.base_position = cut;
        apply(&mut self.base, changes);
    }

    /// Everything it holds, as a copy is to have it.
    fn parts(&self) -> Vec<Part> {
        let entries = |map: &Map| map.clone().into_iter().collect::<Vec<_>>();
        let mut parts: Vec<Part> = Vec::new();
        parts.extend(entries(&self.meta).into_iter().map(Part::Meta));
        parts.extend(entries(&self.base).into_iter().map(Part::Base));
        parts.extend(entries(&self.snapshots).into_iter().map(Part::Snapshot));
        let mut first = 0;
        for end in &self.ends {
            let records = &self.records[first as usize..*end as usize];
            let records: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
            if first >= self.base_position {
                parts.push(Part::Group(Position::new(first + 1), group(&records)));
            }
            first = *end;
        }
        parts
    }

    fn contents(&self, store: &dyn Store) -> Contents {
        let contents = store.contents();
        let marks = (contents.base.get(), contents.begun.get(), contents.round);
        assert_eq!(marks, (self.base_position, self.last(), self.round));
        contents
    }

    fn check(&self, store: &dyn Store) {
        assert_eq!(parts(self.contents(store)), self.parts());
        assert_eq!(store.last().get(), self.last());
        assert_eq!(store.base_position().get(), self.base_position);
        assert_eq!(store.round(), self.round);
        let kept = (1..)
            .zip(self.records.iter().cloned())
            .skip(self.base_position as usize);
        assert_eq!(
            records(store, self.base_position + 1).unwrap(),
            kept.collect::<Vec<_>>()
        );
        // From within, too: not every reader starts where a group does.
        let middle = (self.base_position + self.last())
            .div_ceil(2)
            .max(self.base_position + 1);
        let kept = (1..)
            .zip(self.records.iter().cloned())
            .skip(middle as usize - 1);
        assert_eq!(records(store, middle).unwrap(), kept.collect::<Vec<_>>());
        let map = |entries: crate::journal::store::Entries| -> Map {
            entries.map(Result::unwrap).collect()
        };
        assert_eq!(map(store.snapshots().unwrap()), self.snapshots);
        assert_eq!(map(store.base().unwrap()), self.base);
        for name in 0..3_u8 {
            let name = name.to_string();
            assert_eq!(
                store.meta(&name).unwrap().as_ref(),
                self.meta.get(name.as_bytes())
            );
        }
    }
}

fn apply(map: &mut Map, changes: Vec<EntryChange>) {
    for EntryChange { key, value } in changes {
        match value {
            Some(value) => map.insert(key, value),
            None => map.remove(&key),
        };
    }
}

fn parts(contents: Contents) -> Vec<Part> {
    contents.parts.map(Result::unwrap).collect()
}

/// A data directory filled from the contents holds what the model holds.
fn check_restored(store: &EmbeddedStore, model: &Model) {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("data");
    let contents = model.contents(store);
    let mut restoration = Restoration::begin(&path).unwrap();
    for part in contents.parts {
        restoration.put(part.unwrap()).unwrap();
    }
    let restored = restoration.seal(contents.base, contents.round).unwrap();
    model.check(restored.store());
    restored.finish().unwrap();
    model.check(&open(&path));
}

fn open(path: &Path) -> EmbeddedStore {
    EmbeddedStore::open(path).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_memory_store_holds_what_the_model_holds(
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let store = MemoryStore::default();
        let mut model = Model::default();
        for step in steps {
            model.perform(&store, step);
            model.check(&store);
        }
    }
}

proptest! {
    // Each case creates a data directory and syncs at every step.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_embedded_store_holds_what_the_model_holds(
        steps in prop::collection::vec(step(), 0..40),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let mut store = open(directory.path());
        let mut model = Model::default();
        // Taken before a step and read after later ones: what came meanwhile is in it.
        let mut taken: Option<Contents> = None;
        for (index, step) in steps.into_iter().enumerate() {
            if matches!(step, Step::Reopen) {
                taken = None;
                drop(store);
                store = open(directory.path());
            }
            let moves_base = matches!(step, Step::AdvanceBase(..));
            if let Some(contents) = taken.take_if(|_| moves_base || index % 5 == 0) {
                let held = advance_base(&store, u64::MAX, Vec::new());
                assert!(matches!(held, Err(StoreError::Held)));
                assert_eq!(parts(contents), model.parts());
            }
            model.perform(&store, step);
            model.check(&store);
            if index % 5 == 0 {
                taken = Some(store.contents());
            }
        }
        drop(taken);
        check_restored(&store, &model);
        drop(store);
        model.check(&open(directory.path()));
    }
}

#[test]
fn an_empty_value_in_the_stead_of_a_large_one_is_empty() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let mut model = Model::default();
    let large = || Some(vec![7; 70_000]);
    let empty = || Some(Vec::new());
    for value in [
        large(),
        empty(),
        Some(vec![1]),
        empty(),
        large(),
        None,
        empty(),
    ] {
        let key = vec![1];
        model.perform(&store, Step::PutSnapshots(vec![EntryChange { key, value }]));
        model.check(&store);
    }
}
