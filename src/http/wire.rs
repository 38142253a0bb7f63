//! How numbers, money, times and positions are written. Knows no document.

use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::value::RawValue;

use crate::actors::Position;
use crate::stock::{Money, Quantity, Timestamp};

/// A quantity as an exact JSON number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number(pub Quantity);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let decimal = self.0.as_decimal();
        if decimal.scale() == 0
            && let Ok(whole) = i64::try_from(decimal.mantissa())
        {
            return serializer.serialize_i64(whole);
        }
        let text = RawValue::from_string(decimal.to_string());
        text.expect("a decimal is a JSON number")
            .serialize(serializer)
    }
}

/// Money as `{"amount":"300.00","currency":"SEK"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price(pub Money);

impl Serialize for Price {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut money = serializer.serialize_struct("Money", 2)?;
        money.serialize_field("amount", &self.0.to_string())?;
        money.serialize_field("currency", self.0.currency.code())?;
        money.end()
    }
}

/// A time as RFC 3339 in UTC with milliseconds: `2026-02-03T04:05:06.789Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub Timestamp);

/// The first and last milliseconds that have four digits of year; others are shown as these.
const YEAR_0_MS: i64 = -62_167_219_200_000;
const YEAR_9999_END_MS: i64 = 253_402_300_799_999;

impl Time {
    /// The text's bytes, all ASCII.
    pub fn text(self) -> [u8; 24] {
        let millis = self.0.as_millis().clamp(YEAR_0_MS, YEAR_9999_END_MS);
        let days = millis.div_euclid(86_400_000);
        let of_day = millis.rem_euclid(86_400_000);
        let (year, month, day) = civil(days);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        write_digits(&mut text[0..4], year);
        write_digits(&mut text[5..7], month);
        write_digits(&mut text[8..10], day);
        write_digits(&mut text[11..13], of_day / 3_600_000);
        write_digits(&mut text[14..16], of_day / 60_000 % 60);
        write_digits(&mut text[17..19], of_day / 1000 % 60);
        write_digits(&mut text[20..23], of_day % 1000);
        text
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.text();
        let text = std::str::from_utf8(&text).expect("a time's text is ASCII");
        serializer.serialize_str(text)
    }
}

fn write_digits(place: &mut [u8], value: i64) {
    let mut left = value;
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(left % 10).expect("a digit is below ten");
        left /= 10;
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar.
///
/// Years are counted from March, so that the leap day is the last of a year; 400 years repeat.
fn civil(days: i64) -> (i64, i64, i64) {
    const DAYS_IN_400_YEARS: i64 = 146_097;
    let shifted = days + 719_468;
    let cycle = shifted.div_euclid(DAYS_IN_400_YEARS);
    let of_cycle = shifted.rem_euclid(DAYS_IN_400_YEARS);
    let year_of_cycle = (of_cycle - of_cycle / 1460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let leap_days = year_of_cycle / 4 - year_of_cycle / 100;
    let of_year = of_cycle - (365 * year_of_cycle + leap_days);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = cycle * 400 + year_of_cycle + i64::from(month <= 2);
    (year, month, day)
}

/// A place in the event stream: `EPOCH.NUMBER`, opaque to clients.
pub fn position(epoch: &str, at: Position) -> String {
    format!("{epoch}.{at}")
}

/// A position of this epoch; `None` if it is of another or none at all.
pub fn parse_position(epoch: &str, text: &str) -> Option<Position> {
    let (of_epoch, number) = text.rsplit_once('.')?;
    let plain = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    if of_epoch != epoch || !plain {
        return None;
    }
    number.parse().ok().map(Position::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stock::Currency;

    fn written(value: &impl Serialize) -> String {
        serde_json::to_string(value).unwrap()
    }

    #[test]
    fn quantities_are_exact_json_numbers() {
        for text in [
            "0",
            "5",
            "-3",
            "0.25",
            "-12.5",
            "123456789012345",
            "0.000001",
        ] {
            assert_eq!(written(&Number(Quantity::parse(text).unwrap())), text);
        }
    }

    #[test]
    fn money_has_its_currency_digits() {
        for (amount, code, shown) in [("300", "SEK", "300.00"), ("7", "JPY", "7")] {
            let currency = Currency::parse(code).unwrap();
            let money = Money::new(Quantity::parse(amount).unwrap(), currency);
            let expected = format!(r#"{{"amount":"{shown}","currency":"{code}"}}"#);
            assert_eq!(written(&Price(money)), expected);
        }
    }

    #[test]
    fn times_agree_with_a_calendar_library() {
        let step = 86_400_000 * 37 + 12_345_679;
        let mut millis = YEAR_0_MS;
        while millis < YEAR_9999_END_MS {
            let other = jiff::Timestamp::from_millisecond(millis).unwrap();
            let ours = Time(Timestamp::from_millis(millis)).text();
            let ours = std::str::from_utf8(&ours).unwrap();
            assert_eq!(ours, format!("{other:.3}"));
            millis += step;
        }
        let last = Time(Timestamp::from_millis(i64::MAX)).text();
        assert_eq!(&last, b"9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn a_position_is_read_only_in_its_own_epoch() {
        assert_eq!(position("e1", Position::new(7)), "e1.7");
        assert_eq!(parse_position("e1", "e1.7"), Some(Position::new(7)));
        for bad in [
            "e2.7",
            "7",
            "e1.",
            "e1.+7",
            "e1.-1",
            "e1.99999999999999999999",
        ] {
            assert_eq!(parse_position("e1", bad), None, "{bad}");
        }
    }
}
