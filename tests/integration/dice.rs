//! Chance that can be repeated: the same seed gives the same throws. It must not know what they
//! decide.

/// A generator of the kind SplitMix64.
pub struct Dice(u64);

impl Dice {
    /// Dice whose throws follow from `seed`.
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// Any number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// One of these.
    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let bound = u64::try_from(of.len()).unwrap();
        &of[usize::try_from(self.below(bound)).unwrap()]
    }
}

/// The seed of a test: `ONHAND_TEST_SEED` if it is set, else a new one. It is always printed, so
/// that a failure can be repeated.
pub fn seed() -> u64 {
    let given = std::env::var("ONHAND_TEST_SEED").ok();
    let seed = given.map_or_else(
        || rand::random::<u32>().into(),
        |text| text.parse().unwrap(),
    );
    eprintln!("seed: ONHAND_TEST_SEED={seed}");
    seed
}
