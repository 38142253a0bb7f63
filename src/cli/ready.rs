//! `ready`: asks a running server whether it takes requests, for health checks that have nothing
//! else to ask with. It must not know what makes a server ready.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

/// How long an answer may take: a health check that hangs is no check.
const PATIENCE: Duration = Duration::from_secs(4);

/// Flags of `ready`.
#[derive(Debug, Clone, Args)]
pub struct ReadyArgs {
    /// The server's ops listener
    #[arg(long, env = "ONHAND_OPS_URL", default_value = "http://127.0.0.1:8081")]
    pub ops_url: String,
}

/// Asks and tells; the exit code is 0 only if it is ready, whether or not anybody reads the words.
pub fn run(arguments: &ReadyArgs) -> ExitCode {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .build();
    let url = format!("{}/readyz", arguments.ops_url.trim_end_matches('/'));
    match config.new_agent().get(&url).call() {
        Ok(mut answer) => {
            let said = answer.body_mut().read_to_string().unwrap_or_default();
            drop(writeln!(io::stdout(), "{}", said.trim_end()));
            if answer.status().is_success() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            drop(writeln!(io::stdout(), "{url}: {error}"));
            ExitCode::FAILURE
        }
    }
}
