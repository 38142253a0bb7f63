//! Which stock key a shopper wants: uniform, or by Zipf's law, where few are wanted by most. It
//! must not know what a key is.

use anyhow::{Result, anyhow};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Zipf};

/// Draws numbers below a bound. The same seed draws the same numbers.
pub struct Keys {
    random: SmallRng,
    count: u64,
    zipf: Option<Zipf<f64>>,
}

impl Keys {
    /// Numbers below `count`, by Zipf's law with that exponent, or uniform without one.
    ///
    /// # Errors
    /// The exponent is negative or no number.
    pub fn new(count: u64, exponent: Option<f64>, seed: u64) -> Result<Keys> {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let zipf = exponent.map(|exponent| Zipf::new(count as f64, exponent));
        let zipf = zipf
            .transpose()
            .map_err(|error| anyhow!("--zipf: {error}"))?;
        Ok(Keys {
            random: SmallRng::seed_from_u64(seed),
            count,
            zipf,
        })
    }

    /// The next number.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "ranks are whole and start at 1"
    )]
    pub fn draw(&mut self) -> u64 {
        match &self.zipf {
            Some(zipf) => zipf.sample(&mut self.random) as u64 - 1,
            None => self.random.random_range(0..self.count),
        }
    }

    /// `wanted` different numbers, in no order.
    pub fn draw_distinct(&mut self, wanted: usize, into: &mut Vec<u64>) {
        into.clear();
        while into.len() < wanted {
            let drawn = self.draw();
            if !into.contains(&drawn) {
                into.push(drawn);
            }
        }
    }

    /// A number below a hundred, for shares of a mix.
    pub fn percent(&mut self) -> u8 {
        self.random.random_range(0..100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share_of_first(exponent: Option<f64>) -> usize {
        let mut keys = Keys::new(1000, exponent, 7).unwrap();
        let drawn: Vec<u64> = (0..10_000).map(|_| keys.draw()).collect();
        assert!(drawn.iter().all(|drawn| *drawn < 1000));
        drawn.iter().filter(|drawn| **drawn == 0).count()
    }

    #[test]
    fn zipf_wants_the_first_far_more_than_uniform_does() {
        let (uniform, zipf) = (share_of_first(None), share_of_first(Some(1.1)));
        assert!(uniform < 50 && zipf > 1000, "{uniform} {zipf}");
    }

    #[test]
    fn a_seed_repeats_itself() {
        let draw = |seed| {
            let mut keys = Keys::new(1_000_000, Some(1.1), seed).unwrap();
            (0..20).map(|_| keys.draw()).collect::<Vec<u64>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
