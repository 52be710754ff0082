//! Strings of bases at two bits each, from which a k-mer is read as one word.
//!
//! Base i has the bits 62 - 2·(i mod 32) and the one above of 64-bit word i div 32, so that consecutive bases read as a
//! number whose highest digits are its first bases, as k-mers are. One word of zeros follows.

use std::ops::Range;

use stroma_hybrid::prefetch_line;
use stroma_quotient::Key;

use super::oriented::reversed;
use crate::layer::packed::words;
use crate::layer::paged::Paged;

/// Bases in a 64-bit word.
const WORD_BASES: u64 = 32;

/// Bytes of a string of so many bases; `None` where they overflow.
pub(super) fn stored_bytes(bases: u64) -> Option<u64> {
    bases.div_ceil(WORD_BASES).checked_add(1)?.checked_mul(8)
}

/// `count` bases, 1 to 32, of two neighbouring words, from a position within the first one on.
#[inline]
fn cut(first: u64, second: u64, position: u64, count: u32) -> u64 {
    let shift = 2 * (position % WORD_BASES);
    ((first << shift) | ((second >> 1) >> (63 - shift))) >> (64 - 2 * count)
}

/// A k-mer of words of at most 32 bases.
#[inline]
fn assembled<W: Key>(position: u64, k: u32, word: impl Fn(u64, u32) -> u64) -> W {
    if k <= 32 {
        return W::from(word(position, k));
    }
    (W::from(word(position, 32)) << (2 * (k - 32))) | W::from(word(position + 32, k - 32))
}

/// Appends bases.
#[derive(Clone, Debug, Default)]
pub(super) struct BaseString {
    words: Vec<u64>,
    length: u64,
}

impl BaseString {
    pub(super) fn len(&self) -> u64 {
        self.length
    }

    /// Bytes of memory in use.
    pub(super) fn bytes(&self) -> u64 {
        8 * self.words.len() as u64
    }

    /// Appends the `count` bases, 1 to 32, of a word, the highest digits first.
    #[inline]
    fn push_up_to_32(&mut self, word: u64, count: u32) {
        let within = (self.length % WORD_BASES) as u32;
        let aligned = word << (64 - 2 * count);
        match self.words.last_mut() {
            Some(last) if within > 0 => {
                *last |= aligned >> (2 * within);
                if u64::from(within + count) > WORD_BASES {
                    self.words.push(aligned << (64 - 2 * within));
                }
            }
            _ => self.words.push(aligned),
        }
        self.length += u64::from(count);
    }

    #[inline]
    pub(super) fn push(&mut self, code: u64) {
        self.push_up_to_32(code, 1);
    }

    /// Appends the `bases` bases of a k-mer.
    pub(super) fn push_kmer<W: Key>(&mut self, kmer: W, bases: u32) {
        let first = bases.min(32);
        let rest = bases - first;
        self.push_up_to_32((kmer >> (2 * rest)).low() & (u64::MAX >> (64 - 2 * first)), first);
        if rest > 0 {
            self.push_up_to_32(kmer.low() & (u64::MAX >> (64 - 2 * rest)), rest);
        }
    }

    /// Appends a part of another string, as it is or as its reverse complement.
    pub(super) fn append(&mut self, other: &BaseString, part: Range<u64>, is_reversed: bool) {
        let (mut begin, mut end) = (part.start, part.end);
        while begin < end {
            let count = (end - begin).min(WORD_BASES) as u32;
            if is_reversed {
                end -= u64::from(count);
                self.push_up_to_32(reversed(other.word(end, count)) >> (64 - 2 * count), count);
            } else {
                self.push_up_to_32(other.word(begin, count), count);
                begin += u64::from(count);
            }
        }
    }

    /// `count` bases, 1 to 32, from a position on; those beyond the end are 0.
    #[inline]
    fn word(&self, position: u64, count: u32) -> u64 {
        let at = (position / WORD_BASES) as usize;
        let word = |at: usize| self.words.get(at).copied().unwrap_or(0);
        cut(word(at), word(at + 1), position, count)
    }

    /// The code of a base; of one beyond the end, 0.
    #[inline]
    pub(super) fn get(&self, position: u64) -> u64 {
        self.word(position, 1)
    }

    /// The `k` bases from a position on.
    #[inline]
    pub(super) fn kmer<W: Key>(&self, position: u64, k: u32) -> W {
        assembled(position, k, |position, count| self.word(position, count))
    }

    /// Asks memory for the bases from a position on.
    #[inline]
    pub(super) fn prefetch(&self, position: u64) {
        prefetch_line(self.words.get((position / WORD_BASES) as usize..).unwrap_or_default());
    }

    /// As it is stored.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 * (self.words.len() + 1));
        self.words.iter().for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
        bytes.extend_from_slice(&[0; 8]);
        bytes
    }
}

/// A stored string in borrowed bytes. What lies beyond its end reads as zeros.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bases<'a> {
    bytes: Paged<'a>,
}

impl<'a> Bases<'a> {
    pub(super) fn new(bytes: Paged<'a>) -> Self {
        Bases { bytes }
    }

    /// `count` bases, 1 to 32, from a position on.
    #[inline]
    fn word(&self, position: u64, count: u32) -> u64 {
        let at = (position / WORD_BASES) as usize * 8;
        let Some(pair) = self.bytes.chunk::<16>(at) else { return 0 };
        let [first, second] = words(pair);
        cut(first, second, position, count)
    }

    /// The code of the base at a position; none beyond the end, or where it was not read yet.
    #[inline]
    pub(super) fn at(&self, position: u64) -> Option<u64> {
        let word = self.bytes.chunk::<8>((position / WORD_BASES) as usize * 8)?;
        Some(u64::from_le_bytes(*word) >> (62 - 2 * (position % WORD_BASES)) & 3)
    }

    /// The `k` bases from a position on.
    #[inline]
    pub(super) fn kmer<W: Key>(&self, position: u64, k: u32) -> W {
        assembled(position, k, |position, count| self.word(position, count))
    }

    /// The code of the base at a position.
    #[inline]
    pub(super) fn get(&self, position: u64) -> u64 {
        self.word(position, 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_is_read_at_every_position_and_length() {
        let codes: Vec<u64> =
            (0..300_u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) & 3).collect();
        let mut string = BaseString::default();
        codes.iter().for_each(|&code| string.push(code));
        let stored = string.clone().into_bytes();
        assert_eq!(stored_bytes(300), Some(stored.len() as u64));
        let bases = Bases::new(Paged::verified(&stored));
        for k in [1_usize, 2, 31, 32, 33, 63] {
            for (position, window) in codes.windows(k).enumerate() {
                let expected = window.iter().fold(0_u128, |word, &code| (word << 2) | u128::from(code));
                assert_eq!(bases.kmer::<u128>(position as u64, k as u32), expected);
                assert_eq!(string.kmer::<u128>(position as u64, k as u32), expected);
                if k <= 31 {
                    assert_eq!(u128::from(bases.kmer::<u64>(position as u64, k as u32)), expected);
                }
            }
        }
        assert!((0..300).all(|at| bases.get(at) == codes[at as usize]));
        assert!((0..300).all(|at| bases.at(at) == Some(codes[at as usize])));
        assert_eq!(bases.at(1 << 40), None);
        assert_eq!(bases.kmer::<u64>(u64::MAX / 2, 31), 0);
    }

    #[test]
    fn parts_are_appended_in_either_direction() {
        let mut string = BaseString::default();
        (0..200_u64).for_each(|i| string.push((i * i + i / 7) & 3));
        for (start, end) in [(0, 200), (1, 32), (5, 6), (31, 97), (70, 70), (64, 128)] {
            for before in [0, 1, 31, 32, 40] {
                let mut other = BaseString::default();
                (0..before).for_each(|_| other.push(2));
                other.push_kmer(0b01_10_11_u64, 3);
                let begin = other.len();
                other.append(&string, start..end, false);
                other.append(&string, start..end, true);
                assert_eq!(other.len(), begin + 2 * (end - start));
                assert!((0..before).all(|at| other.get(at) == 2));
                assert!((0..3).all(|at| other.get(before + at) == at + 1));
                assert!((start..end).all(|at| other.get(begin + at - start) == string.get(at)));
                let back = begin + end - start;
                assert!((start..end).all(|at| other.get(back + end - 1 - at) == 3 - string.get(at)));
            }
        }
    }
}
