//! The machine word that holds a k-mer: 64 bits for k up to 31, 128 bits for k up to 63.

use stroma_quotient::{Key, Mixing};

use super::Geometry;

/// Any seed would do, but it is a part of the format: layers are ordered by mixed k-mers.
const MIXING_SEED: u64 = 0x6b6d_6572;

/// A word that holds a k-mer, two bits a base: `u64` or `u128`. What is generic over it is compiled for each, so
/// that short k-mers pay nothing for long ones.
pub trait Word: Key + Default {
    /// Bytes of the word.
    const BYTES: u8;
    /// The word with a tag of 64 bits beside it; ordered by the word, then the tag.
    type Tagged: Copy + Ord + Send;

    /// Puts a tag beside the word.
    fn tagged(self, tag: u64) -> Self::Tagged;

    /// Word and tag.
    fn untagged(tagged: Self::Tagged) -> (Self, u64);

    /// The upper 64 bits of its 128; none of 64.
    fn high(self) -> u64;
}

impl Word for u64 {
    const BYTES: u8 = 8;
    type Tagged = u128;

    #[inline(always)]
    fn tagged(self, tag: u64) -> u128 {
        u128::from(self) << 64 | u128::from(tag)
    }

    #[inline(always)]
    fn untagged(tagged: u128) -> (u64, u64) {
        ((tagged >> 64) as u64, tagged as u64)
    }

    #[inline(always)]
    fn high(self) -> u64 {
        0
    }
}

impl Word for u128 {
    const BYTES: u8 = 16;
    type Tagged = (u128, u64);

    #[inline(always)]
    fn tagged(self, tag: u64) -> (u128, u64) {
        (self, tag)
    }

    #[inline(always)]
    fn untagged(tagged: (u128, u64)) -> (u128, u64) {
        tagged
    }

    #[inline(always)]
    fn high(self) -> u64 {
        (self >> 64) as u64
    }
}

/// The mixing of an index's k-mers, which spreads them evenly over all words of 2k bits and can be undone: layers
/// hold mixed k-mers.
pub fn mixing<W: Word>(geometry: Geometry) -> Mixing<W> {
    Mixing::new(geometry.kmer_bits(), MIXING_SEED)
}
