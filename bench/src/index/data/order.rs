//! Uniform random numbers in ascending order, one at a time, without sorting.

use crate::random::Random;

/// Draws `count` numbers between 0 and 1 in ascending order in constant memory: the smallest of r numbers that
/// are left is found directly, and the rest are uniform above it (Bentley and Saxe, "Generating sorted lists of
/// random numbers", ACM TOMS 1980).
pub(super) struct Ascending {
    remaining: u64,
    /// Logarithm of the distance to 1.
    log_above: f64,
    random: Random,
}

/// A number between 0 and 1, by its distances from both, of which the smaller is exact.
#[derive(Clone, Copy)]
pub(super) struct Unit {
    pub(super) from_zero: f64,
    pub(super) from_one: f64,
}

impl Ascending {
    pub(super) fn new(count: u64, seed: u64) -> Ascending {
        Ascending { remaining: count, log_above: 0.0, random: Random(seed) }
    }
}

impl Iterator for Ascending {
    type Item = Unit;

    fn next(&mut self) -> Option<Unit> {
        if self.remaining == 0 {
            return None;
        }
        // Never 0, whose logarithm there is not.
        self.log_above += (1.0 - self.random.unit()).ln() / self.remaining as f64;
        self.remaining -= 1;
        Some(Unit { from_zero: -self.log_above.exp_m1(), from_one: self.log_above.exp() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ascend_and_are_spread_evenly() {
        let numbers: Vec<f64> = Ascending::new(10_000, 1).map(|unit| unit.from_zero).collect();
        assert!(numbers.is_sorted() && numbers[0] >= 0.0 && numbers[9_999] < 1.0);
        for (tenth, chunk) in numbers.chunks(1000).enumerate() {
            assert!((chunk[0] - tenth as f64 / 10.0).abs() < 0.02, "{} begins tenth {tenth}", chunk[0]);
        }
    }
}
