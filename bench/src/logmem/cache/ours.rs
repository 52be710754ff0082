//! Our cache: its budget is for everything, its index and its overhead included.

use stroma_logmem::{Cache, CacheOptions, Pool, PoolOptions};

use super::caches::ByteCache;
use crate::Outcome;

/// Hashes of keys are seeded; which seed it is changes nothing that is measured.
const HASH_SEED: u64 = 0x5eed;

pub(super) fn cache(capacity_bytes: u64) -> Outcome<Cache> {
    // Many segments, so that few of them are being emptied at a time, but far larger than the largest object.
    let segment_bytes = (capacity_bytes / 128).next_power_of_two().clamp(16 << 10, 1 << 20) as usize;
    let pool = Pool::new(PoolOptions { capacity_bytes: capacity_bytes as usize, segment_bytes })?;
    Ok(Cache::new(CacheOptions::new(pool, HASH_SEED))?)
}

impl ByteCache for Cache {
    fn get(&self, key: u64, is_right: &dyn Fn(&[u8]) -> bool) -> Option<bool> {
        self.get_with(&key.to_le_bytes(), is_right)
    }

    fn insert(&self, key: u64, value: &[u8]) {
        // It may refuse when readers hold on to all that was evicted; the object is then not cached.
        let _ = Cache::insert(self, &key.to_le_bytes(), value);
    }
}
