//! What the journal's opaque bytes say: a tag, then a stock record in postcard's encoding, or a
//! record of the catalogue, which reads and writes its own.
//!
//! ```text
//! record   = 1, StockRecord (postcard, fields in the order of their declaration)
//!          | 2, record of the catalogue
//! snapshot = key "s/SKU@LOCATION": 2, the ledger's image (see `stock::ledger::image`)
//!          | key "s/SKU@LOCATION": 1, an image of version 1; read, no longer written
//!          | any other key: an entity of the catalogue
//! ```

use std::borrow::Cow;

use crate::stock::{Ledger, StockKey, StockRecord};

/// The first byte of a stock record.
pub const STOCK_TAG: u8 = 1;
/// The first byte of a catalogue record.
pub const CATALOGUE_TAG: u8 = 2;
/// What the snapshot key of a stock key begins with.
pub const STOCK_KEY_PREFIX: &[u8] = b"s/";
/// The version of a ledger's image.
const IMAGE_VERSION: u8 = 2;
/// A version of it that is still read.
const IMAGE_VERSION_OLD: u8 = 1;

/// A record as it comes off the journal.
#[derive(Debug)]
pub enum Tagged<'a> {
    /// Of a stock key.
    Stock(Box<StockRecord>),
    /// Of the catalogue, its own bytes.
    Catalogue(&'a [u8]),
}

/// A stock key and its ledger's image, as a snapshot entry holds them.
pub type StockEntry<'e> = (&'e str, Cow<'e, [u8]>);

/// Why bytes make no record.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// A later release wrote it, or it is damaged.
    #[error("a record of unknown kind {0:?}: a later release wrote it")]
    UnknownTag(Option<u8>),
    /// The bytes end early or name what does not exist.
    #[error("a record that does not decode: {0}")]
    Malformed(#[from] postcard::Error),
}

/// The bytes of a stock record.
pub fn encode_stock(record: &StockRecord) -> Vec<u8> {
    let bytes = Vec::with_capacity(256);
    let bytes = postcard::to_extend(&STOCK_TAG, bytes).and_then(|b| postcard::to_extend(record, b));
    bytes.expect("a stock record is plain data and always encodes")
}

/// Reads a record.
pub fn decode(bytes: &[u8]) -> Result<Tagged<'_>, CodecError> {
    match bytes.split_first() {
        Some((&STOCK_TAG, rest)) => Ok(Tagged::Stock(Box::new(postcard::from_bytes(rest)?))),
        Some((&CATALOGUE_TAG, rest)) => Ok(Tagged::Catalogue(rest)),
        Some((tag, _)) => Err(CodecError::UnknownTag(Some(*tag))),
        None => Err(CodecError::UnknownTag(None)),
    }
}

/// The key of a stock record, without reading the rest; `None` for a record of the catalogue, or
/// one that does not decode at all.
pub fn stock_key_of(bytes: &[u8]) -> Option<&str> {
    match bytes.split_first() {
        // The key is the first field.
        Some((&STOCK_TAG, rest)) => postcard::take_from_bytes(rest).ok().map(|(key, _)| key),
        Some(_) | None => None,
    }
}

/// The snapshot entry of a stock key.
pub fn stock_entry(key: &str, image: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut value = Vec::with_capacity(image.len() + 1);
    value.push(IMAGE_VERSION);
    value.extend_from_slice(image);
    ([STOCK_KEY_PREFIX, key.as_bytes()].concat(), value)
}

/// The stock key and image of a snapshot entry; `None` for an entity of the catalogue. An image of
/// an old version comes back as one of the newest.
pub fn read_stock_entry<'e>(
    key: &'e [u8],
    value: &'e [u8],
) -> Result<Option<StockEntry<'e>>, CodecError> {
    let Some(key) = key.strip_prefix(STOCK_KEY_PREFIX) else {
        return Ok(None);
    };
    let malformed = || CodecError::Malformed(postcard::Error::DeserializeBadEncoding);
    let key = std::str::from_utf8(key).map_err(|_| malformed())?;
    StockKey::check(key).map_err(|_| malformed())?;
    match value.split_first() {
        Some((&IMAGE_VERSION, image)) => Ok(Some((key, Cow::Borrowed(image)))),
        Some((&IMAGE_VERSION_OLD, image)) => {
            let of = StockKey::parse(key).map_err(|_| malformed())?;
            let ledger = Ledger::from_image_1(of, image)?;
            Ok(Some((key, Cow::Owned(ledger.image()))))
        }
        Some((version, _)) => Err(CodecError::UnknownTag(Some(*version))),
        None => Err(CodecError::UnknownTag(None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_the_first_version_is_read_as_one_of_the_newest() {
        let golden = include_str!("../stock/ledger/tests/golden/image.hex");
        let hex: Vec<&str> = golden
            .lines()
            .filter_map(|line| line.split(' ').next_back())
            .collect();
        let byte = |at: usize, hex: &str| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let bytes = |hex: &str| (0..hex.len()).step_by(2).map(|at| byte(at, hex)).collect();
        let (old, new): (Vec<u8>, Vec<u8>) = (bytes(hex[0]), bytes(hex[1]));
        let value = [&[IMAGE_VERSION_OLD], &old[..]].concat();
        let (key, image) = read_stock_entry(b"s/A@X", &value).unwrap().unwrap();
        assert_eq!((key, &*image), ("A@X", &new[..]));
        assert_eq!(stock_entry("A@X", &new).1[0], IMAGE_VERSION);
    }
}
