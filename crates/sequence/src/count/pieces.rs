//! Super-k-mers in bytes: stretches of bases whose k-mers all belong to one partition, two bits a base.
//!
//! Neighbouring k-mers share all bases but one and mostly the minimizer, and so the partition; told together they
//! take some ten bits each instead of 64 (Deorowicz, Kokot, Grabowski, Debudaj-Grabysz: "KMC 2: fast and
//! resource-frugal k-mer counting", Bioinformatics 31 (2015)). One piece is a byte with its number of k-mers, 1 to
//! 255, and its bases, the first in the lowest bits.

use stroma_quotient::Mixing;

use crate::kmer::{Geometry, Strands, Word};

/// Most k-mers of a piece.
const MOST_KMERS: usize = 255;

const BASES_PER_WORD: usize = 32;

/// Bases packed into words, the first in the lowest bits.
#[derive(Debug, Default)]
pub(super) struct PackedBases {
    words: Vec<u64>,
}

impl PackedBases {
    /// Packs the codes of some bases.
    pub(super) fn fill(&mut self, codes: &[u8]) {
        self.words.clear();
        let word = |chunk: &[u8]| chunk.iter().rev().fold(0, |word, &code| word << 2 | u64::from(code));
        self.words.extend(codes.chunks(BASES_PER_WORD).map(word));
        // So that a word from anywhere within can be read as two neighbours.
        self.words.push(0);
    }

    /// Up to 32 bases from a position on.
    #[inline]
    fn word_at(&self, base: usize) -> u64 {
        let (at, shift) = (base / BASES_PER_WORD, 2 * (base % BASES_PER_WORD) as u32);
        let high = self.words.get(at + 1).copied().unwrap_or(0);
        (self.words[at] >> shift) | ((high << 1) << (63 - shift))
    }
}

/// Most bytes that `kmers` k-mers from one stretch take.
pub(super) fn most_bytes(kmers: usize, k: usize) -> usize {
    kmers.div_ceil(MOST_KMERS) * (2 + (k - 1).div_ceil(4)) + kmers.div_ceil(4)
}

/// Appends the pieces of the `kmers` k-mers that begin at base `first` and after.
pub(super) fn push_pieces(into: &mut Vec<u8>, bases: &PackedBases, first: usize, kmers: usize, k: usize) {
    let mut done = 0;
    while done < kmers {
        let count = (kmers - done).min(MOST_KMERS);
        into.push(count as u8);
        let mut left = (count + k - 1).div_ceil(4);
        let mut base = first + done;
        while left > 0 {
            let take = left.min(8);
            into.extend_from_slice(&bases.word_at(base).to_le_bytes()[..take]);
            left -= take;
            base += BASES_PER_WORD;
        }
        done += count;
    }
}

/// Calls `each` with every k-mer of the pieces, mixed. `None` where the bytes end within a piece.
#[inline]
pub(super) fn for_each_kmer<W: Word>(
    mut pieces: &[u8],
    geometry: Geometry,
    mixing: &Mixing<W>,
    mut each: impl FnMut(W),
) -> Option<()> {
    let k = usize::from(geometry.k());
    let mut strands = Strands::<W>::new(geometry.k());
    while let Some((&count, rest)) = pieces.split_first() {
        let bases = usize::from(count) + k - 1;
        let (packed, rest) = rest.split_at_checked(bases.div_ceil(4))?;
        pieces = rest;
        let code = |base: usize| packed[base / 4] >> (2 * (base % 4)) & 3;
        (0..k - 1).for_each(|base| strands.push(code(base)));
        for base in k - 1..bases {
            strands.push(code(base));
            each(mixing.hash(strands.canonical()));
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kmer::{Kmers, mixing};

    fn come_back<W: Word>(k: u8) {
        let geometry = Geometry::new(k, 0).expect("valid");
        let mixing = mixing::<W>(geometry);
        let codes: Vec<u8> =
            (0..1000u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61) as u8 & 3).collect();
        let text: Vec<u8> = codes.iter().map(|&code| b"ACGT"[usize::from(code)]).collect();
        let mut bases = PackedBases::default();
        bases.fill(&codes);
        let k = usize::from(k);
        for (first, kmers) in [(0, 1), (0, 1000 - k + 1), (31, 255), (33, 256), (999 - k, 2), (7, 600)] {
            let mut pieces = Vec::new();
            push_pieces(&mut pieces, &bases, first, kmers, k);
            assert!(pieces.len() <= most_bytes(kmers, k));
            let mut found = Vec::new();
            for_each_kmer::<W>(&pieces, geometry, &mixing, |kmer| found.push(kmer)).expect("whole");
            let expected = Kmers::<W>::new(&text[first..first + kmers + k - 1], geometry);
            assert!(expected.map(|at| mixing.hash(at.kmer)).eq(found), "k {k}, {kmers} from {first}");
            assert!(for_each_kmer::<W>(&pieces[..pieces.len() - 1], geometry, &mixing, |_| {}).is_none());
        }
    }

    #[test]
    fn kmers_come_back_from_pieces() {
        for k in [3, 11, 23, 31] {
            come_back::<u64>(k);
        }
        for k in [31, 33, 63] {
            come_back::<u128>(k);
        }
    }
}
