//! The flags of `serve` and `verify`, laid over file and environment. It must not know how a
//! server is built: its product is a checked configuration.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use crate::config::{Config, ConfigError};

/// Flags of `serve`. Each wins over the configuration file and over the environment.
#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    /// The public listener [default: 127.0.0.1:8080]
    #[arg(long, env = "ONHAND_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// The listener for metrics and probes [default: 127.0.0.1:8081]
    #[arg(long, env = "ONHAND_OPS_LISTEN", value_name = "ADDRESS")]
    pub ops_listen: Option<SocketAddr>,
    /// Where the data is kept [default: ./onhand-data]
    #[arg(long, env = "ONHAND_DATA_DIR", value_name = "DIRECTORY")]
    pub data_dir: Option<PathBuf>,
    /// The configuration file (TOML)
    #[arg(long, env = "ONHAND_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Adds POST /v1/noop, the yardstick that speed is measured against
    #[arg(
        long, env = "ONHAND_YARDSTICK", value_name = "BOOL",
        num_args = 0..=1, require_equals = true, default_missing_value = "true",
    )]
    pub yardstick: Option<bool>,
    /// The TLS certificate chain (PEM)
    #[arg(long, env = "ONHAND_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// The key of the certificate (PEM)
    #[arg(long, env = "ONHAND_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// A proxy in front ends TLS and says who the client is
    #[arg(
        long, env = "ONHAND_BEHIND_PROXY", value_name = "BOOL",
        num_args = 0..=1, require_equals = true, default_missing_value = "true",
    )]
    pub behind_proxy: Option<bool>,
}

impl ServeArgs {
    /// The configuration to serve with: checked, nothing opened yet.
    ///
    /// # Errors
    /// What is wrong with it, in words for the person who wrote it.
    pub fn configuration(&self) -> Result<Config, ConfigError> {
        let mut config = Config::read(self.config.as_deref(), std::env::vars_os())?;
        self.lay_over(&mut config);
        config.check()?;
        Ok(config)
    }

    fn lay_over(&self, config: &mut Config) {
        let flags = self.clone();
        let http = &mut config.http;
        http.listen = flags.listen.unwrap_or(http.listen);
        http.ops_listen = flags.ops_listen.unwrap_or(http.ops_listen);
        http.yardstick = flags.yardstick.unwrap_or(http.yardstick);
        http.behind_proxy = flags.behind_proxy.unwrap_or(http.behind_proxy);
        http.tls_cert = flags.tls_cert.or(http.tls_cert.take());
        http.tls_key = flags.tls_key.or(http.tls_key.take());
        if let Some(data_dir) = flags.data_dir {
            config.journal.data_dir = data_dir;
        }
    }
}

/// Flags of `verify`.
#[derive(Debug, Clone, Default, Args)]
pub struct VerifyArgs {
    /// Where the data is kept [default: ./onhand-data]
    #[arg(long, env = "ONHAND_DATA_DIR", value_name = "DIRECTORY")]
    pub data_dir: Option<PathBuf>,
    /// The configuration file (TOML) that the server runs with
    #[arg(long, env = "ONHAND_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl VerifyArgs {
    /// The configuration to verify with.
    ///
    /// # Errors
    /// What is wrong with it, in words for the person who wrote it.
    pub fn configuration(&self) -> Result<Config, ConfigError> {
        let mut config = Config::read(self.config.as_deref(), std::env::vars_os())?;
        if let Some(data_dir) = &self.data_dir {
            config.journal.data_dir.clone_from(data_dir);
        }
        Ok(config)
    }
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
    fn a_flag_wins_over_everything_and_an_absent_one_over_nothing() {
        let mut config = Config::default();
        config.http.behind_proxy = true;
        config.http.tls_cert = Some("from-the-file.pem".into());
        serve(&["--listen", "0.0.0.0:9", "--data-dir", "/data"]).lay_over(&mut config);
        assert_eq!(config.http.listen.to_string(), "0.0.0.0:9");
        assert_eq!(config.http.ops_listen, Config::default().http.ops_listen);
        assert_eq!(
            config.http.tls_cert.as_deref(),
            Some(Path::new("from-the-file.pem"))
        );
        assert_eq!(config.journal.data_dir, Path::new("/data"));
        assert!(config.http.behind_proxy);
    }

    #[test]
    fn a_switch_can_be_turned_on_and_off() {
        let mut config = Config::default();
        serve(&["--yardstick", "--behind-proxy"]).lay_over(&mut config);
        assert!(config.http.yardstick && config.http.behind_proxy);
        serve(&["--yardstick=false"]).lay_over(&mut config);
        assert!(!config.http.yardstick && config.http.behind_proxy);
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
