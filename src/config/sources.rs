//! From the file and the environment into the sections. Both go the same way: a name, a text,
//! a place to blame. It must not know what any option means.

use std::ffi::OsString;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Config, ConfigError, Source, closest};

const PREFIX: &str = "ONHAND_";

/// Variables whose name is the flag's, not the section's and the option's.
const FLAGS: &[(&str, &str, &str)] = &[
    ("ONHAND_LISTEN", "http", "listen"),
    ("ONHAND_OPS_LISTEN", "http", "ops_listen"),
    ("ONHAND_TLS_CERT", "http", "tls_cert"),
    ("ONHAND_TLS_KEY", "http", "tls_key"),
    ("ONHAND_BEHIND_PROXY", "http", "behind_proxy"),
    ("ONHAND_YARDSTICK", "http", "yardstick"),
    ("ONHAND_ADMIN_TOKEN", "http", "admin_token"),
    ("ONHAND_DATA_DIR", "journal", "data_dir"),
];

/// Variables that are ours but not of the configuration: the command line reads them.
const ELSEWHERE: &[&str] = &[
    "ONHAND_CONFIG",
    "ONHAND_LOG",
    "ONHAND_LOG_FORMAT",
    "ONHAND_URL",
    "ONHAND_TOKEN",
];

/// Lays a file over the configuration.
pub(super) fn apply_file(config: &mut Config, path: &Path, text: &str) -> Result<(), ConfigError> {
    let place = |at: usize| Source::File {
        path: path.to_owned(),
        line: line_of(text, at),
    };
    let document = DeTable::parse(text).map_err(|error| ConfigError::Malformed {
        place: place(error.span().map_or(0, |span| span.start)),
        reason: error.message().to_owned(),
    })?;
    for (name, section) in document.get_ref() {
        let at = place(name.span().start);
        let Some(options) = section.get_ref().as_table() else {
            return Err(unknown_top_level(at, name.get_ref()));
        };
        for (option, value) in options {
            let at = place(option.span().start);
            let text = value_text(value).ok_or_else(|| ConfigError::Value {
                place: at.clone(),
                option: format!("{}.{}", name.get_ref(), option.get_ref()),
                value: format!("a TOML {}", value.get_ref().type_str()),
                reason: "expected a string, a number, true or false".to_owned(),
            })?;
            set(config, name.get_ref(), option.get_ref(), &text, at)?;
        }
        if options.is_empty() {
            known_section(config, name.get_ref(), at)?;
        }
    }
    Ok(())
}

/// Lays the environment over the configuration; other programs' variables are passed by.
pub(super) fn apply_environment(
    config: &mut Config,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(), ConfigError> {
    let mut flags = Vec::new();
    for (name, value) in environment {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
            continue;
        };
        let place = Source::Variable(name.to_owned());
        let target = option_of_variable(name);
        let Some((section, option)) = target else {
            refuse_near_miss(name, place)?;
            continue;
        };
        let Some(text) = value.to_str() else {
            return Err(ConfigError::Value {
                place,
                option: format!("{section}.{option}"),
                value: "what it is".to_owned(),
                reason: "expected UTF-8".to_owned(),
            });
        };
        if FLAGS.iter().any(|(flag, ..)| *flag == name) {
            flags.push((section, option, text.to_owned(), place));
        } else {
            set(config, section, option, text, place)?;
        }
    }
    // A flag's own variable stands for the flag, so it comes last.
    for (section, option, text, place) in flags {
        set(config, section, option, &text, place)?;
    }
    Ok(())
}

fn set(
    config: &mut Config,
    section: &str,
    option: &str,
    text: &str,
    place: Source,
) -> Result<(), ConfigError> {
    known_section(config, section, place.clone())?;
    let mut sections = config.sections_mut();
    let found = sections.iter_mut().find(|known| known.name() == section);
    let found = found.expect("the section was found a moment ago");
    let secret = option.ends_with("token");
    match found.set(option, text) {
        Some(Ok(())) => Ok(()),
        Some(Err(reason)) => Err(ConfigError::Value {
            place,
            option: format!("{section}.{option}"),
            value: if secret {
                "what it is".to_owned()
            } else {
                format!("`{text}`")
            },
            reason,
        }),
        None => Err(ConfigError::Unknown {
            place,
            what: "option",
            name: format!("{section}.{option}"),
            meant: meant_option(section, option),
        }),
    }
}

fn known_section(config: &mut Config, name: &str, place: Source) -> Result<(), ConfigError> {
    let names = config.sections_mut().map(|section| section.name());
    if names.contains(&name) {
        return Ok(());
    }
    Err(ConfigError::Unknown {
        place,
        what: "section",
        name: name.to_owned(),
        meant: closest(name, names).map(str::to_owned),
    })
}

/// A near name in the same section; else the same name in another one.
fn meant_option(section: &str, option: &str) -> Option<String> {
    let options = Config::options();
    let here = options
        .iter()
        .filter(|(own, _)| *own == section)
        .map(|(_, option)| *option);
    let near = closest(option, here).map(|name| format!("{section}.{name}"));
    near.or_else(|| {
        let (elsewhere, name) = options.iter().find(|(_, name)| *name == option)?;
        Some(format!("{elsewhere}.{name}"))
    })
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
    if let Some((_, section, option)) = FLAGS.iter().find(|(flag, ..)| *flag == name) {
        return Some((section, option));
    }
    Config::options()
        .into_iter()
        .find(|(section, option)| variable(section, option) == name)
}

fn variable(section: &str, option: &str) -> String {
    format!("{PREFIX}{section}_{option}").to_ascii_uppercase()
}

/// An unknown variable that begins like a section or nearly matches a known name is a typo, and
/// a typo would silently leave a default in force. Any other is left alone: a cluster sets
/// variables such as `ONHAND_SERVICE_HOST` for every service it runs.
fn refuse_near_miss(name: &str, place: Source) -> Result<(), ConfigError> {
    if ELSEWHERE.contains(&name) {
        return Ok(());
    }
    let options = Config::options();
    let variables: Vec<String> = options
        .iter()
        .map(|(section, option)| variable(section, option))
        .collect();
    let known = variables.iter().map(String::as_str);
    let known = known
        .chain(FLAGS.iter().map(|(flag, ..)| *flag))
        .chain(ELSEWHERE.iter().copied());
    let rest = name.trim_start_matches(PREFIX);
    let rests = known.map(|known| known.trim_start_matches(PREFIX));
    let near = closest(rest, rests).map(|near| format!("{PREFIX}{near}"));
    let of_a_section = options
        .iter()
        .any(|(section, _)| rest.starts_with(&format!("{}_", section.to_ascii_uppercase())));
    if near.is_none() && !of_a_section {
        return Ok(());
    }
    Err(ConfigError::Unknown {
        place,
        what: "option",
        name: name.to_owned(),
        meant: near,
    })
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

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}
