//! The counts of one partition's k-mers, in a quotient filter over invertibly mixed k-mers: exact and compact.
//!
//! Counting one k-mer at a time would miss the processor's caches at nearly each. So k-mers wait until they are
//! half as many as the filter has keys; then they are sorted, and filter and waiting k-mers are merged into a
//! new filter from front to back. Each k-mer is rewritten about three times as the filter grows, which costs
//! less than half of inserting it where it belongs, and four bytes for each k-mer of the partition.

use stroma_quotient::{Builder, CountingFilter, Error as FilterError, InvertibleHash, Shape};

use crate::Error;
use crate::kmer::Geometry;

/// k-mers that wait in all partitions together before the first are counted.
const FIRST_WAITING: usize = 1 << 19;
/// Any seed will do: the mixing need only be the same within one partition's life.
const MIXING_SEED: u64 = 0x6b6d_6572;

/// Counts k-mers; grows as it needs to.
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
        Ok(PartitionCounter {
            filter: CountingFilter::with_capacity(1, bits)?,
            mixing: InvertibleHash::new(bits, MIXING_SEED),
            waiting: Vec::new(),
            most_waiting: FIRST_WAITING >> geometry.partition_bits(),
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
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.waiting.sort_unstable();
        // A new key takes a slot, and so does the count of one that was counted once before; more are rare.
        let arriving = self.waiting.chunk_by(|a, b| a == b).map(|same| same.len().min(2) as u64);
        let taken = self.filter.slots_taken() + arriving.sum::<u64>();
        let mut shape = Shape::for_slots(taken, self.filter.shape().key_bits())?;
        self.filter = loop {
            match self.merged(shape) {
                Err(FilterError::Full { .. }) => shape = shape.resized(shape.home_slots() * 5 / 4 + 1)?,
                outcome => break outcome?,
            }
        };
        self.waiting.clear();
        self.most_waiting = self.most_waiting.max(self.filter.distinct() as usize / 2);
        Ok(())
    }

    /// Filter and waiting k-mers, counts added up, in a new filter.
    fn merged(&self, shape: Shape) -> Result<CountingFilter, FilterError> {
        let mut builder = Builder::new(shape)?;
        let mut counted = self.filter.iter().peekable();
        for same in self.waiting.chunk_by(|a, b| a == b) {
            while let Some(entry) = counted.next_if(|entry| entry.key < same[0]) {
                builder.push_entry(entry)?;
            }
            let before = counted.next_if(|entry| entry.key == same[0]).map_or(0, |entry| entry.count);
            builder.push(same[0], before + same.len() as u64)?;
        }
        counted.try_for_each(|entry| builder.push_entry(entry))?;
        builder.finish()
    }

    pub(super) fn distinct(&self) -> u64 {
        self.filter.distinct()
    }

    /// Number of k-mers that occur at least `minimum` times.
    pub(super) fn frequent(&self, minimum: u32) -> u64 {
        self.filter.iter().filter(|entry| entry.count >= u64::from(minimum)).count() as u64
    }

    /// The k-mers that occur at least `minimum` times, ascending.
    pub(super) fn into_sorted(self, minimum: u32) -> Vec<u64> {
        let frequent = self.filter.iter().filter(|entry| entry.count >= u64::from(minimum));
        let mut kmers: Vec<u64> = frequent.map(|entry| self.mixing.invert(entry.key)).collect();
        kmers.sort_unstable();
        kmers
    }
}
