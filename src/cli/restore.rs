//! The flags of `restore`, where its copy comes from, and what the person at the terminal sees
//! meanwhile. It must not know how a data directory is filled.

use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::backup::contents;
use super::{REDRAW, VerifyArgs};
use crate::backup;
use crate::config::ConfigFaults;

const READ_BYTES: usize = 1 << 20;

/// Records between two looks at the bar.
const RECORDS_AT_ONCE: u64 = 1_000;

/// Arguments of `restore`.
#[derive(Debug, Clone, Args)]
pub struct RestoreArgs {
    /// The backup; - is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Where the data will be: a directory that does not exist or is empty
    /// [default: ./onhand-data] [env: ONHAND_DATA_DIR]
    #[arg(long, value_name = "DIRECTORY")]
    pub data_dir: Option<String>,
    /// The configuration file (TOML) that the server will run with
    #[arg(long, env = "ONHAND_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Only reads the backup and says whether it is whole; restores nothing
    #[arg(long)]
    pub check: bool,
}

/// What is shown while it runs: first how much was read, then how much was replayed.
#[derive(Clone)]
pub struct RestoreProgress(ProgressBar);

impl RestoreArgs {
    /// The directory to restore into.
    ///
    /// # Errors
    /// What is wrong with the configuration, in words for the person who wrote it.
    pub fn directory(&self) -> Result<PathBuf, ConfigFaults> {
        let flags = VerifyArgs {
            data_dir: self.data_dir.clone(),
            config: self.config.clone(),
        };
        Ok(flags.configuration()?.journal.data_dir)
    }

    /// Opens the backup, and shows how far it was read.
    ///
    /// # Errors
    /// Why it cannot be opened, in words.
    pub fn open(&self) -> Result<(Box<dyn Read>, RestoreProgress), String> {
        let (input, bytes): (Box<dyn Read>, _) = if self.file == Path::new("-") {
            (Box::new(io::stdin()), None)
        } else {
            let unreadable = |error: io::Error| format!("{}: {error}", self.file.display());
            let file = File::open(&self.file).map_err(unreadable)?;
            let bytes = file.metadata().map_err(unreadable)?.len();
            (Box::new(file), Some(bytes))
        };
        let progress = RestoreProgress::reading(bytes);
        let input = progress.0.wrap_read(input);
        let input = BufReader::with_capacity(READ_BYTES, input);
        Ok((Box::new(input), progress))
    }
}

impl RestoreProgress {
    fn reading(bytes: Option<u64>) -> RestoreProgress {
        if !io::stderr().is_terminal() {
            return RestoreProgress(ProgressBar::hidden());
        }
        let bar = bytes.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        let progress = RestoreProgress(bar);
        progress.show(match bytes {
            Some(_) => "reading {wide_bar} {percent}%  {bytes_per_sec}  {eta} left",
            None => "reading {spinner} {bytes}  {bytes_per_sec}",
        });
        progress.0.enable_steady_tick(REDRAW);
        progress
    }

    /// So many records of so many were replayed.
    pub fn replaying(&self, records: u64, of: u64) {
        if records == 0 {
            self.0.reset();
            self.0.set_length(of);
            self.show("proving {wide_bar} {percent}%  {human_pos} records  {eta} left");
        } else if records.is_multiple_of(RECORDS_AT_ONCE) {
            self.0.set_position(records);
        }
    }

    /// Takes it away.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }

    fn show(&self, template: &str) {
        let style = ProgressStyle::with_template(template);
        self.0
            .set_style(style.expect("the template is well formed"));
    }
}

/// Reads a backup to its end and says whether it is whole.
pub(super) fn check(arguments: &RestoreArgs) -> ExitCode {
    let checked = arguments.open().and_then(|(input, progress)| {
        let checked = backup::check(input);
        progress.finish();
        checked.map_err(|error| error.to_string())
    });
    let (mut out, mut notes) = (io::stdout(), io::stderr());
    match checked {
        Ok((header, trailer)) => {
            let told = contents(&header, &trailer);
            writeln!(out, "{told}\nverdict       the backup is whole").ok();
            ExitCode::SUCCESS
        }
        Err(reason) => {
            writeln!(notes, "error: {reason}").ok();
            ExitCode::FAILURE
        }
    }
}
