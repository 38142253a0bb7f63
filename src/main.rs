//! The command line, dispatched. It must not know how anything is done.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use onhand::app::{self, AppError};
use onhand::cli::{self, Command, CommandLine, ConfigAction, DemoArgs};
use onhand::cli::{RestoreArgs, ServeArgs, VerifyArgs};
use onhand::config;
use onhand::demo::{self, DemoError};
use onhand::telemetry::logging;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Named crash points, compiled in for tests only, are set through the environment.
    let _crash_points = fail::FailScenario::setup();
    let line = CommandLine::read();
    if let Err(error) = logging::start(line.log(), line.log_format) {
        return refuse(&error);
    }
    match line.command {
        Command::Serve(arguments) => serve(&arguments),
        Command::Demo(arguments) => demo(&arguments),
        Command::Swish => match demo::swish::run(&mut std::io::stdout()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => refuse(&error),
        },
        Command::Import(arguments) => cli::import(&arguments),
        Command::Verify(arguments) => verify(&arguments),
        Command::Backup(arguments) => cli::backup(&arguments),
        Command::Restore(arguments) if arguments.check => cli::check(&arguments),
        Command::Restore(arguments) => restore(&arguments),
        Command::Token(arguments) => cli::token(&arguments),
        Command::Ready(arguments) => cli::ready(&arguments),
        Command::Config(arguments) => match arguments.action {
            ConfigAction::Default => {
                tell(&config::example().trim_end());
                ExitCode::SUCCESS
            }
            ConfigAction::Check(arguments) => check(&arguments),
        },
    }
}

fn serve(arguments: &ServeArgs) -> ExitCode {
    let config = match arguments.configuration() {
        Ok(config) => config,
        Err(faults) => return refuse_each(&faults.0),
    };
    match app::serve(&config, &mut std::io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ AppError::JournalFailed) => end_at_once(&error),
        Err(error) => refuse(&error),
    }
}

fn demo(arguments: &DemoArgs) -> ExitCode {
    match demo::run(arguments, Box::new(std::io::stdout())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ DemoError::App(AppError::JournalFailed)) => end_at_once(&error),
        Err(error) => refuse(&error),
    }
}

/// The store must not be touched again: letting go of it could sync what failed to sync.
fn end_at_once(reason: &dyn std::fmt::Display) -> ! {
    refuse(reason);
    std::process::exit(1)
}

fn verify(arguments: &VerifyArgs) -> ExitCode {
    let config = match arguments.configuration() {
        Ok(config) => config,
        Err(faults) => return refuse_each(&faults.0),
    };
    let verified = match app::verify_directory(&config.journal.data_dir) {
        Ok(verified) => verified,
        Err(error) => return refuse(&error),
    };
    tell(&verified);
    if verified.differences.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn restore(arguments: &RestoreArgs) -> ExitCode {
    let directory = match arguments.directory() {
        Ok(directory) => directory,
        Err(error) => return refuse(&error),
    };
    let (input, progress) = match arguments.open() {
        Ok(opened) => opened,
        Err(error) => return refuse(&error),
    };
    let restored = app::restore(input, &directory, |done, of| progress.replaying(done, of));
    progress.finish();
    match restored {
        Ok(restored) => {
            tell(&restored);
            ExitCode::SUCCESS
        }
        Err(error) => refuse(&format!("{error}\nnothing was restored")),
    }
}

/// Tells whether one could serve with a configuration, and what it is.
fn check(arguments: &ServeArgs) -> ExitCode {
    let reading = arguments.reading();
    let effective = reading.effective();
    let config = match reading.checked() {
        Ok(config) => config,
        Err(faults) => return refuse_each(&faults.0),
    };
    let found = app::check(&config);
    if !found.faults.is_empty() {
        return refuse_each(&found.faults);
    }
    tell(&effective);
    found.remarks.iter().for_each(|remark| tell(remark));
    ExitCode::SUCCESS
}

fn refuse_each(faults: &[impl std::fmt::Display]) -> ExitCode {
    faults.iter().for_each(|fault| {
        refuse(fault);
    });
    ExitCode::FAILURE
}

/// The answer to what was asked. Who stops reading, as `head` does, has seen enough.
fn tell(answer: &dyn std::fmt::Display) {
    if let Err(error) = writeln!(std::io::stdout(), "{answer}")
        && error.kind() != ErrorKind::BrokenPipe
    {
        refuse(&format_args!("cannot write the answer: {error}"));
        std::process::exit(1);
    }
}

/// Says why nothing was begun, or why it ended: logging may not have begun. Where nobody hears it
/// the exit code still says that it failed.
fn refuse(reason: &dyn std::fmt::Display) -> ExitCode {
    writeln!(std::io::stderr(), "error: {reason}").ok();
    ExitCode::FAILURE
}
