//! Tills and deliveries in batches: what happened, reported up to a thousand at a time.

use std::fmt::Write as _;
use std::ops::AddAssign;

use memchr::memmem;

use crate::connection::Answer;
use crate::keys::Keys;
use crate::load::Workload;
use crate::request::{Target, Template};
use crate::shop::{LOCATION, SKU, Shop};

/// A stream of batches of till sales, one piece each.
pub struct Movements {
    template: Template,
    shop: Shop,
    keys: Keys,
    lines: u64,
    left: u64,
    tag: u64,
    number: u64,
    recorded: Recorded,
    values: Vec<u64>,
}

/// What answers said, in lines.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recorded {
    /// Recorded.
    pub applied: u64,
    /// Refused, or to be tried again: nothing happened.
    pub not_applied: u64,
    /// Sent with an unknown outcome.
    pub unknown: u64,
}

impl AddAssign for Recorded {
    fn add_assign(&mut self, more: Recorded) {
        self.applied += more.applied;
        self.not_applied += more.not_applied;
        self.unknown += more.unknown;
    }
}

impl Movements {
    /// Batches of `lines` lines; their ids begin with `tag`.
    pub fn new(target: &Target, shop: Shop, keys: Keys, lines: u64, tag: u64) -> Movements {
        let mut body = String::from(r#"{"movements":["#);
        for line in 0..lines {
            let comma = if line == 0 { "" } else { "," };
            write!(body, "{comma}{}", sale()).expect("a string has room");
        }
        body.push_str("]}");
        Movements {
            template: Template::new(target, "POST", "/v1/movements", "", &body),
            shop,
            keys,
            lines,
            left: u64::MAX,
            tag,
            number: 0,
            recorded: Recorded::default(),
            values: Vec::new(),
        }
    }

    /// At most so many batches.
    #[must_use]
    pub fn at_most(mut self, batches: u64) -> Movements {
        self.left = batches;
        self
    }

    /// What answers said so far.
    pub fn recorded(&self) -> Recorded {
        self.recorded
    }
}

impl Workload for Movements {
    fn kinds(&self) -> &'static [&'static str] {
        &["batch"]
    }

    fn next(&mut self, out: &mut Vec<u8>) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        self.values.clear();
        for _ in 0..self.lines {
            let [item, location] = self.shop.slots(self.keys.draw());
            self.values.extend([self.tag, self.number, item, location]);
            self.number += 1;
        }
        self.template.render(&self.values, out);
        Some(0)
    }

    fn answered(&mut self, _: usize, answer: Option<&Answer<'_>>) {
        match answer {
            Some(answer) if answer.status == 200 => {
                let applied = count(answer.body, br#""status":"applied""#);
                let retry = count(answer.body, br#""outcome_unknown""#);
                self.recorded.applied += applied;
                self.recorded.unknown += retry;
                self.recorded.not_applied += self.lines.saturating_sub(applied + retry);
            }
            Some(answer) if !answer.is_outcome_unknown() => self.recorded.not_applied += self.lines,
            Some(_) | None => self.recorded.unknown += self.lines,
        }
    }
}

/// A sale of one piece in a store; its slots are tag, number, item and location.
pub fn sale() -> String {
    let what = r#""type":"sale","channel":"store","quantity":1"#;
    format!(r#"{{"id":"lt-<13>-<10>",{what},"sku":"{SKU}","location":"{LOCATION}"}}"#)
}

/// How often `words` occur. Parsing a batch's answer would cost the generator more than making
/// the batch did.
fn count(text: &[u8], words: &[u8]) -> u64 {
    memmem::find_iter(text, words).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_however_often() {
        let text = br#"{"status":"applied"},{"status":"applied"},{"status":"refused"}"#;
        assert_eq!(count(text, br#""status":"applied""#), 2);
        assert_eq!(count(b"", br#""status""#), 0);
    }
}
