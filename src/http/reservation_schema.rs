//! The OpenAPI shapes of reservations. Requests are read by hand, so these shapes are never
//! filled; a test holds them against what the handlers take and answer.

#![expect(dead_code, reason = "shapes for the document only")]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

use super::catalogue_schema::Money;

/// A reservation to be placed.
#[derive(ToSchema)]
pub struct PlaceRequest {
    #[schema(min_items = 1, max_items = 100)]
    lines: Vec<LineRequest>,
    #[schema(minimum = 1, maximum = 14400, default = 600)]
    ttl_seconds: Option<u32>,
    channel: Option<String>,
    /// An opaque id: no name, address or e-mail.
    customer: Option<String>,
    reference: Option<String>,
    /// At most 4096 bytes.
    metadata: Option<BTreeMap<String, Value>>,
    /// Takes what there is of each line.
    #[schema(default = false)]
    partial: Option<bool>,
    /// Confirms in the same call.
    confirm: Option<Confirmation>,
}

/// How much of what, where.
#[derive(ToSchema)]
pub struct LineRequest {
    /// The caller's own reference, echoed.
    line: Option<String>,
    sku: String,
    location: String,
    /// Exact; a string is accepted too.
    quantity: f64,
    /// With the scope `admin` or a token allowed it; else the price in force.
    unit_price: Option<Money>,
}

/// What is wanted from now.
#[derive(ToSchema)]
pub struct LinesRequest {
    #[schema(min_items = 1, max_items = 100)]
    lines: Vec<LineRequest>,
    channel: Option<String>,
}

/// A new deadline.
#[derive(ToSchema)]
pub struct ExtendRequest {
    #[schema(minimum = 1, maximum = 14400)]
    ttl_seconds: u32,
    channel: Option<String>,
}

/// What is confirmed.
#[derive(ToSchema)]
pub struct Confirmation {
    /// They sum to the total plus the adjustments.
    payments: Option<Vec<Payment>>,
    adjustments: Option<Vec<Adjustment>>,
    fulfilment: Option<Fulfilment>,
    order: Option<String>,
    /// When it lapses unless it was handed over.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// What is confirmed, and whether an expired reservation takes its lines again.
#[derive(ToSchema)]
pub struct ConfirmRequest {
    payments: Option<Vec<Payment>>,
    adjustments: Option<Vec<Adjustment>>,
    fulfilment: Option<Fulfilment>,
    order: Option<String>,
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    #[schema(default = false)]
    reclaim: Option<bool>,
    channel: Option<String>,
}

/// A payment, as the shop reports it.
#[derive(ToSchema)]
pub struct Payment {
    method: String,
    reference: String,
    /// A decimal as text; a JSON number is accepted too.
    amount: String,
    currency: String,
}

/// Shipping, a voucher, rounding.
#[derive(ToSchema)]
pub struct Adjustment {
    label: String,
    /// A decimal as text; a JSON number is accepted too.
    amount: String,
}

/// How the goods reach the customer.
#[derive(ToSchema)]
pub struct Fulfilment {
    /// `ship` or `collect`.
    method: String,
    location: Option<String>,
    reference: Option<String>,
}

/// Some of the lines, or all that is left.
#[derive(ToSchema)]
pub struct PartsRequest {
    #[schema(min_items = 1, max_items = 100)]
    lines: Option<Vec<Part>>,
    channel: Option<String>,
}

/// How much of what, where.
#[derive(ToSchema)]
pub struct Part {
    sku: String,
    location: String,
    quantity: f64,
}

/// Nothing needs to be said.
#[derive(ToSchema)]
pub struct ReleaseRequest {
    channel: Option<String>,
}

/// A reservation as it is.
#[derive(ToSchema)]
pub struct Reservation {
    id: String,
    version: u64,
    /// `held`, `confirmed`, `fulfilled`, `released`, `expired` or `cancelled`.
    state: String,
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    lines: Vec<Line>,
    total: Option<Money>,
    channel: String,
    customer: Option<String>,
    reference: Option<String>,
    metadata: Option<BTreeMap<String, Value>>,
    #[schema(format = DateTime)]
    created_at: String,
    /// When it came to its end.
    #[schema(format = DateTime)]
    resolved_at: Option<String>,
    /// Once it was confirmed, as the next three.
    payments: Option<Vec<Payment>>,
    adjustments: Option<Vec<Adjustment>>,
    fulfilment: Option<Fulfilment>,
    order: Option<String>,
}

/// A line as it is.
#[derive(ToSchema)]
pub struct Line {
    line: Option<String>,
    sku: String,
    location: String,
    quantity: f64,
    /// With `partial`: what was asked for.
    requested: Option<f64>,
    fulfilled: f64,
    cancelled: f64,
    unit_price: Option<Money>,
    line_total: Option<Money>,
}

/// Part of a list, oldest first.
#[derive(ToSchema)]
pub struct ReservationList {
    /// May be fewer than `limit` although `next` says that there are more.
    items: Vec<Reservation>,
    next: Option<String>,
    position: String,
}
