//! The command line, dispatched. It must not know how anything is done.

use std::process::ExitCode;

use clap::Parser;
use onhand::cli::{self, Command, CommandLine};
use onhand::telemetry::logging;

fn main() -> ExitCode {
    let line = CommandLine::parse();
    if let Err(error) = logging::start(&line.log, line.log_format) {
        return refuse(&error);
    }
    match line.command {
        Command::Import(arguments) => cli::import(&arguments),
        Command::Token(arguments) => cli::token(&arguments),
        Command::Serve(arguments) => match arguments.configuration() {
            Ok(_) => refuse(&"this build has no server"),
            Err(error) => refuse(&error),
        },
        Command::Verify(arguments) => match arguments.configuration() {
            Ok(_) => refuse(&"this build has no journal"),
            Err(error) => refuse(&error),
        },
    }
}

/// Says why nothing was begun.
#[expect(clippy::print_stderr, reason = "logging may not have begun")]
fn refuse(reason: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("error: {reason}");
    ExitCode::FAILURE
}
