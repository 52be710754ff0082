//! Rolls over a sequence and yields each canonical k-mer with its partition, one base at a time.

use super::base::{NO_BASE, code};
use super::minimizer::Minimizers;
use super::{Geometry, Word};

/// Both strands of the last `length` bases: the word read forward and its reverse complement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strands<W> {
    forward: W,
    reverse: W,
    mask: W,
    /// Where the complement of a new base enters the reverse word.
    top_shift: u32,
}

impl<W: Word> Strands<W> {
    pub(crate) fn new(length: u8) -> Self {
        let bits = 2 * u32::from(length);
        Strands { forward: W::ZERO, reverse: W::ZERO, mask: W::mask(bits), top_shift: bits - 2 }
    }

    #[inline]
    pub(crate) fn push(&mut self, code: u8) {
        self.forward = ((self.forward << 2) | W::from(u64::from(code))) & self.mask;
        self.reverse = (self.reverse >> 2) | (W::from(u64::from(3 - code)) << self.top_shift);
    }

    /// The smaller of the two strands' words, which is the same for a word and its reverse complement.
    #[inline]
    pub(crate) fn canonical(&self) -> W {
        self.forward.min(self.reverse)
    }
}

/// A canonical k-mer and where it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KmerAt<W = u64> {
    /// Partition of the index, told by the k-mer's minimizer.
    pub partition: u32,
    /// Two bits a base, first base highest; the smaller of the two strands' words.
    pub kmer: W,
}

/// Iterator over the canonical k-mers of one sequence, in order, repeats included.
///
/// `W` must be wide enough for the geometry: `u64` to k = 31, `u128` to 63. Bytes that are no base (`N` and the
/// other ambiguity codes) break the k-mers around them.
/// Linear time: each base costs a constant number of steps on average.
#[derive(Clone, Debug)]
pub struct Kmers<'a, W = u64> {
    rest: std::slice::Iter<'a, u8>,
    length: usize,
    geometry: Geometry,
    strands: Strands<W>,
    minimizers: Minimizers,
    /// Bases since the last break.
    run: u64,
}

impl<'a, W: Word> Kmers<'a, W> {
    /// Over the k-mers of `sequence`.
    ///
    /// # Panics
    /// If the word is too narrow for k.
    pub fn new(sequence: &'a [u8], geometry: Geometry) -> Self {
        assert!(geometry.word_bytes() <= W::BYTES, "a k-mer does not fit the word");
        Kmers {
            rest: sequence.iter(),
            length: sequence.len(),
            geometry,
            strands: Strands::new(geometry.k()),
            minimizers: Minimizers::new(geometry),
            run: 0,
        }
    }

    /// Where in the sequence the k-mer begins that was handed out last. Meaningless before the first.
    pub fn position(&self) -> usize {
        (self.length - self.rest.len()).saturating_sub(self.geometry.k().into())
    }
}

impl<W: Word> Iterator for Kmers<'_, W> {
    type Item = KmerAt<W>;

    #[inline]
    fn next(&mut self) -> Option<KmerAt<W>> {
        for &byte in self.rest.by_ref() {
            let code = code(byte);
            if code == NO_BASE {
                self.run = 0;
                self.minimizers.restart();
                continue;
            }
            self.run += 1;
            self.strands.push(code);
            self.minimizers.push(code);
            if self.run >= u64::from(self.geometry.k()) {
                let partition = self.geometry.partition_of(self.minimizers.smallest());
                return Some(KmerAt { partition, kmer: self.strands.canonical() });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The oracle: every window as text, the smaller strand by comparing codes.
    fn naive(sequence: &[u8], k: usize) -> Vec<u128> {
        let word = |window: &[u8]| window.iter().fold(0, |word, &b| (word << 2) | u128::from(code(b)));
        sequence
            .windows(k)
            .filter(|window| window.iter().all(|&b| code(b) != NO_BASE))
            .map(|window| {
                let reverse: Vec<u8> = window.iter().rev().map(|&b| b"TGCA"[usize::from(code(b))]).collect();
                word(window).min(word(&reverse))
            })
            .collect()
    }

    fn reverse_complement(sequence: &[u8]) -> Vec<u8> {
        let complement = |b: &u8| if code(*b) == NO_BASE { b'N' } else { b"TGCA"[usize::from(code(*b))] };
        sequence.iter().rev().map(complement).collect()
    }

    fn sample(length: usize, seed: u64) -> Vec<u8> {
        let mut state = seed;
        (0..length)
            .map(|_| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                if (state >> 40).is_multiple_of(37) { b'N' } else { b"ACGTacgtU"[(state >> 33) as usize % 9] }
            })
            .collect()
    }

    #[test]
    fn agrees_with_the_naive_windows_for_every_k() {
        for k in (3..=63).step_by(2) {
            let geometry = Geometry::new(k, 6).expect("valid");
            for length in [0, 1, k as usize - 1, k as usize, k as usize + 1, 400] {
                let sequence = sample(length, u64::from(k) + length as u64);
                let expected = naive(&sequence, k as usize);
                let found: Vec<u128> = Kmers::new(&sequence, geometry).map(|at| at.kmer).collect();
                assert_eq!(found, expected, "k {k}, length {length}");
                if k <= 31 {
                    let found = Kmers::<u64>::new(&sequence, geometry).map(|at| u128::from(at.kmer));
                    assert!(found.eq(expected), "k {k}, length {length}");
                }
            }
        }
    }

    #[test]
    fn both_strands_give_the_same_kmers_in_the_same_partitions() {
        for k in [3, 5, 11, 13, 21, 31, 33, 63] {
            let geometry = Geometry::new(k, 8).expect("valid");
            let sequence = sample(700, u64::from(k));
            let mut forward: Vec<KmerAt<u128>> = Kmers::new(&sequence, geometry).collect();
            let mut reverse: Vec<KmerAt<u128>> =
                Kmers::new(&reverse_complement(&sequence), geometry).collect();
            forward.sort_unstable();
            reverse.sort_unstable();
            assert_eq!(forward, reverse, "k {k}");
            assert!(forward.iter().all(|at| at.partition < geometry.partitions()));
        }
    }

    #[test]
    fn a_kmer_has_the_same_partition_wherever_it_stands() {
        let geometry = Geometry::new(15, 8).expect("valid");
        let sequence = sample(600, 9);
        let whole: std::collections::BTreeMap<u64, u32> =
            Kmers::new(&sequence, geometry).map(|at| (at.kmer, at.partition)).collect();
        for window in sequence.windows(15) {
            for at in Kmers::new(window, geometry) {
                assert_eq!(whole[&at.kmer], at.partition);
            }
        }
    }
}
