//! Takes the sequences of one sample and gives back, for each partition, its frequent enough k-mers.

use super::counter::PartitionCounter;
use crate::Error;
use crate::kmer::{Geometry, Kmers};

/// The k-mer counts of one sample.
pub(crate) struct SampleCounter {
    geometry: Geometry,
    partitions: Vec<PartitionCounter>,
    kmers: u64,
}

impl SampleCounter {
    pub(crate) fn new(geometry: Geometry) -> Result<Self, Error> {
        let partitions: Result<Vec<PartitionCounter>, Error> =
            (0..geometry.partitions()).map(|_| PartitionCounter::new(geometry)).collect();
        Ok(SampleCounter { geometry, partitions: partitions?, kmers: 0 })
    }

    /// Counts the k-mers of a sequence.
    pub(crate) fn add(&mut self, sequence: &[u8]) -> Result<(), Error> {
        for at in Kmers::new(sequence, self.geometry) {
            self.partitions[at.partition as usize].add(at.kmer)?;
            self.kmers += 1;
        }
        Ok(())
    }

    /// To be called after the last sequence, before anything is asked.
    pub(crate) fn finish(&mut self) -> Result<(), Error> {
        self.partitions.iter_mut().try_for_each(PartitionCounter::finish)
    }

    /// k-mers counted, repeats included.
    pub(crate) fn kmers(&self) -> u64 {
        self.kmers
    }

    /// Different k-mers counted, rare ones included.
    pub(crate) fn distinct(&self) -> u64 {
        self.partitions.iter().map(PartitionCounter::distinct).sum()
    }

    /// Number of k-mers that occur at least `minimum` times.
    pub(crate) fn frequent(&self, minimum: u32) -> u64 {
        if minimum <= 1 {
            return self.distinct();
        }
        self.partitions.iter().map(|partition| partition.frequent(minimum)).sum()
    }

    /// For each partition in order, the k-mers that occur at least `minimum` times, ascending. A partition's
    /// counts are freed as it is handed out.
    pub(crate) fn into_partitions(self, minimum: u32) -> impl Iterator<Item = Vec<u64>> {
        self.partitions.into_iter().map(move |partition| partition.into_sorted(minimum))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn counts_as_a_map_does_for_every_k_and_cut_off() {
        let mut state = 7u64;
        let mut base = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            b"ACGTN"[((state >> 33) % 41).min(4) as usize % 5]
        };
        for (k, bits) in [(3, 0), (3, 4), (5, 2), (11, 0), (21, 3), (31, 6), (5, 12), (31, 12)] {
            let geometry = Geometry::new(k, bits).expect("valid");
            let mut counter = SampleCounter::new(geometry).expect("fits");
            let mut counts: BTreeMap<(u32, u64), u64> = BTreeMap::new();
            for length in [3000usize, 0, 17, 900] {
                let sequence: Vec<u8> = (0..length).map(|i| if i % 7 == 0 { b'A' } else { base() }).collect();
                for _ in 0..2 {
                    counter.add(&sequence).expect("room");
                    Kmers::new(&sequence, geometry)
                        .for_each(|at| *counts.entry((at.partition, at.kmer)).or_default() += 1);
                }
            }
            counter.finish().expect("room");
            assert_eq!(counter.kmers(), counts.values().sum::<u64>());
            assert_eq!(counter.distinct(), counts.len() as u64);
            let minimum = 3;
            let expected: Vec<(u32, u64)> =
                counts.iter().filter(|(_, n)| **n >= minimum.into()).map(|(&at, _)| at).collect();
            assert_eq!(counter.frequent(minimum), expected.len() as u64);
            let found: Vec<(u32, u64)> = (0u32..)
                .zip(counter.into_partitions(minimum))
                .flat_map(|(partition, kmers)| kmers.into_iter().map(move |kmer| (partition, kmer)))
                .collect();
            assert_eq!(found, expected, "k {k}");
        }
    }
}
