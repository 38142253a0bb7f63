//! The way to the service, and what is read of it: items with their prices and where they are. It
//! must not know who asks or how it is shown.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::shelf::{Shelf, Status};
use crate::cli::client::{Method, segment};
use crate::demo::caller::{Heard, ask, number, text};
use crate::demo::sample::{STORES, WAREHOUSE};
use crate::demo::stop::Stop;
use crate::demo::wire::{Patient, Request};

/// Connections that are kept for the next who asks.
const KEPT_MAX: usize = 16;

/// Where goods are, and what people call it.
pub(super) const PLACES: [(&str, &str); 3] = [
    (WAREHOUSE, "Web warehouse"),
    (STORES[0], "Malmö"),
    (STORES[1], "Lund"),
];

/// What people call a place.
pub(super) fn place_name(location: &str) -> &str {
    let known = PLACES.iter().find(|(id, _)| *id == location);
    known.map_or(location, |(_, name)| name)
}

/// The way to the service.
pub(super) struct Backend {
    url: String,
    token: String,
    stop: Stop,
    kept: Mutex<Vec<Patient>>,
}

/// An item on sale.
#[derive(Clone, Debug)]
pub(super) struct Good {
    /// What it is sold as.
    pub(super) sku: String,
    /// Its name.
    pub(super) name: String,
    /// What it is a variant of, if it does not stand for itself.
    pub(super) product: Option<String>,
    /// What is counted.
    pub(super) unit: String,
    /// How finely it is counted.
    pub(super) decimals: u32,
    /// Colour, size, material.
    pub(super) attributes: BTreeMap<String, String>,
    /// Its price without an offer, in kronor.
    pub(super) price: Decimal,
    /// What it costs now.
    pub(super) price_now: Decimal,
    /// How much is where.
    pub(super) shelves: Vec<Shelf>,
}

impl Backend {
    /// One who asks at `url` with `token`, until the word to end.
    pub(super) fn new(url: &str, token: &str, stop: &Stop) -> Backend {
        Backend {
            url: url.to_owned(),
            token: token.to_owned(),
            stop: stop.clone(),
            kept: Mutex::default(),
        }
    }

    /// Asks; what changes something does it under a key, so that a repetition does it once.
    pub(super) fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> Heard {
        let request = Request {
            method,
            path: path.to_owned(),
            body: body.map(Value::to_string),
            key: key.map(str::to_owned),
        };
        let kept = self.kept.lock().pop();
        let make = || Patient::new(&self.url, &self.token, &self.stop);
        let mut patient = kept.unwrap_or_else(make);
        let heard = ask(&mut patient, &request);
        let mut kept = self.kept.lock();
        if kept.len() < KEPT_MAX {
            kept.push(patient);
        }
        heard
    }

    /// A reservation, if it is known.
    pub(super) fn reservation(&self, id: &str) -> Option<Value> {
        self.read(id).done()
    }

    /// A reservation, or why the service did not say.
    pub(super) fn read(&self, id: &str) -> Heard {
        let path = format!("/v1/reservations/{}", segment(id));
        self.ask(Method::Get, &path, None, None)
    }

    /// Everything on sale, or the variants of one product.
    ///
    /// # Errors
    /// Why the service did not say.
    pub(super) fn goods(&self, product: Option<&str>) -> Result<Vec<Good>, String> {
        let path = match product {
            Some(product) => format!("/v1/items?limit=1000&product={}", segment(product)),
            None => "/v1/items?limit=1000".to_owned(),
        };
        let items = self.ask(Method::Get, &path, None, None).or_words()?;
        let items = items["items"].as_array().into_iter().flatten();
        self.shelved(items.map(Good::read).collect())
    }

    /// The one thing of this SKU, if it is known.
    ///
    /// # Errors
    /// Why the service did not say where it is.
    pub(super) fn good(&self, sku: &str) -> Result<Vec<Good>, String> {
        let path = format!("/v1/items/{}", segment(sku));
        let item = self.ask(Method::Get, &path, None, None).done();
        self.shelved(item.iter().map(Good::read).collect())
    }

    /// The same with how much of each is where.
    fn shelved(&self, mut goods: Vec<Good>) -> Result<Vec<Good>, String> {
        if goods.is_empty() {
            return Ok(goods);
        }
        let keys = goods.iter().flat_map(|good| {
            let key = |(id, _): (&str, &str)| json!({"sku": good.sku, "location": id});
            PLACES.map(key)
        });
        let body = json!({"items": keys.collect::<Vec<_>>()});
        let path = "/v1/availability/query";
        let shelves = self.ask(Method::Post, path, Some(&body), None).or_words()?;
        let mut shelves = shelves["items"].as_array().into_iter().flatten();
        for good in &mut goods {
            good.shelves = shelves
                .by_ref()
                .take(PLACES.len())
                .map(Shelf::read)
                .collect();
        }
        Ok(goods)
    }
}

impl Good {
    fn read(item: &Value) -> Good {
        let own = |name: &str| text(&item[name]).to_owned();
        let attributes = item["attributes"].as_object().into_iter().flatten();
        Good {
            sku: own("sku"),
            name: own("name"),
            product: item["product"].as_str().map(str::to_owned),
            unit: own("unit"),
            decimals: item["decimals"]
                .as_u64()
                .map_or(0, |decimals| decimals.min(6) as u32),
            attributes: attributes
                .map(|(name, value)| (name.clone(), text(value).to_owned()))
                .collect(),
            price: number(&item["price"]["amount"]),
            price_now: number(&item["current_price"]["amount"]),
            shelves: Vec::new(),
        }
    }

    /// An attribute, if it has it.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let value = self.attributes.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    /// What it is a variant of, or itself.
    pub(super) fn kind(&self) -> &str {
        self.product.as_deref().unwrap_or(&self.sku)
    }

    /// What all variants are called: the name without the size.
    pub(super) fn title(&self) -> &str {
        let size = self.attribute("size").unwrap_or_default();
        self.name.strip_suffix(size).unwrap_or(&self.name).trim()
    }

    /// The least of it that can be had, as a field for numbers wants it.
    pub(super) fn step(&self) -> String {
        match self.decimals {
            0 => "1".to_owned(),
            decimals => format!("0.{:0>1$}", 1, decimals as usize),
        }
    }

    /// The best of what is anywhere.
    pub(super) fn best(&self) -> Shelf {
        let best = self.shelves.iter().min_by_key(|shelf| shelf.status);
        best.cloned().unwrap_or(Shelf {
            location: String::new(),
            status: Status::Unknown,
            available: Decimal::ZERO,
        })
    }
}

/// Money as the component writes it, so that nothing changes when it does.
pub(super) fn money(amount: Decimal) -> String {
    let whole = amount.trunc().normalize().to_string();
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        let left = whole.len() - index;
        if index > 0 && left.is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    match amount.fract().is_zero() {
        true => format!("SEK\u{a0}{grouped}"),
        false => format!(
            "SEK\u{a0}{grouped}{}",
            &format!("{:.2}", amount.fract())[1..]
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_as_browsers_write_it() {
        let written = |mantissa, scale| money(Decimal::new(mantissa, scale));
        assert_eq!(written(30_000, 2), "SEK\u{a0}300");
        assert_eq!(written(12_950, 2), "SEK\u{a0}129.50");
        assert_eq!(written(390_000, 2), "SEK\u{a0}3,900");
        assert_eq!(written(123_456_789, 2), "SEK\u{a0}1,234,567.89");
        assert_eq!(written(0, 0), "SEK\u{a0}0");
    }
}
