//! A data directory filled from a copy. Until all of it is there and synced, its engine lies under
//! another name, which `open` refuses: whatever happens meanwhile, half a copy is never served.
//! Knows no format of a copy.
//!
//! The steps: the lock, `engine.restoring/` filled and synced, (the caller proves it), `witness`,
//! and then the one that counts: `engine.restoring/` becomes `engine/`.

use std::fs;
use std::path::{Path, PathBuf};

use fjall::{Database, Keyspace, OwnedWriteBatch, PersistMode};

use super::directory::{ENGINE, Hold, LOCK, RESTORING, file_error, key_space, make_directory};
use super::directory::{new_engine, remove_folder};
use super::marks::{BASE_NAME, ROUND_NAME, encode_round};
use super::witness::{WITNESS, WITNESS_NEW, Witness, sync_directory};
use super::{EmbeddedStore, META_PREFIX, key};
use crate::journal::store::Part;
use crate::journal::{Position, Round, Store, StoreError};

/// How much is written at once. Larger batches gain nothing, and each is held in memory.
const BATCH_BYTES: usize = 4 << 20;

/// A data directory being filled. Dropped before its end, it clears away what it made.
pub struct Restoration {
    engine: Engine,
    /// Dropped last: the engine is closed before its files go.
    site: Site,
}

/// The engine that is filled.
struct Engine {
    batch: OwnedWriteBatch,
    batch_bytes: usize,
    groups: Keyspace,
    snapshots: Keyspace,
    base: Keyspace,
    meta: Keyspace,
    database: Database,
}

/// A data directory that is filled, but not yet to be opened by anybody else. Dropped unfinished,
/// it clears away what was made.
pub struct Restored {
    store: EmbeddedStore,
    site: Site,
}

impl Restoration {
    /// Begins in a directory that does not exist or is empty. What another restore left behind
    /// there when it was cut short is removed first.
    pub fn begin(directory: &Path) -> Result<Restoration, StoreError> {
        let site = Site::take(directory)?;
        let database = new_engine(&site.restoring())?;
        let engine = Engine {
            batch: database.batch(),
            batch_bytes: 0,
            groups: key_space(&database, "groups")?,
            snapshots: key_space(&database, "snapshots")?,
            base: key_space(&database, "base")?,
            meta: key_space(&database, "meta")?,
            database,
        };
        Ok(Restoration { engine, site })
    }

    /// Takes in a part, as a view of a store gave it.
    pub fn put(&mut self, part: Part) -> Result<(), StoreError> {
        self.engine.put(part)
    }

    /// Ends the filling: all is synced, and opened to be proven.
    pub fn seal(self, base: Position, round: Option<Round>) -> Result<Restored, StoreError> {
        let Restoration { engine, site } = self;
        engine.seal(base, round)?;
        let store = EmbeddedStore::over(&site.directory, &site.restoring(), None)?;
        Ok(Restored { store, site })
    }
}

impl Engine {
    fn put(&mut self, part: Part) -> Result<(), StoreError> {
        let (space, key, value) = match part {
            Part::Meta((name, value)) => {
                let name = [META_PREFIX.as_bytes(), &name].concat();
                (&self.meta, name, value)
            }
            Part::Base((key, value)) => (&self.base, key, value),
            Part::Snapshot((key, value)) => (&self.snapshots, key, value),
            Part::Group(first, group) => (&self.groups, key(first).to_vec(), group),
        };
        self.batch_bytes += key.len() + value.len();
        self.batch.insert(space, key, value);
        if self.batch_bytes >= BATCH_BYTES {
            self.write()?;
        }
        Ok(())
    }

    /// Writes the rest and the marks, syncs, and lets go of the engine.
    fn seal(mut self, base: Position, round: Option<Round>) -> Result<(), StoreError> {
        let base = base.get().to_le_bytes();
        self.batch.insert(&self.meta, BASE_NAME, base);
        if let Some(round) = round.map(encode_round) {
            self.batch.insert(&self.meta, ROUND_NAME, round);
        }
        self.write()?;
        Ok(self.database.persist(PersistMode::SyncAll)?)
    }

    fn write(&mut self) -> Result<(), StoreError> {
        fail::fail_point!("restore::before_write", |_| std::process::abort());
        let batch = std::mem::replace(&mut self.batch, self.database.batch());
        self.batch_bytes = 0;
        Ok(batch.commit()?)
    }
}

impl Restored {
    /// What is there now.
    pub fn store(&self) -> &dyn Store {
        &self.store
    }

    /// Makes it a data directory like any other.
    pub fn finish(self) -> Result<(), StoreError> {
        let Restored { store, mut site } = self;
        let last = store.last();
        drop(store);
        fail::fail_point!("restore::before_witness", |_| std::process::abort());
        Witness::within(&site.directory).write(last)?;
        fail::fail_point!("restore::before_rename", |_| std::process::abort());
        let (restoring, engine) = (site.restoring(), site.directory.join(ENGINE));
        fs::rename(&restoring, &engine)
            .map_err(|source| file_error("rename", &restoring, source))?;
        site.done = true;
        sync_directory(&site.directory)?;
        if let Some(parent) = parent(&site.directory).filter(|_| site.made) {
            sync_directory(parent)?;
        }
        fail::fail_point!("restore::after_rename", |_| std::process::abort());
        Ok(())
    }
}

/// The directory while it is being filled.
struct Site {
    directory: PathBuf,
    /// Whether it did not exist before.
    made: bool,
    done: bool,
    _hold: Hold,
}

impl Site {
    fn take(directory: &Path) -> Result<Site, StoreError> {
        let made = !directory
            .try_exists()
            .map_err(|source| file_error("read", directory, source))?;
        if !made {
            refuse_if_filled(directory)?;
        }
        make_directory(directory)?;
        let hold = Hold::take(directory)?;
        // Now that nobody else can begin: somebody may have, in between.
        refuse_if_filled(directory)?;
        let site = Site {
            directory: directory.to_owned(),
            made,
            done: false,
            _hold: hold,
        };
        remove_folder(&site.restoring())?;
        Ok(site)
    }

    fn restoring(&self) -> PathBuf {
        self.directory.join(RESTORING)
    }

    /// Removes what a restore makes; the engine last, which marks the directory as unfinished.
    fn clear(&self) -> Result<(), StoreError> {
        for name in [WITNESS, WITNESS_NEW] {
            let path = self.directory.join(name);
            let there = path.try_exists();
            if there.map_err(|source| file_error("read", &path, source))? {
                fs::remove_file(&path).map_err(|source| file_error("remove", &path, source))?;
            }
        }
        remove_folder(&self.restoring())?;
        let lock = self.directory.join(LOCK);
        fs::remove_file(&lock).map_err(|source| file_error("remove", &lock, source))?;
        if self.made {
            let directory = &self.directory;
            fs::remove_dir(directory).map_err(|source| file_error("remove", directory, source))?;
        }
        Ok(())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        if let Err(error) = self.clear() {
            tracing::warn!(%error, "what the restore made is not all removed");
        }
    }
}

/// Refuses a directory with anything in it but the lock, what a restore that was cut short left
/// behind, and what a file system has at its root.
fn refuse_if_filled(directory: &Path) -> Result<(), StoreError> {
    let unreadable = |source| file_error("read", directory, source);
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        names.push(name.to_string_lossy().into_owned());
    }
    let unfinished = names.iter().any(|name| name == RESTORING);
    let ours = |name: &String| match name.as_str() {
        LOCK | RESTORING | "lost+found" => true,
        WITNESS | WITNESS_NEW => unfinished,
        _ => false,
    };
    match names.into_iter().find(|name| !ours(name)) {
        None => Ok(()),
        Some(found) => Err(StoreError::NotEmpty {
            directory: directory.to_owned(),
            found,
        }),
    }
}

/// The directory that a directory's name is in.
fn parent(directory: &Path) -> Option<&Path> {
    let parent = directory.parent()?;
    Some(if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    })
}
