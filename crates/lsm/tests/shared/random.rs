//! Repeatable choices for tests and examples: a generator, keys that look random, and ranks by Zipf's law.
#![allow(dead_code, reason = "who includes this uses a part of it")]

/// What SplitMix64 adds to its state.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A bijection on 64 bits, so that numbers one by one look random and never repeat: the output function of SplitMix64
/// (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
pub(crate) fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(GOLDEN);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// A key for each number, in no order.
pub(crate) fn key(number: u64) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&mix(number).to_be_bytes());
    key[8..].copy_from_slice(&mix(!number).to_be_bytes());
    key
}

/// Fills `bytes` with what nothing compresses, the same for the same number.
pub(crate) fn fill(bytes: &mut [u8], number: u64) {
    for (place, chunk) in bytes.chunks_mut(8).enumerate() {
        let word = mix(number ^ (place as u64) << 56).to_le_bytes();
        chunk.copy_from_slice(&word[..chunk.len()]);
    }
}

/// A digest of bytes, good enough to compare what programs of different releases read.
pub(crate) fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(bytes.len() as u64, |digest, byte| mix(digest ^ u64::from(*byte)))
}

/// A number of 64 bits as one from 0 to less than 1.
pub(crate) fn share_of(number: u64) -> f64 {
    (number >> 11) as f64 / (1_u64 << 53) as f64
}

/// SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        let drawn = mix(self.0);
        self.0 = self.0.wrapping_add(GOLDEN);
        drawn
    }

    /// A number below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// A number from 0 to less than 1.
    pub(crate) fn share(&mut self) -> f64 {
        share_of(self.next())
    }
}

/// The exponent of [`Zipfian`].
const EXPONENT: f64 = 0.99;

/// Ranks with the popularity of Zipf's law, exponent 0.99, by the method of Gray and others ("Quickly Generating
/// Billion-Record Synthetic Databases", SIGMOD 1994).
pub(crate) struct Zipfian {
    count: f64,
    alpha: f64,
    eta: f64,
    zeta: f64,
}

impl Zipfian {
    /// Of ranks below `count`. Time grows with that.
    pub(crate) fn new(count: u64) -> Zipfian {
        let zeta: f64 = (1..=count).map(|rank| (rank as f64).powf(-EXPONENT)).sum();
        let two = 1.0 + 0.5_f64.powf(EXPONENT);
        let count = count as f64;
        let eta = (1.0 - (2.0 / count).powf(1.0 - EXPONENT)) / (1.0 - two / zeta);
        Zipfian { count, alpha: 1.0 / (1.0 - EXPONENT), eta, zeta }
    }

    /// The rank, from 0, at `share` of all draws.
    pub(crate) fn rank(&self, share: f64) -> u64 {
        let scaled = share * self.zeta;
        if scaled < 1.0 {
            return 0;
        }
        if scaled < 1.0 + 0.5_f64.powf(EXPONENT) {
            return 1;
        }
        let rank = self.count * (self.eta * share - self.eta + 1.0).powf(self.alpha);
        (rank as u64).min(self.count as u64 - 1)
    }
}
