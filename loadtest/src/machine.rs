//! Where and with what a result was measured: the machine, its disk, the versions. Figures of
//! different machines, or commits, cannot be compared without it.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::clock;
use crate::options::Options;
use crate::server::Binary;

/// Syncs that the disk is measured with.
const SYNCS: usize = 300;

/// Bytes written before each: about one record.
const SYNC_BYTES: usize = 250;

/// What a result depends on besides what was asked.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// The processor.
    pub processor: String,
    /// Its cores, as far as this process may use them.
    pub cores: usize,
    /// Memory in GiB.
    pub memory_gib: f64,
    /// The kernel.
    pub kernel: String,
    /// The median time of an `fdatasync` of one record where the data is, in milliseconds.
    pub fdatasync_ms: f64,
    /// The server's version.
    pub server: String,
    /// The commit of the sources as they are now, with a mark if they were changed. Of the server
    /// that is nothing to go by when it was named, or ran already, which is said as well.
    pub commit: String,
    /// When.
    pub measured_at: String,
    /// Of the random numbers.
    pub seed: u64,
    /// How this was asked for.
    pub command: String,
}

impl Machine {
    /// Looks around; the disk is measured in `data`.
    ///
    /// # Errors
    /// The system does not say, or the disk cannot be written.
    pub fn look(binary: Option<&Binary>, data: &Path, options: &Options) -> Result<Machine> {
        let is_own = options.server.is_none() && options.running.is_none();
        let version = binary
            .map(|binary| binary.run(&["--version"]))
            .transpose()?;
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        Ok(Machine {
            processor: line_of("/proc/cpuinfo", "model name")?,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: memory_gib()?,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?
                .trim()
                .to_owned(),
            fdatasync_ms: fdatasync_ms(data)?,
            server: version.map_or("running already".into(), |said| said.trim().to_owned()),
            commit: match is_own {
                true => commit(),
                false => format!("{}, of loadtest; the server was given", commit()),
            },
            measured_at: clock::wall().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            seed: options.seed,
            command: format!("loadtest {}", arguments.join(" ")),
        })
    }
}

/// A line as in `model name : Xeon`; some architectures have none.
fn line_of(path: &str, name: &str) -> Result<String> {
    let text = fs::read_to_string(path).with_context(|| path.to_owned())?;
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.split_once(':'));
    Ok(value
        .map_or("unknown", |(_, value)| value.trim())
        .to_owned())
}

fn memory_gib() -> Result<f64> {
    let line = line_of("/proc/meminfo", "MemTotal")?;
    let kib = line.trim_end_matches(" kB").parse::<f64>();
    let kib = kib.context("/proc/meminfo says no number")?;
    Ok((kib / 1024.0 / 1024.0 * 10.0).round() / 10.0)
}

fn fdatasync_ms(directory: &Path) -> Result<f64> {
    let path = directory.join("fdatasync");
    let mut file = File::create(&path).with_context(|| path.display().to_string())?;
    let mut took = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let before = clock::now();
        file.write_all(&[7; SYNC_BYTES])?;
        file.sync_data()?;
        took.push(clock::now().saturating_duration_since(before));
    }
    drop(file);
    fs::remove_file(&path)?;
    took.sort_unstable();
    Ok(took[SYNCS / 2].as_secs_f64() * 1e3)
}

/// The commit of the sources that this program was built from, as the working copy says.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let output = Command::new("git")
            .args(["-C", sources])
            .args(arguments)
            .output();
        output
            .ok()
            .filter(|output| output.status.success())
            .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    match git(&["rev-parse", "--short=12", "HEAD"]) {
        None => "unknown".into(),
        Some(commit) => match git(&["status", "--porcelain", "--untracked-files=no"]) {
            Some(changes) if changes.is_empty() => commit,
            Some(_) | None => format!("{commit} and changes"),
        },
    }
}
