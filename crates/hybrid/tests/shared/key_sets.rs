//! Key sets to test and measure with: a generator of random numbers, and sorted keys of many shapes.

#![allow(dead_code, reason = "not all who include this need all of it")]

/// The next number of SplitMix64.
pub(crate) fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A random number in 0..1.
fn unit(state: &mut u64) -> f64 {
    (next(state) >> 11) as f64 / (1u64 << 53) as f64
}

/// A random number of the normal distribution (Box and Muller).
fn normal(state: &mut u64) -> f64 {
    let radius = (-2.0 * (1.0 - unit(state)).ln()).sqrt();
    radius * (core::f64::consts::TAU * unit(state)).cos()
}

/// The shapes that are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeySet {
    /// Uniform over the type.
    Uniform,
    /// Lognormal with mu 0 and sigma 2, times 10^9.
    Lognormal,
    /// Places on a map, in the order of a Hilbert curve: cities by population, roads as random walks.
    Places,
    /// Uniform below 2^38, and 21 outliers far above.
    Outliers,
    /// Runs of consecutive numbers with gaps between.
    Gaps,
    /// Times in milliseconds, one about every 40.
    Timestamps,
    /// Of all magnitudes, which no line follows.
    Rough,
}

impl KeySet {
    pub(crate) const ALL: [Self; 7] = [
        Self::Uniform,
        Self::Lognormal,
        Self::Places,
        Self::Outliers,
        Self::Gaps,
        Self::Timestamps,
        Self::Rough,
    ];

    /// `count` keys, sorted.
    pub(crate) fn keys(self, count: usize, seed: u64) -> Vec<u64> {
        let mut state = seed;
        let mut keys: Vec<u64> = match self {
            Self::Uniform => (0..count).map(|_| next(&mut state)).collect(),
            Self::Lognormal => (0..count).map(|_| ((2.0 * normal(&mut state)).exp() * 1e9) as u64).collect(),
            Self::Places => places(count, &mut state),
            Self::Outliers => {
                (0..count).map(|at| next(&mut state) >> if at < 21 { at / 3 } else { 26 }).collect()
            }
            Self::Gaps => {
                let mut key = 1 << 32;
                let mut gapped = || {
                    let gap = if next(&mut state).is_multiple_of(64) { next(&mut state) % 1000 } else { 0 };
                    key += 1 + gap;
                    key
                };
                (0..count).map(|_| gapped()).collect()
            }
            Self::Timestamps => {
                (0..count as u64).map(|at| 1_700_000_000_000 + at * 40 + next(&mut state) % 40).collect()
            }
            Self::Rough => (0..count)
                .map(|_| {
                    let width = next(&mut state) % 56;
                    next(&mut state) >> width << (next(&mut state) % (width + 1))
                })
                .collect(),
        };
        keys.sort_unstable();
        keys
    }
}

/// Bits of a coordinate on the map.
const MAP_BITS: u32 = 31;

fn places(count: usize, state: &mut u64) -> Vec<u64> {
    let side = (1u64 << MAP_BITS) as f64;
    let mut keys = Vec::with_capacity(count);
    let mut city = 0u32;
    while keys.len() < count {
        // The n-th city has about an n-th of the largest one's places.
        city += 1;
        let share = (count as f64 / f64::from(city) / 12.0).max(20.0) as usize;
        let (x, y) = (unit(state) * side, unit(state) * side);
        let extent = side * 2e-4 * (share as f64 / count as f64).sqrt() * 30.0;
        while keys.len() < count && share > 0 {
            let (mut x, mut y) = (x + normal(state) * extent, y + normal(state) * extent);
            let (mut heading, length) = (unit(state) * core::f64::consts::TAU, 5 + next(state) % 60);
            for _ in 0..length {
                keys.push(hilbert(x.clamp(0.0, side - 1.0) as u64, y.clamp(0.0, side - 1.0) as u64));
                heading += normal(state) * 0.2;
                let step = extent * 0.002 * (0.2 + unit(state));
                (x, y) = (x + step * heading.cos(), y + step * heading.sin());
            }
            if keys.len() % share < length as usize {
                break;
            }
        }
    }
    keys.truncate(count);
    keys
}

/// Where a point lies on the Hilbert curve through the square: quarter by quarter from the largest, turning
/// the coordinates so that the curve enters each quarter at its start.
fn hilbert(mut x: u64, mut y: u64) -> u64 {
    let mut position = 0;
    for bit in (0..MAP_BITS).rev() {
        let (right, upper) = ((x >> bit) & 1, (y >> bit) & 1);
        position = position << 2 | (3 * right) ^ upper;
        if upper == 0 {
            if right == 1 {
                let all = (1 << MAP_BITS) - 1;
                (x, y) = (all - x, all - y);
            }
            (x, y) = (y, x);
        }
    }
    position
}
