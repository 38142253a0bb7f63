//! All of the data as plain values: entries taken in, then records replayed. What `verify`
//! compares and what the base generation is moved forward by.

use std::collections::HashMap;

use super::recovery::{RecoveryError, decode, read_entry};
use crate::catalogue::{self, CatalogueRecord};
use crate::journal::codec::{Tagged, stock_entry};
use crate::journal::store::{Entries, Entry};
use crate::journal::{Change, Record};
use crate::stock::{Ledger, StockKey};

/// Ledgers and catalogue, replayed from records.
#[derive(Default)]
pub struct State {
    /// Every ledger.
    pub ledgers: HashMap<StockKey, Ledger>,
    /// Items, locations, tokens.
    pub catalogue: catalogue::Recovery,
    /// Entries that changed since they were last given out.
    changed: HashMap<Vec<u8>, Changed>,
}

enum Changed {
    Stock(StockKey),
    Catalogue(catalogue::EntityKey),
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
        let Some((stock_key, image)) = read_entry(key, value)? else {
            return Ok(self.catalogue.load(key, value)?);
        };
        let ledger = Ledger::from_image(stock_key.clone(), &image);
        let named =
            |error: postcard::Error| RecoveryError::Snapshot(stock_key.to_string(), error.into());
        self.ledgers
            .insert(stock_key.clone(), ledger.map_err(named)?);
        Ok(())
    }

    /// Applies a record, unless the state has it already.
    pub fn replay(&mut self, record: &Record) -> Result<(), RecoveryError> {
        match decode(record)? {
            Tagged::Stock(stock) => {
                let key = stock.key.clone();
                let ledger = self.ledgers.entry(key.clone());
                let ledger = ledger.or_insert_with(|| Ledger::new(key.clone()));
                ledger.replay(&stock, record.position.get())?;
                self.changed
                    .insert(stock_entry(key.as_str(), &[]).0, Changed::Stock(key));
            }
            Tagged::Catalogue(bytes) => {
                let record = CatalogueRecord::decode(bytes)?;
                self.catalogue.replay(&record)?;
                let key = record.event.key();
                self.changed
                    .insert(key.to_string().into_bytes(), Changed::Catalogue(key));
            }
        }
        Ok(())
    }

    /// The entries that changed since this was last called.
    pub fn take_changes(&mut self) -> Vec<Change> {
        let changed = std::mem::take(&mut self.changed);
        let entry = |(key, changed): (Vec<u8>, Changed)| match changed {
            Changed::Stock(stock_key) => {
                let (key, value) =
                    stock_entry(stock_key.as_str(), &self.ledgers[&stock_key].image());
                Change {
                    key,
                    value: Some(value),
                }
            }
            Changed::Catalogue(entity) => Change {
                key,
                value: self.catalogue.register().image(&entity),
            },
        };
        changed.into_iter().map(entry).collect()
    }
}
