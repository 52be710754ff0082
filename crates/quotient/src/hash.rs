//! Mixing keys of any width without losing any: a hash that can be undone.

/// An invertible mixing of the numbers of `bits` bits, so that a filter over mixed keys is an exact set.
///
/// Three rounds of a shifted exclusive-or and a multiplication by an odd number, both invertible in
/// any number of bits (the construction of MurmurHash3's finalizer, multipliers drawn from the seed).
/// It spreads keys evenly; it is no protection against someone who knows the seed.
///
/// ```
/// use stroma_quotient::InvertibleHash;
///
/// let hash = InvertibleHash::new(62, 7);
/// let mixed = hash.hash(1234);
/// assert!(mixed < 1 << 62);
/// assert_eq!(hash.invert(mixed), 1234);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvertibleHash {
    bits: u32,
    offset: u64,
    multipliers: [u64; ROUNDS],
    inverses: [u64; ROUNDS],
}

const ROUNDS: usize = 3;

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The inverse of an odd number modulo 2^64, by Newton's iteration: each step doubles the right bits.
fn inverse(odd: u64) -> u64 {
    (0..6).fold(odd, |guess, _| guess.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(guess))))
}

impl InvertibleHash {
    /// A mixing of numbers of `bits` bits.
    ///
    /// # Panics
    /// If `bits` is not in 1..=64.
    pub fn new(bits: u32, seed: u64) -> Self {
        assert!((1..=64).contains(&bits), "an invertible hash over {bits} bits: 1..=64 are possible");
        let mut state = seed;
        let offset = next(&mut state);
        let multipliers = [(); ROUNDS].map(|()| next(&mut state) | 1);
        Self { bits, offset, multipliers, inverses: multipliers.map(inverse) }
    }

    /// The number of bits mixed.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    fn mask(&self) -> u64 {
        u64::MAX >> (64 - self.bits)
    }

    fn shift(&self) -> u32 {
        self.bits.div_ceil(2).min(63)
    }

    /// Mixes a number; bits beyond the width are ignored.
    #[inline]
    pub fn hash(&self, key: u64) -> u64 {
        let (mask, shift) = (self.mask(), self.shift());
        let mut value = key.wrapping_add(self.offset) & mask;
        for multiplier in self.multipliers {
            value ^= value >> shift;
            value = value.wrapping_mul(multiplier) & mask;
        }
        value ^ value >> shift
    }

    /// The number that [`hash`](Self::hash) turned into this one; bits beyond the width are ignored.
    #[inline]
    pub fn invert(&self, hash: u64) -> u64 {
        let (mask, shift) = (self.mask(), self.shift());
        // The shift is at least half the width, so the exclusive-or undoes itself.
        let mut value = hash & mask;
        value ^= value >> shift;
        for inverse in self.inverses.iter().rev() {
            value = value.wrapping_mul(*inverse) & mask;
            value ^= value >> shift;
        }
        value.wrapping_sub(self.offset) & mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_permutation_of_every_small_width() {
        for bits in 1..=12 {
            let hash = InvertibleHash::new(bits, 5);
            let mut seen = vec![false; 1 << bits];
            for key in 0..1u64 << bits {
                let mixed = hash.hash(key);
                assert!(!std::mem::replace(&mut seen[mixed as usize], true));
                assert_eq!(hash.invert(mixed), key);
            }
        }
    }

    #[test]
    fn comes_back_at_every_width() {
        let mut state = 9;
        for bits in 1..=64 {
            let hash = InvertibleHash::new(bits, u64::from(bits));
            for _ in 0..200 {
                let key = next(&mut state) & u64::MAX >> (64 - bits);
                assert_eq!(hash.invert(hash.hash(key)), key);
                assert_eq!(hash.hash(hash.invert(key)), key);
            }
        }
    }

    /// Neighbouring keys spread over the upper bits, which choose the home slot.
    #[test]
    fn spreads_neighbours() {
        for bits in [32, 42, 62, 64] {
            let hash = InvertibleHash::new(bits, 1);
            let mut buckets = [0u32; 256];
            for key in 0..256 * 100 {
                buckets[(hash.hash(key) >> (bits - 8)) as usize] += 1;
            }
            assert!(buckets.iter().all(|count| (50..160).contains(count)), "{bits} {buckets:?}");
        }
    }
}
