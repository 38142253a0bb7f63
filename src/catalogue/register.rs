//! The register: what the catalogue holds, including what is not durable yet. It decides each
//! command and applies each event, live and at replay by the same function.
//!
//! Architecture invariant: no I/O, no clock, no actor here; commands and the time come in.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::command::{
    ItemChange, ItemCommand, LocationChange, LocationCommand, TokenCommand, Written,
};
use super::fault::{CatalogueRefusal, Fault};
use super::item::Item;
use super::location::Location;
use super::record::{CatalogueCodecError, CatalogueEvent, EntityKey, image, read};
use super::token::{TOKEN_LOCATIONS_MAX, Token, TokenGrant};
use crate::stock::{LocationId, Sku, Timestamp, TokenId};

/// How much the catalogue may hold: all of it stays in memory.
#[derive(Clone, Copy, Debug)]
pub struct CatalogueLimits {
    /// Most items, archived ones included. About 1 kB each.
    pub items_max: usize,
    /// Most locations.
    pub locations_max: usize,
    /// Most tokens, revoked ones included: they explain who did what.
    pub tokens_max: usize,
}

impl Default for CatalogueLimits {
    /// Larger than any retailer we know of; small enough for one machine's memory.
    fn default() -> CatalogueLimits {
        CatalogueLimits {
            items_max: 2_000_000,
            locations_max: 20_000,
            tokens_max: 100_000,
        }
    }
}

/// A record that does not follow the state it is replayed on: history is missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a record brings {key} to version {record}, but it is at version {state}")]
pub struct OutOfOrder {
    /// Whose.
    pub key: EntityKey,
    /// The version it is at; zero if it is not there.
    pub state: u64,
    /// The version of the record.
    pub record: u64,
}

/// All entities, as of the newest record.
#[derive(Debug, Default)]
pub struct Register {
    limits: CatalogueLimits,
    items: HashMap<Sku, Arc<Item>>,
    locations: HashMap<LocationId, Arc<Location>>,
    tokens: HashMap<TokenId, Arc<Token>>,
    /// When the price of which item turns next by itself.
    boundaries: BTreeSet<(Timestamp, Sku)>,
}

impl Register {
    /// An empty register.
    pub fn new(limits: CatalogueLimits) -> Register {
        Register {
            limits,
            ..Register::default()
        }
    }

    /// Decides what becomes of an item; changes nothing.
    pub fn decide_item(
        &self,
        command: ItemCommand,
        now: Timestamp,
    ) -> Result<Written<Item>, CatalogueRefusal> {
        let old = self.items.get(&command.sku);
        let content = match (command.change, old) {
            (ItemChange::Put(content), _) => content,
            (ItemChange::Patch(patch), Some(old)) => patch
                .over(&old.content)
                .map_err(CatalogueRefusal::Invalid)?,
            (ItemChange::Patch(_), None) => {
                return Err(CatalogueRefusal::UnknownItem(command.sku));
            }
        };
        let mut faults = content.faults();
        let decimals = old.map_or(0, |old| old.content.decimals);
        if content.decimals < decimals {
            // Stock may already be counted to so many decimals.
            let detail = format!("may not be lowered: the item has {decimals}");
            faults.push(Fault::new("/decimals", detail));
        }
        if !faults.is_empty() {
            return Err(CatalogueRefusal::Invalid(faults));
        }
        if let Some(old) = old.filter(|old| old.content == content) {
            return Ok(Written::unchanged(old));
        }
        check_room(
            old.is_some(),
            "items",
            self.items.len(),
            self.limits.items_max,
        )?;
        let item = Item {
            sku: command.sku,
            content,
            version: old.map_or(1, |old| old.version + 1),
            updated_at: now,
        };
        Ok(Written::new(old.is_some(), item))
    }

    /// Decides what becomes of a location; changes nothing.
    pub fn decide_location(
        &self,
        command: LocationCommand,
        now: Timestamp,
    ) -> Result<Written<Location>, CatalogueRefusal> {
        let old = self.locations.get(&command.location);
        let content = match (command.change, old) {
            (LocationChange::Put(content), _) => content,
            (LocationChange::Patch(patch), Some(old)) => patch.over(&old.content),
            (LocationChange::Patch(_), None) => {
                return Err(CatalogueRefusal::UnknownLocation(command.location));
            }
        };
        let faults = content.faults();
        if !faults.is_empty() {
            return Err(CatalogueRefusal::Invalid(faults));
        }
        if let Some(old) = old.filter(|old| old.content == content) {
            return Ok(Written::unchanged(old));
        }
        let (count, max) = (self.locations.len(), self.limits.locations_max);
        check_room(old.is_some(), "locations", count, max)?;
        let location = Location {
            location: command.location,
            content,
            version: old.map_or(1, |old| old.version + 1),
            updated_at: now,
        };
        Ok(Written::new(old.is_some(), location))
    }

    /// Decides what becomes of a token; changes nothing. A new id is expected to be new.
    pub fn decide_token(
        &self,
        command: TokenCommand,
        now: Timestamp,
    ) -> Result<Written<Token>, CatalogueRefusal> {
        match command {
            TokenCommand::Create { id, hash, grant } => {
                assert!(!self.tokens.contains_key(&id), "a new token has a new id");
                let faults = grant_faults(&grant);
                if !faults.is_empty() {
                    return Err(CatalogueRefusal::Invalid(faults));
                }
                check_room(false, "tokens", self.tokens.len(), self.limits.tokens_max)?;
                let token = Token {
                    id,
                    grant,
                    hash,
                    created_at: now,
                    revoked_at: None,
                    version: 1,
                };
                Ok(Written::new(false, token))
            }
            TokenCommand::Revoke(id) => {
                let old = self.tokens.get(&id).filter(|token| token.is_live());
                let old = old.ok_or(CatalogueRefusal::UnknownToken(id))?;
                let mut token = Token::clone(old);
                token.revoked_at = Some(now);
                token.version += 1;
                Ok(Written::new(true, token))
            }
        }
    }

    /// The items whose offer began or ended since their newest record, as they are then; at most
    /// `limit` of them, the longest overdue first.
    pub fn due_offers(&self, now: Timestamp, limit: usize) -> Vec<Arc<Item>> {
        let due = self.boundaries.iter().take_while(|(at, _)| *at <= now);
        let turned = due.take(limit).map(|(_, sku)| {
            let mut item = Item::clone(&self.items[sku]);
            item.version += 1;
            item.updated_at = now;
            Arc::new(item)
        });
        turned.collect()
    }

    /// When the next price turns by itself.
    pub fn next_offer_boundary(&self) -> Option<Timestamp> {
        self.boundaries.first().map(|(at, _)| *at)
    }

    /// Takes an event in, live or from the journal. False: it was in already.
    pub fn apply(&mut self, event: &CatalogueEvent) -> Result<bool, OutOfOrder> {
        let (state, record) = match event {
            CatalogueEvent::ItemPut(item) | CatalogueEvent::OfferTurned(item) => {
                let state = self.items.get(&item.sku).map(|item| item.version);
                (state, item.version)
            }
            CatalogueEvent::LocationPut(location) => {
                let state = self.locations.get(&location.location);
                (state.map(|location| location.version), location.version)
            }
            CatalogueEvent::TokenPut(token) => {
                let state = self.tokens.get(&token.id).map(|token| token.version);
                (state, token.version)
            }
        };
        let state = state.unwrap_or(0);
        if record <= state {
            return Ok(false);
        }
        if record != state + 1 {
            let key = event.key();
            return Err(OutOfOrder { key, state, record });
        }
        self.set(event.clone());
        Ok(true)
    }

    /// Takes in the image of a snapshot.
    pub fn load(&mut self, key: &[u8], image: &[u8]) -> Result<(), CatalogueCodecError> {
        let event = match EntityKey::parse(key)? {
            EntityKey::Item(_) => CatalogueEvent::ItemPut(read(image)?),
            EntityKey::Location(_) => CatalogueEvent::LocationPut(read(image)?),
            EntityKey::Token(_) => CatalogueEvent::TokenPut(read(image)?),
        };
        if event.key().to_string().as_bytes() != key {
            let key = String::from_utf8_lossy(key).into_owned();
            return Err(CatalogueCodecError::Key(key));
        }
        self.set(event);
        Ok(())
    }

    /// The image of one entity, if it is there.
    pub fn image(&self, key: &EntityKey) -> Option<Vec<u8>> {
        match key {
            EntityKey::Item(sku) => self.items.get(sku).map(|item| image(&**item)),
            EntityKey::Location(id) => self.locations.get(id).map(|location| image(&**location)),
            EntityKey::Token(id) => self.tokens.get(id).map(|token| image(&**token)),
        }
    }

    /// The images of all entities by their keys: equal registers have equal images.
    pub fn images(&self) -> BTreeMap<EntityKey, Vec<u8>> {
        let keys = (self.items.keys().cloned().map(EntityKey::Item))
            .chain(self.locations.keys().cloned().map(EntityKey::Location))
            .chain(self.tokens.keys().copied().map(EntityKey::Token));
        keys.filter_map(|key| Some((key.clone(), self.image(&key)?)))
            .collect()
    }

    /// All items, in no order.
    pub fn items(&self) -> impl Iterator<Item = &Arc<Item>> {
        self.items.values()
    }

    /// All locations, in no order.
    pub fn locations(&self) -> impl Iterator<Item = &Arc<Location>> {
        self.locations.values()
    }

    /// All tokens, revoked ones included, in no order.
    pub fn tokens(&self) -> impl Iterator<Item = &Arc<Token>> {
        self.tokens.values()
    }

    fn set(&mut self, event: CatalogueEvent) {
        match event {
            CatalogueEvent::ItemPut(item) | CatalogueEvent::OfferTurned(item) => {
                let next = item.next_offer_boundary();
                let sku = item.sku.clone();
                let old = self.items.insert(sku.clone(), item);
                if let Some(at) = old.and_then(|old| old.next_offer_boundary()) {
                    self.boundaries.remove(&(at, sku.clone()));
                }
                self.boundaries.extend(next.map(|at| (at, sku)));
            }
            CatalogueEvent::LocationPut(location) => {
                self.locations.insert(location.location.clone(), location);
            }
            CatalogueEvent::TokenPut(token) => {
                self.tokens.insert(token.id, token);
            }
        }
    }
}

fn check_room(
    exists: bool,
    what: &'static str,
    count: usize,
    max: usize,
) -> Result<(), CatalogueRefusal> {
    if exists || count < max {
        Ok(())
    } else {
        Err(CatalogueRefusal::Full { what, max })
    }
}

fn grant_faults(grant: &TokenGrant) -> Vec<Fault> {
    let mut faults = Vec::new();
    if grant.scopes.is_empty() {
        faults.push(Fault::new("/scopes", "must name at least one scope"));
    }
    let locations = grant.locations.as_ref().map_or(1, |bound| bound.len());
    if !(1..=TOKEN_LOCATIONS_MAX).contains(&locations) {
        let detail = format!("must name 1–{TOKEN_LOCATIONS_MAX} locations, or be left out");
        faults.push(Fault::new("/locations", detail));
    }
    faults
}

#[cfg(test)]
mod tests;
