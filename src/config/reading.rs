//! What the sources came to: the configuration, where each value came from, and everything that
//! is wrong with it at once. It must not know how a source is read.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use super::{Config, ConfigError, ConfigFaults, Source, closest, sources};

/// A configuration in the making.
#[derive(Debug, Default)]
pub struct Reading {
    config: Config,
    origins: BTreeMap<(&'static str, &'static str), Source>,
    faults: Vec<ConfigError>,
}

impl Reading {
    /// Reads all sources: the file, if there is one, then the environment, then flags as
    /// `(flag, value)`, dashes included. Each flag must be one that an option has.
    pub fn of(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        flags: &[(&'static str, String)],
    ) -> Self {
        let mut reading = Self::default();
        if let Some(path) = file {
            match std::fs::read_to_string(path) {
                Ok(text) => sources::apply_file(&mut reading, path, &text),
                Err(error) => reading.blame(ConfigError::Unreadable {
                    path: path.to_owned(),
                    reason: error.to_string(),
                }),
            }
        }
        sources::apply_environment(&mut reading, environment);
        sources::apply_flags(&mut reading, flags);
        reading
    }

    /// The configuration, if nothing is wrong with any single option.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn into_config(self) -> Result<Config, ConfigFaults> {
        if self.faults.is_empty() {
            Ok(self.config)
        } else {
            Err(ConfigFaults(self.faults))
        }
    }

    /// The same, with the options held against each other.
    ///
    /// # Errors
    /// All that is wrong. An option whose value was refused counts with its default there.
    pub fn checked(mut self) -> Result<Config, ConfigFaults> {
        self.faults.extend(self.config.contradictions());
        self.into_config()
    }

    /// Every option with its value and where that came from, one a line. Secrets stay hidden.
    pub fn effective(&self) -> impl fmt::Display + use<> {
        let mut lines = Vec::new();
        for section in self.config.sections() {
            for option in section.describe() {
                let origin = self.origins.get(&(section.name(), option.name));
                let origin = origin.map_or_else(|| "default".to_owned(), ToString::to_string);
                let name = format!("{}.{}", section.name(), option.name);
                lines.push(format!("{name:<42} {:<22} {origin}", option.default));
            }
        }
        lines.join("\n")
    }

    pub(super) fn blame(&mut self, fault: ConfigError) {
        self.faults.push(fault);
    }

    /// Tells the faults of the file from its top. What else is wrong in a line that is not TOML
    /// only follows from that.
    pub(super) fn sort_faults(&mut self) {
        self.faults.sort_by_key(ConfigError::line_and_column);
        let malformed = self.faults.iter();
        let malformed = malformed.filter(|fault| matches!(fault, ConfigError::Malformed { .. }));
        let lines: Vec<usize> = malformed.map(|fault| fault.line_and_column().0).collect();
        self.faults.retain(|fault| {
            matches!(fault, ConfigError::Malformed { .. })
                || !lines.contains(&fault.line_and_column().0)
        });
    }

    /// Sets one option to what a source says.
    pub(super) fn set(&mut self, section: &str, option: &str, text: &str, place: Source) {
        let known = Config::options().into_iter();
        let mut known = known.filter(|known| *known == (section, option));
        let Some(known) = known.next() else {
            return self.blame(ConfigError::Unknown {
                place,
                what: "option",
                name: format!("{section}.{option}"),
                meant: meant_option(section, option),
            });
        };
        let mut set = None;
        for own in self.config.sections_mut() {
            if own.name() == section {
                set = own.set(option, text);
            }
        }
        match set.expect("the option is a known one") {
            Ok(()) => {
                self.origins.insert(known, place);
            }
            Err(reason) => self.blame(ConfigError::Value {
                place,
                option: format!("{section}.{option}"),
                value: shown(option, text),
                reason,
            }),
        }
    }

    /// Whether there is such a section; if not, it is a fault.
    pub(super) fn has_section(&mut self, name: &str, place: Source) -> bool {
        let known = self.config.sections().map(|section| section.name());
        if known.contains(&name) {
            return true;
        }
        self.blame(ConfigError::Unknown {
            place,
            what: "section",
            name: name.to_owned(),
            meant: closest(name, known).map(str::to_owned),
        });
        false
    }
}

/// A refused value, unless it could be a secret: an error ends up in a log.
fn shown(option: &str, text: &str) -> String {
    if option.ends_with("token") {
        "what it is".to_owned()
    } else {
        format!("`{text}`")
    }
}

/// A near name in the same section, else in another one. How to log is no option: it is known
/// before there are any.
fn meant_option(section: &str, option: &str) -> Option<String> {
    let options = Config::options();
    let here = options
        .iter()
        .filter(|(own, _)| *own == section)
        .map(|(_, option)| *option);
    let near = closest(option, here).map(|name| format!("{section}.{name}"));
    let far = || {
        let meant = closest(option, options.iter().map(|(_, option)| *option))?;
        let (elsewhere, name) = options.iter().find(|(_, name)| *name == meant)?;
        Some(format!("{elsewhere}.{name}"))
    };
    match option {
        "log" | "log_level" => Some("ONHAND_LOG".to_owned()),
        "log_format" => Some("ONHAND_LOG_FORMAT".to_owned()),
        _ => near.or_else(far),
    }
}
