//! What can be followed: a stock key, an item wherever it is stocked, a location with all that
//! is stocked there. Knows nothing of who may follow what.

use std::collections::BTreeSet;
use std::fmt;

use crate::stock::{LocationId, Sku, StockKey};

/// Stands for every SKU or every location.
const ANY: &str = "*";

/// What a client follows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FeedKey {
    /// `SKU@LOCATION`
    Key(StockKey),
    /// `SKU@*`
    Item(Sku),
    /// `*@LOCATION`
    Location(LocationId),
}

/// A text is nothing that can be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be SKU@LOCATION, SKU@* or *@LOCATION")]
pub struct InvalidFeedKey;

impl FeedKey {
    /// Parses `SKU@LOCATION`, `SKU@*` or `*@LOCATION`.
    pub fn parse(text: &str) -> Result<FeedKey, InvalidFeedKey> {
        let (sku, location) = text.split_once('@').ok_or(InvalidFeedKey)?;
        let parsed = match (sku, location) {
            (ANY, ANY) => return Err(InvalidFeedKey),
            (ANY, location) => LocationId::parse(location).map(FeedKey::Location),
            (sku, ANY) => Sku::parse(sku).map(FeedKey::Item),
            (_, _) => StockKey::parse(text).map(FeedKey::Key),
        };
        parsed.map_err(|_| InvalidFeedKey)
    }

    /// Whether it stands for more than one stock key.
    pub fn is_pattern(&self) -> bool {
        match self {
            FeedKey::Key(_) => false,
            FeedKey::Item(_) | FeedKey::Location(_) => true,
        }
    }

    /// Whether it stands for `key`.
    pub fn covers(&self, key: &StockKey) -> bool {
        match self {
            FeedKey::Key(own) => own == key,
            FeedKey::Item(sku) => sku.as_str() == key.sku(),
            FeedKey::Location(location) => location.as_str() == key.location(),
        }
    }
}

/// A set of what is followed, that finds in it what covers a key.
#[derive(Debug, Default)]
pub(super) struct FeedKeys {
    pub keys: BTreeSet<StockKey>,
    pub items: BTreeSet<Sku>,
    pub locations: BTreeSet<LocationId>,
}

impl FeedKeys {
    /// Takes one in; false if it was there.
    pub fn insert(&mut self, key: &FeedKey) -> bool {
        match key {
            FeedKey::Key(key) => self.keys.insert(key.clone()),
            FeedKey::Item(sku) => self.items.insert(sku.clone()),
            FeedKey::Location(location) => self.locations.insert(location.clone()),
        }
    }

    /// Takes one out; false if it was not there.
    pub fn remove(&mut self, key: &FeedKey) -> bool {
        match key {
            FeedKey::Key(key) => self.keys.remove(key),
            FeedKey::Item(sku) => self.items.remove(sku),
            FeedKey::Location(location) => self.locations.remove(location),
        }
    }

    /// Whether one of them stands for `key`.
    pub fn cover(&self, key: &StockKey) -> bool {
        self.keys.contains(key)
            || self.items.contains(key.sku())
            || self.locations.contains(key.location())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.len() + self.items.len() + self.locations.len()
    }

    /// Its patterns.
    pub fn patterns(&self) -> impl Iterator<Item = FeedKey> {
        let items = self.items.iter().cloned().map(FeedKey::Item);
        items.chain(self.locations.iter().cloned().map(FeedKey::Location))
    }
}

impl<'a> FromIterator<&'a FeedKey> for FeedKeys {
    fn from_iter<I: IntoIterator<Item = &'a FeedKey>>(keys: I) -> FeedKeys {
        let mut all = FeedKeys::default();
        for key in keys {
            all.insert(key);
        }
        all
    }
}

impl fmt::Display for FeedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FeedKey::Key(key) => write!(f, "{key}"),
            FeedKey::Item(sku) => write!(f, "{sku}@{ANY}"),
            FeedKey::Location(location) => write!(f, "{ANY}@{location}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_both_patterns_are_read_and_written_alike() {
        for text in ["clogs@malmo", "clogs@*", "*@malmo", "red clogs 38@web shop"] {
            let key = FeedKey::parse(text).unwrap();
            assert_eq!(key.to_string(), text);
            assert_eq!(key.is_pattern(), text.contains('*'));
        }
        for text in [
            "",
            "clogs",
            "*@*",
            "a@b@c",
            "@malmo",
            "clogs@",
            "cl*gs@malmo",
        ] {
            assert_eq!(FeedKey::parse(text), Err(InvalidFeedKey), "{text:?}");
        }
    }

    #[test]
    fn a_pattern_covers_the_keys_it_stands_for() {
        let covers = |pattern: &str, key: &str| {
            let key = StockKey::parse(key).unwrap();
            FeedKey::parse(pattern).unwrap().covers(&key)
        };
        assert!(covers("clogs@malmo", "clogs@malmo") && !covers("clogs@malmo", "clogs@lund"));
        assert!(covers("clogs@*", "clogs@lund") && !covers("clogs@*", "clogs2@lund"));
        assert!(covers("*@lund", "clogs@lund") && !covers("*@lund", "clogs@malmo"));
    }
}
