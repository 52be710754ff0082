//! Mixing keys of any width without losing any: a hash that can be undone.

use crate::Key;

/// An invertible mixing of the numbers of `bits` bits, so that a filter over mixed keys is an exact map.
///
/// Rounds of a shifted exclusive-or and a multiplication by an odd number, both invertible in any number of
/// bits (the construction of MurmurHash3's finalizer, multipliers drawn from the seed). It spreads keys
/// evenly; it is no protection against someone who knows the seed. A word of k letters of two bits is
/// mixed over 2k bits: as `u64` to k = 32, as `u128` to k = 64.
///
/// ```
/// use stroma_quotient::{InvertibleHash, WideInvertibleHash};
///
/// let hash = InvertibleHash::new(62, 7);
/// let mixed = hash.hash(1234);
/// assert!(mixed < 1 << 62);
/// assert_eq!(hash.invert(mixed), 1234);
///
/// let wide = WideInvertibleHash::new(126, 7);
/// assert_eq!(wide.invert(wide.hash(1 << 125)), 1 << 125);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mixing<K> {
    bits: u32,
    shift: u32,
    mask: K,
    offset: K,
    multipliers: [K; ROUNDS],
    inverses: [K; ROUNDS],
}

/// A mixing of keys of up to 64 bits.
pub type InvertibleHash = Mixing<u64>;
/// A mixing of keys of up to 128 bits.
pub type WideInvertibleHash = Mixing<u128>;

const ROUNDS: usize = 3;

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// As many numbers as make the type.
fn next_wide<K: Key>(state: &mut u64) -> K {
    let low = K::from(next(state));
    if K::BITS == 64 { low } else { low | K::from(next(state)) << (K::BITS / 2) }
}

/// The inverse of an odd number modulo 2^BITS, by Newton's iteration: each step doubles the right bits.
fn inverse<K: Key>(odd: K) -> K {
    let two = K::from(2);
    (0..7).fold(odd, |guess, _| guess.wrapping_mul(two.wrapping_sub(odd.wrapping_mul(guess))))
}

impl<K: Key> Mixing<K> {
    /// A mixing of numbers of `bits` bits.
    ///
    /// # Panics
    /// If `bits` is not in 1 ..= the bits of the type.
    pub fn new(bits: u32, seed: u64) -> Self {
        assert!((1..=K::BITS).contains(&bits), "an invertible hash over {bits} bits: 1..={}", K::BITS);
        let mut state = seed;
        let offset = next_wide(&mut state);
        let multipliers = [(); ROUNDS].map(|()| next_wide::<K>(&mut state) | K::from(1));
        let shift = bits.div_ceil(2).min(K::BITS - 1);
        Self { bits, shift, mask: K::mask(bits), offset, multipliers, inverses: multipliers.map(inverse) }
    }

    /// The number of bits mixed.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// Mixes a number; bits beyond the width are ignored.
    #[inline]
    pub fn hash(&self, key: K) -> K {
        let mut mixed = key.wrapping_add(self.offset) & self.mask;
        for multiplier in self.multipliers {
            mixed = mixed ^ mixed >> self.shift;
            mixed = mixed.wrapping_mul(multiplier) & self.mask;
        }
        mixed ^ mixed >> self.shift
    }

    /// The number that [`hash`](Self::hash) turned into this one; bits beyond the width are ignored.
    #[inline]
    pub fn invert(&self, hash: K) -> K {
        // The shift is at least half the width, so the exclusive-or undoes itself.
        let mut key = hash & self.mask;
        key = key ^ key >> self.shift;
        for inverse in self.inverses.iter().rev() {
            key = key.wrapping_mul(*inverse) & self.mask;
            key = key ^ key >> self.shift;
        }
        key.wrapping_sub(self.offset) & self.mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_permutation_of_every_small_width() {
        for bits in 1..=12 {
            let (hash, wide) = (InvertibleHash::new(bits, 5), WideInvertibleHash::new(bits, 5));
            let (mut seen, mut seen_wide) = (vec![false; 1 << bits], vec![false; 1 << bits]);
            for key in 0..1u64 << bits {
                let mixed = hash.hash(key);
                assert!(!std::mem::replace(&mut seen[mixed as usize], true));
                assert_eq!(hash.invert(mixed), key);
                let mixed = wide.hash(u128::from(key));
                assert!(!std::mem::replace(&mut seen_wide[mixed as usize], true));
                assert_eq!(wide.invert(mixed), u128::from(key));
            }
        }
    }

    fn comes_back<K: Key>() {
        let mut state = 9;
        for bits in 1..=K::BITS {
            let hash = Mixing::<K>::new(bits, u64::from(bits));
            for _ in 0..100 {
                let key = next_wide::<K>(&mut state) & K::mask(bits);
                assert_eq!(hash.invert(hash.hash(key)), key);
                assert_eq!(hash.hash(hash.invert(key)), key);
            }
        }
    }

    #[test]
    fn comes_back_at_every_width() {
        comes_back::<u64>();
        comes_back::<u128>();
    }

    /// Neighbouring keys spread over the upper bits, which choose the home slot.
    #[test]
    fn spreads_neighbours() {
        let even = |buckets: [u32; 256]| buckets.iter().all(|count| (50..160).contains(count));
        for bits in [32, 42, 62, 64] {
            let hash = InvertibleHash::new(bits, 1);
            let mut buckets = [0u32; 256];
            (0..256 * 100).for_each(|key| buckets[(hash.hash(key) >> (bits - 8)) as usize] += 1);
            assert!(even(buckets), "{bits} {buckets:?}");
        }
        for bits in [82, 126, 128] {
            let hash = WideInvertibleHash::new(bits, 1);
            let mut buckets = [0u32; 256];
            (0..256 * 100).for_each(|key| buckets[(hash.hash(key) >> (bits - 8)) as usize] += 1);
            assert!(even(buckets), "{bits} {buckets:?}");
        }
    }
}
