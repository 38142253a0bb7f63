//! Times as they are written: by RFC 3339, and in no other form that ISO 8601 has. One who sends
//! and one who is sent to read them alike. It must not know what time it is.

use thiserror::Error;

use crate::stock::time::Timestamp;

/// Why a text is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TimeError {
    /// It is not written as a time is.
    #[error("must be a time of RFC 3339 such as 2026-02-03T04:05:06.789Z")]
    Form,
    /// Nothing was sold then, nor will be.
    #[error("must lie between the years 1970 and 9999 of UTC")]
    Far,
}

/// A time with any offset, kept to the millisecond.
pub fn parse_time(text: &str) -> Result<Timestamp, TimeError> {
    let millis = rfc_3339(text).ok_or(TimeError::Form)?;
    if !(0..=TIME_MAX_MS).contains(&millis) {
        return Err(TimeError::Far);
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

    #[test]
    fn times_take_any_offset_and_keep_milliseconds() {
        let expected = Timestamp::from_millis(1_770_091_506_789);
        for text in [
            "2026-02-03T04:05:06.789Z",
            "2026-02-03T05:05:06.789999+01:00",
        ] {
            assert_eq!(parse_time(text), Ok(expected));
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
            assert_eq!(
                parse_time(text),
                Ok(Timestamp::from_millis(millis)),
                "{text}"
            );
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
            assert_eq!(parse_time(bad), Err(TimeError::Form), "{bad}");
        }
        for far in [
            "1969-12-31T23:59:59.999Z",
            "1970-01-01T00:00:00+00:01",
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59-00:01",
        ] {
            assert_eq!(parse_time(far), Err(TimeError::Far), "{far}");
        }
    }
}
