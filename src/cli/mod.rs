//! The command line: what can be asked of the program, and the client side of it. `serve`,
//! `demo`, `verify`, `config` and `restore` are described here and done elsewhere; `import`,
//! `token` and `backup` talk to a server over HTTP like any other client.
//!
//! It must not know anything of ours but the configuration, how times are written and the format of
//! a backup: what it sends is what the contract says, so it proves that the contract suffices.

mod backup;
pub(crate) mod client;
mod demo;
mod import;
mod ready;
mod restore;
mod serve;
mod token;

use std::ffi::OsStr;
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::Resettable;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::telemetry::logging::LogFormat;

pub use backup::BackupArgs;
pub use client::ServerArgs;
pub use demo::DemoArgs;
pub use import::{ImportArgs, Sheet};
pub(crate) use import::{Layout, send_all};
pub use ready::ReadyArgs;
pub use restore::{RestoreArgs, RestoreProgress};
pub use serve::{ConfigAction, ConfigArgs, ServeArgs, VerifyArgs};
pub use token::{TokenAction, TokenArgs};

/// How often a progress bar is drawn anew.
const REDRAW: Duration = Duration::from_millis(100);

/// Onhand: how many of this product can I sell here, right now?
#[derive(Debug, Parser)]
#[command(name = "onhand", version, about, max_term_width = 100)]
pub struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How much to log: a level, or targets with levels, as in info,onhand::journal=debug
    /// [default: info; of demo: warn]
    #[arg(long, global = true, env = "ONHAND_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// Logs for a person or for a machine; they go to standard error
    #[arg(
        long,
        global = true,
        env = "ONHAND_LOG_FORMAT",
        value_enum,
        default_value = "human"
    )]
    pub log_format: LogFormat,
}

impl CommandLine {
    /// What was asked for. Help and what cannot be understood end the process here.
    pub fn read() -> Self {
        let matches = without_empty_variables(Self::command()).get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }

    /// How much to log. Beside the demo's lines for a person only what is wrong is of interest.
    pub fn log(&self) -> &str {
        let is_demo = matches!(self.command, Command::Demo(_) | Command::Swish);
        let usual = if is_demo { "warn" } else { "info" };
        let given = self.log.as_deref().filter(|filter| !filter.is_empty());
        given.unwrap_or(usual)
    }
}

/// An empty variable is the absence of its option, as it is of those of the configuration.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    let command = command.mut_args(|option| match option.get_env().is_some_and(is_empty) {
        true => option.env(Resettable::Reset),
        false => option,
    });
    command.mut_subcommands(without_empty_variables)
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs the server
    Serve(ServeArgs),
    /// Runs the server with a sample retailer and simulated people, on temporary data
    Demo(DemoArgs),
    /// A part of the demo, which starts it by itself
    #[command(hide = true)]
    Swish,
    /// Sends a CSV file to a server, with every bad line reported by its number
    Import(ImportArgs),
    /// Recomputes every figure from the journal of a data directory that no server has open
    Verify(VerifyArgs),
    /// Takes a copy of everything from a server while it works
    Backup(BackupArgs),
    /// Fills a new data directory from a backup, and proves it; a new epoch begins
    Restore(RestoreArgs),
    /// Creates, lists and revokes tokens
    Token(TokenArgs),
    /// Asks a running server whether it is ready; the exit code says it too
    Ready(ReadyArgs),
    /// Prints every option, or checks a configuration
    Config(ConfigArgs),
}

/// Runs a command that talks to a server; its exit code is 0 only if all of it was done.
pub fn import(arguments: &ImportArgs) -> ExitCode {
    import::run(arguments)
}

/// Asks whether a server is ready.
pub fn ready(arguments: &ReadyArgs) -> ExitCode {
    ready::run(arguments)
}

/// Takes a backup; its exit code is 0 only if it is whole and where it was to go.
pub fn backup(arguments: &BackupArgs) -> ExitCode {
    backup::run(arguments)
}

/// Says whether a backup is whole.
pub fn check(arguments: &RestoreArgs) -> ExitCode {
    restore::check(arguments)
}

/// Creates, lists or revokes tokens.
pub fn token(arguments: &TokenArgs) -> ExitCode {
    token::run(arguments)
}
