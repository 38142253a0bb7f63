//! Writes the engine's log and its lists of files anew, byte for byte, before the engine reads
//! them. A sync that failed may have left pages that look clean though they never reached the disk:
//! a start would read them, believe them, and lose them with the power. What was written anew and
//! synced is on the disk, or the start fails. A crash in between is harmless: each byte is what it
//! was. It must not know what the bytes say.
//!
//! Tables need none of this: the engine names one in its lists only after a sync of it that
//! succeeded, and reads none that it does not name.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::directory::file_error;
use super::witness::sync_directory;
use crate::journal::StoreError;

/// How much is read and written at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// The engine's folders of files that it syncs before it names them.
const SYNCED_BEFORE_NAMED: [&str; 2] = ["tables", "blobs"];

/// Writes the files in `folder` and below anew, and syncs them and their names.
pub(super) fn renew(folder: &Path) -> Result<(), StoreError> {
    let unreadable = |source| file_error("read", folder, source);
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(unreadable)?);
        let is_synced = SYNCED_BEFORE_NAMED
            .iter()
            .any(|name| entry.file_name() == *name);
        if kind.is_file() {
            renew_file(&path).map_err(|source| file_error("renew", &path, source))?;
        } else if kind.is_dir() && !is_synced {
            renew(&path)?;
        }
    }
    sync_directory(folder)
}

fn renew_file(path: &Path) -> io::Result<()> {
    let file = File::options().read(true).write(true).open(path)?;
    let (mut chunk, mut at) = (vec![0; CHUNK_BYTES], 0);
    loop {
        let read = file.read_at(&mut chunk, at)?;
        let bytes = &chunk[..read];
        // Nothing but zeros is room that the log was given in advance: nothing was written there.
        if bytes.iter().any(|byte| *byte != 0) {
            fail::fail_point!("renewal::before_write", |_| std::process::abort());
            file.write_all_at(bytes, at)?;
        }
        if read == 0 {
            break;
        }
        at += read as u64;
    }
    fail::fail_point!("renewal::before_sync", |_| std::process::abort());
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_anew_is_what_it_was_and_room_given_in_advance_stays_empty() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("keyspaces");
        fs::create_dir(&below).unwrap();
        let path = below.join("log");
        let written = vec![7; CHUNK_BYTES + 3];
        fs::write(&path, &written).unwrap();
        let given = 64 << 20;
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(given)
            .unwrap();
        renew(folder.path()).unwrap();
        let read = fs::read(&path).unwrap();
        assert_eq!(read.len() as u64, given);
        assert_eq!(read[..written.len()], written);
        assert!(read[written.len()..].iter().all(|byte| *byte == 0));
        let taken = std::os::unix::fs::MetadataExt::blocks(&fs::metadata(&path).unwrap()) * 512;
        assert!(taken < given / 8, "{taken} bytes are taken on the disk");
    }
}
