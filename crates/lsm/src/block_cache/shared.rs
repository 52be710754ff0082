//! The one cache of a database. It is made when the first block comes that is worth keeping.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use stroma_logmem::{Cache, CacheOptions, Pool};

use super::doorkeeper::Doorkeeper;
use super::statistics::BlockCacheStatistics;
use super::table::TableCache;

/// Keys are numbers of ours, so that nobody can choose them to collide.
const HASH_SEED: u64 = 0x0b10_c5ca_c4e5;
/// While the pool is too full for a cache, one miss in so many tries again to make it.
const MISSES_BETWEEN_ATTEMPTS: u64 = 256;

/// How much of the pool the cache may take, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CacheLimits {
    /// It keeps so much when others want more.
    pub(crate) least: usize,
    /// It takes no more when nobody else wants any.
    pub(crate) most: usize,
}

/// Blocks of all tables of a database. A clone is another handle on the same one.
///
/// Memtables take their memory from the same pool; when it has none left for them, it asks the cache.
#[derive(Debug, Clone)]
pub(crate) struct BlockCache {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pool: Pool,
    limits: CacheLimits,
    cache: OnceLock<Guarded>,
    /// Misses while there was no cache.
    missed: AtomicU64,
    /// Each table that is opened gets a number that none had before, so that a block can never be another table's.
    last_table: AtomicU64,
}

/// The cache and who decides what comes in.
#[derive(Debug)]
struct Guarded {
    cache: Cache,
    door: Doorkeeper,
}

impl BlockCache {
    /// A cache on `pool`, which takes nothing yet.
    pub(crate) fn new(pool: Pool, limits: CacheLimits) -> BlockCache {
        let shared = Shared {
            pool,
            limits,
            cache: OnceLock::new(),
            missed: AtomicU64::new(0),
            last_table: AtomicU64::new(0),
        };
        BlockCache { shared: Arc::new(shared) }
    }

    /// For a table that is being opened.
    pub(crate) fn for_table(&self) -> TableCache {
        let table = self.shared.last_table.fetch_add(1, Ordering::Relaxed) + 1;
        TableCache::new(Arc::clone(&self.shared), table)
    }

    /// Figures of this moment. Linear in the cache's segments.
    pub(crate) fn statistics(&self) -> BlockCacheStatistics {
        let CacheLimits { least, most } = self.shared.limits;
        let pool = self.shared.pool.statistics();
        let unused = pool.capacity_bytes - pool.used_bytes.min(pool.capacity_bytes);
        let within = |bytes: usize| (bytes + unused).clamp(least, most);
        let Some(cache) = self.shared.cache() else {
            let limit_bytes = within(0);
            return BlockCacheStatistics { least_bytes: least, limit_bytes, ..Default::default() };
        };
        let told = cache.statistics();
        BlockCacheStatistics {
            blocks: told.entries,
            bytes: told.bytes,
            limit_bytes: within(told.bytes),
            least_bytes: least,
            hits: told.hits,
            misses: told.misses,
            evicted: told.evicted,
        }
    }
}

impl Shared {
    /// The cache, if there is one yet.
    #[inline]
    pub(super) fn cache(&self) -> Option<&Cache> {
        self.cache.get().map(|guarded| &guarded.cache)
    }

    /// Puts a block that was just missed into the cache, if it is wanted there.
    pub(super) fn keep(&self, key: &[u8], payload: &[u8]) {
        if let Some(Guarded { cache, door }) = self.cache_for_writing()
            && door.lets_in(key, payload.len())
        {
            // A cache that is short of memory, or a block larger than a segment: the next reader makes it anew.
            let _ = cache.insert(key, payload);
        }
    }

    /// The cache, made now if the pool has room for it.
    fn cache_for_writing(&self) -> Option<&Guarded> {
        if let Some(guarded) = self.cache.get() {
            return Some(guarded);
        }
        let missed = self.missed.fetch_add(1, Ordering::Relaxed);
        if !missed.is_multiple_of(MISSES_BETWEEN_ATTEMPTS) {
            return None;
        }
        let options = CacheOptions {
            min_bytes: self.limits.least,
            max_bytes: self.limits.most,
            ..CacheOptions::new(self.pool.clone(), HASH_SEED)
        };
        let door = Doorkeeper::new(&self.pool, self.limits.most).ok()?;
        let cache = Cache::new(options).ok()?;
        // Whoever comes second drops his, which was empty.
        Some(self.cache.get_or_init(|| Guarded { cache, door }))
    }
}
