//! Chance that can be repeated: the same seed and the same person give the same throws. It must
//! not know what they decide.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Pauses are at most this many times as long as on average: nobody waits for ever.
const PAUSE_MEANS_MAX: f64 = 4.0;

/// One person's dice.
pub(super) struct Dice(StdRng);

impl Dice {
    /// The dice of `who` in the play that `seed` chooses.
    pub(super) fn new(seed: u64, who: &str) -> Dice {
        let own = xxhash_rust::xxh3::xxh3_64_with_seed(who.as_bytes(), seed);
        Dice(StdRng::seed_from_u64(own))
    }

    /// Any number below `bound`.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        self.0.random_range(0..bound)
    }

    /// Any place in a list of that length, which must not be empty.
    pub(super) fn place(&mut self, length: usize) -> usize {
        self.0.random_range(0..length)
    }

    /// One of these, of which there must be some.
    pub(super) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.place(of.len())]
    }

    /// True so many times in a hundred.
    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// A pause as between people who come independently of each other.
    pub(super) fn pause(&mut self, mean: Duration) -> Duration {
        let means = -(1.0 - self.0.random::<f64>()).ln();
        mean.mul_f64(means.min(PAUSE_MEANS_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throws(seed: u64, who: &str) -> Vec<u32> {
        let mut dice = Dice::new(seed, who);
        (0..20).map(|_| dice.below(1_000)).collect()
    }

    #[test]
    fn a_seed_gives_each_person_throws_of_their_own_and_the_same_each_time() {
        assert_eq!(throws(7, "web"), throws(7, "web"));
        assert_ne!(throws(7, "web"), throws(7, "till"));
        assert_ne!(throws(7, "web"), throws(8, "web"));
    }

    #[test]
    fn chances_and_pauses_are_as_large_as_asked_for() {
        let mut dice = Dice::new(1, "x");
        let hits = (0..10_000).filter(|_| dice.chance(30)).count();
        assert!((2_700..3_300).contains(&hits), "{hits} of 10000");
        let mean = Duration::from_millis(100);
        let pauses: Vec<Duration> = (0..10_000).map(|_| dice.pause(mean)).collect();
        assert!(pauses.iter().all(|pause| *pause <= mean * 4));
        let average = pauses.iter().sum::<Duration>() / 10_000;
        let around = Duration::from_millis(90)..Duration::from_millis(110);
        assert!(around.contains(&average), "{average:?}");
    }
}
