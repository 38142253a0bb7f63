//! The check after each run: does what the server says it has agree with what it answered?
//!
//! Sold + held + committed + left = opening, over all keys and at each key nothing oversold. An
//! answer that said it did not know leaves a margin as large as what was asked for.

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::connection::Connection;
use crate::request::{Target, Template};
use crate::shop::SKU_PREFIX;

/// Keys in one page.
const PAGE: usize = 1000;

/// What the answers of a run add up to, over all keys.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Expected {
    /// On hand before the run.
    pub opening: i64,
    /// Taken from on hand by answered sales.
    pub sold: i64,
    /// Held by answered reservations that are still held.
    pub held: i64,
    /// Committed by answered confirmations.
    pub committed: i64,
    /// Asked for with an unknown outcome.
    pub unknown: i64,
    /// Whether tills sold, who may sell what is not there.
    pub tills: bool,
}

/// What the server says it has, over all keys of the run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Found {
    /// Stock keys.
    pub keys: u64,
    /// Sum of on hand.
    pub on_hand: i64,
    /// Sum of held.
    pub held: i64,
    /// Sum of committed.
    pub committed: i64,
    /// Keys that promise more than they have.
    pub oversold_keys: u64,
}

/// The check and its outcome.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Books {
    /// Whose they are.
    pub of: &'static str,
    /// What answers add up to.
    pub expected: Expected,
    /// What is there.
    pub found: Found,
    /// What `onhand verify` said; none if the data directory is not ours.
    pub verify: Option<String>,
    /// What does not agree.
    pub faults: Vec<String>,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Level>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Level {
    sku: String,
    on_hand: i64,
    held: i64,
    committed: i64,
}

/// Reads what is there now.
///
/// # Errors
/// The server does not answer as the contract says.
pub async fn read(target: &Target) -> Result<Found> {
    let mut connection = Connection::new(target.address);
    let (mut found, mut after) = (Found::default(), String::new());
    let mut request = Vec::new();
    loop {
        let path = format!("/v1/stock?limit={PAGE}{after}");
        Template::new(target, "GET", &path, "", "").render(&[], &mut request);
        let answer = connection.exchange(&request).await?;
        if answer.status != 200 {
            let said = String::from_utf8_lossy(answer.body);
            bail!("GET {path} answered {}: {said}", answer.status);
        }
        let page: Page = serde_json::from_slice(answer.body).context("a page of stock")?;
        let ours = page
            .items
            .iter()
            .filter(|level| level.sku.starts_with(SKU_PREFIX));
        ours.for_each(|level| found.add(level));
        match page.next {
            Some(next) => after = format!("&after={next}"),
            None => return Ok(found),
        }
    }
}

impl Found {
    fn add(&mut self, level: &Level) {
        self.keys += 1;
        self.on_hand += level.on_hand;
        self.held += level.held;
        self.committed += level.committed;
        let promised = level.held + level.committed;
        self.oversold_keys += u64::from(promised > 0 && promised > level.on_hand);
    }
}

impl Books {
    /// Compares.
    pub fn check(expected: Expected, found: Found) -> Books {
        let mut faults = Vec::new();
        let on_hand = expected.opening - expected.sold;
        for (name, wanted, there) in [
            ("on hand", on_hand, found.on_hand),
            ("held", expected.held, found.held),
            ("committed", expected.committed, found.committed),
        ] {
            if (wanted - there).abs() > expected.unknown {
                faults.push(format!(
                    "{name}: the answers add up to {wanted}, there is {there}"
                ));
            }
        }
        if found.oversold_keys > 0 && !expected.tills {
            faults.push(format!("{} keys are oversold", found.oversold_keys));
        }
        Books {
            of: "Onhand",
            expected,
            found,
            verify: None,
            faults,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected() -> Expected {
        Expected {
            opening: 100,
            sold: 10,
            held: 5,
            ..Expected::default()
        }
    }

    fn level(on_hand: i64, held: i64) -> Level {
        Level {
            sku: "lt-1".into(),
            on_hand,
            held,
            committed: 0,
        }
    }

    fn found(levels: &[Level]) -> Found {
        let mut found = Found::default();
        levels.iter().for_each(|level| found.add(level));
        found
    }

    #[test]
    fn what_agrees_agrees() {
        let books = Books::check(expected(), found(&[level(50, 5), level(40, 0)]));
        assert!(books.faults.is_empty(), "{:?}", books.faults);
    }

    #[test]
    fn a_hold_too_many_is_found() {
        let books = Books::check(expected(), found(&[level(90, 6)]));
        assert_eq!(books.faults.len(), 1, "{:?}", books.faults);
        let unsure = Expected {
            unknown: 1,
            ..expected()
        };
        assert!(
            Books::check(unsure, found(&[level(90, 6)]))
                .faults
                .is_empty()
        );
    }

    #[test]
    fn an_oversold_key_is_found_behind_sums_that_agree() {
        let books = Books::check(expected(), found(&[level(86, 0), level(4, 5)]));
        assert_eq!(books.faults, ["1 keys are oversold"]);
        let tills = Expected {
            tills: true,
            ..expected()
        };
        assert!(
            Books::check(tills, found(&[level(86, 0), level(4, 5)]))
                .faults
                .is_empty()
        );
    }
}
