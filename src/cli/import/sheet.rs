//! The kinds of file: their columns, and what a line of each becomes on the wire (the contract's
//! section on CSV). It must not know how things are sent.

use serde::Serialize;
use serde_json::value::RawValue;

use super::super::client::segment;
use super::header::Columns;
use super::row::Row;

/// A kind of file.
#[derive(Debug, Clone)]
pub(crate) enum Layout {
    Items,
    Locations,
    /// Counts, of now or of a moment.
    Stock {
        as_of: Option<String>,
    },
    Movements,
}

/// A line, ready to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) line: u64,
    pub(super) json: String,
    /// Where it goes, if it goes alone.
    pub(super) path: Option<String>,
    /// The settings of its stock key, sent once the entry itself is done.
    pub(super) settings: Option<String>,
}

/// Where a batch goes, and the name of its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) path: &'static str,
    pub(super) list: &'static str,
}

/// Where settings of stock keys go.
pub(super) const SETTINGS: Endpoint = Endpoint {
    path: "/v1/stock/settings/batch",
    list: "settings",
};

const MOVEMENTS: Endpoint = Endpoint {
    path: "/v1/movements",
    list: "movements",
};
const ITEMS: Endpoint = Endpoint {
    path: "/v1/items/batch",
    list: "items",
};

const TYPES: [&str; 6] = [
    "receipt",
    "sale",
    "return",
    "adjustment",
    "count",
    "transfer",
];

impl Layout {
    pub(super) fn columns(&self) -> Columns {
        match self {
            Self::Items => Columns {
                required: &["sku", "name", "unit", "decimals", "price", "currency"],
                optional: &[
                    "offer_price",
                    "offer_from",
                    "offer_until",
                    "product",
                    "barcode",
                ],
                attributes: true,
            },
            Self::Locations => Columns {
                required: &["location", "name", "kind"],
                optional: &["latitude", "longitude", "region"],
                attributes: false,
            },
            Self::Stock { .. } => Columns {
                required: &["sku", "location", "on_hand"],
                optional: &["safety_stock"],
                attributes: false,
            },
            Self::Movements => Columns {
                required: &["id", "type", "sku", "location", "quantity"],
                optional: &[
                    "to",
                    "reservation",
                    "condition",
                    "reason",
                    "occurred_at",
                    "counted_at",
                    "channel",
                    "reference",
                ],
                attributes: false,
            },
        }
    }

    /// Where batches of this kind go; `None` if each entry goes alone.
    pub(super) fn endpoint(&self) -> Option<Endpoint> {
        match self {
            Self::Items => Some(ITEMS),
            Self::Locations => None,
            Self::Stock { .. } | Self::Movements => Some(MOVEMENTS),
        }
    }

    /// What a line becomes.
    ///
    /// # Errors
    /// What is wrong with the line.
    pub(super) fn entry(&self, line: u64, row: &Row<'_>) -> Result<Entry, String> {
        let (json, path, settings) = match self {
            Self::Items => (item(row)?, None, None),
            Self::Locations => {
                let path = format!("/v1/locations/{}", segment(row.required("location")?));
                (location(row)?, Some(path), None)
            }
            Self::Stock { as_of } => (count(row, as_of.as_deref())?, None, settings(row)?),
            Self::Movements => (movement(row)?, None, None),
        };
        Ok(Entry {
            line,
            json,
            path,
            settings,
        })
    }
}

#[derive(Serialize)]
struct Money<'a> {
    #[serde(serialize_with = "as_text")]
    amount: Box<RawValue>,
    currency: &'a str,
}

#[derive(Serialize)]
struct Offer {
    #[serde(serialize_with = "as_text")]
    amount: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

/// Amounts of money are JSON strings.
fn as_text<S: serde::Serializer>(number: &RawValue, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(number.get())
}

fn item(row: &Row<'_>) -> Result<String, String> {
    #[derive(Serialize)]
    struct Item<'a> {
        sku: &'a str,
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        unit: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        decimals: Option<u8>,
        #[serde(skip_serializing_if = "Option::is_none")]
        price: Option<Money<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        offer: Option<Offer>,
        #[serde(skip_serializing_if = "Option::is_none")]
        product: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        barcodes: Option<[&'a str; 1]>,
        #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
        attributes: serde_json::Map<String, serde_json::Value>,
    }
    let decimals = row.text("decimals").map(|text| {
        let read = text.trim().parse::<u8>();
        read.map_err(|_| format!("decimals is `{text}`, not a small whole number"))
    });
    json(&Item {
        sku: row.required("sku")?,
        name: row.required("name")?,
        unit: row.text("unit"),
        decimals: decimals.transpose()?,
        price: price(row)?,
        offer: offer(row)?,
        product: row.text("product"),
        barcodes: row.text("barcode").map(|code| [code]),
        attributes: row
            .attributes()
            .map(|(name, cell)| (name.to_owned(), cell.into()))
            .collect(),
    })
}

fn price<'a>(row: &Row<'a>) -> Result<Option<Money<'a>>, String> {
    let Some(amount) = row.number("price")? else {
        return Ok(None);
    };
    Ok(Some(Money {
        amount,
        currency: row.required("currency")?,
    }))
}

fn offer(row: &Row<'_>) -> Result<Option<Offer>, String> {
    let (from, until) = (row.time("offer_from")?, row.time("offer_until")?);
    match row.number("offer_price")? {
        Some(amount) => Ok(Some(Offer {
            amount,
            from,
            until,
        })),
        None if from.is_none() && until.is_none() => Ok(None),
        None => Err("offer_price is blank, but the offer has a time".to_owned()),
    }
}

fn location(row: &Row<'_>) -> Result<String, String> {
    #[derive(Serialize)]
    struct Location<'a> {
        name: &'a str,
        kind: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        latitude: Option<Box<RawValue>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        longitude: Option<Box<RawValue>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        region: Option<&'a str>,
    }
    json(&Location {
        name: row.required("name")?,
        kind: row
            .word("kind", &["store", "warehouse"])?
            .ok_or("kind is blank")?,
        latitude: row.number("latitude")?,
        longitude: row.number("longitude")?,
        region: row.text("region"),
    })
}

#[derive(Serialize)]
struct Movement<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    sku: &'a str,
    location: &'a str,
    quantity: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reservation: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    occurred_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counted_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
}

fn movement(row: &Row<'_>) -> Result<String, String> {
    json(&Movement {
        id: row.required("id")?,
        kind: row.word("type", &TYPES)?.ok_or("type is blank")?,
        sku: row.required("sku")?,
        location: row.required("location")?,
        quantity: row.required_number("quantity")?,
        to: row.text("to"),
        reservation: row.text("reservation"),
        condition: row.word("condition", &["sellable", "damaged"])?,
        reason: row.text("reason"),
        occurred_at: row.time("occurred_at")?,
        counted_at: row.time("counted_at")?,
        channel: row.text("channel"),
        reference: row.text("reference"),
    })
}

fn count(row: &Row<'_>, as_of: Option<&str>) -> Result<String, String> {
    let id = uuid::Uuid::now_v7().to_string();
    json(&Movement {
        id: &id,
        kind: "count",
        sku: row.required("sku")?,
        location: row.required("location")?,
        quantity: row.required_number("on_hand")?,
        to: None,
        reservation: None,
        condition: None,
        reason: None,
        occurred_at: None,
        counted_at: as_of.map(str::to_owned),
        channel: None,
        reference: None,
    })
}

fn settings(row: &Row<'_>) -> Result<Option<String>, String> {
    #[derive(Serialize)]
    struct Settings<'a> {
        sku: &'a str,
        location: &'a str,
        safety_stock: Box<RawValue>,
    }
    let Some(safety_stock) = row.number("safety_stock")? else {
        return Ok(None);
    };
    let (sku, location) = (row.required("sku")?, row.required("location")?);
    json(&Settings {
        sku,
        location,
        safety_stock,
    })
    .map(Some)
}

fn json(value: &impl Serialize) -> Result<String, String> {
    serde_json::to_string(value).map_err(|error| error.to_string())
}
