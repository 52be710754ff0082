//! How a cache is set up.

use std::fmt;
use std::sync::Arc;

use crate::error::Error;
use crate::pool::Pool;

/// Tells the time in whole seconds; it never goes back.
#[derive(Clone)]
pub struct CacheClock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl CacheClock {
    /// A clock from a function, such as the seconds since the Unix epoch or since the process began.
    pub fn new(seconds: impl Fn() -> u64 + Send + Sync + 'static) -> CacheClock {
        CacheClock(Arc::new(seconds))
    }

    pub(super) fn seconds(&self) -> u64 {
        (self.0)()
    }
}

impl fmt::Debug for CacheClock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CacheClock")
    }
}

/// Settings of a [`Cache`](crate::Cache).
#[derive(Clone, Debug)]
pub struct CacheOptions {
    /// Where the cache's memory comes from. Logs, stores and other caches may share it.
    pub pool: Pool,
    /// Seed of the hash over keys (XXH3). A server that takes keys from strangers passes a random one.
    pub hash_seed: u64,
    /// The cache gives memory to others of the pool only as long as it holds more than this, its index
    /// included. At least four segments are kept in any case.
    pub min_bytes: usize,
    /// The cache takes no more than this, its index included, even if the pool has free memory.
    pub max_bytes: usize,
    /// Values that can be held in place ([`Cache::get`](crate::Cache::get)) at once, each of which may keep
    /// one segment from being emptied. What is beyond that is copied.
    pub held_values: usize,
    /// By which times to live are told. Without one, time stands still and nothing expires.
    pub clock: Option<CacheClock>,
}

/// Fewer could not be evicted from: one is open, one is emptied, one takes what is kept, one is next.
pub(super) const LEAST_SEGMENTS: usize = 4;

impl CacheOptions {
    /// A cache that may take the whole pool, and give back all but four segments. Nothing expires.
    pub fn new(pool: Pool, hash_seed: u64) -> CacheOptions {
        let (min_bytes, max_bytes) = (0, pool.capacity_bytes());
        let held_values = (max_bytes / pool.segment_bytes() / 16).clamp(1, 256);
        CacheOptions { pool, hash_seed, min_bytes, max_bytes, held_values, clock: None }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let least = (LEAST_SEGMENTS + 1) * self.pool.segment_bytes();
        let most = self.max_bytes.min(self.pool.capacity_bytes());
        if most < least.max(self.min_bytes) {
            let reason = format!(
                "max_bytes is {} in a pool of {}; a cache needs {least} for five segments, and min_bytes is {}",
                self.max_bytes,
                self.pool.capacity_bytes(),
                self.min_bytes
            );
            return Err(Error::InvalidOptions { reason });
        }
        Ok(())
    }
}
