//! The files of a data directory: who holds it, how it comes to be, which format it has. Knows no
//! group and no snapshot.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use fjall::compaction::Leveled;
use fjall::compaction::filter::Factory;
use fjall::config::{BlockSizePolicy, CompressionPolicy, FilterPolicy};
use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::sorting::Unhurried;
use super::witness::sync_directory;
use crate::journal::StoreError;

/// The format of the data directory this release reads and writes.
const FORMAT: u32 = 1;

/// The file that is locked by whoever has the data directory.
pub(super) const LOCK: &str = "lock";
/// The engine's folder in a data directory.
pub(super) const ENGINE: &str = "engine";
/// The engine's folder while a restore fills it.
pub(super) const RESTORING: &str = "engine.restoring";

/// Nobody but the account that serves may look at what people bought.
const MODE: u32 = 0o700;

const FORMAT_NAME: &str = "store/format";
/// Bounds what a restart replays from the engine's own log, and the log on disk.
const ENGINE_LOG_BYTES_MAX: u64 = 128 << 20;
/// Scans pass through, point reads are few: a large cache would serve nobody.
const ENGINE_CACHE_BYTES: u64 = 16 << 20;
/// What is gathered in memory before it goes into a file, for each key space that grows.
pub(super) const MEMTABLE_BYTES: u64 = 8 << 20;
/// The same for groups. When four of these wait for their files the engine has whoever appends
/// sleep for a tenth of a second: they hold what 100,000 holds that expire in one second make.
const MEMTABLE_BYTES_GROUPS: u64 = 16 << 20;
/// The same where hardly anything is written.
const MEMTABLE_BYTES_SMALL: u64 = 1 << 20;
/// The size of the files that are sorted into each other. Each is synced as a whole once it is
/// full, and a group's sync waits behind it: 1.9 ms per MiB on the disk it was measured on.
const TABLE_BYTES: u64 = 2 << 20;
/// How many files are gathered before they are sorted into the others. Many: each time most of
/// the others are written anew, and only a start and a trim ever read them all.
const TABLES_GATHERED: u8 = 12;
/// The engine's threads. The first takes no sort, so that what is gathered never waits for one: it
/// hands each on, and takes a processor for itself until another thread is free to sort.
const ENGINE_THREADS: usize = 4;
/// What is read in long scans has large blocks; values beyond get a block of their own.
const BLOCK_BYTES: u32 = 64 << 10;

type Options = fn() -> KeyspaceCreateOptions;

/// Every key space there is, with the options it is created with: later ones change nothing.
const KEY_SPACES: [(&str, Options); 6] = [
    ("groups", appended),
    ("snapshots", scanned),
    ("base", looked_up),
    ("pieces", scanned),
    ("split", small),
    ("meta", small),
];

/// Makes the data directory unless it is there.
pub(super) fn make_directory(directory: &Path) -> Result<(), StoreError> {
    DirBuilder::new()
        .recursive(true)
        .mode(MODE)
        .create(directory)
        .map_err(|source| file_error("create", directory, source))
}

/// Holds the data directory for this process until dropped.
pub(super) struct Hold(File);

impl Hold {
    /// Takes the data directory, unless another has it.
    pub(super) fn take(directory: &Path) -> Result<Hold, StoreError> {
        let path = directory.join(LOCK);
        let file = File::options().create(true).append(true).open(&path);
        let file = file.map_err(|source| file_error("open", &path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(Hold(file)),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
                directory: directory.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(file_error("lock", &path, source)),
        }
    }
}

impl Drop for Hold {
    /// Closing the file would not do: a process just being started may have a copy of it.
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the data directory stays locked until this process ends");
        }
    }
}

/// Creates the engine under another name first: if the process dies meanwhile, the next start
/// finds either none or a whole one.
pub(super) fn create_engine(directory: &Path, engine: &Path) -> Result<(), StoreError> {
    let fresh = directory.join("engine.new");
    remove_folder(&fresh)?;
    drop(new_engine(&fresh)?);
    fs::rename(&fresh, engine).map_err(|source| file_error("rename", &fresh, source))?;
    sync_directory(directory)
}

/// Creates an engine with all its key spaces, and the format's number in it; synced.
pub(super) fn new_engine(path: &Path) -> Result<Database, StoreError> {
    let database = open_engine(path, &Arc::new(AtomicBool::new(true)))?;
    for (name, options) in KEY_SPACES {
        database.keyspace(name, options)?;
    }
    let meta = key_space(&database, "meta")?;
    meta.insert(FORMAT_NAME, FORMAT.to_le_bytes())?;
    database.persist(PersistMode::SyncAll)?;
    Ok(database)
}

/// Removes a folder and all in it, if it is there.
pub(super) fn remove_folder(path: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(file_error("remove", path, error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Refuses a data directory that a restore did not fill to the end: what is there is not whole,
/// and an empty store in its place would be worse.
pub(super) fn refuse_unfinished(directory: &Path) -> Result<(), StoreError> {
    let restoring = directory.join(RESTORING);
    match restoring.try_exists() {
        Ok(false) => Ok(()),
        Ok(true) => Err(StoreError::Unfinished {
            directory: directory.to_owned(),
        }),
        Err(source) => Err(file_error("read", &restoring, source)),
    }
}

/// Opens the engine; creates its files if there are none. Unless it is hurried, it sorts entries
/// with rests.
pub(super) fn open_engine(
    path: &Path,
    is_hurried: &Arc<AtomicBool>,
) -> Result<Database, StoreError> {
    let is_hurried = is_hurried.clone();
    let unhurried = move |name: &str| {
        let is_hurried = is_hurried.clone();
        (name != "groups").then(|| Arc::new(Unhurried { is_hurried }) as Arc<dyn Factory>)
    };
    Database::builder(path)
        .max_journaling_size(ENGINE_LOG_BYTES_MAX)
        .cache_size(ENGINE_CACHE_BYTES)
        .worker_threads(ENGINE_THREADS)
        .with_compaction_filter_factories(Arc::new(unhurried))
        // What is in the log is there for a minute, and everyone waits for it.
        .journal_compression(CompressionType::None)
        .open()
        .map_err(|error| {
            if let fjall::Error::InvalidVersion(found) = &error {
                let found = format!("{found:?} of the engine");
                return StoreError::Format {
                    found,
                    known: FORMAT,
                };
            }
            StoreError::Engine(error)
        })
}

/// The key space of that name.
pub(super) fn key_space(database: &Database, name: &str) -> Result<Keyspace, StoreError> {
    let options = KEY_SPACES.iter().find(|(known, _)| *known == name);
    let (_, options) = options.expect("every key space is in the list");
    Ok(database.keyspace(name, options)?)
}

/// Read entry by entry, of which some are not there: the engine's own small blocks and filters.
/// Its files are small and compressed: a third of the bytes to sync and to keep.
fn looked_up() -> KeyspaceCreateOptions {
    let tables = Leveled::default()
        .with_l0_threshold(TABLES_GATHERED)
        .with_table_target_size(TABLE_BYTES);
    KeyspaceCreateOptions::default()
        .max_memtable_size(MEMTABLE_BYTES)
        .data_block_compression_policy(CompressionPolicy::all(CompressionType::Lz4))
        .compaction_strategy(Arc::new(tables))
}

/// Read in long scans. No filters: nothing asks for keys that are not there.
fn scanned() -> KeyspaceCreateOptions {
    looked_up()
        .data_block_size_policy(BlockSizePolicy::all(BLOCK_BYTES))
        .filter_policy(FilterPolicy::disabled())
}

fn appended() -> KeyspaceCreateOptions {
    scanned().max_memtable_size(MEMTABLE_BYTES_GROUPS)
}

fn small() -> KeyspaceCreateOptions {
    scanned().max_memtable_size(MEMTABLE_BYTES_SMALL)
}

/// Refuses a data directory of another format.
pub(super) fn check_format(meta: &Keyspace) -> Result<(), StoreError> {
    let value = meta.get(FORMAT_NAME)?;
    match value.as_deref().map(<[u8; 4]>::try_from) {
        Some(Ok(bytes)) if u32::from_le_bytes(bytes) == FORMAT => Ok(()),
        Some(Ok(bytes)) => {
            let found = u32::from_le_bytes(bytes).to_string();
            Err(StoreError::Format {
                found,
                known: FORMAT,
            })
        }
        Some(Err(_)) | None => Err(StoreError::Damaged {
            what: "the format's number",
        }),
    }
}

/// A failed file operation as an error of the store.
pub(super) fn file_error(action: &'static str, path: &Path, source: std::io::Error) -> StoreError {
    StoreError::File {
        action,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_data_directory_that_is_made_is_for_its_account_alone() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("new/data");
        make_directory(&directory).unwrap();
        let mode = fs::metadata(&directory).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
