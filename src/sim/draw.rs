//! Random draws with the distributions that a service desk shows.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};

/// A stream of draws; the same seed gives the same stream on every machine.
pub struct Draw(ChaCha8Rng);

impl Draw {
    /// Starts the stream of `seed`.
    pub fn new(seed: u64) -> Draw {
        Draw(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Draws from `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        self.0.random()
    }

    /// Draws 128 bits, for identifiers.
    pub fn bits(&mut self) -> u128 {
        self.0.random()
    }

    /// Returns true with probability `share`.
    pub fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// Draws an index below `count`, which must not be 0.
    pub fn index(&mut self, count: usize) -> usize {
        self.0.random_range(0..count)
    }

    /// Draws an element.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.index(items.len())]
    }

    /// Draws an index with the given weights.
    pub fn weighted(&mut self, weights: impl Iterator<Item = f64> + Clone) -> usize {
        let mut rest = self.unit() * weights.clone().sum::<f64>();
        let mut last = 0;
        for (index, weight) in weights.enumerate() {
            last = index;
            rest -= weight;
            if rest < 0.0 {
                break;
            }
        }
        last
    }

    /// Draws a duration in milliseconds, log-normal around `median_s` seconds, at least one second.
    pub fn duration_ms(&mut self, median_s: f64, sigma: f64) -> i64 {
        let seconds = LogNormal::new(median_s.ln(), sigma).expect("sigma is finite").sample(&mut self.0);
        #[expect(clippy::cast_possible_truncation, reason = "drawn durations are days at most")]
        let millis = (seconds * 1000.0) as i64;
        millis.max(1000)
    }
}
