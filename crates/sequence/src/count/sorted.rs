//! The k-mers of one partition, sorted and counted, within a cap on memory.

use stroma_quotient::Mixing;

use super::pieces::for_each_kmer;
use super::scatter::Scattered;
use crate::Error;
use crate::abundance::level_of;
use crate::kmer::{Geometry, Word};
use crate::layer::{EncodedKmers, LayerError, SamplePartition};

/// What sorting needs to know.
#[derive(Debug)]
pub(super) struct Sorting<'a, W> {
    pub(super) geometry: Geometry,
    pub(super) mixing: &'a Mixing<W>,
    /// k-mers that occur less often are left out.
    pub(super) minimum_count: u32,
    pub(super) keeps_abundances: bool,
    /// Most k-mers that are sorted at once.
    pub(super) most_kmers: u64,
}

/// The k-mers of a partition that occur often enough, and how many different ones there were before.
#[derive(Debug, Default)]
pub(super) struct SortedPartition {
    pub(super) kept: SamplePartition,
    pub(super) distinct: u64,
}

impl<W: Word> Sorting<'_, W> {
    /// Sorts a partition. One with more k-mers than may be sorted at once is read several times, and each time the
    /// k-mers of one range of mixed words are taken: these are spread evenly, and come in order.
    pub(super) fn sort(&self, scattered: &Scattered, partition: u32) -> Result<SortedPartition, Error> {
        let total = scattered.kmers_of(partition);
        let bits = self.geometry.kmer_bits();
        let pass_bits = passes_bits(total, self.most_kmers).min(bits - 1);
        let mut sorted = SortedPartition::default();
        let mut kept: Vec<W> = Vec::new();
        let mut waiting: Vec<W> = Vec::new();
        if pass_bits == 0 {
            waiting.reserve_exact(total as usize);
        }
        for pass in 0..1_u64 << pass_bits {
            waiting.clear();
            let is_of_pass = |kmer: W| pass_bits == 0 || (kmer >> (bits - pass_bits)).low() == pass;
            scattered.for_each_run(partition, |pieces| {
                let take = |kmer| {
                    if is_of_pass(kmer) {
                        waiting.push(kmer);
                    }
                };
                for_each_kmer(pieces, self.geometry, self.mixing, take).ok_or_else(|| {
                    let what = "a temporary file ends within a super-k-mer";
                    LayerError::Corrupt { place: "the sample's k-mers".to_owned(), offset: 0, what }.into()
                })
            })?;
            waiting.sort_unstable();
            self.keep_in_place(&mut waiting, &mut sorted);
            if pass_bits == 0 {
                kept = std::mem::take(&mut waiting);
            } else {
                kept.extend_from_slice(&waiting);
            }
        }
        sorted.kept.kmers = EncodedKmers::new(&kept, bits);
        Ok(sorted)
    }

    /// Leaves each k-mer that occurs often enough once.
    fn keep_in_place(&self, sorted: &mut Vec<W>, into: &mut SortedPartition) {
        let (mut kept, mut at) = (0, 0);
        while at < sorted.len() {
            let kmer = sorted[at];
            let start = at;
            at += 1;
            while at < sorted.len() && sorted[at] == kmer {
                at += 1;
            }
            into.distinct += 1;
            let count = (at - start) as u64;
            if count >= u64::from(self.minimum_count) {
                sorted[kept] = kmer;
                kept += 1;
                if self.keeps_abundances {
                    into.kept.levels.push(level_of(count) as u8);
                }
            }
        }
        sorted.truncate(kept);
    }
}

/// log2 of the number of passes in which so many k-mers are sorted, `most` at once.
fn passes_bits(kmers: u64, most: u64) -> u32 {
    let passes = kmers.div_ceil(most.max(1)).max(1);
    // A tenth more: the ranges are not quite equal.
    let passes = if passes > 1 { passes + passes.div_ceil(10) } else { 1 };
    passes.next_power_of_two().ilog2()
}
