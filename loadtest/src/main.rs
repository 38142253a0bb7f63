//! Drives load at Onhand, checks its books, and writes down what was measured. README.md opens
//! with the workload design.

mod bench;
mod books;
mod clock;
mod connection;
mod feed;
mod keys;
mod load;
mod machine;
mod open_files;
mod options;
mod peers;
mod plot;
mod progress;
mod report;
mod request;
mod result;
mod scenarios;
mod server;
mod shop;
mod sizes;
mod usage;
mod workload;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

use bench::Bench;
use machine::Machine;
use options::{Choice, Options};
use result::Outcome;
use server::Binary;

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            progress::say(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs what was asked for; whether everything passed.
fn run(options: &Options) -> Result<bool> {
    let binary = binary(options)?;
    for folder in [&options.out, &options.data] {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (mut outcomes, mut all_ran) = (Vec::new(), true);
    for choice in options.chosen() {
        let scenario = unless_asked_to_end(scenario(choice, options, &binary));
        match LocalSet::new().block_on(&runtime, scenario) {
            Ok(outcome) => {
                write(
                    options,
                    &format!("{}.json", choice.name()),
                    &json(&outcome)?,
                )?;
                outcomes.push(outcome);
            }
            Err(error) if error.is::<AskedToEnd>() => return Err(error),
            // The others may still run.
            Err(error) => {
                progress::say(format_args!("error: {}: {error:#}", choice.name()));
                all_ran = false;
            }
        }
    }
    let table = report::table(&outcomes);
    write(options, "report.txt", &table)?;
    write(options, "report.html", &plot::page(&outcomes))?;
    std::io::stdout().write_all(table.as_bytes())?;
    let out = options.out.display();
    progress::say(format_args!(
        "\nresults are in {out}: report.txt, report.html with plots, and JSON"
    ));
    Ok(all_ran && outcomes.iter().all(Outcome::passed))
}

/// Somebody asked this program to end.
#[derive(Debug)]
struct AskedToEnd;

impl std::fmt::Display for AskedToEnd {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("asked to end; the server was ended too")
    }
}

impl std::error::Error for AskedToEnd {}

/// Lets go of a scenario, and with it of its server and its data, when a signal says so: a server
/// that is left behind would disturb whatever is measured next.
async fn unless_asked_to_end(scenario: impl Future<Output = Result<Outcome>>) -> Result<Outcome> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    tokio::select! {
        biased;
        _ = terminated.recv() => Err(AskedToEnd.into()),
        _ = interrupted.recv() => Err(AskedToEnd.into()),
        outcome = scenario => outcome,
    }
}

async fn scenario(choice: Choice, options: &Options, binary: &Binary) -> Result<Outcome> {
    progress::say(format_args!("{}, seed {}", choice.name(), options.seed));
    let folder = tempfile::Builder::new()
        .prefix(&format!("{}-", choice.name()))
        // A peer may run as a user of its own.
        .permissions(fs::Permissions::from_mode(0o711))
        .disable_cleanup(options.keep_data)
        .tempdir_in(&options.data)?;
    let own = options.running.is_none().then_some(binary);
    let machine = Machine::look(own, folder.path(), options)?;
    let mut bench = Bench::new(choice, options, binary, machine, folder.path());
    scenarios::run(choice, &mut bench).await?;
    Ok(bench.outcome)
}

/// The server's binary: the one that was named, or the workspace's own, built as this program was
/// so that never an older one is measured.
fn binary(options: &Options) -> Result<Binary> {
    if let Some(path) = &options.server {
        ensure!(path.is_file(), "--server: there is no {}", path.display());
        let path = fs::canonicalize(path)?;
        return Ok(Binary { path });
    }
    let own = std::env::current_exe()?;
    let profile = own.parent().context("this program lies in a folder")?;
    let target = profile.parent().context("and that in a target folder")?;
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args([
            "build",
            "--locked",
            "--package",
            "onhand",
            "--bin",
            "onhand",
            "--manifest-path",
        ])
        .arg(workspace)
        .arg("--target-dir")
        .arg(target);
    if profile.ends_with("release") {
        cargo.arg("--release");
    } else {
        progress::say("this is a debug build: the figures mean nothing; use cargo run --release");
    }
    let built = cargo
        .status()
        .context("cannot run cargo; name a binary with --server")?;
    ensure!(
        built.success(),
        "the server could not be built; name a binary with --server"
    );
    let path: PathBuf = profile.join("onhand");
    Ok(Binary { path })
}

fn json(outcome: &Outcome) -> Result<String> {
    Ok(serde_json::to_string_pretty(outcome)? + "\n")
}

fn write(options: &Options, name: &str, text: &str) -> Result<()> {
    let path = options.out.join(name);
    fs::write(&path, text).with_context(|| path.display().to_string())
}
