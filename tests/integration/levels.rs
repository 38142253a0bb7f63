//! Every level anybody was ever told, by key and version: no version names two. It must not know
//! where they come from.

use std::collections::BTreeMap;

use serde_json::Value;

/// Levels by key and version.
#[derive(Default)]
pub struct Levels(BTreeMap<(String, i64), [i64; 4]>);

impl Levels {
    /// Notes what a stock document says.
    pub fn note(&mut self, stock: &Value) {
        let names = ["on_hand", "held", "committed", "safety_stock"];
        let figures = names.map(|name| number(stock, name));
        self.insert((key_of(stock), number(stock, "version")), figures);
    }

    /// Takes over what somebody else was told.
    pub fn merge(&mut self, others: Levels) {
        for (version, figures) in others.0 {
            self.insert(version, figures);
        }
    }

    fn insert(&mut self, version: (String, i64), figures: [i64; 4]) {
        let first = *self.0.entry(version.clone()).or_insert(figures);
        assert_eq!(first, figures, "{version:?} names two levels");
    }

    /// How many versions were seen.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// `SKU@LOCATION` of anything that names both.
pub fn key_of(document: &Value) -> String {
    let text = |name: &str| document[name].as_str().unwrap();
    format!("{}@{}", text("sku"), text("location"))
}

/// A whole number of a document.
#[track_caller]
pub fn number(document: &Value, name: &str) -> i64 {
    document[name]
        .as_i64()
        .unwrap_or_else(|| panic!("no whole number {name} in {document}"))
}
