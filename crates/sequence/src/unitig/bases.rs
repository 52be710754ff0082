//! Strings of bases at two bits each, from which a k-mer is read as one word.
//!
//! Base i has the bits 62 - 2·(i mod 32) and the one above of 64-bit word i div 32, so that consecutive bases read as a
//! number whose highest digits are its first bases, as k-mers are. One word of zeros follows.

use stroma_quotient::Key;

/// Bases in a 64-bit word.
const WORD_BASES: u64 = 32;

/// Bytes of a string of so many bases; `None` where they overflow.
pub(super) fn stored_bytes(bases: u64) -> Option<u64> {
    bases.div_ceil(WORD_BASES).checked_add(1)?.checked_mul(8)
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

    #[inline]
    pub(super) fn push(&mut self, code: u64) {
        let within = self.length % WORD_BASES;
        if within == 0 {
            self.words.push(0);
        }
        if let Some(last) = self.words.last_mut() {
            *last |= code << (62 - 2 * within);
        }
        self.length += 1;
    }

    /// Appends the `bases` bases of a word, the highest digits first.
    pub(super) fn push_word<W: Key>(&mut self, word: W, bases: u32) {
        (0..bases).rev().for_each(|place| self.push((word >> (2 * place)).low() & 3));
    }

    /// The code of a base; of one beyond the end, 0.
    #[inline]
    pub(super) fn get(&self, position: u64) -> u64 {
        let word = self.words.get((position / WORD_BASES) as usize).copied().unwrap_or(0);
        (word >> (62 - 2 * (position % WORD_BASES))) & 3
    }

    /// The `k` bases from a position on.
    pub(super) fn kmer<W: Key>(&self, position: u64, k: u32) -> W {
        let code = |at| W::from(self.get(position + u64::from(at)));
        (0..k).fold(W::ZERO, |word, at| (word << 2) | code(at))
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
    bytes: &'a [u8],
}

impl<'a> Bases<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Bases { bytes }
    }

    /// `count` bases, 1 to 32, from a position on.
    #[inline]
    fn word(&self, position: u64, count: u32) -> u64 {
        let at = (position / WORD_BASES) as usize * 8;
        let shift = 2 * (position % WORD_BASES) as u32;
        let Some(pair) = self.bytes.get(at..).and_then(|rest| rest.first_chunk::<16>()) else { return 0 };
        let pair = u128::from_le_bytes(*pair).rotate_left(64);
        ((pair << shift) >> 64) as u64 >> (64 - 2 * count)
    }

    /// The `k` bases from a position on.
    #[inline]
    pub(super) fn kmer<W: Key>(&self, position: u64, k: u32) -> W {
        if k <= 32 {
            return W::from(self.word(position, k));
        }
        let first = W::from(self.word(position, 32));
        (first << (2 * (k - 32))) | W::from(self.word(position + 32, k - 32))
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
        let codes: Vec<u64> = (0..300_u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) & 3).collect();
        let mut string = BaseString::default();
        codes.iter().for_each(|&code| string.push(code));
        let stored = string.clone().into_bytes();
        assert_eq!(stored_bytes(300), Some(stored.len() as u64));
        let bases = Bases::new(&stored);
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
        assert_eq!(bases.kmer::<u64>(u64::MAX / 2, 31), 0);
    }
}
