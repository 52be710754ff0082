//! Takes the sequences of one sample and gives back, for each partition in order, its frequent enough k-mers.

use super::counted::CountedTaker;
use super::scatter::Scattered;
use super::sorted::{SortedPartition, Sorting};
use super::spill::Spills;
use super::waiting::Waiting;
use crate::Error;
use crate::import::CountedKmers;
use crate::kmer::{Geometry, Word, mixing};
use crate::layer::{Resources, SamplePartition};
use crate::parallel;

/// k-mers of a file of counts between two notes of progress.
const NOTED_AT_ONCE: u64 = 1 << 20;

/// Fewer waiting bytes than this for each partition would be spilled in tiny parts.
const LEAST_WAITING: usize = 256;

/// The k-mers of one sample, while they are collected and while they are counted.
pub(crate) struct SampleCounter<'a> {
    geometry: Geometry,
    taken: Taken,
    spills: &'a Spills,
    kmers: u64,
}

/// k-mers that wait to be sorted.
enum Taken {
    /// From sequences.
    Sequences(Box<Scattered>),
    /// Counted elsewhere.
    Counts(Waiting),
}

impl Taken {
    fn waiting(&self) -> &Waiting {
        match self {
            Taken::Sequences(scattered) => scattered.waiting(),
            Taken::Counts(waiting) => waiting,
        }
    }
}

/// What is left out of a sample's k-mers and what is kept beside them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keeping {
    pub(crate) minimum_count: u32,
    pub(crate) abundances: bool,
}

impl<'a> SampleCounter<'a> {
    /// For sequences. Holds up to `waiting_bytes` of super-k-mers in memory.
    pub(crate) fn new(geometry: Geometry, waiting_bytes: u64, spills: &'a Spills) -> Self {
        let scattered = Scattered::new(geometry, at_least(geometry, waiting_bytes));
        SampleCounter { geometry, taken: Taken::Sequences(Box::new(scattered)), spills, kmers: 0 }
    }

    /// For k-mers that were counted elsewhere.
    pub(crate) fn of_counts(geometry: Geometry, waiting_bytes: u64, spills: &'a Spills) -> Self {
        let waiting = Waiting::new(geometry.partitions(), at_least(geometry, waiting_bytes));
        SampleCounter { geometry, taken: Taken::Counts(waiting), spills, kmers: 0 }
    }

    /// Takes the k-mers of a sequence in, and tells how many they are. Not for a counter of counts.
    pub(crate) fn add(&mut self, sequence: &[u8]) -> Result<u64, Error> {
        let Taken::Sequences(scattered) = &mut self.taken else { return Ok(0) };
        let kmers = scattered.add(sequence, self.spills)?;
        self.kmers += kmers;
        Ok(kmers)
    }

    /// Takes a file of counted k-mers in. Calls `note` with the k-mers so far, now and then.
    pub(crate) fn add_counts(&mut self, counts: CountedKmers, note: impl Fn(u64)) -> Result<(), Error> {
        if self.geometry.is_wide() {
            self.add_counts_as::<u128>(counts, note)
        } else {
            self.add_counts_as::<u64>(counts, note)
        }
    }

    fn add_counts_as<W: Word>(&mut self, counts: CountedKmers, note: impl Fn(u64)) -> Result<(), Error> {
        let Taken::Counts(waiting) = &mut self.taken else { return Ok(()) };
        let mut taker = CountedTaker::<W>::new(self.geometry, waiting, self.spills);
        let (mut distinct, mut kmers) = (0_u64, self.kmers);
        counts.for_each(|kmer, count| {
            kmers = kmers.saturating_add(count);
            distinct += 1;
            if distinct.is_multiple_of(NOTED_AT_ONCE) {
                note(distinct);
            }
            taker.take(kmer, count)
        })?;
        self.kmers = kmers;
        Ok(())
    }

    /// k-mers taken in, repeats included.
    pub(crate) fn kmers(&self) -> u64 {
        self.kmers
    }

    /// Hands each partition, in order, to `take`: its k-mers that occur often enough, ascending. Returns how many
    /// different ones there were before any was left out.
    pub(crate) fn for_each_partition(
        &self,
        keeping: Keeping,
        resources: &Resources,
        take: impl FnMut(SamplePartition) -> Result<(), Error>,
    ) -> Result<u64, Error> {
        if self.geometry.is_wide() {
            self.partitions::<u128>(keeping, resources, take)
        } else {
            self.partitions::<u64>(keeping, resources, take)
        }
    }

    fn partitions<W: Word>(
        &self,
        keeping: Keeping,
        resources: &Resources,
        mut take: impl FnMut(SamplePartition) -> Result<(), Error>,
    ) -> Result<u64, Error> {
        let waiting = self.taken.waiting();
        let is_counted = matches!(self.taken, Taken::Counts(_));
        let largest = waiting.largest() * Sorting::<W>::bytes_each(is_counted);
        let available = resources.sorting_bytes();
        let threads = resources.threads_within(largest.min(available), available);
        let mixing = mixing::<W>(self.geometry);
        let sorting = Sorting {
            geometry: self.geometry,
            mixing: &mixing,
            minimum_count: keeping.minimum_count,
            keeps_abundances: keeping.abundances,
            most_bytes: available,
        };
        let mut distinct = 0;
        parallel::in_order(
            threads,
            self.geometry.partitions(),
            |partition| {
                if is_counted {
                    sorting.sort_counted(waiting, partition)
                } else {
                    sorting.sort(waiting, partition)
                }
            },
            |_, SortedPartition { kept, distinct: found }| {
                distinct += found;
                take(kept)
            },
        )?;
        Ok(distinct)
    }
}

fn at_least(geometry: Geometry, waiting_bytes: u64) -> usize {
    let least = LEAST_WAITING * geometry.partitions() as usize;
    usize::try_from(waiting_bytes).unwrap_or(usize::MAX).max(least)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use stroma_strata::storage::{MemoryStorage, Storage};

    use super::super::spill::SPILL_FOLDER;
    use super::*;
    use crate::kmer::{KmerAt, Kmers};

    fn counted<W: Word>(geometry: Geometry, memory: u64, threads: usize) {
        let mut state = 7u64;
        let mut base = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            if (state >> 33).is_multiple_of(41) { b'N' } else { b"ACGT"[(state >> 40) as usize % 4] }
        };
        let storage = Arc::new(MemoryStorage::new());
        let spills = Spills::new(storage.clone());
        let mut counter = SampleCounter::new(geometry, memory / 4, &spills);
        let mut counts: BTreeMap<KmerAt<W>, u64> = BTreeMap::new();
        for length in [3000usize, 0, 17, 900, 20_000] {
            let sequence: Vec<u8> = (0..length).map(|i| if i % 7 == 0 { b'A' } else { base() }).collect();
            for _ in 0..3 {
                let taken = counter.add(&sequence).expect("room");
                let all = Kmers::<W>::new(&sequence, geometry);
                assert_eq!(taken, all.clone().count() as u64);
                all.for_each(|at| *counts.entry(at).or_default() += 1);
            }
        }
        let spilled = !storage.list(SPILL_FOLDER).expect("listed").is_empty();
        assert_eq!(spilled, memory < 1 << 16, "{memory} bytes");
        assert_eq!(counter.kmers(), counts.values().sum::<u64>());
        let resources = Resources::new(threads, memory);
        for minimum_count in [1, 4] {
            let mut expected = vec![(0, Vec::new()); geometry.partitions() as usize];
            let mixing = mixing::<W>(geometry);
            for (at, &count) in counts.iter().filter(|(_, count)| **count >= u64::from(minimum_count)) {
                let (kmers, levels): &mut (usize, Vec<_>) = &mut expected[at.partition as usize];
                *kmers += 1;
                levels.push((mixing.hash(at.kmer), crate::abundance::level_of(count) as u8));
            }
            let mut partition = 0;
            let keeping = Keeping { minimum_count, abundances: true };
            let distinct = counter
                .for_each_partition(keeping, &resources, |found| {
                    let (kmers, levels) = &mut expected[partition];
                    partition += 1;
                    levels.sort_unstable();
                    assert_eq!(found.len(), *kmers);
                    assert!(found.levels().eq(levels.iter().map(|&(_, level)| level)));
                    Ok(())
                })
                .expect("room");
            assert_eq!(distinct, counts.len() as u64);
        }
        drop(counter);
        assert!(
            storage.list(SPILL_FOLDER).expect("listed").is_empty(),
            "temporary blobs go with the counter"
        );
    }

    #[test]
    fn counts_as_a_map_does_whatever_the_memory_and_the_threads() {
        for (k, bits) in [(3, 0), (3, 4), (5, 2), (11, 0), (21, 3), (31, 6), (31, 12)] {
            let geometry = Geometry::new(k, bits).expect("valid");
            for (memory, threads) in [(1 << 30, 1), (1 << 30, 3), (1 << 13, 2)] {
                if memory > 1 << 16 || bits < 4 {
                    counted::<u64>(geometry, memory, threads);
                }
            }
        }
        for k in [33, 63] {
            let geometry = Geometry::new(k, 2).expect("valid");
            counted::<u128>(geometry, 1 << 30, 2);
            counted::<u128>(geometry, 1 << 13, 1);
        }
    }
}
