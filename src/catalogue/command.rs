//! What the catalogue is asked to do, and what comes of it. Plain values: the register decides.

use std::sync::Arc;

use super::item::ItemContent;
use super::location::LocationContent;
use super::patch::{ItemPatch, LocationPatch};
use super::token::{SecretHash, TokenGrant};
use crate::stock::{LocationId, Sku, TokenId};

/// What to do to an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemCommand {
    /// To which.
    pub sku: Sku,
    /// What.
    pub change: ItemChange,
}

/// How an item changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemChange {
    /// It is this from now on, and is created if need be.
    Put(ItemContent),
    /// Only this changes of it.
    Patch(ItemPatch),
}

/// What to do to a location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocationCommand {
    /// To which.
    pub location: LocationId,
    /// What.
    pub change: LocationChange,
}

/// How a location changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LocationChange {
    /// It is this from now on, and is created if need be.
    Put(LocationContent),
    /// Only this changes of it.
    Patch(LocationPatch),
}

/// What to do to a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenCommand {
    /// Make one.
    Create {
        /// Under this id.
        id: TokenId,
        /// For this secret.
        hash: SecretHash,
        /// With these rights.
        grant: TokenGrant,
    },
    /// Accept it no more.
    Revoke(TokenId),
}

/// What a command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was not there before.
    Created,
    /// It is another than before.
    Updated,
    /// It was just so already: nothing was recorded.
    Unchanged,
}

/// The answer to a command: what came of it, and the entity as it is then.
#[derive(Debug, PartialEq, Eq)]
pub struct Written<T> {
    /// What came of it.
    pub outcome: Outcome,
    /// The entity.
    pub entity: Arc<T>,
}

impl<T> Written<T> {
    /// The answer where nothing changes.
    pub(super) fn unchanged(entity: &Arc<T>) -> Written<T> {
        Written {
            outcome: Outcome::Unchanged,
            entity: entity.clone(),
        }
    }

    /// The answer where `entity` is new, or another than the one that `existed`.
    pub(super) fn new(existed: bool, entity: T) -> Written<T> {
        let outcome = if existed {
            Outcome::Updated
        } else {
            Outcome::Created
        };
        Written {
            outcome,
            entity: Arc::new(entity),
        }
    }
}

impl<T> Clone for Written<T> {
    fn clone(&self) -> Written<T> {
        Written {
            outcome: self.outcome,
            entity: self.entity.clone(),
        }
    }
}
