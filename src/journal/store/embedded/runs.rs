//! Many entries written as sorted runs: files of the engine that we fill ourselves, entry by entry,
//! past its log and its memory.
//!
//! What goes through the engine's memory is written to a file in one go once that is full, by a
//! thread that has a processor for 40 ms then and shares it with nobody who is woken meanwhile. A
//! run is filled at the pace of whoever brings the entries, is in no log, and is durable as soon as
//! it is finished. Appends wait only while it is: some milliseconds.

use std::fs::File;
use std::iter::Peekable;
use std::thread;
use std::time::Duration;

use fjall::{AbstractTree, PersistMode};

use super::directory::MEMTABLE_BYTES;
use super::entries::EntrySpace;
use crate::clock::Stopwatch;
use crate::journal::store::{EntryChange, StoreError};

/// How many runs may wait to be sorted into the others before the next one waits for that, and for
/// how long: whoever reads looks into each. As many as the engine has whoever writes wait at.
const RUNS_MAX: usize = 20;
const SORTING_MAX: Duration = Duration::from_secs(5);

/// How much is written before it is synced. Appends wait while a run is finished, and for no more
/// than this to reach the disk.
const UNSYNCED_BYTES_MAX: u64 = 512 * 1024;

/// How long a wait for the engine lasts before it is asked again.
const TURN: Duration = Duration::from_millis(2);

impl EntrySpace {
    /// Writes changes as runs, each as long as their keys ascend and it fits in memory.
    pub(super) fn write_runs(
        &self,
        changes: impl Iterator<Item = EntryChange>,
    ) -> Result<(), StoreError> {
        let mut changes = changes.peekable();
        while changes.peek().is_some() {
            self.await_sorting()?;
            self.write_run(&mut changes)?;
        }
        Ok(())
    }

    /// What cannot be in a run is written beside it: its key is in no part of the run, so it does
    /// not matter which of the two the engine takes for the newer one.
    fn write_run(
        &self,
        changes: &mut Peekable<impl Iterator<Item = EntryChange>>,
    ) -> Result<(), StoreError> {
        let (mut run, mut file) = (None, None);
        let mut last: Option<Vec<u8>> = None;
        let (mut bytes, mut synced) = (0, 0);
        while bytes < MEMTABLE_BYTES
            && let Some(change) =
                changes.next_if(|next| last.as_ref().is_none_or(|last| *last < next.key))
        {
            last = Some(change.key.clone());
            let (key, value) = match change {
                EntryChange {
                    key,
                    value: Some(value),
                } if self.is_plain(&key, &value)? => (key, value),
                other => {
                    self.write_batches([other])?.commit()?;
                    continue;
                }
            };
            let run = match &mut run {
                Some(run) => run,
                None => {
                    // Whoever else takes the number meanwhile has a file synced once too often.
                    let number = self.entries.tree.next_table_id().to_string();
                    let begun = self.entries.start_ingestion().map_err(StoreError::Run)?;
                    file = File::open(self.entries.path().join("tables").join(number)).ok();
                    run.insert(begun)
                }
            };
            bytes += (key.len() + value.len()) as u64;
            run.write(key, value).map_err(StoreError::Run)?;
            if bytes >= synced + UNSYNCED_BYTES_MAX
                && let Some(file) = &file
            {
                let outcome = file.sync_data();
                outcome.map_err(|error| StoreError::Run(error.into()))?;
                synced = bytes;
            }
        }
        fail::fail_point!("journal::before_a_run", |_| std::process::abort());
        if let Some(run) = run {
            self.empty_memory()?;
            run.finish().map_err(StoreError::Run)?;
        }
        fail::fail_point!("journal::after_a_run", |_| std::process::abort());
        Ok(())
    }

    /// Has the engine write what it gathered of these entries, and of what was logged before: it
    /// would do so itself when the run is finished, without its log.
    fn empty_memory(&self) -> Result<(), StoreError> {
        self.entries.rotate_memtable()?;
        while self.entries.sealed_memtable_count() > 0 {
            self.wait()?;
        }
        Ok(())
    }

    /// The next run has the engine sort again, should nothing do so by now.
    fn await_sorting(&self) -> Result<(), StoreError> {
        let stopwatch = Stopwatch::start();
        while self.entries.tree.l0_run_count() >= RUNS_MAX
            && !self.is_hurried()
            && stopwatch.elapsed() < SORTING_MAX
        {
            self.wait()?;
        }
        Ok(())
    }

    /// Waits a while for what the engine's threads do; fails once they do nothing any more.
    fn wait(&self) -> Result<(), StoreError> {
        self.database.persist(PersistMode::Buffer)?;
        thread::sleep(TURN);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::journal::EmbeddedStore;
    use crate::journal::store::{EntryChange, Store};

    fn put(store: &EmbeddedStore, keys: std::ops::Range<usize>, value: &[u8]) {
        let change = |key| EntryChange {
            key: format!("{key:04}").into_bytes(),
            value: Some(value.to_vec()),
        };
        store.put_snapshots(Box::new(keys.map(change))).unwrap();
    }

    fn values(store: &EmbeddedStore) -> Vec<Vec<u8>> {
        let entries = store.snapshots().unwrap();
        entries.map(|entry| entry.unwrap().1).collect()
    }

    fn files(store: &EmbeddedStore) -> usize {
        let folder = store.snapshots.entries.path().join("tables");
        std::fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn the_newest_of_runs_and_of_what_was_gathered_is_read_after_a_restart_too() {
        let folder = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(folder.path()).unwrap();
        put(&store, 0..1, b"gathered");
        put(&store, 0..9, b"run");
        let run = || b"run".to_vec();
        assert_eq!(values(&store), vec![run(); 9]);
        put(&store, 8..9, b"newest");
        let expected = [vec![run(); 8], vec![b"newest".to_vec()]].concat();
        assert_eq!(values(&store), expected);
        drop(store);
        let store = EmbeddedStore::open(folder.path()).unwrap();
        assert_eq!(values(&store), expected);
    }

    #[test]
    fn large_values_are_written_beside_a_run_that_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(folder.path()).unwrap();
        let value = |key: u8| vec![key; if key.is_multiple_of(3) { 100_000 } else { 10 }];
        let changes = (0..30).map(|key| EntryChange {
            key: vec![key],
            value: (key != 20).then(|| value(key)),
        });
        for _ in 0..2 {
            store.put_snapshots(Box::new(changes.clone())).unwrap();
        }
        // What is beside a run makes a file of its own once, not for each.
        assert!(files(&store) <= 4);
        let expected: Vec<_> = (0..30).filter(|key| *key != 20).map(value).collect();
        assert_eq!(values(&store), expected);
        drop(store);
        let store = EmbeddedStore::open(folder.path()).unwrap();
        assert_eq!(values(&store), expected);
    }

    #[test]
    fn more_than_fits_in_memory_is_several_runs() {
        let folder = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(folder.path()).unwrap();
        let value = [7; 60_000];
        put(&store, 0..300, &value);
        assert!(files(&store) >= 2);
        assert_eq!(values(&store), vec![value.to_vec(); 300]);
    }
}
