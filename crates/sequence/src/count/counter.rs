//! The counts of one partition's k-mers.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use crate::Error;
use crate::hash::WordHasher;
use crate::kmer::Geometry;

pub(super) struct PartitionCounter {
    counts: HashMap<u64, u64, BuildHasherDefault<WordHasher>>,
}

impl PartitionCounter {
    pub(super) fn new(_geometry: Geometry) -> Result<Self, Error> {
        Ok(PartitionCounter { counts: HashMap::default() })
    }

    pub(super) fn add(&mut self, kmer: u64) -> Result<(), Error> {
        *self.counts.entry(kmer).or_default() += 1;
        Ok(())
    }

    pub(super) fn distinct(&self) -> u64 {
        self.counts.len() as u64
    }

    pub(super) fn frequent(&self, minimum: u32) -> u64 {
        self.counts.values().filter(|count| **count >= u64::from(minimum)).count() as u64
    }

    pub(super) fn into_sorted(self, minimum: u32) -> Vec<u64> {
        let frequent = |(kmer, count): (u64, u64)| (count >= u64::from(minimum)).then_some(kmer);
        let mut kmers: Vec<u64> = self.counts.into_iter().filter_map(frequent).collect();
        kmers.sort_unstable();
        kmers
    }
}
