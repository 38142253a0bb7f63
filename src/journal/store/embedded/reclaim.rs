//! Gives back the disk space of the engine's log a little at a time.
//!
//! The engine removes a file of its log, 64 MiB, as soon as all in it is in tables. Where the file
//! system tells the disk of every block that came free (it is mounted with `discard`), this takes
//! 50 to 130 ms, and the sync of a group waits for all of it. So the files of the log are held open
//! here: one that was removed keeps its blocks, is cut shorter step by step, and is gone when it is
//! closed. It must never touch a file that has a name anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::clock::Stopwatch;
use crate::journal::StoreError;

/// What the names of the log's files end in.
const LOG_EXTENSION: &str = "jnl";

/// How often it looks for files that are new, and for those that were removed. The engine fills a
/// file in seconds, and removes it after that.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How much is given back at once: a sync that comes meanwhile waits for about a millisecond.
const STEP_BYTES: u64 = 256 * 1024;

/// How many times as long as a step took the rest after it lasts, and the bounds of that.
const REST: u32 = 4;
const REST_MIN: Duration = Duration::from_millis(1);
const REST_MAX: Duration = Duration::from_millis(50);

/// A thread that gives back what the engine removes from its log, until it is dropped. What is not
/// given back by then goes at once.
pub(super) struct Reclaim {
    /// Dropped to end the thread.
    go_on: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Reclaim {
    /// Begins with the engine in that folder, which need not be open yet.
    pub(super) fn begin(engine: &Path) -> Result<Reclaim, StoreError> {
        let (go_on, ended) = channel();
        let mut log = Log::of(engine);
        // What is there now may be removed as soon as the engine opens.
        log.look(|_| true);
        let thread = thread::Builder::new()
            .name("reclaim".into())
            .spawn(move || {
                let goes_on = |wait| !has_ended(&ended, wait);
                while log.look(goes_on) && goes_on(LOOK_EVERY) {}
            })
            .map_err(StoreError::Thread)?;
        Ok(Reclaim {
            go_on: Some(go_on),
            thread: Some(thread),
        })
    }
}

impl Drop for Reclaim {
    fn drop(&mut self) {
        self.go_on = None;
        if let Some(thread) = self.thread.take() {
            thread
                .join()
                .expect("a panic stops the process before this");
        }
    }
}

/// Waits so long; whether it was told to end.
fn has_ended(ended: &Receiver<()>, wait: Duration) -> bool {
    ended.recv_timeout(wait) != Err(RecvTimeoutError::Timeout)
}

/// The files of the engine's log, held open.
struct Log {
    folder: PathBuf,
    files: BTreeMap<OsString, File>,
}

impl Log {
    fn of(engine: &Path) -> Log {
        Log {
            folder: engine.to_owned(),
            files: BTreeMap::new(),
        }
    }

    /// Opens what is new, and gives back what was removed. It goes on after a rest as long as
    /// `rest` says so; gives whether it did to the end.
    fn look(&mut self, mut rest: impl FnMut(Duration) -> bool) -> bool {
        let names = match self.hold() {
            Ok(names) => names,
            Err(error) => {
                tracing::debug!(%error, "the engine's folder cannot be listed");
                return true;
            }
        };
        let removed = |name: &OsString, _: &mut File| !names.contains(name);
        for (_, file) in self.files.extract_if(.., removed) {
            match give_back(&file, &mut rest) {
                Ok(true) => {}
                Ok(false) => return false,
                // Nothing is lost: it goes as a whole when it is closed.
                Err(error) => tracing::debug!(%error, "a file of the log is removed in one step"),
            }
        }
        true
    }

    /// Opens what is new; gives the names there are. A file that cannot be opened goes as a whole
    /// when the engine removes it.
    fn hold(&mut self) -> io::Result<BTreeSet<OsString>> {
        let mut names = BTreeSet::new();
        for entry in fs::read_dir(&self.folder)? {
            let (name, path) = entry.map(|entry| (entry.file_name(), entry.path()))?;
            if path.extension().is_none_or(|end| end != LOG_EXTENSION) {
                continue;
            }
            if !self.files.contains_key(&name)
                && let Ok(file) = File::options().write(true).open(&path)
            {
                self.files.insert(name.clone(), file);
            }
            names.insert(name);
        }
        Ok(names)
    }
}

/// Cuts a removed file shorter until nothing is left, or `rest` says to end; gives whether it was
/// done. One that was not removed but renamed (file systems over a network do that to open files)
/// is only let go of.
fn give_back(file: &File, rest: &mut impl FnMut(Duration) -> bool) -> io::Result<bool> {
    let known = file.metadata()?;
    let mut left = if known.nlink() == 0 { known.len() } else { 0 };
    while left > 0 {
        let stopwatch = Stopwatch::start();
        left = left.saturating_sub(STEP_BYTES);
        file.set_len(left)?;
        if !rest((stopwatch.elapsed() * REST).clamp(REST_MIN, REST_MAX)) {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: u64 = 4 * STEP_BYTES + 1;

    fn log_of_two_files() -> (tempfile::TempDir, Log) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["1.jnl", "2.jnl", "version"] {
            fs::write(folder.path().join(name), vec![7; LENGTH as usize]).unwrap();
        }
        let mut log = Log::of(folder.path());
        assert!(log.look(|_| panic!("nothing was removed")));
        assert_eq!(log.files.len(), 2);
        (folder, log)
    }

    #[test]
    fn a_removed_file_is_given_back_in_steps_and_one_with_a_name_is_left_alone() {
        let (folder, mut log) = log_of_two_files();
        let removed = log.files[&OsString::from("1.jnl")].try_clone().unwrap();
        fs::remove_file(folder.path().join("1.jnl")).unwrap();
        let mut lengths = Vec::new();
        let went_on = log.look(|_| {
            lengths.push(removed.metadata().unwrap().len());
            true
        });
        assert!(went_on);
        let steps: Vec<u64> = (0..4)
            .rev()
            .map(|step| step * STEP_BYTES + 1)
            .chain([0])
            .collect();
        assert_eq!(lengths, steps);
        let names: Vec<_> = log.files.keys().collect();
        assert_eq!(names, ["2.jnl"]);
        for name in ["2.jnl", "version"] {
            let kept = fs::read(folder.path().join(name)).unwrap();
            assert!(kept.len() as u64 == LENGTH && kept.iter().all(|byte| *byte == 7));
        }
    }

    #[test]
    fn a_renamed_file_is_let_go_of_and_a_folder_that_is_not_there_says_nothing() {
        let (folder, mut log) = log_of_two_files();
        let renamed = folder.path().join(".nfs1");
        fs::rename(folder.path().join("1.jnl"), &renamed).unwrap();
        assert!(log.look(|_| panic!("nothing was removed")));
        assert_eq!(fs::metadata(&renamed).unwrap().len(), LENGTH);
        assert_eq!(log.files.len(), 1);
        log.folder.push("elsewhere");
        assert!(log.look(|_| panic!("nothing was removed")));
        assert_eq!(log.files.len(), 1);
    }

    #[test]
    fn a_stop_ends_it_between_two_steps() {
        let (folder, mut log) = log_of_two_files();
        fs::remove_file(folder.path().join("1.jnl")).unwrap();
        let mut rests = 0;
        let went_on = log.look(|_| {
            rests += 1;
            false
        });
        assert!(!went_on);
        assert_eq!(rests, 1);
    }
}
