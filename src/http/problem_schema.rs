//! The OpenAPI shapes that most routes share: how requests end badly, and what makes one safe to
//! repeat. Which problems there are, says `problem`.

#![expect(dead_code, reason = "shapes for the document only")]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::{IntoParams, IntoResponses, ToSchema};

/// How a request can end badly.
#[derive(IntoResponses)]
pub enum Problems {
    /// A problem; it names every fault
    #[response(status = "4XX", content_type = "application/problem+json")]
    Refused(ProblemDocument),
    /// Nothing happened, or the outcome is unknown: `code` says which
    #[response(status = 503, content_type = "application/problem+json")]
    Failed(ProblemDocument),
}

/// The header that makes a repetition safe.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Repeatable {
    /// At most 255 characters; makes a repetition safe for 24 h
    #[param(rename = "Idempotency-Key")]
    idempotency_key: Option<String>,
}

/// RFC 9457; `code` says which problem it is.
#[derive(ToSchema)]
pub struct ProblemDocument {
    #[schema(example = "/problems/insufficient-stock")]
    r#type: String,
    title: String,
    status: u16,
    detail: String,
    #[schema(example = "insufficient_stock")]
    code: String,
    /// Everything that is wrong: `pointer`, `parameter` or `header`, with `code` and `detail`.
    errors: Option<Vec<BTreeMap<String, String>>>,
    /// Every line that cannot be had in full.
    shortages: Option<Vec<BTreeMap<String, Value>>>,
}
