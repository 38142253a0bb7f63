//! What happened in the catalogue, and its bytes: the journal's record of a change, and the image
//! of an entity in a snapshot. Knows nothing of the journal itself.
//!
//! A record is `02`, the tag of the catalogue among the journal's records, then the version of
//! this format, `01`, then a [`CatalogueRecord`] as postcard. It carries the whole entity as it is
//! from then on, so that replay is nothing but taking the newest.
//!
//! An image is the version `01`, then the entity as postcard. Its key says what it is of:
//! `i/SKU`, `l/LOCATION` or `t/ID`, the id as 32 hexadecimal digits.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::item::Item;
use super::location::Location;
use super::token::{Token, id_text, parse_id};
use crate::stock::{By, LocationId, Sku, Timestamp, TokenId};

/// The first byte of every catalogue record in the journal.
pub const RECORD_TAG: u8 = 2;

const FORMAT_VERSION: u8 = 1;

/// One record of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueRecord {
    /// When it was decided.
    pub at: Timestamp,
    /// Who asked, through which channel.
    pub by: By,
    /// What happened.
    pub event: CatalogueEvent,
}

/// One thing that happened: the entity as it is from then on. The order of the variants is part
/// of the disk format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CatalogueEvent {
    /// An item was created or changed.
    ItemPut(Arc<Item>),
    /// An offer began or ended: only the price in force is another one.
    OfferTurned(Arc<Item>),
    /// A location was created or changed.
    LocationPut(Arc<Location>),
    /// A token was created or revoked.
    TokenPut(Arc<Token>),
}

/// Names one entity of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntityKey {
    /// An item.
    Item(Sku),
    /// A location.
    Location(LocationId),
    /// A token.
    Token(TokenId),
}

/// Why bytes are not a record or an image of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueCodecError {
    /// A later release wrote it.
    #[error("the catalogue's format {0} is not known to this release: use a newer one")]
    Version(u8),
    /// There is nothing.
    #[error("the record of the catalogue is empty")]
    Empty,
    /// The bytes make no sense.
    #[error("the bytes of the catalogue are damaged: {0}")]
    Damaged(postcard::Error),
    /// Bytes follow the end.
    #[error("{0} bytes follow the end of what was written")]
    Trailing(usize),
    /// A snapshot entry that is no entity of the catalogue.
    #[error("the key {0:?} names no entity of the catalogue")]
    Key(String),
}

impl CatalogueRecord {
    /// The bytes for the journal, with the tag.
    pub fn encode(&self) -> Vec<u8> {
        write(vec![RECORD_TAG, FORMAT_VERSION], self)
    }

    /// Reads what follows the tag.
    pub fn decode(after_tag: &[u8]) -> Result<CatalogueRecord, CatalogueCodecError> {
        read(after_tag)
    }
}

impl CatalogueEvent {
    /// Whose event it is.
    pub fn key(&self) -> EntityKey {
        match self {
            CatalogueEvent::ItemPut(item) | CatalogueEvent::OfferTurned(item) => {
                EntityKey::Item(item.sku.clone())
            }
            CatalogueEvent::LocationPut(location) => EntityKey::Location(location.location.clone()),
            CatalogueEvent::TokenPut(token) => EntityKey::Token(token.id),
        }
    }
}

impl From<Arc<Item>> for CatalogueEvent {
    fn from(item: Arc<Item>) -> CatalogueEvent {
        CatalogueEvent::ItemPut(item)
    }
}

impl From<Arc<Location>> for CatalogueEvent {
    fn from(location: Arc<Location>) -> CatalogueEvent {
        CatalogueEvent::LocationPut(location)
    }
}

impl From<Arc<Token>> for CatalogueEvent {
    fn from(token: Arc<Token>) -> CatalogueEvent {
        CatalogueEvent::TokenPut(token)
    }
}

impl EntityKey {
    /// Reads the key of a snapshot entry.
    pub fn parse(key: &[u8]) -> Result<EntityKey, CatalogueCodecError> {
        let unknown = || CatalogueCodecError::Key(String::from_utf8_lossy(key).into_owned());
        let text = std::str::from_utf8(key).map_err(|_| unknown())?;
        let parsed = match text.split_once('/') {
            Some(("i", sku)) => Sku::parse(sku).ok().map(EntityKey::Item),
            Some(("l", location)) => LocationId::parse(location).ok().map(EntityKey::Location),
            Some(("t", id)) => parse_id(id).map(EntityKey::Token),
            Some(_) | None => None,
        };
        parsed.ok_or_else(unknown)
    }
}

/// The key of a snapshot entry, as text.
impl fmt::Display for EntityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EntityKey::Item(sku) => write!(f, "i/{sku}"),
            EntityKey::Location(location) => write!(f, "l/{location}"),
            EntityKey::Token(id) => write!(f, "t/{}", id_text(*id)),
        }
    }
}

/// The image of an entity for a snapshot.
pub(super) fn image<T: Serialize>(entity: &T) -> Vec<u8> {
    write(vec![FORMAT_VERSION], entity)
}

/// Reads an image, or a record after its tag.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CatalogueCodecError> {
    let (version, bytes) = bytes.split_first().ok_or(CatalogueCodecError::Empty)?;
    if *version != FORMAT_VERSION {
        return Err(CatalogueCodecError::Version(*version));
    }
    let (value, rest) = postcard::take_from_bytes(bytes).map_err(CatalogueCodecError::Damaged)?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(CatalogueCodecError::Trailing(rest.len()))
    }
}

fn write<T: Serialize>(head: Vec<u8>, value: &T) -> Vec<u8> {
    postcard::to_extend(value, head).expect("plain values always have a postcard form")
}

#[cfg(test)]
mod tests;
