//! Which keys are wanted most, in a fixed memory, however many keys there are: a space-saving
//! sketch (Metwally, Agrawal, El Abbadi 2005).
//!
//! It keeps a bounded number of keys. One that is not among them takes the place of the one with
//! the smallest count, and inherits that count as its possible error. So a key wanted more often
//! than the total over the number of places is always among those kept, and no count is off by
//! more than that. It must not know what a key names.

use std::collections::HashMap;
use std::hash::Hash;

type Hasher = foldhash::fast::RandomState;

/// What is known of a key besides how much it is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// How often it refused or shed a call.
    pub refusals: u64,
    /// How many commands waited for it.
    pub commands: u64,
    /// How long in all, microseconds.
    pub waited_us: u64,
    /// And how long the longest.
    pub waited_us_max: u64,
}

impl Figures {
    /// Adds what is known from elsewhere.
    pub fn add(&mut self, other: &Figures) {
        self.refusals += other.refusals;
        self.commands += other.commands;
        self.waited_us += other.waited_us;
        self.waited_us_max = self.waited_us_max.max(other.waited_us_max);
    }
}

/// A key that is kept.
#[derive(Clone, Debug)]
pub struct Kept<K> {
    /// Which.
    pub key: K,
    /// How often it was wanted, at most.
    pub demand: u64,
    /// How much of that may be another key's.
    pub error: u64,
    /// What else is known of it, since it is kept.
    pub figures: Figures,
    /// Where it stands in the heap.
    place: usize,
}

/// The keys wanted most.
pub struct Sketch<K> {
    kept: Vec<Kept<K>>,
    index: HashMap<K, usize, Hasher>,
    /// Indexes of what is kept, the least wanted first: no entry's demand is below its parent's.
    heap: Vec<usize>,
    keys_max: usize,
}

impl<K: Clone + Eq + Hash> Sketch<K> {
    /// A sketch that keeps so many keys; its memory is taken now.
    pub fn new(keys_max: usize) -> Sketch<K> {
        assert!(keys_max > 0, "a sketch keeps a key at least");
        Sketch {
            kept: Vec::with_capacity(keys_max),
            index: HashMap::with_capacity_and_hasher(keys_max, Hasher::default()),
            heap: Vec::with_capacity(keys_max),
            keys_max,
        }
    }

    /// The key was wanted so often, and this is what came of it. A key that nobody wanted takes
    /// no other's place.
    pub fn add(&mut self, key: &K, demand: u64, figures: &Figures) {
        let at = match self.index.get(key) {
            Some(at) => *at,
            None if demand == 0 => return,
            None => self.make_room(key),
        };
        let kept = &mut self.kept[at];
        kept.demand += demand;
        kept.figures.add(figures);
        let place = kept.place;
        self.sink(place);
    }

    /// What is kept, in no order.
    pub fn kept(&self) -> &[Kept<K>] {
        &self.kept
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.kept.clear();
        self.index.clear();
        self.heap.clear();
    }

    /// An entry for `key`: a new one, or that of the least wanted.
    fn make_room(&mut self, key: &K) -> usize {
        let (at, demand) = match self.heap.first() {
            Some(least) if self.kept.len() == self.keys_max => {
                self.index.remove(&self.kept[*least].key);
                (*least, self.kept[*least].demand)
            }
            Some(_) | None => (self.kept.len(), 0),
        };
        let entry = Kept {
            key: key.clone(),
            demand,
            error: demand,
            figures: Figures::default(),
            place: 0,
        };
        if at == self.kept.len() {
            let place = self.heap.len();
            self.kept.push(Kept { place, ..entry });
            self.heap.push(at);
            self.rise(place);
        } else {
            self.kept[at] = entry;
        }
        self.index.insert(key.clone(), at);
        at
    }

    fn demand_at(&self, place: usize) -> u64 {
        self.kept[self.heap[place]].demand
    }

    /// Moves the entry at `place` up to where it belongs.
    fn rise(&mut self, mut place: usize) {
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.demand_at(parent) <= self.demand_at(place) {
                return;
            }
            self.swap(parent, place);
            place = parent;
        }
    }

    /// Moves the entry at `place` down to where it belongs.
    fn sink(&mut self, mut place: usize) {
        loop {
            let (left, right) = (2 * place + 1, 2 * place + 2);
            let below = [left, right]
                .into_iter()
                .filter(|child| *child < self.heap.len());
            let Some(least) = below.min_by_key(|child| self.demand_at(*child)) else {
                return;
            };
            if self.demand_at(place) <= self.demand_at(least) {
                return;
            }
            self.swap(place, least);
            place = least;
        }
    }

    fn swap(&mut self, one: usize, other: usize) {
        self.heap.swap(one, other);
        self.kept[self.heap[one]].place = one;
        self.kept[self.heap[other]].place = other;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_count_is_too_low_or_off_by_more_than_a_share(
            keys in prop::collection::vec(0_u32..60, 1..2000),
            keys_max in 1_usize..40,
        ) {
            let mut sketch = Sketch::new(keys_max);
            let mut truth: HashMap<u32, u64> = HashMap::new();
            for key in &keys {
                sketch.add(key, 1, &Figures::default());
                *truth.entry(*key).or_default() += 1;
            }
            let share = (keys.len() / keys_max) as u64;
            prop_assert!(sketch.kept().len() <= keys_max);
            for kept in sketch.kept() {
                prop_assert!(kept.demand >= truth[&kept.key]);
                prop_assert!(kept.demand - kept.error <= truth[&kept.key]);
                prop_assert!(kept.error <= share);
            }
            for (key, count) in truth {
                let is_kept = sketch.kept().iter().any(|kept| kept.key == key);
                prop_assert!(is_kept || count <= share);
            }
            for place in 1..sketch.heap.len() {
                prop_assert!(sketch.demand_at((place - 1) / 2) <= sketch.demand_at(place));
                prop_assert_eq!(sketch.kept[sketch.heap[place]].place, place);
            }
        }
    }

    #[test]
    fn a_key_that_nobody_wants_takes_no_place() {
        let mut sketch = Sketch::new(1);
        let waited = Figures {
            commands: 1,
            waited_us: 5,
            waited_us_max: 5,
            refusals: 0,
        };
        sketch.add(&"settled", 0, &waited);
        assert!(sketch.kept().is_empty());
        sketch.add(&"sold", 1, &waited);
        sketch.add(&"settled", 0, &waited);
        sketch.add(&"sold", 0, &waited);
        let [kept] = sketch.kept() else {
            panic!("one is kept")
        };
        assert_eq!(
            (kept.key, kept.demand, kept.figures.commands),
            ("sold", 1, 2)
        );
        assert_eq!(
            (kept.figures.waited_us, kept.figures.waited_us_max),
            (10, 5)
        );
    }
}
