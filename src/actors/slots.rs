//! Every stock key of the node in one sorted place, with its slot: the bytes of a passive key or
//! what an active one shows. A node has millions of keys and a few thousand actors, so a passive
//! key costs its bytes and little more: one allocation holds key and image, and there is no second
//! index for the order. It must not know when a key changes from one to the other.

use std::borrow::Borrow;
use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeSet, BinaryHeap};
use std::hash::BuildHasher;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;
use std::{mem, thread};

use parking_lot::{RwLock, RwLockWriteGuard};

use super::presence::Presence;
use crate::stock::{Ledger, Level, StockKey};

/// Hashes keys: they come from the catalogue, not from strangers, so a fast hash will do.
pub(super) type KeyHasher = foldhash::fast::FixedState;

/// How many parts the keys are divided into, each under its own lock; those of one SKU share one,
/// so that its locations are found without looking into all.
pub(super) const SHARDS: usize = 64;

/// All stock keys of the node.
pub(super) struct Slots(Box<[RwLock<Shard>]>);

pub(super) type Shard = BTreeSet<Slot>;

/// Where the ledger of a key is: here, at rest, or with its host. Ordered by the key alone.
pub(super) enum Slot {
    Passive(Passive),
    Active(Arc<Presence>),
}

/// A key whose ledger rests: the length of the key, the key, the ledger's image.
pub struct Passive(Box<[u8]>);

impl Passive {
    /// The key at rest with this image.
    pub fn new(key: &str, image: &[u8]) -> Passive {
        let length = u8::try_from(key.len()).expect("a key is two names of 64 characters and an @");
        let mut bytes = Vec::with_capacity(1 + key.len() + image.len());
        bytes.push(length);
        bytes.extend_from_slice(key.as_bytes());
        bytes.extend_from_slice(image);
        Passive(bytes.into_boxed_slice())
    }

    #[inline]
    fn key(&self) -> &[u8] {
        &self.0[1..=usize::from(self.0[0])]
    }

    /// Which key.
    pub fn stock_key(&self) -> StockKey {
        let key = std::str::from_utf8(self.key()).ok();
        let key = key.and_then(|text| StockKey::parse(text).ok());
        key.expect("it was made from a key")
    }

    /// The ledger's image.
    pub fn image(&self) -> &[u8] {
        &self.0[1 + usize::from(self.0[0])..]
    }

    /// The ledger of this key, which is `key`.
    pub fn ledger(&self, key: &StockKey) -> Ledger {
        let ledger = Ledger::from_image(key.clone(), self.image());
        ledger.expect("an image is read only as it was written")
    }

    fn level(&self) -> Level {
        Ledger::level_of_image(self.image()).expect("an image is read only as it was written")
    }

    /// How many holds there are at the key.
    pub fn holds(&self) -> usize {
        Ledger::holds_of_image(self.image()).expect("an image is read only as it was written")
    }
}

/// Keys at rest, by the part they belong in, those of each part in order.
pub struct Gathered(Vec<Vec<Slot>>);

impl Default for Gathered {
    fn default() -> Gathered {
        Gathered((0..SHARDS).map(|_| Vec::new()).collect())
    }
}

impl Gathered {
    /// Adds a key that comes after all of its part so far.
    pub fn push(&mut self, key: &str, image: &[u8]) {
        let passive = Passive::new(key, image);
        self.0[Slots::shard_of(key)].push(Slot::Passive(passive));
    }
}

impl Slot {
    #[inline]
    pub fn key(&self) -> &[u8] {
        match self {
            Slot::Passive(passive) => passive.key(),
            Slot::Active(presence) => presence.key().as_str().as_bytes(),
        }
    }

    pub fn stock_key(&self) -> StockKey {
        match self {
            Slot::Passive(passive) => passive.stock_key(),
            Slot::Active(presence) => presence.key().clone(),
        }
    }

    /// The published figures.
    pub fn level(&self) -> Level {
        match self {
            Slot::Passive(passive) => passive.level(),
            Slot::Active(presence) => presence.level(),
        }
    }
}

impl Borrow<[u8]> for Slot {
    #[inline]
    fn borrow(&self) -> &[u8] {
        self.key()
    }
}

impl PartialEq for Slot {
    fn eq(&self, other: &Slot) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Slot {}

impl PartialOrd for Slot {
    fn partial_cmp(&self, other: &Slot) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Slot {
    #[inline]
    fn cmp(&self, other: &Slot) -> Ordering {
        self.key().cmp(other.key())
    }
}

impl Default for Slots {
    fn default() -> Slots {
        Slots((0..SHARDS).map(|_| RwLock::default()).collect())
    }
}

#[expect(
    clippy::mutable_key_type,
    reason = "slots are ordered by their keys alone, which never change"
)]
impl Slots {
    /// Which part a key is in: all keys of its SKU are.
    pub fn shard_of(key: &str) -> usize {
        let sku = key.split_once('@').map_or(key, |(sku, _)| sku);
        KeyHasher::default().hash_one(sku) as usize % SHARDS
    }

    /// What `look` sees in the slot of `key`; none if there is no such key.
    pub fn look<T>(&self, key: &str, look: impl FnOnce(&Slot) -> T) -> Option<T> {
        let shard = self.0[Slots::shard_of(key)].read();
        shard.get(key.as_bytes()).map(look)
    }

    /// The part `key` is in, to be changed.
    pub fn shard_mut(&self, key: &str) -> RwLockWriteGuard<'_, Shard> {
        self.0[Slots::shard_of(key)].write()
    }

    /// Takes keys at rest in the place of what was there, on as many threads as there are cores.
    pub fn load(&self, Gathered(mut parts): Gathered) {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let at_once = SHARDS.div_ceil(threads);
        thread::scope(|scope| {
            for (shards, parts) in self.0.chunks(at_once).zip(parts.chunks_mut(at_once)) {
                scope.spawn(move || {
                    for (shard, part) in shards.iter().zip(parts) {
                        // Built at once, its nodes are full.
                        *shard.write() = mem::take(part).into_iter().collect();
                    }
                });
            }
        });
    }

    /// Moves the passive ones of a part's next `limit` keys after `after` to fresh memory, and
    /// gives the last key. They came to rest one by one, between all else that was allocated and
    /// freed since, and each may hold a page of memory to itself.
    pub fn repack(&self, shard: usize, after: Option<&[u8]>, limit: usize) -> Option<Box<[u8]>> {
        let shard = &mut *self.0[shard].write();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let slots = shard.range::<[u8], _>((from, Bound::Unbounded)).take(limit);
        let (mut fresh, mut last) = (Vec::with_capacity(limit), None);
        for slot in slots {
            if let Slot::Passive(Passive(bytes)) = slot {
                fresh.push(Slot::Passive(Passive(bytes.clone())));
            }
            last = Some(slot);
        }
        let last = last.map(|slot| slot.key().into());
        for slot in fresh {
            shard.replace(slot);
        }
        last
    }

    /// Each part.
    pub fn each_shard(&self) -> impl Iterator<Item = &RwLock<Shard>> {
        self.0.iter()
    }

    /// Shows the slots after `after`, in order, whose keys begin with `prefix`, until `visit` has
    /// seen enough. The keys are locked meanwhile.
    pub fn walk(
        &self,
        prefix: &str,
        after: Option<&str>,
        mut visit: impl FnMut(&Slot) -> ControlFlow<()>,
    ) {
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after.as_bytes()),
            Some(_) | None => Bound::Included(prefix.as_bytes()),
        };
        let of_one_sku = prefix.contains('@').then(|| Slots::shard_of(prefix));
        let shards = match of_one_sku {
            Some(shard) => &self.0[shard..=shard],
            None => &self.0[..],
        };
        let shards: Vec<_> = shards.iter().map(RwLock::read).collect();
        let range = (from, Bound::Unbounded);
        let mut slots: Vec<_> = shards
            .iter()
            .map(|one| one.range::<[u8], _>(range))
            .collect();
        let first = slots.iter_mut().enumerate();
        let first = first.filter_map(|(shard, slots)| Some(Reverse((slots.next()?, shard))));
        let mut heads: BinaryHeap<_> = first.collect();
        while let Some(Reverse((slot, shard))) = heads.pop() {
            if !slot.key().starts_with(prefix.as_bytes()) || visit(slot).is_break() {
                return;
            }
            heads.extend(slots[shard].next().map(|slot| Reverse((slot, shard))));
        }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.iter().map(|shard| shard.read().len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(keys: &[String]) -> Slots {
        let slots = Slots::default();
        let image = Ledger::new(StockKey::parse("A@X").unwrap()).image();
        let mut sorted: Vec<&String> = keys.iter().collect();
        sorted.sort();
        let mut gathered = Gathered::default();
        sorted.iter().for_each(|key| gathered.push(key, &image));
        slots.load(gathered);
        slots
    }

    fn walked(slots: &Slots, prefix: &str, after: Option<&str>, limit: usize) -> Vec<String> {
        let mut seen = Vec::new();
        slots.walk(prefix, after, |slot| {
            seen.push(slot.stock_key().to_string());
            match seen.len() < limit {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        });
        seen
    }

    #[test]
    fn a_passive_key_costs_a_slot_of_two_words_and_one_allocation() {
        assert_eq!(size_of::<Slot>(), 16);
    }

    #[test]
    fn keys_of_all_parts_are_walked_in_one_order_from_any_place() {
        let mut keys: Vec<String> = (0..500)
            .map(|number| format!("SKU-{}@{}", number % 97, number % 13))
            .collect();
        let slots = slots(&keys);
        keys.sort();
        keys.dedup();
        assert_eq!(slots.len(), keys.len());
        assert_eq!(walked(&slots, "", None, usize::MAX), keys);
        for after in (0..keys.len()).step_by(41) {
            let page = walked(&slots, "", Some(&keys[after]), 10);
            assert_eq!(
                page,
                keys[after + 1..]
                    .iter()
                    .take(10)
                    .cloned()
                    .collect::<Vec<_>>()
            );
        }
        let of_one = keys.iter().filter(|key| key.starts_with("SKU-7@"));
        let of_one: Vec<String> = of_one.cloned().collect();
        assert_eq!(walked(&slots, "SKU-7@", None, usize::MAX), of_one);
        let after_second = walked(&slots, "SKU-7@", Some(&of_one[1]), 1);
        assert_eq!(after_second, [of_one[2].clone()]);
        assert!(walked(&slots, "SKU-7@", Some("SKU-8"), 1).is_empty());
    }

    #[test]
    fn keys_moved_to_fresh_memory_are_the_same() {
        let keys: Vec<String> = (100..200).map(|number| format!("SKU@{number}")).collect();
        let slots = slots(&keys);
        let (shard, mut after, mut pieces) = (Slots::shard_of(&keys[0]), None, 0);
        while let Some(last) = slots.repack(shard, after.as_deref(), 7) {
            after = Some(last);
            pieces += 1;
        }
        assert_eq!(pieces, 15);
        assert_eq!(walked(&slots, "", None, usize::MAX), keys);
    }
}
