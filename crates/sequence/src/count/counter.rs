//! The counts of one partition's k-mers, in a quotient filter over invertibly mixed k-mers: exact and compact.

use stroma_quotient::{CountingFilter, Error as FilterError, InvertibleHash, Shape};

use crate::Error;
use crate::kmer::Geometry;

/// Home slots at the beginning, as a power of two: many partitions stay small.
const FIRST_QUOTIENT_BITS: u32 = 8;
/// Above this load insertions become slow, and the filter grows.
const FULLEST: f64 = 0.9;
/// Any seed will do: the mixing need only be the same within one partition's life.
const MIXING_SEED: u64 = 0x6b6d_6572;

/// Counts k-mers; grows as it needs to.
pub(super) struct PartitionCounter {
    filter: CountingFilter,
    mixing: InvertibleHash,
}

/// Bits of a mixed k-mer. Some more than the k-mer has, so that the filter can always grow until it holds all
/// k-mers of a short k with large counts: at eight bits more there are 256 slots for each possible word.
fn mixed_bits(geometry: Geometry) -> u32 {
    (geometry.kmer_bits() + 8).clamp(24, 64)
}

impl PartitionCounter {
    pub(super) fn new(geometry: Geometry) -> Result<Self, Error> {
        let bits = mixed_bits(geometry);
        let shape = Shape { quotient_bits: FIRST_QUOTIENT_BITS, remainder_bits: bits - FIRST_QUOTIENT_BITS };
        Ok(PartitionCounter {
            filter: CountingFilter::new(shape)?,
            mixing: InvertibleHash::new(bits, MIXING_SEED),
        })
    }

    /// Counts a k-mer once more. O(1) on average.
    #[inline]
    pub(super) fn add(&mut self, kmer: u64) -> Result<(), Error> {
        let mixed = self.mixing.hash(kmer);
        if self.filter.load() > FULLEST {
            self.filter.grow()?;
        }
        loop {
            match self.filter.insert(mixed) {
                // A large count next to the end may need more room than the load tells.
                Err(FilterError::Full { .. }) => self.filter.grow()?,
                outcome => return Ok(outcome?),
            }
        }
    }

    pub(super) fn distinct(&self) -> u64 {
        self.filter.distinct()
    }

    /// Number of k-mers that occur at least `minimum` times.
    pub(super) fn frequent(&self, minimum: u32) -> u64 {
        self.filter.iter().filter(|(_, count)| *count >= u64::from(minimum)).count() as u64
    }

    /// The k-mers that occur at least `minimum` times, ascending.
    pub(super) fn into_sorted(self, minimum: u32) -> Vec<u64> {
        let frequent = self.filter.iter().filter(|(_, count)| *count >= u64::from(minimum));
        let mut kmers: Vec<u64> = frequent.map(|(mixed, _)| self.mixing.invert(mixed)).collect();
        kmers.sort_unstable();
        kmers
    }
}
