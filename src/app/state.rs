//! All of the data as plain values: entries taken in, then records replayed. What `verify`
//! compares. Ledgers are kept packed, but for those at hand: a node has millions.

use std::collections::HashMap;

use super::recovery::{RecoveryError, decode, read_entry};
use crate::catalogue::{self, CatalogueRecord};
use crate::journal::Record;
use crate::journal::codec::Tagged;
use crate::journal::store::{Entries, Entry};
use crate::stock::{Ledger, StockKey};

/// How many ledgers are kept unpacked; past it all are packed again.
const UNPACKED_MAX: usize = 4096;

/// Ledgers and catalogue, replayed from records.
#[derive(Default)]
pub struct State {
    images: HashMap<StockKey, Box<[u8]>>,
    unpacked: HashMap<StockKey, Ledger>,
    /// Items, locations, tokens.
    pub catalogue: catalogue::Recovery,
}

impl State {
    /// The state that these entries hold.
    pub fn of(entries: Entries) -> Result<State, RecoveryError> {
        let mut state = State::default();
        for entry in entries {
            state.load(&entry?)?;
        }
        Ok(state)
    }

    fn load(&mut self, (key, value): &Entry) -> Result<(), RecoveryError> {
        match read_entry(key, value)? {
            Some((key, image)) => {
                let key = StockKey::parse(key).expect("it was checked when it was read");
                self.images.insert(key, image.into());
            }
            None => self.catalogue.load(key, value)?,
        }
        Ok(())
    }

    /// Applies a record, unless the state has it already.
    pub fn replay(&mut self, record: &Record) -> Result<(), RecoveryError> {
        match decode(record.position, &record.bytes)? {
            Tagged::Stock(stock) => {
                let ledger = self.unpack(&stock.key)?;
                ledger.replay(&stock, record.position.get())?;
            }
            Tagged::Catalogue(bytes) => {
                self.catalogue.replay(&CatalogueRecord::decode(bytes)?)?;
            }
        }
        Ok(())
    }

    fn unpack(&mut self, key: &StockKey) -> Result<&mut Ledger, RecoveryError> {
        if self.unpacked.len() >= UNPACKED_MAX && !self.unpacked.contains_key(key) {
            self.pack();
        }
        if !self.unpacked.contains_key(key) {
            let ledger = match self.images.get(key) {
                Some(image) => ledger_of(key, image)?,
                None => Ledger::new(key.clone()),
            };
            self.unpacked.insert(key.clone(), ledger);
        }
        Ok(self.unpacked.get_mut(key).expect("it was just put there"))
    }

    fn pack(&mut self) {
        let packed = self.unpacked.drain();
        self.images
            .extend(packed.map(|(key, ledger)| (key, ledger.image().into())));
    }

    /// Every key there is.
    pub fn keys(&mut self) -> impl Iterator<Item = &StockKey> {
        self.pack();
        self.images.keys()
    }

    /// The ledger of a key.
    pub fn ledger(&mut self, key: &StockKey) -> Result<Option<Ledger>, RecoveryError> {
        self.pack();
        let image = self.images.get(key);
        image.map(|image| ledger_of(key, image)).transpose()
    }
}

/// The ledger with that image, or the name of the key whose image cannot be read.
pub(super) fn ledger_of(key: &StockKey, image: &[u8]) -> Result<Ledger, RecoveryError> {
    Ledger::from_image(key.clone(), image)
        .map_err(|error| RecoveryError::Snapshot(key.to_string(), error.into()))
}
