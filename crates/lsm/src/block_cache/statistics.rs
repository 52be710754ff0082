//! What the cache of blocks tells of itself.

/// What the cache of blocks holds, and how often it had what was looked for. All zero before the first block that
/// had to be decompressed, or read from storage that is not mapped: until then there is no cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockCacheStatistics {
    /// Blocks in it.
    pub blocks: usize,
    /// Bytes of memory it takes, its own index included.
    pub bytes: usize,
    /// The most it may take as things are; memtables that grow push it back, down to `least_bytes`.
    pub limit_bytes: usize,
    /// What is left to it however much the memtables want.
    pub least_bytes: usize,
    /// Times a block was found.
    pub hits: u64,
    /// Times it was not, and was made from the file.
    pub misses: u64,
    /// Blocks dropped to make room for others or for memtables.
    pub evicted: u64,
}

impl BlockCacheStatistics {
    /// The share of lookups that found their block; 0 before the first.
    pub fn hit_ratio(&self) -> f64 {
        let lookups = self.hits + self.misses;
        if lookups == 0 { 0.0 } else { self.hits as f64 / lookups as f64 }
    }
}
