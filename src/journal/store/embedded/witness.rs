//! The witness: a small file beside the embedded engine that says how far the journal was durable
//! once. The engine truncates silently at a torn place, taking along whatever it holds after it,
//! so what tells of the loss must lie outside. It must never name a position that is not durable.
//!
//! Format: one line of text, `onhand witness 1 POSITION`, replaced as a whole by renaming.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::journal::{Position, StoreError};

/// The witness's file in a data directory.
pub(super) const WITNESS: &str = "witness";
/// The next one, while it is written.
pub(super) const WITNESS_NEW: &str = "witness.new";

const PREFIX: &str = "onhand witness 1 ";

/// The witness of one data directory.
#[derive(Debug)]
pub(super) struct Witness {
    path: PathBuf,
}

impl Witness {
    /// The witness in that directory, written or not.
    pub(super) fn within(directory: &Path) -> Witness {
        Witness {
            path: directory.join(WITNESS),
        }
    }

    /// The position witnessed; zero if none ever was.
    pub(super) fn read(&self) -> Result<Position, StoreError> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Position::ZERO),
            Err(source) => return Err(self.error("read", source)),
        };
        let number = text
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.trim_end().parse().ok());
        number.map(Position::new).ok_or(StoreError::Damaged {
            what: "the file witness",
        })
    }

    /// Replaces the witness, durably.
    pub(super) fn write(&self, position: Position) -> Result<(), StoreError> {
        let fresh = self.path.with_file_name(WITNESS_NEW);
        File::create(&fresh)
            .and_then(|mut file| {
                file.write_all(format!("{PREFIX}{position}\n").as_bytes())?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&fresh, &self.path))
            .map_err(|source| self.error("write", source))?;
        match self.path.parent() {
            Some(directory) => sync_directory(directory),
            None => Ok(()),
        }
    }

    fn error(&self, action: &'static str, source: std::io::Error) -> StoreError {
        StoreError::File {
            action,
            path: self.path.clone(),
            source,
        }
    }
}

/// Makes the names in a directory durable: a renamed file is otherwise lost with the power.
pub(super) fn sync_directory(directory: &Path) -> Result<(), StoreError> {
    File::open(directory)
        .and_then(|opened| opened.sync_all())
        .map_err(|source| StoreError::File {
            action: "sync",
            path: directory.to_owned(),
            source,
        })
}
