//! All of an embedded store at one instant of its engine. Each part is opened only when the one
//! before it was read, so that what a long copy holds back stays small.

use std::iter::once_with;

use fjall::Readable;

use super::marks::read_marks;
use super::{EmbeddedStore, META_PREFIX, entry, last_of, positioned};
use crate::journal::StoreError;
use crate::journal::store::{Part, View};

pub(super) fn view(store: &EmbeddedStore) -> Result<View, StoreError> {
    let snapshot = store.database.snapshot();
    let marks = read_marks(|name| snapshot.get(&store.meta, name))?;
    let last = match snapshot.last_key_value(&store.groups) {
        Some(group) => last_of(group)?.max(marks.base),
        None => marks.base,
    };
    let (of_meta, meta) = (snapshot.clone(), store.meta.clone());
    let meta = once_with(move || of_meta.prefix(&meta, META_PREFIX)).flatten();
    let meta = meta.map(|value| {
        let (name, value) = entry(value)?;
        Ok(Part::Meta((name[META_PREFIX.len()..].to_vec(), value)))
    });
    let (of_base, base) = (snapshot.clone(), store.base.clone());
    let base = once_with(move || of_base.iter(&base)).flatten();
    let (of_snapshots, snapshots) = (snapshot.clone(), store.snapshots.clone());
    let snapshots = once_with(move || of_snapshots.iter(&snapshots)).flatten();
    let groups = store.groups.clone();
    let groups = once_with(move || snapshot.iter(&groups)).flatten();
    let group = |group| positioned(group).map(|(first, bytes)| Part::Group(first, bytes));
    let parts = meta
        .chain(base.map(|of| entry(of).map(Part::Base)))
        .chain(snapshots.map(|of| entry(of).map(Part::Snapshot)))
        .chain(groups.map(group));
    Ok(View {
        base: marks.base,
        last,
        round: marks.round,
        bytes_estimated: bytes_estimated(store),
        parts: Box::new(parts),
    })
}

/// What lies in the engine's tables, and what is on its way there.
fn bytes_estimated(store: &EmbeddedStore) -> u64 {
    let spaces = [&store.meta, &store.base, &store.snapshots, &store.groups];
    let in_tables: u64 = spaces.iter().map(|space| space.disk_space()).sum();
    in_tables + store.database.write_buffer_size()
}
