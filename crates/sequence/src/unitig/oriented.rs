//! A k-mer read along a path: the word of either strand, and the steps from it to its neighbours.

use stroma_quotient::Key;

/// What all words of one length share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Length<W> {
    bases: u32,
    mask: W,
}

impl<W: Key> Length<W> {
    /// For words of `bases` bases, at least one and fewer than the word has room for.
    pub(super) fn new(bases: u32) -> Self {
        Length { bases, mask: W::mask(2 * bases) }
    }

    pub(super) fn bases(&self) -> u32 {
        self.bases
    }

    /// The word of the other strand: bases in reverse order, each its complement.
    #[inline]
    pub(super) fn reverse_complement(&self, word: W) -> W {
        if W::BITS == 64 {
            return W::from(reversed(word.low()) >> (64 - 2 * self.bases));
        }
        let wide: u128 = word.into();
        let (low, high) = (reversed(wide as u64), reversed((wide >> 64) as u64));
        // Half of 128 is 64; of 64 bits, where this is never reached, it is a shift that is defined.
        let all = (W::from(low) << (W::BITS / 2)) | W::from(high);
        all >> (W::BITS - 2 * self.bases)
    }

    /// The word with its other strand.
    #[inline]
    pub(super) fn oriented(&self, forward: W) -> Oriented<W> {
        Oriented { forward, reverse: self.reverse_complement(forward) }
    }

    /// The word that follows when a base is appended and the first one dropped.
    #[inline]
    pub(super) fn step(&self, from: Oriented<W>, code: u64) -> Oriented<W> {
        Oriented {
            forward: ((from.forward << 2) | W::from(code)) & self.mask,
            reverse: (from.reverse >> 2) | (W::from(3 - code) << (2 * self.bases - 2)),
        }
    }
}

/// 32 bases in reverse order, each its complement.
#[inline]
pub(super) fn reversed(word: u64) -> u64 {
    let word = !word.swap_bytes();
    let word = ((word >> 4) & 0x0f0f_0f0f_0f0f_0f0f) | ((word & 0x0f0f_0f0f_0f0f_0f0f) << 4);
    ((word >> 2) & 0x3333_3333_3333_3333) | ((word & 0x3333_3333_3333_3333) << 2)
}

/// A word and its reverse complement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Oriented<W> {
    pub(super) forward: W,
    pub(super) reverse: W,
}

impl<W: Key> Oriented<W> {
    /// The smaller of the two, the same for both directions.
    #[inline]
    pub(super) fn canonical(self) -> W {
        self.forward.min(self.reverse)
    }

    /// The same word, read along the other strand.
    #[inline]
    pub(super) fn flipped(self) -> Self {
        Oriented { forward: self.reverse, reverse: self.forward }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_and_reversals_agree() {
        let mut state = 3_u64;
        for k in 1..=63 {
            let length = Length::<u128>::new(k);
            let narrow = Length::<u64>::new(k.min(31));
            let (mut at, mut short) = (length.oriented(0), narrow.oriented(0));
            for _ in 0..200 {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                at = length.step(at, state >> 62);
                short = narrow.step(short, state >> 62);
                assert_eq!(at, length.oriented(at.forward), "k {k}");
                assert_eq!(at.flipped(), length.oriented(at.reverse), "k {k}");
                assert_eq!(short, narrow.oriented(short.forward), "k {k}");
            }
        }
    }
}
