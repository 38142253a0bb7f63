//! Where a copy is written: standard output, or a file beside the one it will be, which gets its
//! name once the copy is whole. It must not know what is written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const WRITE_BYTES: usize = 256 << 10;

/// A copy holds the hashes of tokens and what customers bought: for its owner only.
const MODE: u32 = 0o600;

/// It cannot be written there.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}; nothing was kept", path.display())]
pub(super) struct Unwritable {
    path: PathBuf,
    source: io::Error,
}

/// Where the copy goes. Dropped unfinished, it leaves nothing behind.
pub(super) struct Destination {
    to: To,
    written: PathBuf,
    done: bool,
}

enum To {
    Output(BufWriter<io::Stdout>),
    File {
        part: BufWriter<File>,
        file: PathBuf,
        force: bool,
    },
}

impl Destination {
    /// Opens it; `-` is standard output. A file that exists is refused unless it may be replaced.
    pub(super) fn open(file: &Path, force: bool) -> Result<Destination, String> {
        if file == Path::new("-") {
            let output = io::stdout();
            if output.is_terminal() {
                return Err("a terminal cannot show a backup: name a file, or pipe it on".into());
            }
            return Ok(Destination {
                to: To::Output(BufWriter::with_capacity(WRITE_BYTES, output)),
                written: PathBuf::from("standard output"),
                done: false,
            });
        }
        refuse_to_replace(file, force)?;
        let mut written = file.as_os_str().to_owned();
        written.push(".part");
        let written = PathBuf::from(written);
        let part = create(&written)?;
        Ok(Destination {
            to: To::File {
                part: BufWriter::with_capacity(WRITE_BYTES, part),
                file: file.to_owned(),
                force,
            },
            written,
            done: false,
        })
    }

    /// Adds bytes; the error is an [`Unwritable`].
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = match &mut self.to {
            To::Output(output) => output.write_all(bytes),
            To::File { part, .. } => part.write_all(bytes),
        };
        written.map_err(|source| io::Error::other(self.unwritable(source)))
    }

    /// The copy is whole: syncs it and gives it its name.
    pub(super) fn finish(mut self) -> Result<(), String> {
        let flushed = match &mut self.to {
            To::Output(output) => output.flush(),
            To::File { part, .. } => part.flush().and_then(|()| part.get_ref().sync_all()),
        };
        flushed.map_err(|source| self.unwritable(source).to_string())?;
        if let To::File { file, force, .. } = &self.to {
            refuse_to_replace(file, *force)?;
            let named = fs::rename(&self.written, file).and_then(|()| sync_folder_of(file));
            let unwritable = |source| {
                let path = file.clone();
                Unwritable { path, source }.to_string()
            };
            named.map_err(unwritable)?;
        }
        self.done = true;
        Ok(())
    }

    fn unwritable(&self, source: io::Error) -> Unwritable {
        let path = self.written.clone();
        Unwritable { path, source }
    }
}

impl Drop for Destination {
    fn drop(&mut self) {
        let is_file = matches!(self.to, To::File { .. });
        if is_file && !self.done {
            // What is left is named as a part, and the next backup removes it.
            fs::remove_file(&self.written).ok();
        }
    }
}

fn refuse_to_replace(file: &Path, force: bool) -> Result<(), String> {
    let is_there = is_regular_if_there(file)?;
    if is_there && !force {
        let file = file.display();
        return Err(format!(
            "{file} exists; --force replaces it once the new backup is whole"
        ));
    }
    Ok(())
}

/// Whether there is a file of that name. A link, a device or a pipe is not ours to take away.
fn is_regular_if_there(file: &Path) -> Result<bool, String> {
    match file.symlink_metadata() {
        Ok(there) if there.is_file() => Ok(true),
        Ok(_) => {
            let file = file.display();
            Err(format!(
                "{file} is no regular file, so it stays as it is: name another file, or give - \
                 to write to standard output, as into a pipe"
            ))
        }
        // If anything else is wrong with it, the attempt to write will tell.
        Err(_) => Ok(false),
    }
}

/// Makes the file to write into, anew: only its owner can read it, and nothing is written through
/// what somebody else put there. What a backup that was killed left is removed first.
fn create(part: &Path) -> Result<File, String> {
    let unwritable = |source| {
        let path = part.to_owned();
        Unwritable { path, source }.to_string()
    };
    let mut left = None;
    if is_regular_if_there(part)? {
        let old = File::open(part).map_err(unwritable)?;
        lock(&old, part)?;
        fs::remove_file(part).map_err(unwritable)?;
        left = Some(old);
    }
    let mut options = OpenOptions::new();
    let new = options.write(true).create_new(true).mode(MODE).open(part);
    let new = new.map_err(unwritable)?;
    lock(&new, part)?;
    drop(left);
    Ok(new)
}

/// Takes the file for this process; another may have it, or have put its own in its place.
fn lock(file: &File, path: &Path) -> Result<(), String> {
    let identity = |found: fs::Metadata| (found.dev(), found.ino());
    let is_taken = file.try_lock().is_err();
    let ours = file.metadata().map(identity).ok();
    if is_taken || ours != path.symlink_metadata().map(identity).ok() {
        let path = path.display();
        return Err(format!(
            "{path} is being written by another process: wait for it, or name another"
        ));
    }
    Ok(())
}

/// Makes the name durable.
fn sync_folder_of(file: &Path) -> io::Result<()> {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
