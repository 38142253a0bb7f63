//! Exact decimal quantities: pieces, metres, kilograms. Never floats.

use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The most significant digits a quantity on the wire may have.
pub const SIGNIFICANT_DIGITS_MAX: usize = 15;

/// The most decimals an item may ask for.
pub const DECIMALS_MAX: u32 = 6;

/// An exact amount of an item in its unit. Kept without trailing zeros, so that equal amounts
/// are equal bytes.
///
/// On disk: mantissa (signed) and scale, both as variable-length integers.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(Decimal);

/// Why a text is not a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQuantity {
    /// Not a plain decimal number.
    #[error("must be a decimal number such as 5 or 0.250")]
    NotANumber,
    /// More digits than can be kept exactly by every client.
    #[error("may have at most 15 significant digits")]
    TooManyDigits,
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Quantity = Quantity(Decimal::ZERO);

    /// Parses a plain decimal or JSON number (an exponent is understood) with at most 15
    /// significant digits.
    pub fn parse(text: &str) -> Result<Quantity, InvalidQuantity> {
        let value = parse_decimal(text)?;
        if significant_digits(value) > SIGNIFICANT_DIGITS_MAX {
            return Err(InvalidQuantity::TooManyDigits);
        }
        Ok(Quantity::normalized(value))
    }

    /// `value` as a quantity, without a bound on its digits.
    pub fn normalized(value: Decimal) -> Quantity {
        if value.scale() == 0 {
            Quantity(value)
        } else {
            Quantity(value.normalize())
        }
    }

    /// The number.
    pub fn as_decimal(self) -> Decimal {
        self.0
    }

    /// How many decimals it has.
    pub fn decimals(self) -> u32 {
        self.0.scale()
    }

    /// Whether it is exactly nothing.
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// Whether it is more than nothing.
    pub fn is_positive(self) -> bool {
        self > Quantity::ZERO
    }

    /// Whether it fits what the wire can carry exactly: 15 significant digits.
    pub fn is_representable(self) -> bool {
        significant_digits(self.0) <= SIGNIFICANT_DIGITS_MAX
    }

    /// The sum, unless it is beyond what can be kept exactly.
    pub fn checked_add(self, other: Quantity) -> Option<Quantity> {
        self.0.checked_add(other.0).map(Quantity::normalized)
    }

    /// This, or nothing if it is less than nothing.
    pub fn or_zero(self) -> Quantity {
        self.max(Quantity::ZERO)
    }
}

/// The most digits that arithmetic keeps exactly.
const DIGITS_MAX: usize = 28;

/// Parses without losing a digit; numbers beyond those are refused rather than rounded.
fn parse_decimal(text: &str) -> Result<Decimal, InvalidQuantity> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if digits == 0 || text.starts_with('+') || text.contains('_') {
        return Err(InvalidQuantity::NotANumber);
    }
    if !text.contains(['e', 'E']) {
        return Decimal::from_str_exact(text).map_err(|error| {
            // The parser says no more than that about a number beyond its range.
            if digits > DIGITS_MAX && matches!(error, rust_decimal::Error::ErrorString(_)) {
                InvalidQuantity::TooManyDigits
            } else {
                invalid(&error)
            }
        });
    }
    if digits > DIGITS_MAX {
        return Err(InvalidQuantity::TooManyDigits);
    }
    Decimal::from_scientific(text).map_err(|error| invalid(&error))
}

fn invalid(error: &rust_decimal::Error) -> InvalidQuantity {
    match error {
        rust_decimal::Error::ErrorString(_) | rust_decimal::Error::ConversionTo(_) => {
            InvalidQuantity::NotANumber
        }
        rust_decimal::Error::ExceedsMaximumPossibleValue
        | rust_decimal::Error::LessThanMinimumPossibleValue
        | rust_decimal::Error::Underflow
        | rust_decimal::Error::ScaleExceedsMaximumPrecision(_) => InvalidQuantity::TooManyDigits,
    }
}

fn significant_digits(value: Decimal) -> usize {
    let mantissa = value.normalize().mantissa().unsigned_abs();
    if mantissa == 0 {
        1
    } else {
        mantissa.ilog10() as usize + 1
    }
}

impl From<u32> for Quantity {
    fn from(count: u32) -> Quantity {
        Quantity(Decimal::from(count))
    }
}

impl FromStr for Quantity {
    type Err = InvalidQuantity;

    fn from_str(text: &str) -> Result<Quantity, InvalidQuantity> {
        Quantity::parse(text)
    }
}

impl Add for Quantity {
    type Output = Quantity;

    fn add(self, other: Quantity) -> Quantity {
        Quantity::normalized(self.0 + other.0)
    }
}

impl Sub for Quantity {
    type Output = Quantity;

    fn sub(self, other: Quantity) -> Quantity {
        Quantity::normalized(self.0 - other.0)
    }
}

impl AddAssign for Quantity {
    fn add_assign(&mut self, other: Quantity) {
        *self = *self + other;
    }
}

impl SubAssign for Quantity {
    fn sub_assign(&mut self, other: Quantity) {
        *self = *self - other;
    }
}

impl Neg for Quantity {
    type Output = Quantity;

    fn neg(self) -> Quantity {
        // Nothing has no sign: it would be shown as "-0".
        if self.is_zero() {
            Quantity::ZERO
        } else {
            Quantity(-self.0)
        }
    }
}

impl std::iter::Sum for Quantity {
    fn sum<I: Iterator<Item = Quantity>>(amounts: I) -> Quantity {
        amounts.fold(Quantity::ZERO, Add::add)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.0.mantissa(), self.0.scale()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Quantity, D::Error> {
        let (mantissa, scale) = <(i128, u32)>::deserialize(deserializer)?;
        let value = Decimal::try_from_i128_with_scale(mantissa, scale)
            .map_err(|error| serde::de::Error::custom(error.to_string()))?;
        Ok(Quantity(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_is_read_exactly_or_refused() {
        let table = [
            ("5", Ok("5")),
            ("0.250", Ok("0.25")),
            ("-3.5", Ok("-3.5")),
            ("-0", Ok("0")),
            ("1e3", Ok("1000")),
            ("25E-1", Ok("2.5")),
            ("2.50e1", Ok("25")),
            ("123456789012345", Ok("123456789012345")),
            ("1234567890123456", Err(InvalidQuantity::TooManyDigits)),
            ("0.1000000000000001", Err(InvalidQuantity::TooManyDigits)),
            ("1e999", Err(InvalidQuantity::TooManyDigits)),
            ("1e-29", Err(InvalidQuantity::TooManyDigits)),
            ("", Err(InvalidQuantity::NotANumber)),
            ("abc", Err(InvalidQuantity::NotANumber)),
            ("1_000", Err(InvalidQuantity::NotANumber)),
            ("+1", Err(InvalidQuantity::NotANumber)),
            ("NaN", Err(InvalidQuantity::NotANumber)),
        ];
        for (text, expected) in table {
            let read = Quantity::parse(text).map(|quantity| quantity.to_string());
            assert_eq!(read, expected.map(str::to_owned), "{text:?}");
        }
        let long = Quantity::parse(&"9".repeat(40));
        assert_eq!(long, Err(InvalidQuantity::TooManyDigits));
    }

    #[test]
    fn sums_keep_equal_amounts_equal() {
        let sum = Quantity::parse("0.75").unwrap() + Quantity::parse("0.25").unwrap();
        assert_eq!(sum, Quantity::from(1));
        assert_eq!(sum.decimals(), 0);
        let bytes = |q: Quantity| postcard::to_stdvec(&q).unwrap();
        assert_eq!(bytes(sum), bytes(Quantity::from(1)));
        let back: Quantity = postcard::from_bytes(&bytes(-sum)).unwrap();
        assert_eq!(back, -sum);
        for nothing in [-Quantity::ZERO, sum - sum, -(sum - sum), -sum + sum] {
            assert_eq!(nothing.to_string(), "0");
        }
    }
}
