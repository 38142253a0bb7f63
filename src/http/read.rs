//! Reads single values: from a member's raw text, or from a text of the path or the query.
//!
//! Knows no object and no resource; what a number must mean in its place is for the caller.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::fault::Wrong;
use super::problem::Code;
use crate::clock::parse_time;
use crate::stock::{
    Channel, Currency, LocationId, Quantity, ReservationId, Sku, StockKey, Timestamp,
};

/// The most characters a reference, a label or another short text may have.
pub const TEXT_CHARACTERS_MAX: usize = 255;

/// A JSON string, borrowed unless it holds an escape.
pub fn string(raw: &RawValue) -> Result<Cow<'_, str>, Wrong> {
    let text = raw.get();
    let Some(inner) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) else {
        return Err(Wrong::invalid("must be a string"));
    };
    if !inner.contains('\\') {
        return Ok(Cow::Borrowed(inner));
    }
    serde_json::from_str(text)
        .map(Cow::Owned)
        .map_err(|_| Wrong::invalid("holds a broken escape"))
}

/// A text of 1–255 characters without control characters.
pub fn text(raw: &RawValue) -> Result<Arc<str>, Wrong> {
    text_of(&string(raw)?, TEXT_CHARACTERS_MAX)
}

/// A text of 1–`max` characters without control characters.
pub fn text_of(text: &str, max: usize) -> Result<Arc<str>, Wrong> {
    let length_ok = !text.is_empty() && (text.len() <= max || text.chars().count() <= max);
    if length_ok && !text.chars().any(char::is_control) {
        Ok(text.into())
    } else {
        Err(Wrong::invalid(format!(
            "must be 1–{max} characters without control characters"
        )))
    }
}

/// A SKU.
pub fn sku(raw: &RawValue) -> Result<Sku, Wrong> {
    sku_of(&string(raw)?)
}

/// A SKU in a path or a query.
pub fn sku_of(text: &str) -> Result<Sku, Wrong> {
    Sku::parse(text).map_err(|error| Wrong::invalid(error.to_string()))
}

/// A location.
pub fn location(raw: &RawValue) -> Result<LocationId, Wrong> {
    location_of(&string(raw)?)
}

/// A location in a path or a query.
pub fn location_of(text: &str) -> Result<LocationId, Wrong> {
    LocationId::parse(text).map_err(|error| Wrong::invalid(error.to_string()))
}

/// A stock key `SKU@LOCATION` in a list's `after`.
pub fn stock_key_of(text: &str) -> Result<StockKey, Wrong> {
    let parts = text.split_once('@');
    parts
        .and_then(|(sku, location)| {
            let sku = Sku::parse(sku).ok()?;
            Some(StockKey::new(&sku, &LocationId::parse(location).ok()?))
        })
        .ok_or(Wrong::invalid("must be what `next` said"))
}

/// A channel.
pub fn channel(raw: &RawValue) -> Result<Channel, Wrong> {
    channel_of(&string(raw)?)
}

/// A channel in a query.
pub fn channel_of(text: &str) -> Result<Channel, Wrong> {
    Channel::parse(text).map_err(|error| Wrong::invalid(error.to_string()))
}

/// A reservation's name in a query.
pub fn reservation_of(text: &str) -> Result<ReservationId, Wrong> {
    ReservationId::parse(text).ok_or(Wrong::invalid("must be what `next` said"))
}

/// `true` or `false`.
pub fn boolean(raw: &RawValue) -> Result<bool, Wrong> {
    match raw.get() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Wrong::invalid("must be true or false")),
    }
}

/// A whole number within bounds.
pub fn whole(raw: &RawValue, bounds: RangeInclusive<u64>) -> Result<u64, Wrong> {
    whole_of(raw.get(), bounds)
}

/// A whole number within bounds, in a query.
pub fn whole_of(text: &str, bounds: RangeInclusive<u64>) -> Result<u64, Wrong> {
    let plain = text.bytes().all(|b| b.is_ascii_digit());
    let value = text.parse().ok().filter(|n| plain && bounds.contains(n));
    value.ok_or_else(|| {
        let (min, max) = bounds.into_inner();
        Wrong::invalid(format!("must be a whole number from {min} to {max}"))
    })
}

/// A decimal as a JSON number or a string, exactly, with at most 15 significant digits.
pub fn decimal(raw: &RawValue) -> Result<Quantity, Wrong> {
    let text = raw.get();
    // Most quantities are a few pieces.
    if text.len() < 10 && text.bytes().all(|b| b.is_ascii_digit()) {
        let value: u32 = text.parse().expect("nine digits fit 32 bits");
        return Ok(Quantity::from(value));
    }
    let number = match text.as_bytes().first() {
        Some(b'"') => string(raw)?,
        Some(b'-' | b'0'..=b'9') => Cow::Borrowed(text),
        _ => {
            return Err(Wrong::invalid(
                "must be a number or a string that holds one",
            ));
        }
    };
    Quantity::parse(&number).map_err(|error| Wrong::invalid(error.to_string()))
}

/// A quantity: as a decimal, but what is wrong with it is an invalid quantity.
pub fn quantity(raw: &RawValue) -> Result<Quantity, Wrong> {
    decimal(raw).map_err(|wrong| Wrong::new(Code::InvalidQuantity, wrong.detail))
}

/// An ISO 4217 currency.
pub fn currency(raw: &RawValue) -> Result<Currency, Wrong> {
    Currency::parse(&string(raw)?).map_err(|error| Wrong::invalid(error.to_string()))
}

/// A time of RFC 3339 with any offset, kept to the millisecond.
pub fn time(raw: &RawValue) -> Result<Timestamp, Wrong> {
    parse_time(&string(raw)?).map_err(|error| Wrong::invalid(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn quantities_are_read_from_numbers_and_strings_exactly() {
        for (text, value) in [
            ("5", "5"),
            ("\"0.250\"", "0.25"),
            ("123456789.012345", "123456789.012345"),
            ("-1.5", "-1.5"),
            ("1e2", "100"),
        ] {
            assert_eq!(quantity(&raw(text)).unwrap().to_string(), value);
        }
        for bad in [
            "true",
            "null",
            "[]",
            "{}",
            "\"\"",
            "\"five\"",
            "1e400",
            "1234567890123456",
            "0.1234567890123456",
            "123456789012345678901234567890123456789012345678901234567890",
        ] {
            assert_eq!(quantity(&raw(bad)).unwrap_err().code, Code::InvalidQuantity);
        }
    }

    #[test]
    fn whole_numbers_keep_to_their_bounds() {
        assert_eq!(whole(&raw("600"), 1..=14400), Ok(600));
        for bad in [
            "0",
            "14401",
            "1.0",
            "-1",
            "1e2",
            "\"5\"",
            "99999999999999999999",
        ] {
            assert!(whole(&raw(bad), 1..=14400).is_err(), "{bad}");
        }
        assert!(whole_of("", 0..=1).is_err());
    }

    #[test]
    fn texts_are_bounded_and_printable() {
        assert_eq!(&*text(&raw("\"Malm\\u00f6\"")).unwrap(), "Malmö");
        assert!(text(&raw(&format!("\"{}\"", "ö".repeat(255)))).is_ok());
        assert!(text(&raw(&format!("\"{}\"", "ö".repeat(256)))).is_err());
        for bad in ["\"\"", "\"a\\nb\"", "\"\\u0000\"", "7", "\"\\ud800\""] {
            assert!(text(&raw(bad)).is_err(), "{bad}");
        }
        assert_eq!(boolean(&raw("true")), Ok(true));
        assert!(boolean(&raw("\"true\"")).is_err() && boolean(&raw("1")).is_err());
    }
}
