//! The sample retailer, of the project's own making: a clog shop with two stores and a web
//! warehouse, which also sells cloth by the metre and cheese by weight. The sheets are those that
//! `onhand import` takes. It must not know what happens in the shop.

use rust_decimal::Decimal;
use serde::Deserialize;

use super::dice::Dice;

/// The sheet of items.
pub(super) const ITEMS: &str = include_str!("sample/items.csv");
/// The sheet of locations.
pub(super) const LOCATIONS: &str = include_str!("sample/locations.csv");
/// The sheet of the first stock.
pub(super) const STOCK: &str = include_str!("sample/stock.csv");

/// The warehouse that ships what the web sells.
pub(super) const WAREHOUSE: &str = "warehouse";
/// The stores.
pub(super) const STORES: [&str; 2] = ["malmo", "lund"];
/// Stocked in plenty and left to the person who tries commands: no simulated person buys it.
pub(super) const YOURS: &str = "yellow-clogs-38";

/// What simulated people buy and sell.
pub(super) struct Sample {
    /// Every item but the one left to the person at the terminal.
    pub(super) goods: Vec<Good>,
}

/// An item of the shop.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Good {
    /// What it is sold as.
    pub(super) sku: String,
    name: String,
    unit: String,
    decimals: u32,
}

impl Sample {
    /// Reads the sheets.
    pub(super) fn read() -> Sample {
        let rows = csv::Reader::from_reader(ITEMS.as_bytes()).into_deserialize();
        let goods = rows.map(|row| row.expect("the sheet is part of the program, and tested"));
        Sample {
            goods: goods.filter(|good: &Good| good.sku != YOURS).collect(),
        }
    }

    /// So much of an item, as people say it.
    pub(super) fn words(&self, sku: &str, quantity: Decimal) -> String {
        let found = self.goods.iter().find(|good| good.sku == sku);
        found.map_or_else(
            || format!("{quantity} × {sku}"),
            |good| good.words(quantity),
        )
    }

    /// The name of an item.
    pub(super) fn name<'a>(&'a self, sku: &'a str) -> &'a str {
        let found = self.goods.iter().find(|good| good.sku == sku);
        found.map_or(sku, |good| &good.name)
    }
}

impl Good {
    /// As much as somebody buys at once.
    pub(super) fn amount(&self, dice: &mut Dice) -> Decimal {
        match self.decimals {
            // Mostly one, sometimes one more.
            0 => Decimal::from(1 + dice.below(5) / 4),
            // A quarter of a metre up to three.
            2 => Decimal::new(i64::from(1 + dice.below(12)) * 25, 2),
            // A piece of cheese weighs what it weighs.
            decimals => Decimal::new(i64::from(150 + dice.below(850)), decimals),
        }
    }

    /// As much as a delivery brings.
    pub(super) fn delivery(&self, dice: &mut Dice) -> Decimal {
        Decimal::from(12 + dice.below(5) * 4)
    }

    /// So much of it, as people say it.
    pub(super) fn words(&self, quantity: Decimal) -> String {
        let name = &self.name;
        match self.decimals {
            0 => format!("{} × {name}", quantity.normalize()),
            decimals => format!("{quantity:.*} {} of {name}", decimals as usize, self.unit),
        }
    }

    /// Less than this calls for more.
    pub(super) fn is_low(&self, quantity: Decimal) -> bool {
        quantity < Decimal::from(6)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn column(sheet: &str, name: &str) -> Vec<String> {
        let mut reader = csv::Reader::from_reader(sheet.as_bytes());
        let place = reader
            .headers()
            .unwrap()
            .iter()
            .position(|column| column == name);
        let rows = reader
            .records()
            .map(|row| row.unwrap()[place.unwrap()].to_owned());
        rows.collect()
    }

    #[test]
    fn every_item_is_stocked_at_every_location() {
        let (skus, places) = (column(ITEMS, "sku"), column(LOCATIONS, "location"));
        assert_eq!(places, [&[WAREHOUSE], &STORES[..]].concat());
        let stocked = column(STOCK, "sku")
            .into_iter()
            .zip(column(STOCK, "location"));
        let stocked: BTreeSet<_> = stocked.collect();
        assert_eq!(stocked.len(), skus.len() * places.len());
        assert_eq!(
            Sample::read().goods.len(),
            skus.len() - 1,
            "one is left to you"
        );
    }

    #[test]
    fn barcodes_end_in_their_check_digit_and_begin_as_a_shops_own() {
        for code in column(ITEMS, "barcode") {
            let digits: Vec<u32> = code
                .chars()
                .map(|digit| digit.to_digit(10).unwrap())
                .collect();
            let weighed = digits.iter().zip([1, 3].into_iter().cycle());
            let sum: u32 = weighed.map(|(digit, weight)| digit * weight).sum();
            assert!(digits.len() == 13 && sum.is_multiple_of(10), "{code}");
            assert!(code.starts_with("20"), "{code} may be somebody else's");
        }
    }

    #[test]
    fn amounts_have_the_items_decimals_and_are_said_as_people_say_them() {
        let (sample, mut dice) = (Sample::read(), Dice::new(1, "x"));
        for good in &sample.goods {
            for _ in 0..100 {
                let amount = good.amount(&mut dice);
                assert!(amount > Decimal::ZERO && amount.scale() <= good.decimals);
            }
        }
        let words = |sku, mantissa, scale| sample.words(sku, Decimal::new(mantissa, scale));
        assert_eq!(words("red-clogs-38", 2, 0), "2 × Red clogs 38");
        assert_eq!(words("linen-natural", 5, 1), "0.50 metre of Linen, natural");
        assert_eq!(words("cheese-aged", 450, 3), "0.450 kg of Aged cheese");
        assert_eq!(words("gone", 1, 0), "1 × gone");
    }
}
