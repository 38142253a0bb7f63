//! From the file and the environment into the sections. Both go the same way: a name, a text,
//! a place to blame. It must not know what any option means.

use std::ffi::OsString;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Config, ConfigError, Reading, Source, closest};

const PREFIX: &str = "ONHAND_";

/// Options that have a flag, and so a variable whose name is the flag's, not the section's and
/// the option's. The first token has the variable only: a command line shows to everyone.
const FLAGS: &[(&str, &str, &str)] = &[
    ("--listen", "http", "listen"),
    ("--ops-listen", "http", "ops_listen"),
    ("--tls-cert", "http", "tls_cert"),
    ("--tls-key", "http", "tls_key"),
    ("--behind-proxy", "http", "behind_proxy"),
    ("--yardstick", "http", "yardstick"),
    ("--admin-token", "http", "admin_token"),
    ("--data-dir", "journal", "data_dir"),
];

/// Variables that are ours but not of the configuration: the command line reads them.
const ELSEWHERE: &[&str] = &[
    "ONHAND_CA",
    "ONHAND_CONFIG",
    "ONHAND_LOG",
    "ONHAND_LOG_FORMAT",
    "ONHAND_OPS_URL",
    "ONHAND_URL",
    "ONHAND_TOKEN",
];

/// Lays a file over the configuration.
pub(super) fn apply_file(reading: &mut Reading, path: &Path, text: &str) {
    let place = |at: usize| place_in(path, text, at);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        reading.blame(ConfigError::Malformed {
            place: place(error.span().map_or(0, |span| span.start)),
            reason: error.message().to_owned(),
        });
    }
    for (name, section) in document.get_ref() {
        let at = place(name.span().start);
        let Some(options) = section.get_ref().as_table() else {
            reading.blame(unknown_top_level(at, name.get_ref()));
            continue;
        };
        if !reading.has_section(name.get_ref(), at) {
            continue;
        }
        for (option, value) in options {
            let (at, option) = (place(option.span().start), option.get_ref());
            match value_text(value) {
                Some(text) => reading.set(name.get_ref(), option, &text, at),
                None => reading.blame(ConfigError::Value {
                    place: at,
                    option: format!("{}.{option}", name.get_ref()),
                    value: format!("a TOML {}", value.get_ref().type_str()),
                    reason: "expected one text (commas between several), a number, true or false"
                        .to_owned(),
                }),
            }
        }
    }
    reading.sort_faults();
}

/// Lays the environment over the configuration; other programs' variables are passed by.
pub(super) fn apply_environment(
    reading: &mut Reading,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) {
    let mut ours: Vec<(String, OsString)> = environment
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect();
    // In an order of its own, so that faults are told in the same one each time; a flag's own
    // variable stands for the flag, so it comes last.
    ours.sort_by_key(|(name, _)| (is_flags(name), name.clone()));
    for (name, value) in ours {
        let place = Source::Variable(name.clone());
        let Some((section, option)) = option_of_variable(&name) else {
            refuse_near_miss(reading, &name, place);
            continue;
        };
        match value.to_str() {
            Some(text) => reading.set(section, option, text, place),
            None => reading.blame(ConfigError::Value {
                place,
                option: format!("{section}.{option}"),
                value: "what it is".to_owned(),
                reason: "expected UTF-8".to_owned(),
            }),
        }
    }
}

/// Lays the command line over the configuration.
pub(super) fn apply_flags(reading: &mut Reading, flags: &[(&'static str, String)]) {
    for (flag, text) in flags {
        let known = FLAGS.iter().find(|(name, ..)| name == flag);
        let (_, section, option) = known.expect("every flag given is one that an option has");
        reading.set(section, option, text, Source::Flag(flag));
    }
}

/// The flag and the variables of an option, the strongest first.
pub(super) fn names(section: &str, option: &str) -> Vec<String> {
    let flags = FLAGS.iter();
    let mut flag = flags.filter(|(_, own, name)| (*own, *name) == (section, option));
    let mut names = Vec::new();
    if let Some((flag, ..)) = flag.next() {
        if option != "admin_token" {
            names.push((*flag).to_owned());
        }
        names.push(flags_variable(flag));
    }
    names.push(variable(section, option));
    names
}

/// A value above all sections: an option that misses its section, or nothing we know.
fn unknown_top_level(place: Source, name: &str) -> ConfigError {
    let options = Config::options();
    let near = closest(name, options.iter().map(|(_, option)| *option));
    let meant = near.and_then(|near| options.iter().find(|(_, option)| *option == near));
    ConfigError::Unknown {
        place,
        what: "option",
        name: name.to_owned(),
        meant: meant.map(|(section, option)| format!("{section}.{option}")),
    }
}

fn option_of_variable(name: &str) -> Option<(&'static str, &'static str)> {
    let of_flag = FLAGS.iter().find(|(flag, ..)| flags_variable(flag) == name);
    of_flag
        .map(|(_, section, option)| (*section, *option))
        .or_else(|| {
            let mut options = Config::options().into_iter();
            options.find(|(section, option)| variable(section, option) == name)
        })
}

fn is_flags(name: &str) -> bool {
    FLAGS.iter().any(|(flag, ..)| flags_variable(flag) == name)
}

/// `--ops-listen` → `ONHAND_OPS_LISTEN`.
fn flags_variable(flag: &str) -> String {
    let words = flag.trim_start_matches('-').replace('-', "_");
    format!("{PREFIX}{words}").to_ascii_uppercase()
}

fn variable(section: &str, option: &str) -> String {
    format!("{PREFIX}{section}_{option}").to_ascii_uppercase()
}

/// An unknown variable that begins like a section or nearly matches a known name is a typo, and
/// a typo would silently leave a default in force. Any other is left alone: a cluster sets
/// variables such as `ONHAND_SERVICE_HOST` for every service it runs.
fn refuse_near_miss(reading: &mut Reading, name: &str, place: Source) {
    if ELSEWHERE.contains(&name) {
        return;
    }
    let options = Config::options();
    let mut known: Vec<String> = options
        .iter()
        .map(|(section, option)| variable(section, option))
        .collect();
    known.extend(FLAGS.iter().map(|(flag, ..)| flags_variable(flag)));
    known.extend(ELSEWHERE.iter().map(|name| (*name).to_owned()));
    let rest = name.trim_start_matches(PREFIX);
    let rests = known.iter().map(|known| known.trim_start_matches(PREFIX));
    let near = closest(rest, rests).map(|near| format!("{PREFIX}{near}"));
    let of_a_section = options
        .iter()
        .any(|(section, _)| rest.starts_with(&format!("{}_", section.to_ascii_uppercase())));
    if near.is_some() || of_a_section {
        reading.blame(ConfigError::Unknown {
            place,
            what: "option",
            name: name.to_owned(),
            meant: near,
        });
    }
}

/// The text of a plain value; lists, tables, dates and fractions are none.
fn value_text(value: &Spanned<DeValue<'_>>) -> Option<String> {
    match value.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Boolean(value) => Some(value.to_string()),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .ok()
            .map(|number| number.to_string()),
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

fn place_in(path: &Path, text: &str, at: usize) -> Source {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Source::File {
        path: path.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}
