//! Reads single values: from a member's raw text, or from a text of the path or the query.
//!
//! Knows no object and no resource; what a number must mean in its place is for the caller.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::fault::Wrong;
use super::problem::Code;
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
    time_of(&string(raw)?)
}

/// A time of RFC 3339 in a query.
pub fn time_of(text: &str) -> Result<Timestamp, Wrong> {
    let millis = rfc_3339(text).ok_or(Wrong::invalid(
        "must be a time of RFC 3339 such as 2026-02-03T04:05:06.789Z",
    ))?;
    if !(0..=TIME_MAX_MS).contains(&millis) {
        let detail = "must lie between the years 1970 and 9999 of UTC";
        return Err(Wrong::invalid(detail));
    }
    Ok(Timestamp::from_millis(millis))
}

/// The end of the year 9999.
const TIME_MAX_MS: i64 = 253_402_300_799_999;

/// Milliseconds since 1970 of a `date-time` of RFC 3339, and of no other form that ISO 8601 has.
/// Smaller parts of a second are left out; a leap second is the one before it.
fn rfc_3339(text: &str) -> Option<i64> {
    let (moment, rest) = text.split_at_checked("2026-02-03T04:05:06".len())?;
    let fits = |(byte, like): (u8, u8)| match like {
        b'0' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b't' | b' '),
        _ => byte == like,
    };
    if !moment.bytes().zip(*b"0000-00-00T00:00:00").all(fits) {
        return None;
    }
    let (fraction_ms, offset) = match rest.strip_prefix('.') {
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (fraction, offset) = rest.split_at(digits);
            (thousandths(fraction)?, offset)
        }
        None => (0, rest),
    };
    let moment: jiff::civil::DateTime = moment.parse().ok()?;
    let since = moment.duration_since(jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0));
    Some((since.as_secs() - offset_seconds(offset)?) * 1000 + fraction_ms)
}

/// The first three digits of a fraction that has at least one.
fn thousandths(fraction: &str) -> Option<i64> {
    let first = fraction.get(..3).unwrap_or(fraction);
    let value: i64 = first.parse().ok()?;
    let missing = [100, 10, 1];
    missing.get(first.len() - 1).map(|factor| value * factor)
}

/// `Z`, or how far `+01:00` is ahead of UTC.
fn offset_seconds(offset: &str) -> Option<i64> {
    if offset.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, ahead) = offset.split_at_checked(1)?;
    let (hours, minutes) = ahead.split_once(':')?;
    let part = |text: &str, max| {
        let two_digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        let value: Option<i64> = text.parse().ok();
        value.filter(|value| two_digits && *value <= max)
    };
    let seconds = part(hours, 23)? * 3600 + part(minutes, 59)? * 60;
    match sign {
        "+" => Some(seconds),
        "-" => Some(-seconds),
        _ => None,
    }
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
    fn times_take_any_offset_and_keep_milliseconds() {
        let expected = Timestamp::from_millis(1_770_091_506_789);
        for text in [
            "2026-02-03T04:05:06.789Z",
            "2026-02-03T05:05:06.789999+01:00",
        ] {
            assert_eq!(time_of(text), Ok(expected));
        }
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01t00:00:00.1z", 100),
            ("1970-01-01 00:30:00.01-00:30", 3_600_010),
            ("1970-01-01T23:59:00.0019+23:59", 1),
            ("2016-12-31T23:59:60Z", 1_483_228_799_000),
            ("9999-12-31T23:59:59Z", TIME_MAX_MS - 999),
            ("9999-12-31T23:59:59.999999999Z", TIME_MAX_MS),
        ] {
            assert_eq!(time_of(text), Ok(Timestamp::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_of_rfc_3339_is_told_from_what_lies_too_far() {
        for bad in [
            "",
            "7",
            "2026-02-03",
            "2026-02-30T00:00:00Z",
            "2026-02-03T24:00:00Z",
            "20300101T000000Z",
            "2030-01-01T00:00Z",
            "2030-01-01T00Z",
            "2030-01-01T00:00:00",
            "2030-01-01T00:00:00.Z",
            "2030-01-01T00:00:00,5Z",
            "2030-01-01T00:00:00+0100",
            "2030-01-01T00:00:00+01",
            "2030-01-01T00:00:00+24:00",
            "2030-01-01T00:00:00+01:60",
            "2030-01-01T00:00:00+01:00[Europe/Stockholm]",
            "2030-01-01T00:00:00Z[UTC]",
            "+002030-01-01T00:00:00Z",
            "2030-W01-1T00:00:00Z",
            "2030-01-01T00:00:00Ź",
            "2030-01-01T00:00:0éZ",
        ] {
            let wrong = time_of(bad).unwrap_err();
            assert!(wrong.detail.contains("RFC 3339"), "{bad}: {}", wrong.detail);
        }
        for far in [
            "1969-12-31T23:59:59.999Z",
            "1970-01-01T00:00:00+00:01",
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59-00:01",
        ] {
            let wrong = time_of(far).unwrap_err();
            assert!(wrong.detail.contains("1970"), "{far}: {}", wrong.detail);
        }
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
