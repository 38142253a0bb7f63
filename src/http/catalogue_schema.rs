//! The catalogue's part of the OpenAPI document: what its requests and answers look like, for
//! people and generators. Requests are read by hand, so these shapes are never filled; a test
//! holds them against what the handlers answer.

#![expect(dead_code, reason = "shapes for the document only")]

use std::collections::BTreeMap;

use utoipa::{OpenApi, ToSchema};

use super::{backup, items, locations, tokens};

/// The catalogue's paths and shapes.
#[derive(OpenApi)]
#[openapi(paths(
    items::put,
    items::merge,
    items::batch,
    items::get,
    items::list,
    locations::put,
    locations::merge,
    locations::get,
    locations::list,
    backup::take,
    tokens::create,
    tokens::list,
    tokens::revoke,
))]
pub struct CatalogueApi;

/// A copy of everything, in a format of its own.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct BackupStream(Vec<u8>);

/// An exact amount in a currency; prices include VAT.
#[derive(ToSchema)]
pub struct Money {
    /// A decimal as text; a JSON number is accepted too.
    #[schema(example = "300.00")]
    amount: String,
    /// ISO 4217.
    #[schema(example = "SEK")]
    currency: String,
}

/// A price for a while, in the currency of the item's price.
#[derive(ToSchema)]
pub struct Offer {
    /// A decimal as text; a JSON number is accepted too.
    #[schema(example = "240.00")]
    amount: String,
    /// The first moment it is in force; always has been, if absent.
    #[schema(format = DateTime)]
    from: Option<String>,
    /// The first moment it is no longer in force; never, if absent.
    #[schema(format = DateTime)]
    until: Option<String>,
}

/// An item as it is put.
#[derive(ToSchema)]
pub struct ItemContent {
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// What it is counted in.
    #[schema(default = "each", max_length = 20)]
    unit: Option<String>,
    /// How many decimals a quantity of it may have; never lowered.
    #[schema(default = 0, maximum = 6)]
    decimals: Option<u32>,
    /// What it is a variant of.
    #[schema(max_length = 64)]
    product: Option<String>,
    #[schema(max_items = 20)]
    barcodes: Option<Vec<String>>,
    /// At most 50.
    attributes: Option<BTreeMap<String, String>>,
    price: Option<Money>,
    offer: Option<Offer>,
    /// Whether it may be reserved.
    #[schema(default = true)]
    reservable: Option<bool>,
    /// Whether it left the assortment: it is no longer reserved.
    #[schema(default = false)]
    archived: Option<bool>,
}

/// An entry of a batch: its SKU, and its other members as for one item.
#[derive(ToSchema)]
pub struct ItemEntry {
    sku: String,
    #[schema(inline)]
    #[serde(flatten)]
    content: ItemContent,
}

/// Either whole items or merge patches, 1–1000 of them.
#[derive(ToSchema)]
pub struct ItemBatch {
    /// Put as by `PUT`.
    items: Option<Vec<ItemEntry>>,
    /// Merged as by `PATCH`: an entry names only what changes.
    patches: Option<Vec<BTreeMap<String, serde_json::Value>>>,
}

/// An item as it is.
#[derive(ToSchema)]
pub struct Item {
    sku: String,
    name: String,
    unit: String,
    decimals: u32,
    product: Option<String>,
    barcodes: Vec<String>,
    attributes: BTreeMap<String, String>,
    price: Option<Money>,
    offer: Option<Offer>,
    /// The price in force now.
    current_price: Option<Money>,
    reservable: bool,
    archived: bool,
    version: u64,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// One answer per entry, in the order sent.
#[derive(ToSchema)]
pub struct ItemResults {
    results: Vec<ItemResult>,
}

/// What became of an entry.
#[derive(ToSchema)]
pub struct ItemResult {
    /// As sent; null if it could not be read.
    sku: Option<String>,
    /// `retry`: send the entry again.
    #[schema(pattern = "^(applied|duplicate|refused|retry)$")]
    status: String,
    item: Option<Item>,
    /// RFC 9457; pointers are into the whole body.
    problem: Option<serde_json::Value>,
}

/// Part of a list.
#[derive(ToSchema)]
pub struct ItemList {
    /// May be fewer than `limit` although `next` says that there are more.
    items: Vec<Item>,
    next: Option<String>,
    position: String,
}

/// A location as it is put.
#[derive(ToSchema)]
pub struct LocationContent {
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    #[schema(pattern = "^(store|warehouse)$")]
    kind: String,
    /// Degrees north; only together with the longitude.
    #[schema(minimum = -90, maximum = 90)]
    latitude: Option<f64>,
    /// Degrees east.
    #[schema(minimum = -180, maximum = 180)]
    longitude: Option<f64>,
    #[schema(max_length = 64)]
    region: Option<String>,
}

/// A location as it is.
#[derive(ToSchema)]
pub struct Location {
    location: String,
    name: String,
    #[schema(pattern = "^(store|warehouse)$")]
    kind: String,
    latitude: Option<f64>,
    longitude: Option<f64>,
    region: Option<String>,
    version: u64,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// Part of a list.
#[derive(ToSchema)]
pub struct LocationList {
    items: Vec<Location>,
    next: Option<String>,
    position: String,
}

/// What a new token shall be able to do.
#[derive(ToSchema)]
pub struct TokenGrant {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// `availability`, `screen`, `stock:read`, `stock:write`, `reserve`, `fulfil`,
    /// `catalogue:write`, `events:read`, `admin`.
    #[schema(min_items = 1)]
    scopes: Vec<String>,
    /// Limits `stock:write` and `fulfil` to these.
    #[schema(min_items = 1, max_items = 100)]
    locations: Option<Vec<String>>,
    /// Sells through this channel and no other.
    channel: Option<String>,
    /// Whether it may set the price of a line.
    #[schema(default = false)]
    unit_price: Option<bool>,
}

/// A token; its secret only in the answer that makes it.
#[derive(ToSchema)]
pub struct Token {
    id: String,
    name: String,
    scopes: Vec<String>,
    locations: Option<Vec<String>>,
    channel: Option<String>,
    unit_price: bool,
    #[schema(format = DateTime)]
    created_at: String,
    /// The secret, told once.
    token: Option<String>,
}

/// Part of a list.
#[derive(ToSchema)]
pub struct TokenList {
    items: Vec<Token>,
    next: Option<String>,
    position: String,
}
