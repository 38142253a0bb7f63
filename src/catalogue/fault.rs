//! What the catalogue refuses to take, and why. Knows nothing of HTTP.

use crate::stock::{LocationId, Sku, TokenId};

/// One thing that is wrong with a document, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// JSON pointer into the document, such as `/price/amount`.
    pub pointer: &'static str,
    /// What is wrong, as the end of a sentence that begins with the field.
    pub detail: String,
}

impl Fault {
    /// A fault at `pointer`.
    pub fn new(pointer: &'static str, detail: impl Into<String>) -> Fault {
        Fault {
            pointer,
            detail: detail.into(),
        }
    }
}

/// A business answer: the catalogue stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueRefusal {
    /// The document cannot be taken as it would be; every fault is named.
    #[error("the document has faults")]
    Invalid(Vec<Fault>),
    /// There is no such item to patch.
    #[error("there is no item {0}")]
    UnknownItem(Sku),
    /// There is no such location to patch.
    #[error("there is no location {0}")]
    UnknownLocation(LocationId),
    /// There is no such token, or it is revoked already.
    #[error("there is no such token")]
    UnknownToken(TokenId),
    /// The catalogue holds as many as it may.
    #[error("there are {max} {what} already, which is the most there may be")]
    Full {
        /// Of what: `items`, `locations` or `tokens`.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
}

/// Why a write to the catalogue was not done, or not known to be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// The catalogue's own answer.
    #[error(transparent)]
    Refused(#[from] CatalogueRefusal),
    /// Too much work is queued; nothing happened.
    #[error("too much work is queued, nothing happened")]
    Overloaded,
    /// The journal failed: the change may or may not be durable.
    #[error("whether the change is durable is unknown")]
    OutcomeUnknown,
}
