//! One line's cells, read as what the contract wants: texts, exact numbers, times. Numbers go
//! over as they were written, never through a binary fraction. It must not know which columns a
//! kind of file has.

use serde_json::value::RawValue;

use super::header::Header;
use crate::clock::parse_time;

/// The cells of a line under their columns. A blank cell is an absent one.
pub(super) struct Row<'a> {
    header: &'a Header,
    cells: &'a [String],
}

impl<'a> Row<'a> {
    pub(super) fn new(header: &'a Header, cells: &'a [String]) -> Self {
        Self { header, cells }
    }

    /// A text as it stands.
    pub(super) fn text(&self, column: &str) -> Option<&'a str> {
        let cell = self.cells[self.header.position(column)?].as_str();
        (!cell.trim().is_empty()).then_some(cell)
    }

    /// A text that must be there.
    pub(super) fn required(&self, column: &str) -> Result<&'a str, String> {
        self.text(column)
            .ok_or_else(|| format!("{column} is blank"))
    }

    /// An exact decimal.
    pub(super) fn number(&self, column: &str) -> Result<Option<Box<RawValue>>, String> {
        let read = |text: &str| number(text).map_err(|reason| format!("{column} {reason}"));
        self.text(column).map(read).transpose()
    }

    /// An exact decimal that must be there.
    pub(super) fn required_number(&self, column: &str) -> Result<Box<RawValue>, String> {
        self.number(column)?
            .ok_or_else(|| format!("{column} is blank"))
    }

    /// A moment.
    pub(super) fn time(&self, column: &str) -> Result<Option<String>, String> {
        let read = |text: &str| time(text).map_err(|reason| format!("{column} {reason}"));
        self.text(column).map(read).transpose()
    }

    /// One of a few words.
    pub(super) fn word(&self, column: &str, words: &[&str]) -> Result<Option<&'a str>, String> {
        match self.text(column) {
            Some(text) if !words.contains(&text) => Err(format!(
                "{column} is `{text}`, not one of {}",
                words.join(", ")
            )),
            word => Ok(word),
        }
    }

    /// The attributes that are not blank.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let named = self
            .header
            .attributes()
            .map(|(at, name)| (name, self.cells[at].as_str()));
        named.filter(|(_, cell)| !cell.trim().is_empty())
    }
}

/// More than any quantity needs (15 digits count); only a bound on nonsense.
const NUMBER_BYTES_MAX: usize = 40;

/// A decimal as JSON writes it: digits kept as they are, zeros in front dropped.
fn number(text: &str) -> Result<Box<RawValue>, String> {
    let refused = || format!("is `{text}`, not a decimal number");
    let trimmed = text.trim();
    let (sign, digits) = match trimmed.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", trimmed),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let well_formed = all_digits(whole) && fraction.is_none_or(all_digits);
    if !well_formed || trimmed.len() > NUMBER_BYTES_MAX {
        return Err(refused());
    }
    let stripped = whole.trim_start_matches('0');
    let whole = if stripped.is_empty() { "0" } else { stripped };
    let fraction = fraction.map_or_else(String::new, |fraction| format!(".{fraction}"));
    RawValue::from_string(format!("{sign}{whole}{fraction}")).map_err(|_| refused())
}

/// A moment by RFC 3339, as it stands: the server reads it by the same rules.
pub(super) fn time(text: &str) -> Result<String, String> {
    let trimmed = text.trim();
    match parse_time(trimmed) {
        Ok(_) => Ok(trimmed.to_owned()),
        Err(error) => Err(format!("`{text}` {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        number(text).map_or_else(|reason| reason, |number| number.get().to_owned())
    }

    #[test]
    fn a_number_goes_over_digit_by_digit() {
        let exact = [
            "0",
            "5",
            "-3",
            "0.250",
            "123456789012.345",
            "0.1",
            "-0.001",
            "10",
        ];
        assert_eq!(exact.map(read), exact);
        assert_eq!(read("007"), "7");
        assert_eq!(read(" 5 "), "5");
        assert_eq!(read("-00.50"), "-0.50");
    }

    #[test]
    fn what_is_no_decimal_is_refused_by_its_text() {
        for text in [
            "", "x", "1e3", "+1", "1,5", ".5", "5.", "--1", "0x10", "NaN", "٣", "1 000",
        ] {
            assert_eq!(read(text), format!("is `{text}`, not a decimal number"));
        }
        assert!(read(&"9".repeat(41)).contains("not a decimal number"));
    }

    #[test]
    fn a_time_goes_over_as_it_stands_if_the_server_takes_it() {
        for text in [
            "2017-11-06T07:02:10.000Z",
            "2017-11-06T07:02:10+01:00",
            "9999-12-31T23:59:59Z",
        ] {
            assert_eq!(time(&format!(" {text} ")), Ok(text.to_owned()));
        }
        for text in [
            "2017-11-06",
            "2017-11-06T07:02:10",
            "yesterday",
            "2017-13-06T07:02:10Z",
            "20261129T170000Z",
            "2026-11-29T17:00Z",
            "2026-11-29T17:00:00+01:00[Europe/Stockholm]",
        ] {
            let refused = time(text).unwrap_err();
            assert!(
                refused.starts_with(&format!("`{text}` must be")),
                "{refused}"
            );
        }
    }
}
