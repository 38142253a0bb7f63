//! The flags of `demo`. It must not know how the demo is played: its product is a checked
//! configuration and a few numbers.
//!
//! Neither the environment nor a configuration file is read: what they say is meant for a real
//! service, and the demo must never find its way into a real service's data.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::config::{Config, ConfigFaults, Origins, Secret};

/// More than a handful of callers, each waiting for its answers, get done on a small machine.
const RATE_MAX: f64 = 1_000.0;

/// Flags of `demo`.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// The public listener; loopback only, since the demo shows its tokens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = loopback)]
    pub listen: SocketAddr,
    /// The listener for metrics and probes; loopback only
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081", value_parser = loopback)]
    pub ops_listen: SocketAddr,
    /// The web shop's listener; loopback only
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8082", value_parser = loopback)]
    pub shop_listen: SocketAddr,
    /// How long the web shop holds a cart that nobody pays for, seconds
    #[arg(long, value_name = "SECONDS", default_value = "600",
        value_parser = clap::value_parser!(u32).range(1..=14_400))]
    pub cart_seconds: u32,
    /// Simulated acts a second, on average: 0 leaves the shop to you, 1000 is the most
    #[arg(long, value_name = "ACTS", default_value = "1", value_parser = rate,
        allow_negative_numbers = true)]
    pub rate: f64,
    /// Chooses the dice of the simulated people [default: another one each time]
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Keeps the data here, to go on with it next time [default: a temporary directory]
    #[arg(long, value_name = "DIRECTORY")]
    pub data_dir: Option<PathBuf>,
    /// Tells links and commands, but not what the simulated people do
    #[arg(long)]
    pub quiet: bool,
}

impl DemoArgs {
    /// The configuration to serve with.
    ///
    /// # Errors
    /// Flags that contradict each other.
    pub fn configuration(&self, data_dir: &Path, admin: &str) -> Result<Config, ConfigFaults> {
        let mut config = Config::default();
        config.http.listen = self.listen;
        config.http.ops_listen = self.ops_listen;
        config.http.origins = Origins(vec![Origins::OWN.to_owned()]);
        config.pages.screens = true;
        config.pages.tills = true;
        config.http.admin_token = Some(Secret::from(admin.to_owned()));
        data_dir.clone_into(&mut config.journal.data_dir);
        config.check()?;
        Ok(config)
    }
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text
        .parse()
        .map_err(|_| "expected an address and a port, as in 127.0.0.1:8080".to_owned())?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err(
        "the demo prints tokens and has no TLS, so it listens on this machine only: give an \
         address such as 127.0.0.1:8080, or use `serve`"
            .to_owned(),
    )
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok();
    let rate = rate.filter(|rate| (0.0..=RATE_MAX).contains(rate));
    rate.ok_or_else(|| format!("expected acts a second from 0 to {RATE_MAX}, as in 0.5"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Command, CommandLine};

    fn demo(flags: &[&str]) -> Result<DemoArgs, String> {
        let line = ["onhand", "demo"].iter().chain(flags);
        let parsed = CommandLine::try_parse_from(line).map_err(|error| error.to_string())?;
        let Command::Demo(arguments) = parsed.command else {
            panic!("not demo")
        };
        Ok(arguments)
    }

    #[test]
    fn without_flags_it_is_on_this_machine_at_a_pace_one_can_follow() {
        let arguments = demo(&[]).unwrap();
        let config = arguments.configuration(Path::new("/t"), "secret").unwrap();
        assert_eq!(config.http.listen, Config::default().http.listen);
        assert_eq!(config.http.ops_listen, Config::default().http.ops_listen);
        assert_eq!(config.http.admin_token.unwrap().reveal(), "secret");
        assert_eq!(config.journal.data_dir, Path::new("/t"));
        assert_eq!(arguments.rate.to_string(), "1");
    }

    #[test]
    fn what_it_cannot_do_is_refused_with_what_it_can() {
        for (flags, advice) in [
            (["--listen", "0.0.0.0:8080"], "127.0.0.1:8080"),
            (["--listen", "localhost"], "as in 127.0.0.1:8080"),
            (["--rate", "-1"], "from 0 to 1000"),
            (["--rate", "1001"], "from 0 to 1000"),
            (["--rate", "NaN"], "from 0 to 1000"),
        ] {
            let refused = demo(&flags).unwrap_err();
            assert!(refused.contains(advice), "{refused}");
        }
        let same = demo(&[
            "--listen",
            "127.0.0.1:9000",
            "--ops-listen",
            "127.0.0.1:9000",
        ])
        .unwrap();
        same.configuration(Path::new("/t"), "secret").unwrap_err();
    }

    #[test]
    fn a_rate_may_be_a_fraction() {
        assert!((demo(&["--rate", "0.5"]).unwrap().rate - 0.5).abs() < f64::EPSILON);
    }
}
