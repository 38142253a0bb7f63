//! The last minute, forgotten a part at a time: each part has a sketch of its own, and the oldest
//! is cleared when a new one begins. So what was wanted an hour ago does not outshine what is
//! wanted now, and memory stays what it is.

use std::collections::HashMap;
use std::hash::Hash;

use super::sketch::{Figures, Kept, Sketch};

/// How many parts the window has, and how long each lasts.
const PARTS: usize = 6;
const PART_MS: i64 = 10_000;

/// Keys kept in each part: more than twenty times what is ever shown, so that those shown are
/// the right ones though demand is spread wide.
const KEYS_MAX: usize = 512;

/// What is wanted most within the last minute.
pub struct Window<K> {
    parts: [Sketch<K>; PARTS],
    /// The number of the newest part, counted from the beginning of time.
    newest: i64,
    /// When it was first added to, milliseconds.
    began_ms: Option<i64>,
}

/// A copy of what a window keeps.
pub struct Glance<K> {
    kept: Vec<Kept<K>>,
    /// How long the window looks back, milliseconds.
    pub covers_ms: i64,
}

/// How much a key is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted<K> {
    /// Which.
    pub key: K,
    /// How often it surely was wanted.
    pub demand: u64,
    /// What else is known of it.
    pub figures: Figures,
}

impl<K: Clone + Eq + Hash> Default for Window<K> {
    fn default() -> Window<K> {
        Window {
            parts: std::array::from_fn(|_| Sketch::new(KEYS_MAX)),
            newest: 0,
            began_ms: None,
        }
    }
}

impl<K: Clone + Eq + Hash> Window<K> {
    /// A key was wanted so often at that time, and this is what came of it.
    pub fn add(&mut self, now_ms: i64, key: &K, demand: u64, figures: &Figures) {
        self.move_on(now_ms);
        self.began_ms.get_or_insert(now_ms);
        self.parts[part_of(self.newest)].add(key, demand, figures);
    }

    /// A copy of what is kept.
    pub fn glance(&mut self, now_ms: i64) -> Glance<K> {
        self.move_on(now_ms);
        let oldest_ms = (self.newest + 1 - PARTS as i64) * PART_MS;
        let from_ms = self.began_ms.map_or(now_ms, |began| began.max(oldest_ms));
        Glance {
            kept: self
                .parts
                .iter()
                .flat_map(|part| part.kept().iter().cloned())
                .collect(),
            covers_ms: now_ms - from_ms,
        }
    }

    /// Clears the parts that begin between the newest and `now_ms`.
    fn move_on(&mut self, now_ms: i64) {
        let now = now_ms.div_euclid(PART_MS);
        let passed = (now - self.newest).clamp(0, PARTS as i64);
        for part in 0..passed {
            self.parts[part_of(now - part)].clear();
        }
        self.newest = self.newest.max(now);
    }
}

impl<K: Clone + Eq + Hash> Glance<K> {
    /// The keys wanted most, the first the most, of what several windows saw of different keys.
    pub fn top(glances: Vec<Glance<K>>, most: usize) -> Vec<Wanted<K>> {
        let mut wanted: HashMap<K, Wanted<K>> = HashMap::new();
        for kept in glances.into_iter().flat_map(|glance| glance.kept) {
            let key = kept.key.clone();
            let of_key = wanted.entry(kept.key).or_insert_with(|| Wanted {
                key,
                demand: 0,
                figures: Figures::default(),
            });
            of_key.demand += kept.demand - kept.error;
            of_key.figures.add(&kept.figures);
        }
        let mut wanted: Vec<Wanted<K>> = wanted.into_values().collect();
        wanted.sort_by_key(|one| std::cmp::Reverse((one.demand, one.figures.waited_us)));
        wanted.truncate(most);
        wanted
    }
}

fn part_of(number: i64) -> usize {
    usize::try_from(number.rem_euclid(PARTS as i64)).expect("a remainder is not negative")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    const WINDOWS: u32 = 2;

    /// Draws keys by Zipf's law: rank r comes with weight r to the power of −`exponent`.
    struct Zipf(Vec<f64>);

    impl Zipf {
        fn new(keys: usize, exponent: f64) -> Zipf {
            let mut sum = 0.0;
            let sums = (1..=keys).map(|rank| {
                sum += (rank as f64).powf(-exponent);
                sum
            });
            Zipf(sums.collect())
        }

        fn draw(&self, dice: &mut StdRng) -> u32 {
            let at = dice.random::<f64>() * self.0.last().unwrap();
            u32::try_from(self.0.partition_point(|sum| *sum < at)).unwrap()
        }
    }

    /// How many of the twenty keys wanted most are found.
    fn recall(seed: u64, draws: usize) -> f64 {
        let mut dice = StdRng::seed_from_u64(seed);
        let zipf = Zipf::new(100_000, 1.1);
        let mut windows: Vec<Window<u32>> = (0..WINDOWS).map(|_| Window::default()).collect();
        let mut truth: HashMap<u32, u64> = HashMap::new();
        for draw in 0..draws {
            let key = zipf.draw(&mut dice);
            let now_ms = 1_000_000 + (draw * 59_000 / draws) as i64;
            windows[(key % WINDOWS) as usize].add(now_ms, &key, 1, &Figures::default());
            *truth.entry(key).or_default() += 1;
        }
        let glances = windows
            .iter_mut()
            .map(|window| window.glance(1_059_000))
            .collect();
        let found: HashSet<u32> = Glance::top(glances, 20).iter().map(|one| one.key).collect();
        let mut truth: Vec<(u32, u64)> = truth.into_iter().collect();
        truth.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let wanted = truth[..20].iter();
        wanted.filter(|(key, _)| found.contains(key)).count() as f64 / 20.0
    }

    #[test]
    fn the_twenty_keys_wanted_most_are_found() {
        for seed in 0..10 {
            let recall = recall(seed, 300_000);
            assert!(recall >= 0.95, "seed {seed}: {recall}");
        }
    }

    #[test]
    fn what_was_wanted_a_minute_ago_is_forgotten() {
        let mut window = Window::default();
        let none = Figures::default();
        window.add(1_000_000, &"yesterday", 100, &none);
        window.add(1_030_000, &"lately", 10, &none);
        window.add(1_049_999, &"now", 1, &none);
        let top = |window: &mut Window<_>, now_ms| {
            let top = Glance::top(vec![window.glance(now_ms)], 9);
            top.iter()
                .map(|one| (one.key, one.demand))
                .collect::<Vec<_>>()
        };
        let all = [("yesterday", 100), ("lately", 10), ("now", 1)];
        assert_eq!(top(&mut window, 1_059_999), all);
        assert_eq!(top(&mut window, 1_060_000), all[1..]);
        assert_eq!(top(&mut window, 1_089_999), all[1..]);
        assert_eq!(top(&mut window, 1_090_000), all[2..]);
        assert_eq!(top(&mut window, 9_000_000), []);
    }

    #[test]
    fn a_window_covers_what_it_saw_and_a_minute_at_most() {
        let mut window = Window::default();
        assert_eq!(window.glance(1_000_000).covers_ms, 0);
        window.add(1_002_000, &1, 1, &Figures::default());
        assert_eq!(window.glance(1_005_000).covers_ms, 3_000);
        assert_eq!(window.glance(1_065_000).covers_ms, 55_000);
    }
}
