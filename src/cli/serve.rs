//! The flags of `serve` and `verify`, laid over file and environment. It must not know how a
//! server is built: its product is a checked configuration.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::config::{Config, ConfigFaults, Reading};

/// Flags of `serve`. Each wins over the configuration file and over the environment. Their values
/// are read where those of all sources are, so that what is wrong is told in one go.
#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    /// The public listener [default: 127.0.0.1:8080] [env: ONHAND_LISTEN]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// The listener for metrics and probes [default: 127.0.0.1:8081] [env: ONHAND_OPS_LISTEN]
    #[arg(long, value_name = "ADDRESS")]
    pub ops_listen: Option<String>,
    /// Where the data is kept [default: ./onhand-data] [env: ONHAND_DATA_DIR]
    #[arg(long, value_name = "DIRECTORY")]
    pub data_dir: Option<String>,
    /// The configuration file (TOML)
    #[arg(long, env = "ONHAND_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Adds POST /v1/noop, the yardstick that speed is measured against [env: ONHAND_YARDSTICK]
    #[arg(
        long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_missing_value = "true",
    )]
    pub yardstick: Option<String>,
    /// The TLS certificate chain (PEM) [env: ONHAND_TLS_CERT]
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<String>,
    /// The key of the certificate (PEM) [env: ONHAND_TLS_KEY]
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<String>,
    /// A proxy in front ends TLS and says who the client is [env: ONHAND_BEHIND_PROXY]
    #[arg(
        long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_missing_value = "true",
    )]
    pub behind_proxy: Option<String>,
}

impl ServeArgs {
    /// The configuration to serve with: checked, nothing opened yet.
    ///
    /// # Errors
    /// All that is wrong with it, in words for the person who wrote it.
    pub fn configuration(&self) -> Result<Config, ConfigFaults> {
        self.reading().checked()
    }

    /// What the sources come to, whether or not one could serve with it.
    pub fn reading(&self) -> Reading {
        let flags = [
            ("--listen", &self.listen),
            ("--ops-listen", &self.ops_listen),
            ("--data-dir", &self.data_dir),
            ("--yardstick", &self.yardstick),
            ("--tls-cert", &self.tls_cert),
            ("--tls-key", &self.tls_key),
            ("--behind-proxy", &self.behind_proxy),
        ];
        let given = flags.into_iter();
        let given = given.filter_map(|(flag, value)| Some((flag, value.clone()?)));
        let given: Vec<_> = given.collect();
        Reading::of(self.config.as_deref(), std::env::vars_os(), &given)
    }
}

/// Flags of `verify`.
#[derive(Debug, Clone, Default, Args)]
pub struct VerifyArgs {
    /// Where the data is kept [default: ./onhand-data] [env: ONHAND_DATA_DIR]
    #[arg(long, value_name = "DIRECTORY")]
    pub data_dir: Option<String>,
    /// The configuration file (TOML) that the server runs with
    #[arg(long, env = "ONHAND_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl VerifyArgs {
    /// The configuration to verify with.
    ///
    /// # Errors
    /// All that is wrong with it, in words for the person who wrote it.
    pub fn configuration(&self) -> Result<Config, ConfigFaults> {
        let flags: Vec<_> = self.data_dir.iter().cloned().collect();
        let flags: Vec<_> = flags.into_iter().map(|dir| ("--data-dir", dir)).collect();
        Reading::of(self.config.as_deref(), std::env::vars_os(), &flags).into_config()
    }
}

/// What to do with the configuration.
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: ConfigAction,
}

/// What can be done with the configuration.
#[derive(Debug, Clone, Subcommand)]
pub enum ConfigAction {
    /// Prints a commented file with every option, its default, its unit and its reason
    Default,
    /// Reads file, environment and flags as `serve` would, tells everything that is wrong and
    /// where each value comes from; exit code 1 if the server would not start with it
    Check(Box<ServeArgs>),
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser;

    use super::*;
    use crate::cli::{Command, CommandLine};

    fn serve(flags: &[&str]) -> ServeArgs {
        let line = ["onhand", "serve"].iter().chain(flags);
        let parsed = CommandLine::try_parse_from(line).unwrap();
        let Command::Serve(arguments) = parsed.command else {
            panic!("not serve")
        };
        arguments
    }

    #[test]
    fn a_flag_wins_and_an_absent_one_leaves_what_is_there() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = "[http]\nbehind_proxy = true\nlisten = \"127.0.0.1:1\"\n";
        std::fs::write(file.path(), text).unwrap();
        let config = file.path().to_str().unwrap();
        let flags = [
            "--config",
            config,
            "--listen",
            "0.0.0.0:9",
            "--data-dir",
            "/data",
        ];
        let config = serve(&flags).configuration().unwrap();
        assert_eq!(config.http.listen.to_string(), "0.0.0.0:9");
        assert_eq!(config.http.ops_listen, Config::default().http.ops_listen);
        assert_eq!(config.journal.data_dir, Path::new("/data"));
        assert!(config.http.behind_proxy);
    }

    #[test]
    fn a_switch_can_be_turned_on_and_off() {
        let on = serve(&["--yardstick", "--behind-proxy"])
            .configuration()
            .unwrap();
        assert!(on.http.yardstick && on.http.behind_proxy);
        let off = serve(&["--yardstick=false", "--behind-proxy"]);
        let off = off.configuration().unwrap();
        assert!(!off.http.yardstick && off.http.behind_proxy);
    }

    #[test]
    fn what_is_wrong_with_flags_is_told_together() {
        let flags = [
            "--listen",
            "here",
            "--yardstick=perhaps",
            "--tls-cert",
            "c.pem",
        ];
        let told = serve(&flags).configuration().unwrap_err().to_string();
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines.len(), 3, "{told}");
        assert!(lines[0].starts_with("flag --listen: `http.listen` cannot be `here`"));
        assert!(lines[1].starts_with("flag --yardstick"), "{told}");
        assert!(
            lines[2].contains("both a certificate and its key"),
            "{told}"
        );
    }

    #[test]
    fn an_open_listener_without_tls_is_refused_before_a_port_is_bound() {
        let refused = serve(&["--listen", "0.0.0.0:8080"])
            .configuration()
            .unwrap_err();
        assert!(refused.to_string().contains("http.listen"), "{refused}");
        serve(&["--listen", "0.0.0.0:8080", "--behind-proxy"])
            .configuration()
            .unwrap();
    }

    #[test]
    fn the_command_line_describes_itself_without_contradiction() {
        use clap::CommandFactory;
        CommandLine::command().debug_assert();
    }
}
