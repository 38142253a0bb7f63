//! Many entries written as sorted runs: files of the engine that we fill ourselves, entry by entry,
//! past its log and its memory.
//!
//! What goes through the engine's memory is written to a file in one go once that is full, by a
//! thread that has a processor for 40 ms then and shares it with nobody who is woken meanwhile. A
//! run is filled at the pace of whoever brings the entries, is in no log, and is durable as soon as
//! it is finished. Appends wait only while it is: some milliseconds.

use std::fs::{self, File};
use std::iter::Peekable;
use std::thread;
use std::time::Duration;

use super::directory::MEMTABLE_BYTES;
use super::entries::EntrySpace;
use crate::journal::store::{EntryChange, StoreError};

/// How many files may wait to be sorted into the others before a run waits for that: whoever reads
/// looks into each of them. As many as the engine has whoever writes wait at.
const FILES_MAX: usize = 20;

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
        while let Some(next) = changes.peek() {
            if self.is_plain(next)? {
                self.write_run(&mut changes)?;
            } else {
                self.write_batches(changes.next())?.commit()?;
            }
        }
        Ok(())
    }

    fn write_run(
        &self,
        changes: &mut Peekable<impl Iterator<Item = EntryChange>>,
    ) -> Result<(), StoreError> {
        self.wait_until(|| self.is_hurried() || self.entries.l0_table_count() < FILES_MAX)?;
        let mut run = self.entries.start_ingestion()?;
        let file = self.newest_file();
        let (mut last, mut bytes, mut synced) = (None, 0, 0);
        while let Some(next) = changes.peek() {
            let ascends = last.as_ref().is_none_or(|last| *last < next.key);
            if !ascends || bytes >= MEMTABLE_BYTES || !self.is_plain(next)? {
                break;
            }
            let Some(EntryChange { key, value }) = changes.next() else {
                break;
            };
            match value {
                Some(value) => {
                    bytes += (key.len() + value.len()) as u64;
                    run.write(&*key, value)?;
                }
                None => run.write_tombstone(&*key)?,
            }
            last = Some(key);
            if bytes >= synced + UNSYNCED_BYTES_MAX
                && let Some(file) = &file
            {
                file.sync_data().map_err(fjall::Error::from)?;
                synced = bytes;
            }
        }
        fail::fail_point!("journal::before_a_run", |_| std::process::abort());
        self.empty_memory()?;
        run.finish()?;
        fail::fail_point!("journal::after_a_run", |_| std::process::abort());
        Ok(())
    }

    /// The file of the run that was just begun, if it can be found: the one of the highest number.
    fn newest_file(&self) -> Option<File> {
        let tables = self.entries.path().join("tables");
        let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<u64>().ok();
        let numbers = fs::read_dir(&tables).ok()?.flatten().filter_map(number);
        File::open(tables.join(numbers.max()?.to_string())).ok()
    }

    /// Has the engine write what it gathered of these entries, and of what was logged before: it
    /// would do so itself when the run is finished, without its log.
    fn empty_memory(&self) -> Result<(), StoreError> {
        if self.entries.rotate_memtable()? {
            self.wait_until(|| self.entries.sealed_memtable_count() == 0)?;
        }
        Ok(())
    }

    /// Waits for what the engine's threads do.
    fn wait_until(&self, is_so: impl Fn() -> bool) -> Result<(), StoreError> {
        while !is_so() {
            // Fails once they do nothing any more.
            self.database.persist(fjall::PersistMode::Buffer)?;
            thread::sleep(TURN);
        }
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
    fn more_than_fits_in_memory_is_several_runs() {
        let folder = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(folder.path()).unwrap();
        let value = [7; 60_000];
        put(&store, 0..300, &value);
        let files = std::fs::read_dir(store.snapshots.entries.path().join("tables"));
        assert!(files.unwrap().count() >= 2);
        assert_eq!(values(&store), vec![value.to_vec(); 300]);
    }
}
