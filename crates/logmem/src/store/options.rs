//! How a store is set up.

use crate::pool::Pool;

/// Settings of a [`Store`](crate::Store).
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Where the store's memory comes from. Other stores and logs may share it.
    pub pool: Pool,
    /// Seed of the hash over keys (XXH3). A server that takes keys from strangers passes a random one, so
    /// that nobody can choose keys that collide.
    pub hash_seed: u64,
    /// Segments set aside for the cleaner to copy into: at least 1. More let it clean more at a time.
    pub reserve_segments: usize,
    /// Writers start to clean when the pool has fewer free segments than this, and always when it has none.
    pub clean_below_segments: usize,
}

impl StoreOptions {
    /// Defaults for a pool: one or two segments in reserve, cleaning below 1 % of free segments.
    pub fn new(pool: Pool, hash_seed: u64) -> StoreOptions {
        let segments = pool.capacity_bytes() / pool.segment_bytes();
        StoreOptions {
            pool,
            hash_seed,
            reserve_segments: if segments < 64 { 1 } else { 2 },
            clean_below_segments: segments / 100,
        }
    }
}
