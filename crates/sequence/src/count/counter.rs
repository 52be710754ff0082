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

/// Most k-mers that wait in the partitions together before they are counted.
const WAITING_KMERS: usize = 1 << 19;

/// Counts k-mers; grows as it needs to.
///
/// k-mers wait until there are some thousands, which are then counted in the order of the filter: that walks
/// through one filter in order, instead of missing the processor's caches in all of them in turn.
pub(super) struct PartitionCounter {
    filter: CountingFilter,
    mixing: InvertibleHash,
    /// Mixed k-mers not yet in the filter.
    waiting: Vec<u64>,
    most_waiting: usize,
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
            waiting: Vec::new(),
            most_waiting: WAITING_KMERS >> geometry.partition_bits(),
        })
    }

    /// Counts a k-mer once more. O(1) on average.
    #[inline]
    pub(super) fn add(&mut self, kmer: u64) -> Result<(), Error> {
        self.waiting.push(self.mixing.hash(kmer));
        if self.waiting.len() >= self.most_waiting { self.count_waiting() } else { Ok(()) }
    }

    /// Counts what still waits. To be called after the last k-mer, before anything is asked.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        self.count_waiting()?;
        self.waiting = Vec::new();
        Ok(())
    }

    fn count_waiting(&mut self) -> Result<(), Error> {
        self.waiting.sort_unstable();
        for same in self.waiting.chunk_by(|a, b| a == b) {
            if self.filter.load() > FULLEST {
                self.filter.grow()?;
            }
            // A large count next to the end may need more room than the load tells.
            while let Err(error) = self.filter.add(same[0], same.len() as u64) {
                match error {
                    FilterError::Full { .. } => self.filter.grow()?,
                    other => return Err(other.into()),
                }
            }
        }
        self.waiting.clear();
        Ok(())
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
