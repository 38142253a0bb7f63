//! The configuration: one section per component, from a TOML file, the environment and the
//! command line, checked before a port is bound. A later source wins: default < file <
//! `ONHAND_<SECTION>_<OPTION>` < the flag's own variable < flag.
//!
//! It knows names, values and bounds. It must not know what a component does with them, and it
//! opens nothing but its own file.

mod closest;
mod error;
mod example;
mod reading;
mod sections;
mod setting;
mod sources;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::Path;

pub use closest::closest;
pub use error::{ConfigError, ConfigFaults, Source};
pub use example::example;
pub use reading::Reading;
pub use sections::{Actors, Catalogue, Feed, Http, Journal, Pages, Stock, Telemetry};
pub use setting::{Origins, Secret};

use setting::Section;

/// Everything that can be configured.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// The border: listeners, TLS, limits on what comes in.
    pub http: Http,
    /// Durability: where the data is, how much may wait for the disk, how long history is kept.
    pub journal: Journal,
    /// Concurrency: mailboxes, time-outs, passivation.
    pub actors: Actors,
    /// The rules of stock and reservations.
    pub stock: Stock,
    /// The feed: how many may follow how much, and when a connection ends.
    pub feed: Feed,
    /// What operators are told.
    pub telemetry: Telemetry,
    /// How many items, locations and tokens one node carries.
    pub catalogue: Catalogue,
    /// The pages of a store.
    pub pages: Pages,
}

impl Config {
    /// Reads the file, if there is one, the environment over it and the flags over both.
    ///
    /// # Errors
    /// Every option that is unknown, that has a value it cannot take or that contradicts another,
    /// with its place and, where one is close, the name that was probably meant.
    pub fn read(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigFaults> {
        Reading::of(file, environment, &[]).into_config()
    }

    /// Checks what no single option can know: how options fit together.
    ///
    /// # Errors
    /// The options that contradict each other, and what to do about it.
    pub fn check(&self) -> Result<(), ConfigFaults> {
        let contradictions = self.contradictions();
        if contradictions.is_empty() {
            Ok(())
        } else {
            Err(ConfigFaults(contradictions))
        }
    }

    fn contradictions(&self) -> Vec<ConfigError> {
        let mut found = Vec::new();
        let mut contradiction = |options, reason: String| {
            found.push(ConfigError::Contradiction { options, reason });
        };
        if self.http.tls_cert.is_some() != self.http.tls_key.is_some() {
            contradiction(
                "http.tls_cert, http.tls_key",
                "TLS needs both a certificate and its key".to_owned(),
            );
        }
        if self.http.listen == self.http.ops_listen && self.http.listen.port() != 0 {
            contradiction(
                "http.listen, http.ops_listen",
                "the public and the ops listener need different addresses".to_owned(),
            );
        }
        let Http {
            listen, ops_listen, ..
        } = self.http;
        let is_safe = self.http.tls_cert.is_some() || self.http.behind_proxy;
        if !is_safe && !listen.ip().to_canonical().is_loopback() {
            contradiction(
                "http.listen",
                format!(
                    "{listen} is reachable from other machines, and tokens would travel in the \
                     clear: give --tls-cert and --tls-key, or --behind-proxy if a proxy ends TLS"
                ),
            );
        }
        if !self.http.behind_proxy && !is_private(ops_listen.ip()) {
            contradiction(
                "http.ops_listen",
                format!(
                    "strangers may reach {ops_listen}, and this listener never is TLS: it carries \
                     no tokens, but shows figures and asks for no password; bind it to 127.0.0.1, \
                     or to this machine's address in a private network, as 10.0.0.5:8081"
                ),
            );
        }
        if self.stock.ttl_seconds_default > self.stock.ttl_seconds_max {
            contradiction(
                "stock.ttl_seconds_default, stock.ttl_seconds_max",
                "the default time to live is longer than the longest allowed".to_owned(),
            );
        }
        found
    }

    fn sections(&self) -> [&dyn Section; 8] {
        [
            &self.http,
            &self.journal,
            &self.actors,
            &self.stock,
            &self.feed,
            &self.telemetry,
            &self.catalogue,
            &self.pages,
        ]
    }

    fn sections_mut(&mut self) -> [&mut dyn Section; 8] {
        [
            &mut self.http,
            &mut self.journal,
            &mut self.actors,
            &mut self.stock,
            &mut self.feed,
            &mut self.telemetry,
            &mut self.catalogue,
            &mut self.pages,
        ]
    }

    /// Every option as `(section, option)`, in the order of the file.
    pub fn options() -> Vec<(&'static str, &'static str)> {
        let config = Self::default();
        let named = config.sections().map(|section| {
            let options = section.options().iter();
            options.map(move |option| (section.name(), *option))
        });
        named.into_iter().flatten().collect()
    }
}

/// Whether an address is one that strangers have no way to: this machine's own, or one of a private
/// network (RFC 1918, RFC 4193) or of the link alone.
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}
