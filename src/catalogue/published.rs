//! What everyone may see of the catalogue: durable entities, found by key, in order, by barcode,
//! by product or by the hash of a secret. Fed by the journal's completions only, on one thread,
//! so nothing here is ahead of the disk. Reading never waits for a write to the disk.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use dashmap::DashMap;
use parking_lot::{Mutex, RwLock};

use super::item::{Barcode, Item, Product};
use super::location::Location;
use super::record::{CatalogueEvent, EntityKey, image};
use super::register::Register;
use super::token::{SecretHash, Token};
use crate::stock::{LocationId, Sku, TokenId};

/// Entities of one kind: found at once by key, listed in the order of their keys.
pub(super) struct Shelf<K, V> {
    by_key: DashMap<K, Arc<V>>,
    in_order: RwLock<BTreeMap<K, Arc<V>>>,
}

pub(super) struct Published {
    pub(super) items: Shelf<Sku, Item>,
    pub(super) locations: Shelf<LocationId, Location>,
    pub(super) tokens: Shelf<TokenId, Token>,
    /// Live tokens only, and the one from the environment.
    pub(super) live_tokens: DashMap<SecretHash, Arc<Token>>,
    by_barcode: DashMap<Barcode, BTreeSet<Sku>>,
    by_product: DashMap<Product, BTreeSet<Sku>>,
    /// What changed since its image was last taken.
    dirty: Mutex<BTreeSet<EntityKey>>,
    /// Who is told of what is published, once there is somebody.
    pub(super) listener: OnceLock<CatalogueListener>,
}

/// Told of each change, on the journal's thread, once it is durable and can be read. It must be
/// short.
pub type CatalogueListener = Box<dyn Fn(&CatalogueEvent) + Send + Sync>;

impl<K: Clone + Ord + Hash, V> Shelf<K, V> {
    fn new() -> Shelf<K, V> {
        Shelf {
            by_key: DashMap::new(),
            in_order: RwLock::default(),
        }
    }

    pub(super) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<Arc<V>>
    where
        K: Borrow<Q>,
    {
        self.by_key.get(key).map(|found| found.value().clone())
    }

    /// At most `limit` of them, those after `after`.
    pub(super) fn after<Q: Ord + ?Sized>(&self, after: Option<&Q>, limit: usize) -> Vec<Arc<V>>
    where
        K: Borrow<Q>,
    {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let in_order = self.in_order.read();
        let found = in_order.range::<Q, _>((start, Bound::Unbounded));
        found
            .take(limit)
            .map(|(_, entity)| entity.clone())
            .collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    fn put(&self, key: &K, entity: &Arc<V>) -> Option<Arc<V>> {
        let old = self.by_key.insert(key.clone(), entity.clone());
        self.in_order.write().insert(key.clone(), entity.clone());
        old
    }
}

impl Published {
    /// All that `register` holds, of which `dirty` is not in a snapshot yet.
    pub(super) fn of(register: &Register, dirty: BTreeSet<EntityKey>) -> Published {
        let published = Published {
            items: Shelf::new(),
            locations: Shelf::new(),
            tokens: Shelf::new(),
            live_tokens: DashMap::new(),
            by_barcode: DashMap::new(),
            by_product: DashMap::new(),
            dirty: Mutex::default(),
            listener: OnceLock::new(),
        };
        register.items().for_each(|item| published.put_item(item));
        for location in register.locations() {
            published.locations.put(&location.location, location);
        }
        register
            .tokens()
            .for_each(|token| published.put_token(token));
        *published.dirty.lock() = dirty;
        published
    }

    /// Shows what a durable record brought.
    pub(super) fn publish(&self, event: &CatalogueEvent) {
        match event {
            CatalogueEvent::ItemPut(item) | CatalogueEvent::OfferTurned(item) => {
                self.put_item(item);
            }
            CatalogueEvent::LocationPut(location) => {
                self.locations.put(&location.location, location);
            }
            CatalogueEvent::TokenPut(token) => self.put_token(token),
        }
        self.dirty.lock().insert(event.key());
        if let Some(listener) = self.listener.get() {
            listener(event);
        }
    }

    /// At most `limit` items with that barcode, those after `after`.
    pub(super) fn with_barcode(&self, code: &str, after: Option<&str>, limit: usize) -> Items {
        let skus = self.by_barcode.get(code);
        self.of_skus(skus.as_deref(), after, limit)
    }

    /// At most `limit` items of that product, those after `after`.
    pub(super) fn of_product(&self, product: &str, after: Option<&str>, limit: usize) -> Items {
        let skus = self.by_product.get(product);
        self.of_skus(skus.as_deref(), after, limit)
    }

    /// The images of what changed since the last call. What cannot be written is put back.
    pub(super) fn take_dirty(&self) -> Vec<(EntityKey, Vec<u8>)> {
        let keys = std::mem::take(&mut *self.dirty.lock());
        let image = |key: EntityKey| {
            let image = match &key {
                EntityKey::Item(sku) => image(&*self.items.get(sku)?),
                EntityKey::Location(id) => image(&*self.locations.get(id)?),
                EntityKey::Token(id) => image(&*self.tokens.get(id)?),
            };
            Some((key, image))
        };
        keys.into_iter().filter_map(image).collect()
    }

    pub(super) fn put_back(&self, keys: impl IntoIterator<Item = EntityKey>) {
        self.dirty.lock().extend(keys);
    }

    fn of_skus(&self, skus: Option<&BTreeSet<Sku>>, after: Option<&str>, limit: usize) -> Items {
        let Some(skus) = skus else {
            return Vec::new();
        };
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let found = skus.range::<str, _>((start, Bound::Unbounded)).take(limit);
        found.filter_map(|sku| self.items.get(sku)).collect()
    }

    fn put_item(&self, item: &Arc<Item>) {
        let old = self.items.put(&item.sku, item);
        let old = old.as_ref().map(|old| &old.content);
        let (barcodes, product) = (&item.content.barcodes, &item.content.product);
        let old_barcodes = old.map_or(&[][..], |old| &old.barcodes);
        if old_barcodes != barcodes {
            unindex(&self.by_barcode, old_barcodes, &item.sku);
            index(&self.by_barcode, barcodes, &item.sku);
        }
        let old_product = old.map_or(&None, |old| &old.product);
        if old_product != product {
            unindex(&self.by_product, old_product, &item.sku);
            index(&self.by_product, product, &item.sku);
        }
    }

    fn put_token(&self, token: &Arc<Token>) {
        self.tokens.put(&token.id, token);
        if token.is_live() {
            self.live_tokens.insert(token.hash, token.clone());
        } else {
            self.live_tokens.remove(&token.hash);
        }
    }
}

pub(super) type Items = Vec<Arc<Item>>;

type Index<K> = DashMap<K, BTreeSet<Sku>>;

fn index<'a, K: Hash + Eq + Clone + 'a>(
    index: &Index<K>,
    keys: impl IntoIterator<Item = &'a K>,
    sku: &Sku,
) {
    for key in keys {
        index.entry(key.clone()).or_default().insert(sku.clone());
    }
}

fn unindex<'a, K: Hash + Eq + Clone + 'a>(
    index: &Index<K>,
    keys: impl IntoIterator<Item = &'a K>,
    sku: &Sku,
) {
    for key in keys {
        if let Some(mut skus) = index.get_mut(key) {
            skus.remove(sku);
        }
        index.remove_if(key, |_, skus| skus.is_empty());
    }
}
