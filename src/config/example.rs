//! The commented file: every option with its default, its unit and its reason, put together from
//! where the options are written down. It must not say anything about an option by itself.

use std::fmt::Write as _;

use super::setting::{Described, grouped};
use super::{Config, sources};

const HEAD: &str = "\
# Every option of Onhand with its default. This file is what `onhand config default` prints.
#
# Remove the `#` in front of an option to set it; one that stays behind it follows the default of
# the release that runs. `onhand config check --config FILE` tells everything that is wrong, and
# where each value comes from. A later source wins: default, this file, the variable
# ONHAND_<SECTION>_<OPTION>, the flag's own variable, the flag. An empty text takes an optional
# value back.
#
# How much is logged, and how, is known before this file is read: --log or ONHAND_LOG (info, or by
# target as in info,onhand::journal=debug), --log-format or ONHAND_LOG_FORMAT (human or json).
";

/// The file that says everything and changes nothing.
pub fn example() -> String {
    let mut text = HEAD.to_owned();
    for section in Config::default().sections() {
        text.push('\n');
        comment(&mut text, section.about());
        writeln!(text, "[{}]", section.name()).expect("a string takes any text");
        for option in section.describe() {
            text.push('\n');
            comment(&mut text, option.why);
            let names = sources::names(section.name(), option.name).join(", ");
            let line = format!(
                "# Takes {}; {names}\n#{} = {}\n",
                takes(&option),
                option.name,
                option.default
            );
            text.push_str(&line);
        }
    }
    text
}

fn comment(text: &mut String, lines: &[&str]) {
    for line in lines {
        text.push('#');
        text.push_str(line);
        text.push('\n');
    }
}

/// What an option takes: its kind or unit, and its bounds.
fn takes(option: &Described) -> String {
    let kind = match option.unit {
        Some(counted) => format!("a number of {counted}"),
        None if option.kind == "a whole number" => unit(option.name),
        None => option.kind.to_owned(),
    };
    match option.bounds {
        Some((least, most)) => format!("{kind}, {} to {}", grouped(least), grouped(most)),
        None => kind,
    }
}

/// The unit that a number's name ends with, the bound it is left aside.
fn unit(name: &str) -> String {
    let bare = ["_max", "_min", "_default", "_capacity"]
        .iter()
        .fold(name, |name, bound| name.strip_suffix(bound).unwrap_or(name));
    if let Some(counted) = bare.strip_suffix("_per_second") {
        return format!("{} a second", counted.replace('_', " "));
    }
    match bare.rsplit('_').next() {
        Some("ms") => "milliseconds".to_owned(),
        Some("seconds") => "seconds".to_owned(),
        Some("minutes") => "minutes".to_owned(),
        Some("hours") => "hours".to_owned(),
        Some("days") => "days".to_owned(),
        Some("bytes") => "bytes".to_owned(),
        Some("percent") => "percent".to_owned(),
        _ => format!("a number of {}", bare.replace('_', " ")),
    }
}
