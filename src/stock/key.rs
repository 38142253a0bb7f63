//! Names of what is sold and where: SKU, location and the stock key that joins them.
//! Parsed once at the border; nothing inside checks them again.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The most characters a SKU or a location may have.
pub const NAME_CHARACTERS_MAX: usize = 64;

/// Why a text is not a SKU or a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be 1–64 printable ASCII characters without @ * , % and without a space at either end"
)]
pub struct InvalidName;

fn check_name(text: &str) -> Result<(), InvalidName> {
    let allowed = |b: u8| matches!(b, b' '..=b'~') && !matches!(b, b'@' | b'*' | b',' | b'%');
    let length_ok = !text.is_empty() && text.len() <= NAME_CHARACTERS_MAX;
    let edges_ok = !text.starts_with(' ') && !text.ends_with(' ');
    if length_ok && edges_ok && text.bytes().all(allowed) {
        Ok(())
    } else {
        Err(InvalidName)
    }
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Parses 1–64 printable ASCII characters without `@ * , %`.
            pub fn parse(text: &str) -> Result<$name, InvalidName> {
                check_name(text)?;
                Ok($name(text.into()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name_type!(
    /// What is sold.
    Sku
);
name_type!(
    /// A store or a warehouse.
    LocationId
);

/// A SKU at a location: the unit that is counted, reserved and published.
///
/// One shared text, `SKU@LOCATION`: neither part may hold an `@`, so it can always be taken apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StockKey(Arc<str>);

impl StockKey {
    /// The key of `sku` at `location`.
    pub fn new(sku: &Sku, location: &LocationId) -> StockKey {
        let mut joined = String::with_capacity(sku.0.len() + 1 + location.0.len());
        joined.push_str(&sku.0);
        joined.push('@');
        joined.push_str(&location.0);
        StockKey(joined.into())
    }

    /// Parses `SKU@LOCATION`.
    pub fn parse(text: &str) -> Result<StockKey, InvalidName> {
        StockKey::check(text)?;
        Ok(StockKey(text.into()))
    }

    /// Whether it is `SKU@LOCATION`, for those who keep keys as text of their own.
    pub fn check(text: &str) -> Result<(), InvalidName> {
        let (sku, location) = text.split_once('@').ok_or(InvalidName)?;
        check_name(sku)?;
        check_name(location)
    }

    /// The key as `SKU@LOCATION`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is sold.
    pub fn sku(&self) -> &str {
        self.parts().0
    }

    /// Where it is.
    pub fn location(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (&str, &str) {
        self.0
            .split_once('@')
            .expect("a stock key is only ever made with its @")
    }
}

impl std::borrow::Borrow<str> for StockKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StockKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_take_printable_ascii_and_nothing_that_separates() {
        for good in ["a", "KLOMPEN red/38", "~!#$^&()[]{}", &"x".repeat(64)] {
            assert_eq!(Sku::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            " a",
            "a ",
            "a@b",
            "a*",
            "a,b",
            "100%",
            "å",
            "a\tb",
            &"x".repeat(65),
        ] {
            assert_eq!(Sku::parse(bad), Err(InvalidName), "{bad:?}");
        }
    }

    #[test]
    fn a_key_comes_apart_into_what_it_was_made_of() {
        let key = StockKey::new(
            &Sku::parse("A 1").unwrap(),
            &LocationId::parse("malmo").unwrap(),
        );
        assert_eq!(
            (key.sku(), key.location(), key.as_str()),
            ("A 1", "malmo", "A 1@malmo")
        );
    }
}
