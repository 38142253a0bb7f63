//! What can be wrong with a configuration, said so that the reader can mend it at once: the
//! option, its place and what was probably meant. It must not know how values are read.

use std::fmt;
use std::path::PathBuf;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A place in the file, counted from 1.
    File {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The character in the line.
        column: usize,
    },
    /// A variable of the environment.
    Variable(String),
    /// A flag of the command line, dashes included.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line, column } => {
                write!(f, "{}, line {line}, column {column}", path.display())
            }
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's word on it.
        reason: String,
    },
    /// The file is not TOML.
    #[error("{place}: {reason}")]
    Malformed {
        /// Where.
        place: Source,
        /// The parser's word on it.
        reason: String,
    },
    /// No option has this name.
    #[error("{place}: unknown {what} `{name}`{}", meaning(.meant))]
    Unknown {
        /// Where.
        place: Source,
        /// "section" or "option".
        what: &'static str,
        /// The name as given.
        name: String,
        /// The nearest known name.
        meant: Option<String>,
    },
    /// The option cannot take this value.
    #[error("{place}: `{option}` cannot be {value}: {reason}")]
    Value {
        /// Where.
        place: Source,
        /// `section.option`.
        option: String,
        /// The value as given.
        value: String,
        /// What it should be.
        reason: String,
    },
    /// Options that do not fit together.
    #[error("{options}: {reason}")]
    Contradiction {
        /// The options.
        options: &'static str,
        /// Why not, and what to do.
        reason: String,
    },
}

impl ConfigError {
    /// Where in the file it is; zeros for what is not in it.
    pub(super) fn line_and_column(&self) -> (usize, usize) {
        match self {
            Self::Malformed { place, .. }
            | Self::Unknown { place, .. }
            | Self::Value { place, .. } => match place {
                Source::File { line, column, .. } => (*line, *column),
                Source::Variable(_) | Source::Flag(_) => (0, 0),
            },
            Self::Unreadable { .. } | Self::Contradiction { .. } => (0, 0),
        }
    }
}

/// Everything that is wrong with a configuration, in the order in which it was met.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigFaults(pub Vec<ConfigError>);

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

fn meaning(meant: &Option<String>) -> String {
    meant
        .as_ref()
        .map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}
