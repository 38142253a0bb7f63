//! How a level is shown: exactly, or as its public face. The one place that says which version,
//! time and count go with which view; knows no way of writing them.

use std::sync::Arc;

use crate::stock::level::Status;
use crate::stock::{Level, Quantity, StockKey, Timestamp};

/// How much of a level somebody may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum View {
    /// The status, and the number when only a few are left.
    Public,
    /// The exact figures.
    Exact,
}

/// What a view shows of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Face {
    /// How it stands.
    pub status: Status,
    /// How many there are, if the view tells.
    pub available: Option<Quantity>,
    /// Rises with each change that the view shows, and only then.
    pub version: u64,
    /// When the view last changed.
    pub at: Timestamp,
}

impl View {
    /// Both views.
    pub const ALL: [View; 2] = [View::Public, View::Exact];

    /// What it shows of `level`, where up to `limited_max` counts as a few.
    pub fn of(self, level: &Level, limited_max: Quantity) -> Face {
        let status = level.status(limited_max);
        let tells = self == View::Exact || status == Status::Limited;
        Face {
            status,
            available: tells.then(|| level.available()),
            version: self.version(level),
            at: match self {
                View::Public => level.public_at,
                View::Exact => level.updated_at,
            },
        }
    }

    /// The version that names what it shows.
    pub fn version(self, level: &Level) -> u64 {
        match self {
            View::Public => level.public_version,
            View::Exact => level.version,
        }
    }

    /// Its place in an array of both.
    pub(super) fn index(self) -> usize {
        match self {
            View::Public => 0,
            View::Exact => 1,
        }
    }
}

/// Writes levels and items as the clients read them.
pub trait Faces: Send + Sync {
    /// A key's level in a view; one that is no longer stocked is written as removed.
    fn level(&self, key: &StockKey, level: &Level, view: View) -> Arc<str>;

    /// The item of that SKU as it is now; none if it is not known.
    fn item(&self, sku: &str) -> Option<Arc<str>>;
}
