//! Money: an exact amount in a currency, and how line totals round.

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::quantity::Quantity;

/// An ISO 4217 currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

/// Why a text is not a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an ISO 4217 currency code such as SEK")]
pub struct InvalidCurrency;

impl Currency {
    /// Parses a three-letter code, `SEK`.
    pub fn parse(code: &str) -> Result<Currency, InvalidCurrency> {
        iso_currency::Currency::from_code(code)
            .map(Currency)
            .ok_or(InvalidCurrency)
    }

    /// The three-letter code.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// How many decimals an amount of it may have (ISO 4217; 2 where it names none).
    pub fn digits(self) -> u32 {
        self.0.exponent().map_or(2, u32::from)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.code().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Currency, D::Error> {
        let code = <&str>::deserialize(deserializer)?;
        Currency::parse(code).map_err(serde::de::Error::custom)
    }
}

/// An amount in a currency. Prices include VAT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// How much; kept without trailing zeros, shown with the currency's digits.
    pub amount: Quantity,
    /// Of what.
    pub currency: Currency,
}

impl Money {
    /// `amount` of `currency`.
    pub fn new(amount: Quantity, currency: Currency) -> Money {
        Money { amount, currency }
    }

    /// This price times `quantity`, rounded half up (away from zero) to the currency's digits.
    ///
    /// Both factors have at most 15 significant digits, so the product has at most 30; past the
    /// 28 that are exact it saturates at the largest amount there is.
    pub fn times(self, quantity: Quantity) -> Money {
        let product = self
            .amount
            .as_decimal()
            .saturating_mul(quantity.as_decimal());
        let rounded = product.round_dp_with_strategy(
            self.currency.digits(),
            RoundingStrategy::MidpointAwayFromZero,
        );
        Money::new(Quantity::normalized(rounded), self.currency)
    }
}

/// The sum of amounts; saturates at the largest amount there is.
pub fn sum(amounts: impl Iterator<Item = Quantity>) -> Quantity {
    let total = amounts.fold(Decimal::ZERO, |sum, one| {
        sum.saturating_add(one.as_decimal())
    });
    Quantity::normalized(total)
}

/// The amount with the currency's digits: `300.00`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut amount = self.amount.as_decimal();
        if amount.scale() < self.currency.digits() {
            amount.rescale(self.currency.digits());
        }
        write!(f, "{amount}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(amount: &str, currency: &str) -> Money {
        Money::new(
            Quantity::parse(amount).unwrap(),
            Currency::parse(currency).unwrap(),
        )
    }

    #[test]
    fn a_line_total_rounds_half_up_to_the_currency_digits() {
        let table = [
            ("10.01", "SEK", "0.5", "5.01"),
            ("10.00", "SEK", "0.333", "3.33"),
            ("0.99", "JPY", "3", "3"),
            ("1.5", "KWD", "0.0333", "0.050"),
            ("300", "SEK", "2", "600.00"),
        ];
        for (price, currency, quantity, total) in table {
            let quantity = Quantity::parse(quantity).unwrap();
            assert_eq!(money(price, currency).times(quantity).to_string(), total);
        }
        assert_eq!(Currency::parse("XYZ"), Err(InvalidCurrency));
        assert_eq!(Currency::parse("sek"), Err(InvalidCurrency));
    }
}
