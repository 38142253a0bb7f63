//! The OpenAPI shapes of stock, movements, availability, reservations and events: what requests
//! and answers look like, for people and generators. Requests are read by hand, so these shapes
//! are never filled; a test holds them against what the handlers take and answer.

#![expect(dead_code, reason = "shapes for the document only")]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::{OpenApi, ToSchema};

use super::catalogue_schema::{Money, Offer};
use super::problem_schema::ProblemDocument;
use super::{
    availability, events, movements, reservation_calls, reservations, stock, stock_ledger,
};

/// The paths and shapes of everything but the catalogue.
#[derive(OpenApi)]
#[openapi(paths(
    movements::record,
    stock::set_batch,
    stock::list,
    stock::read_one,
    stock::stop,
    stock::set,
    stock_ledger::movements,
    availability::query,
    availability::of_item,
    availability::of_key,
    reservations::place,
    reservations::list,
    reservations::read_one,
    reservation_calls::replace_lines,
    reservation_calls::extend,
    reservation_calls::confirm,
    reservation_calls::fulfil,
    reservation_calls::release,
    reservation_calls::cancel,
    events::read_on,
))]
pub struct StockApi;

/// 1–1000 movements.
#[derive(ToSchema)]
pub struct Movements {
    #[schema(min_items = 1, max_items = 1000)]
    movements: Vec<MovementRequest>,
}

/// What physically happened.
#[derive(ToSchema)]
pub struct MovementRequest {
    /// The caller's own, unique per token and key.
    #[schema(max_length = 255)]
    id: String,
    /// `receipt`, `sale`, `return`, `adjustment`, `count` or `transfer`.
    r#type: String,
    sku: String,
    location: String,
    /// Exact; a string is accepted too.
    quantity: f64,
    reference: Option<String>,
    channel: Option<String>,
    #[schema(format = DateTime)]
    occurred_at: Option<String>,
    /// Of a sale: the reservation it uses up.
    reservation: Option<String>,
    /// Of a return: `sellable` or `damaged`.
    condition: Option<String>,
    /// Of an adjustment.
    reason: Option<String>,
    /// Of a count: the moment it speaks of, at most 7 days back.
    #[schema(format = DateTime)]
    counted_at: Option<String>,
    /// Of a count: refused when on hand changed since.
    expected_version: Option<u64>,
    /// Of a transfer: the other location.
    to: Option<String>,
}

/// One answer per movement, in the order sent.
#[derive(ToSchema)]
pub struct MovementResults {
    results: Vec<MovementResult>,
}

/// What became of a movement.
#[derive(ToSchema)]
pub struct MovementResult {
    /// As sent; null if it could not be read.
    id: Option<String>,
    /// `applied`, `duplicate`, `refused` or `retry`.
    status: String,
    /// Whether it made or deepened a shortfall.
    oversold: Option<bool>,
    /// Whether a count had already seen it.
    absorbed: Option<bool>,
    /// How much of the named reservation it used.
    reservation_used: Option<f64>,
    stock: Option<Stock>,
    problem: Option<ProblemDocument>,
}

/// The figures of one SKU at one location.
#[derive(ToSchema)]
pub struct Stock {
    sku: String,
    location: String,
    on_hand: f64,
    held: f64,
    committed: f64,
    safety_stock: f64,
    /// max(0, on hand − held − committed − safety stock)
    available: f64,
    /// max(0, held + committed − on hand)
    shortfall: f64,
    version: u64,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// Part of a list.
#[derive(ToSchema)]
pub struct StockList {
    /// May be fewer than `limit` although `next` says that there are more.
    items: Vec<Stock>,
    next: Option<String>,
    position: String,
}

/// How much is withheld from sale.
#[derive(ToSchema)]
pub struct Settings {
    safety_stock: f64,
}

/// 1–1000 settings.
#[derive(ToSchema)]
pub struct SettingsBatch {
    #[schema(min_items = 1, max_items = 1000)]
    settings: Vec<SettingsEntry>,
}

/// How much is withheld from sale, and where.
#[derive(ToSchema)]
pub struct SettingsEntry {
    sku: String,
    location: String,
    safety_stock: f64,
}

/// One answer per setting, in the order sent.
#[derive(ToSchema)]
pub struct SettingsResults {
    results: Vec<SettingsResult>,
}

/// What became of a setting.
#[derive(ToSchema)]
pub struct SettingsResult {
    sku: Option<String>,
    location: Option<String>,
    /// `applied`, `refused` or `retry`.
    status: String,
    stock: Option<Stock>,
    problem: Option<ProblemDocument>,
}

/// Part of a ledger, newest first.
#[derive(ToSchema)]
pub struct LedgerList {
    items: Vec<LedgerEntry>,
    next: Option<String>,
    position: String,
}

/// One change of what is there.
#[derive(ToSchema)]
pub struct LedgerEntry {
    position: String,
    #[schema(format = DateTime)]
    time: String,
    /// A movement's type, or `fulfilment` for goods handed over.
    r#type: String,
    quantity: Option<f64>,
    /// After it.
    on_hand: f64,
    token: String,
    channel: String,
    id: Option<String>,
    reference: Option<String>,
    #[schema(format = DateTime)]
    occurred_at: Option<String>,
    reason: Option<String>,
    to: Option<String>,
    from: Option<String>,
    reservation: Option<String>,
    oversold: Option<bool>,
    absorbed: Option<bool>,
}

/// What a product page shows of an item.
#[derive(ToSchema)]
pub struct ItemFace {
    name: String,
    unit: String,
    attributes: BTreeMap<String, String>,
    price: Option<Money>,
    offer: Option<Offer>,
    current_price: Option<Money>,
}

/// An item at one location, in a list of locations.
#[derive(ToSchema)]
pub struct LocationAvailability {
    location: String,
    name: Option<String>,
    /// `in_stock`, `limited` or `out_of_stock`.
    status: String,
    /// With the scope `stock:read`, else only when limited.
    available: Option<f64>,
    version: u64,
}

/// An item at its locations; the status is the best of them.
#[derive(ToSchema)]
pub struct ItemAvailability {
    sku: String,
    item: ItemFace,
    status: String,
    epoch: String,
    locations: Vec<LocationAvailability>,
}

/// An item at one location.
#[derive(ToSchema)]
pub struct KeyAvailability {
    sku: String,
    item: ItemFace,
    location: String,
    name: Option<String>,
    status: String,
    available: Option<f64>,
    version: u64,
    epoch: String,
}

/// Up to 1000 questions.
#[derive(ToSchema)]
pub struct AvailabilityQuery {
    #[schema(min_items = 1, max_items = 1000)]
    items: Vec<AvailabilityQuestion>,
}

/// Which item, where.
#[derive(ToSchema)]
pub struct AvailabilityQuestion {
    sku: String,
    location: String,
}

/// Answers in the order of the questions.
#[derive(ToSchema)]
pub struct AvailabilityAnswers {
    items: Vec<AvailabilityAnswer>,
    epoch: String,
}

/// An answer, or why there is none: `unknown_item`, `unknown_location`, `not_stocked`.
#[derive(ToSchema)]
pub struct AvailabilityAnswer {
    sku: String,
    location: String,
    code: Option<String>,
    name: Option<String>,
    status: Option<String>,
    available: Option<f64>,
    version: Option<u64>,
    current_price: Option<Money>,
}

/// Events in order, and the position to read on from.
#[derive(ToSchema)]
pub struct EventList {
    events: Vec<CloudEvent>,
    next: String,
}

/// CloudEvents 1.0.
#[derive(ToSchema)]
pub struct CloudEvent {
    specversion: String,
    id: String,
    source: String,
    #[schema(example = "onhand.stock.changed")]
    r#type: String,
    subject: String,
    #[schema(format = DateTime)]
    time: String,
    datacontenttype: String,
    channel: String,
    token: String,
    /// The figures, the reservation or the item as it was then.
    data: BTreeMap<String, Value>,
}
