//! How much of an item is somewhere, as the shop's server renders it before the component takes
//! over: the same words, and no more than the public may know. It must not know any item.

use rust_decimal::Decimal;
use serde_json::Value;

use crate::demo::caller::{number, text};

/// Whether something can be bought, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    /// Plenty.
    InStock,
    /// A few.
    Limited,
    /// Nothing now.
    OutOfStock,
    /// Not sold there.
    Unknown,
}

/// How much is at a place.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    /// The place.
    pub(super) location: String,
    /// Whether it can be bought.
    pub(super) status: Status,
    /// How many, shown only when they are few.
    pub(super) available: Decimal,
}

impl Shelf {
    /// Reads an entry of the contract's availability.
    pub(super) fn read(entry: &Value) -> Shelf {
        let status = match text(&entry["status"]) {
            "in_stock" => Status::InStock,
            "limited" => Status::Limited,
            "out_of_stock" => Status::OutOfStock,
            _ => Status::Unknown,
        };
        Shelf {
            location: text(&entry["location"]).to_owned(),
            status,
            available: number(&entry["available"]),
        }
    }

    /// In words.
    pub(super) fn words(&self, unit: &str) -> String {
        match self.status {
            Status::InStock => "In stock".to_owned(),
            Status::Limited if unit == "each" => {
                format!("Only {} left", self.available.normalize())
            }
            Status::Limited => format!("Only {} {unit} left", self.available.normalize()),
            Status::OutOfStock => "Out of stock".to_owned(),
            Status::Unknown => "Not sold here".to_owned(),
        }
    }

    /// As schema.org calls it.
    pub(super) fn schema(&self) -> &'static str {
        match self.status {
            Status::InStock => "https://schema.org/InStock",
            Status::Limited => "https://schema.org/LimitedAvailability",
            Status::OutOfStock | Status::Unknown => "https://schema.org/OutOfStock",
        }
    }

    /// Whether any can be bought.
    pub(super) fn is_empty(&self) -> bool {
        self.status >= Status::OutOfStock
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::asset;

    #[test]
    fn it_says_what_the_component_says_so_that_nothing_changes_when_that_takes_over() {
        let texts = asset("texts.js").unwrap().content();
        let texts = String::from_utf8(texts).unwrap();
        let shelf = |status| Shelf {
            location: "malmo".to_owned(),
            status,
            available: Decimal::new(15, 1),
        };
        for status in [Status::InStock, Status::OutOfStock, Status::Unknown] {
            let words = shelf(status).words("each");
            assert!(texts.contains(&format!("'{words}'")), "{words}");
        }
        let few = shelf(Status::Limited);
        assert_eq!(few.words("metre"), "Only 1.5 metre left");
        assert_eq!(few.words("each"), "Only 1.5 left");
        assert!(texts.contains("'Only {n} left'"));
    }

    #[test]
    fn the_best_status_comes_first() {
        let mut all = [
            Status::Unknown,
            Status::OutOfStock,
            Status::InStock,
            Status::Limited,
        ];
        all.sort();
        let best_first = [
            Status::InStock,
            Status::Limited,
            Status::OutOfStock,
            Status::Unknown,
        ];
        assert_eq!(all, best_first);
    }
}
