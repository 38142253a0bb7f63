//! Gives back the disk space of the engine's log a little at a time.
//!
//! The engine removes a file of its log, 64 MiB, as soon as all in it is in tables. Where the file
//! system tells the disk of every block that came free (it is mounted with `discard`), this takes
//! 50 to 130 ms, and the sync of a group waits for all of it. So the files of the log are held open
//! here: one that was removed keeps its blocks, is cut shorter step by step, and is gone when it is
//! closed. It must never touch a file that still has a name.

use std::collections::BTreeMap;
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

/// How much is given back at once: a sync that comes meanwhile waits for less than a millisecond.
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
        log.hold();
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
        self.hold();
        let removed = self.files.extract_if(.., |_, file| is_removed(file));
        for (_, file) in removed {
            match give_back(&file, &mut rest) {
                Ok(true) => {}
                Ok(false) => return false,
                // Nothing is lost: it goes as a whole when it is closed.
                Err(error) => tracing::debug!(%error, "a file of the log is removed in one step"),
            }
        }
        true
    }

    /// Opens what is new. A file that cannot be opened goes as a whole when the engine removes it.
    fn hold(&mut self) {
        let names = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for entry in names {
            let (name, path) = (entry.file_name(), entry.path());
            let is_log = path.extension().is_some_and(|end| end == LOG_EXTENSION);
            if is_log
                && !self.files.contains_key(&name)
                && let Ok(file) = File::options().write(true).open(&path)
            {
                self.files.insert(name, file);
            }
        }
    }
}

fn is_removed(file: &File) -> bool {
    file.metadata().is_ok_and(|known| known.nlink() == 0)
}

/// Cuts a removed file shorter until nothing is left, or `rest` says to end; gives whether nothing
/// is left.
fn give_back(file: &File, rest: &mut impl FnMut(Duration) -> bool) -> io::Result<bool> {
    let mut left = file.metadata()?.len();
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
