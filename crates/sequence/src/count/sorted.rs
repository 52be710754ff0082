//! The k-mers of one partition, sorted and counted, within a cap on memory.

use stroma_quotient::Mixing;

use super::counted::for_each_counted;
use super::pieces::for_each_kmer;
use super::waiting::Waiting;
use crate::Error;
use crate::abundance::level_of;
use crate::kmer::{Geometry, Word};
use crate::layer::{LayerError, SamplePartition};

/// What sorting needs to know.
#[derive(Debug)]
pub(super) struct Sorting<'a, W> {
    pub(super) geometry: Geometry,
    pub(super) mixing: &'a Mixing<W>,
    /// k-mers that occur less often are left out.
    pub(super) minimum_count: u32,
    pub(super) keeps_abundances: bool,
    /// Most bytes of memory for what is sorted at once.
    pub(super) most_bytes: u64,
}

/// The k-mers of a partition that occur often enough, and how many different ones there were before.
#[derive(Debug, Default)]
pub(super) struct SortedPartition {
    pub(super) kept: SamplePartition,
    pub(super) distinct: u64,
}

/// What was found while a partition is sorted.
#[derive(Debug)]
struct Found<W> {
    kmers: Vec<W>,
    /// The level of each k-mer's abundance, where these are kept.
    levels: Vec<u8>,
    distinct: u64,
}

impl<W: Word> Found<W> {
    fn new() -> Self {
        Found { kmers: Vec::new(), levels: Vec::new(), distinct: 0 }
    }

    fn encode(self, geometry: Geometry) -> SortedPartition {
        let kept = SamplePartition::new(&self.kmers, self.levels, geometry.kmer_bits());
        SortedPartition { kept, distinct: self.distinct }
    }
}

impl<W: Word> Sorting<'_, W> {
    /// Bytes that a k-mer takes: while it is sorted its word, and its count if it has one; later what it is
    /// encoded as, which is less than its word.
    pub(super) fn bytes_each(is_counted: bool) -> u64 {
        let sorted = if is_counted { size_of::<W::Tagged>() } else { size_of::<W>() };
        sorted as u64 + u64::from(W::BYTES)
    }

    /// Into how many ranges of mixed words a partition is split (log2), and the one that each is of.
    fn passes(&self, kmers: u64, is_counted: bool) -> (u32, impl Fn(W, u64) -> bool + use<W>) {
        let bits = self.geometry.kmer_bits();
        let most_kmers = self.most_bytes / Self::bytes_each(is_counted);
        let pass_bits = passes_bits(kmers, most_kmers).min(bits - 1);
        (pass_bits, move |kmer: W, pass| pass_bits == 0 || (kmer >> (bits - pass_bits)).low() == pass)
    }

    /// Sorts a partition of super-k-mers. One with more k-mers than may be sorted at once is read several
    /// times, and each time the k-mers of one range of mixed words are taken: these are spread evenly, and come
    /// in order.
    pub(super) fn sort(&self, waits: &Waiting, partition: u32) -> Result<SortedPartition, Error> {
        let total = waits.kmers_of(partition);
        let (pass_bits, is_of_pass) = self.passes(total, false);
        let mut found = Found::new();
        let mut waiting: Vec<W> = Vec::new();
        if pass_bits == 0 {
            waiting.reserve_exact(total as usize);
        }
        for pass in 0..1_u64 << pass_bits {
            waiting.clear();
            waits.for_each_run(partition, |pieces| {
                let take = |kmer| {
                    if is_of_pass(kmer, pass) {
                        waiting.push(kmer);
                    }
                };
                for_each_kmer(pieces, self.geometry, self.mixing, take).ok_or_else(cut_short)
            })?;
            waiting.sort_unstable();
            self.keep_in_place(&mut waiting, &mut found);
            if pass_bits == 0 {
                found.kmers = std::mem::take(&mut waiting);
            } else {
                found.kmers.extend_from_slice(&waiting);
            }
        }
        Ok(found.encode(self.geometry))
    }

    /// The same for a partition of counted k-mers; the counts of equal ones are added up.
    pub(super) fn sort_counted(&self, waits: &Waiting, partition: u32) -> Result<SortedPartition, Error> {
        let (pass_bits, is_of_pass) = self.passes(waits.kmers_of(partition), true);
        let mut found = Found::new();
        let mut waiting: Vec<W::Tagged> = Vec::new();
        for pass in 0..1_u64 << pass_bits {
            waiting.clear();
            waits.for_each_run(partition, |entries| {
                let take = |kmer: W, count| {
                    if is_of_pass(kmer, pass) {
                        waiting.push(kmer.tagged(count));
                    }
                };
                for_each_counted(entries, self.geometry, take).ok_or_else(cut_short)
            })?;
            waiting.sort_unstable();
            let mut rest = waiting.iter().map(|&tagged| W::untagged(tagged)).peekable();
            while let Some((kmer, mut count)) = rest.next() {
                while let Some((_, more)) = rest.next_if(|(next, _)| *next == kmer) {
                    count += more;
                }
                if self.keep(count, &mut found) {
                    found.kmers.push(kmer);
                }
            }
        }
        Ok(found.encode(self.geometry))
    }

    /// Notes a k-mer that occurs so often, and tells whether it is kept.
    fn keep(&self, count: u64, into: &mut Found<W>) -> bool {
        into.distinct += 1;
        let is_kept = count >= u64::from(self.minimum_count);
        if is_kept && self.keeps_abundances {
            into.levels.push(level_of(count) as u8);
        }
        is_kept
    }

    /// Leaves each k-mer that occurs often enough once.
    fn keep_in_place(&self, sorted: &mut Vec<W>, into: &mut Found<W>) {
        let (mut kept, mut at) = (0, 0);
        while at < sorted.len() {
            let kmer = sorted[at];
            let start = at;
            at += 1;
            while at < sorted.len() && sorted[at] == kmer {
                at += 1;
            }
            if self.keep((at - start) as u64, into) {
                sorted[kept] = kmer;
                kept += 1;
            }
        }
        sorted.truncate(kept);
    }
}

fn cut_short() -> Error {
    let what = "a temporary file ends within a k-mer";
    LayerError::Corrupt { place: "the sample's k-mers".to_owned(), offset: 0, what }.into()
}

/// log2 of the number of passes in which so many k-mers are sorted, `most` at once.
fn passes_bits(kmers: u64, most: u64) -> u32 {
    let passes = kmers.div_ceil(most.max(1)).max(1);
    // A tenth more: the ranges are not quite equal.
    let passes = if passes > 1 { passes + passes.div_ceil(10) } else { 1 };
    passes.next_power_of_two().ilog2()
}
