//! Results for a person: a table of figures. It must not know how they were measured.

use std::fmt::Write as _;

use crate::result::{Aim, Figure, Outcome};

/// A table of everything that was measured.
pub fn table(outcomes: &[Outcome]) -> String {
    let mut text = String::new();
    let Some(first) = outcomes.first() else {
        return text;
    };
    head(first, &mut text);
    for outcome in outcomes {
        scenario(outcome, &mut text);
    }
    text
}

fn head(outcome: &Outcome, text: &mut String) {
    let machine = &outcome.machine;
    let lines = [
        (
            "machine",
            format!(
                "{} × {}, {} GiB, Linux {}",
                machine.cores, machine.processor, machine.memory_gib, machine.kernel
            ),
        ),
        (
            "disk",
            format!(
                "fdatasync of one record {:.3} ms (median)",
                machine.fdatasync_ms
            ),
        ),
        ("server", machine.server.clone()),
        ("sources", format!("commit {}", machine.commit)),
        ("when", machine.measured_at.clone()),
        (
            "how",
            format!("{} (seed {})", machine.command, machine.seed),
        ),
    ];
    for (name, value) in lines {
        add(text, format_args!("{name:<9}{value}"));
    }
}

fn scenario(outcome: &Outcome, text: &mut String) {
    let passed = if outcome.passed() {
        "books agree"
    } else {
        "FAILED"
    };
    add(text, format_args!("\n{}: {passed}", outcome.scenario));
    for figure in &outcome.figures {
        let Figure {
            name, value, unit, ..
        } = figure;
        let aim = aim(figure);
        let spread = spread(figure);
        let value = number(*value);
        add(
            text,
            format_args!("  {name:<58} {value:>10} {unit:<20}{spread}{aim}"),
        );
    }
    for note in &outcome.notes {
        add(text, format_args!("  note: {note}"));
    }
    for phase in outcome
        .phases
        .iter()
        .filter(|phase| phase.used.is_generator_bound())
    {
        let name = &phase.name;
        add(
            text,
            format_args!("  note: {name}: the generator, not the server, was the limit"),
        );
    }
    for fault in outcome.faults() {
        add(text, format_args!("  FAULT: {fault}"));
    }
}

fn aim(figure: &Figure) -> String {
    let Some(aim) = figure.aim else {
        return String::new();
    };
    let outcome = if figure.met == Some(true) {
        "met"
    } else {
        "MISSED"
    };
    match aim {
        Aim::AtLeast(bound) => format!("  aim ≥ {}: {outcome}", number(bound)),
        Aim::AtMost(bound) => format!("  aim ≤ {}: {outcome}", number(bound)),
    }
}

/// The least and the most of several rounds.
fn spread(figure: &Figure) -> String {
    let rounds = &figure.rounds;
    if rounds.len() < 2 {
        return String::new();
    }
    let least = rounds.iter().copied().fold(f64::INFINITY, f64::min);
    let most = rounds.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("({} to {})", number(least), number(most))
}

/// As many digits as an eye wants.
pub fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        small if small < 10.0 => format!("{value:.3}"),
        middle if middle < 1_000.0 => format!("{value:.1}"),
        _ => thousands(&format!("{value:.0}")),
    }
}

/// `1234567` → `1,234,567`.
fn thousands(digits: &str) -> String {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", digits),
    };
    let mut grouped = String::from(sign);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn add(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string has room");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_as_many_digits_as_an_eye_wants() {
        let shown: Vec<String> = [0.0, 0.8049, 42.123, 53_700.4, -1_234_567.0]
            .into_iter()
            .map(number)
            .collect();
        assert_eq!(shown, ["0", "0.805", "42.1", "53,700", "-1,234,567"]);
    }
}
