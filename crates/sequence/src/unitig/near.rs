//! Groups the k-mers of one part so that those which overlap are mostly in one group, whose table fits the cache.
//!
//! Neighbours in a sequence mostly share their minimizer, the smallest m-mer under a hash. It is the same one by which
//! the index chooses partitions, so that grouping cuts few paths which partitions have not cut.

use stroma_quotient::Key;

use super::oriented::Oriented;
use crate::kmer::{minimizer_hash, usual_minimizer_length};

/// log2 of the k-mers of a group, on average at most.
const GROUP_BITS: u32 = 15;

/// k-mers, group by group. Kept from part to part, so that memory is not asked for and given back each time.
pub(super) struct Near<W> {
    kmers: Vec<(W, u32)>,
    /// Where each group ends.
    ends: Vec<usize>,
    /// The group of each k-mer, in the order in which they were given.
    chosen: Vec<u32>,
}

impl<W: Key> Near<W> {
    /// Without k-mers.
    pub(super) fn new() -> Self {
        Near { kmers: Vec::new(), ends: Vec::new(), chosen: Vec::new() }
    }

    /// Groups k-mers by the upper bits of a hash. Linear time.
    pub(super) fn group(&mut self, kmers: &[(W, u32)], hash: impl Fn(W) -> u64) {
        let bits = (kmers.len() >> GROUP_BITS).checked_ilog2().map_or(0, |bits| bits + 1);
        let group = |hash: u64| ((hash >> 1) >> (63 - bits)) as usize;
        self.ends.clear();
        self.ends.resize(1 << bits, 0);
        self.chosen.clear();
        for &(kmer, _) in kmers {
            let group = group(hash(kmer));
            self.ends[group] += 1;
            self.chosen.push(group as u32);
        }
        let mut begin = 0;
        for end in &mut self.ends {
            begin += std::mem::replace(end, begin);
        }
        self.kmers.resize(kmers.len(), (W::ZERO, 0));
        for (&kmer, &group) in kmers.iter().zip(&self.chosen) {
            self.kmers[self.ends[group as usize]] = kmer;
            self.ends[group as usize] += 1;
        }
    }

    pub(super) fn groups(&self) -> impl Iterator<Item = &[(W, u32)]> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(begin, &end)| &self.kmers[begin..end])
    }
}

/// A hash of a k-mer's minimizer, evenly spread, and not that by which the index chooses partitions.
#[inline]
pub(super) fn smallest_hash<W: Key>(kmer: Oriented<W>, k: u8) -> u64 {
    let m = u32::from(usual_minimizer_length(k));
    let last = u32::from(k) - m;
    let mask = u64::MAX >> (64 - 2 * m);
    let hash = |place: u32| {
        let forward = (kmer.forward >> (2 * place)).low() & mask;
        let reverse = (kmer.reverse >> (2 * (last - place))).low() & mask;
        minimizer_hash(forward.min(reverse))
    };
    let smallest = (0..=last).map(hash).min().unwrap_or(0);
    smallest.wrapping_mul(0xd6e8_feb8_6659_fd93).rotate_left(17).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::super::oriented::Length;
    use super::*;
    use crate::kmer::{Geometry, Kmers};
    use crate::noise::noise;

    #[test]
    fn groups_hold_all_kmers_once() {
        let kmers: Vec<(u64, u32)> = (0..200_000).map(|kmer| (kmer * 7, kmer as u32)).collect();
        let mut near = Near::new();
        for part in [&kmers[..], &kmers[..5], &kmers[7..90_000], &[]] {
            near.group(part, |kmer| kmer.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            assert!(near.groups().count() >= 4 || part.len() < 10);
            let mut back: Vec<(u64, u32)> = near.groups().flatten().copied().collect();
            back.sort_unstable();
            assert_eq!(back, part);
        }
    }

    #[test]
    fn the_minimizer_is_the_indexs() {
        // k-mers of one partition out of very many mostly have one minimizer, and so one hash here.
        let geometry = Geometry::new(23, 12).expect("valid");
        let mut state = 1_u64;
        let mut base = || b"ACGT"[noise(&mut state) as usize % 4];
        let sequence: Vec<u8> = (0..2000).map(|_| base()).collect();
        let length = Length::<u64>::new(23);
        let both: Vec<(u32, u64)> = Kmers::new(&sequence, geometry)
            .map(|at| (at.partition, smallest_hash(length.oriented(at.kmer), 23)))
            .collect();
        let changes = both.windows(2).filter(|two| two[0].0 != two[1].0).count();
        let alike = both.windows(2).filter(|two| two[0].1 != two[1].1).count();
        assert!(changes <= alike && alike <= changes + 3, "{changes} {alike}");
    }
}
