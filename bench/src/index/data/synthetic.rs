//! Keys drawn in ascending order, in constant memory: uniform, lognormal, with outliers, dense with gaps.

use super::KeyWriter;
use super::normal::quantile;
use super::order::{Ascending, Unit};
use crate::Outcome;
use crate::random::{Random, mix};

/// A number below 2^64 by its share of that. Floats have 53 digits; the others are random.
fn of_all(unit: Unit, random: &mut Random) -> u64 {
    ((unit.from_zero * (1_u64 << 53) as f64) as u64).min((1 << 53) - 1) << 11 | random.below(1 << 11)
}

pub(super) fn uniform(count: u64, seed: u64, writer: &mut KeyWriter) -> Outcome {
    let mut random = Random(mix(seed));
    // Two that share 53 digits may have changed places; the writer mends that.
    Ascending::new(count, seed).try_for_each(|unit| writer.push(of_all(unit, &mut random)))
}

/// The usual spread of the lognormal set in the literature (the ALEX paper, section 6.1).
const SPREAD: f64 = 2.0;
/// Deviations that none of a set reaches; they are scaled to 2^63, so that there are hardly equal keys.
const MOST_DEVIATIONS: f64 = 7.0;

pub(super) fn lognormal(count: u64, seed: u64, writer: &mut KeyWriter) -> Outcome {
    let scale = (1_u64 << 63) as f64 / (SPREAD * MOST_DEVIATIONS).exp();
    Ascending::new(count, seed)
        .try_for_each(|unit| writer.push(((SPREAD * quantile(unit)).exp() * scale) as u64))
}

/// Distance of two keys of the set with outliers, on average.
const MEAN_GAP: f64 = 512.0;
const OUTLIERS: u64 = 21;

/// Small uniform numbers, then 21 that are larger by orders of magnitude, as in the `fb` set of SOSD.
pub(super) fn with_outliers(count: u64, seed: u64, writer: &mut KeyWriter) -> Outcome {
    let small = count.saturating_sub(OUTLIERS);
    let range = small as f64 * MEAN_GAP;
    for unit in Ascending::new(small, seed) {
        writer.push((unit.from_zero * range) as u64)?;
    }
    let mut outliers: Vec<u64> = {
        let mut random = Random(mix(seed));
        // Two below each of the largest powers of two.
        (0..count - small).map(|at| u64::MAX >> ((OUTLIERS - 1 - at) / 2) & !(random.next() >> 40)).collect()
    };
    outliers.sort_unstable();
    outliers.into_iter().try_for_each(|key| writer.push(key))
}

const MEAN_RUN: u64 = 200;
const LONGEST_GAP: f64 = (1_u64 << 30) as f64;

/// Runs of consecutive numbers, of random lengths; between them gaps, of which few are very long.
pub(super) fn dense(count: u64, seed: u64, writer: &mut KeyWriter) -> Outcome {
    let mut random = Random(seed);
    let (mut key, mut left) = (1_u64 << 40, 0);
    for _ in 0..count {
        if left == 0 {
            left = 1 + ((1.0 - random.unit()).ln() * -(MEAN_RUN as f64)) as u64;
            // Inverse of a power law with exponent 1.
            key += (1.0 / (1.0 - random.unit())).min(LONGEST_GAP) as u64;
        }
        writer.push(key)?;
        key += 1;
        left -= 1;
    }
    Ok(())
}
