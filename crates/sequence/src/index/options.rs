//! What is chosen when an index is created and cannot be changed later.

use crate::Error;
use crate::kmer::Geometry;
use crate::samples::Settings;

/// What is chosen when an index is created; recorded in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexOptions {
    /// Bases in a k-mer: odd, 3 to 63. Above 31 a k-mer takes a word of 128 bits.
    pub k: u8,
    /// A sample's k-mers that occur less often are left out: sequencing errors, in reads. 1 keeps all.
    pub minimum_count: u32,
    /// Into how many partitions the k-mers of a layer are split: a power of two, up to 4096. A search or merge
    /// opens one at a time, and a sample being added or a merge holds the largest in memory.
    pub partitions: u32,
    /// Whether it is kept how often each k-mer occurs in each sample, in steps of half an octave.
    pub abundances: bool,
}

impl Default for IndexOptions {
    /// k = 31, every k-mer kept, 64 partitions, no abundances.
    fn default() -> Self {
        IndexOptions { k: 31, minimum_count: 1, partitions: 64, abundances: false }
    }
}

impl IndexOptions {
    pub(super) fn settings(&self) -> Result<Settings, Error> {
        let partitions = self.partitions;
        if !partitions.is_power_of_two() || partitions > 4096 {
            return Err(Error::UnsupportedPartitions { partitions });
        }
        if self.minimum_count == 0 {
            return Err(Error::UnsupportedMinimumCount);
        }
        let geometry = Geometry::new(self.k, partitions.trailing_zeros() as u8)?;
        Ok(Settings { geometry, minimum_count: self.minimum_count, abundances: self.abundances })
    }
}

/// What building and merging may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildResources {
    /// Threads that count, sort and merge.
    pub threads: usize,
    /// Most bytes of memory for k-mers waiting, being sorted and being merged: what does not fit is spilled to
    /// temporary files. Beside it are the colour tables of layers being merged, the input's buffers, and what the
    /// program takes anyway.
    pub memory_bytes: u64,
}

impl Default for BuildResources {
    /// One thread, 2 GiB.
    fn default() -> Self {
        BuildResources { threads: 1, memory_bytes: 2 << 30 }
    }
}
