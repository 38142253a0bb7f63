//! Where the demo's data is: a temporary directory that goes when the demo ends, or one to keep.
//! It must not know what the data is.
//!
//! A directory to keep is marked by a file of the demo's. One with anything in it but without the
//! mark is refused: simulated sales have no place in a real retailer's ledger.

use std::path::{Path, PathBuf};
use std::{fs, io};

use tempfile::TempDir;

use super::DemoError;

const MARK: &str = "demo.txt";
const MARK_TEXT: &str = "The data of `onhand demo`: a made-up retailer and simulated people.\n";

/// Where the data is.
pub(super) enum Directory {
    /// Gone when dropped.
    Temporary(TempDir),
    /// Stays.
    Kept(PathBuf),
}

impl Directory {
    /// The one that was asked for, or a temporary one.
    ///
    /// # Errors
    /// It cannot be made, or holds something else.
    pub(super) fn choose(wanted: Option<&Path>) -> Result<Directory, DemoError> {
        let Some(path) = wanted else {
            let made = tempfile::Builder::new().prefix("onhand-demo-").tempdir();
            return made.map(Directory::Temporary).map_err(|error| {
                DemoError::Directory(format!(
                    "no temporary directory can be made: {error}; name one with --data-dir"
                ))
            });
        };
        match mark(path) {
            Ok(true) => Ok(Directory::Kept(path.to_owned())),
            Ok(false) => Err(DemoError::Directory(format!(
                "{} holds something else than a demo's data; give a new directory",
                path.display()
            ))),
            Err(error) => Err(DemoError::Directory(format!("{}: {error}", path.display()))),
        }
    }

    /// Its path.
    pub(super) fn path(&self) -> &Path {
        match self {
            Directory::Temporary(folder) => folder.path(),
            Directory::Kept(path) => path,
        }
    }

    /// Whether it goes when the demo ends.
    pub(super) fn is_temporary(&self) -> bool {
        matches!(self, Directory::Temporary(_))
    }
}

/// Makes and marks the directory if it is new; whether it is the demo's.
fn mark(path: &Path) -> io::Result<bool> {
    fs::create_dir_all(path)?;
    if path.join(MARK).try_exists()? {
        return Ok(true);
    }
    if fs::read_dir(path)?.next().is_some() {
        return Ok(false);
    }
    fs::write(path.join(MARK), MARK_TEXT)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_directory_goes_when_the_demo_ends() {
        let directory = Directory::choose(None).unwrap();
        let path = directory.path().to_owned();
        assert!(path.is_dir() && directory.is_temporary());
        drop(directory);
        assert!(!path.exists());
    }

    #[test]
    fn a_kept_directory_stays_and_can_be_chosen_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/data");
        for _ in 0..2 {
            let directory = Directory::choose(Some(&path)).unwrap();
            assert!(!directory.is_temporary());
            fs::write(directory.path().join("journal"), "data").unwrap();
        }
        assert!(path.join("journal").exists());
    }

    #[test]
    fn a_directory_with_other_data_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("lock"), "").unwrap();
        let refused = Directory::choose(Some(folder.path())).err().unwrap();
        assert!(
            refused.to_string().contains("give a new directory"),
            "{refused}"
        );
        assert!(!folder.path().join(MARK).exists());
    }
}
