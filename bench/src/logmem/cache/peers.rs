//! The peers: each weighs an object by the bytes of its key and value, but `segcache`, whose memory is a heap.

use std::sync::Arc;

use foldhash::fast::RandomState;
use foyer_memory::{Cache as FoyerCache, CacheBuilder, EvictionConfig};
use segcache::{Policy, Segcache, Value};

use super::caches::ByteCache;
use super::trace::KEY_BYTES;
use crate::Outcome;

type MokaCache = moka::sync::Cache<u64, Arc<[u8]>, RandomState>;
type QuickCache = quick_cache::sync::Cache<u64, Arc<[u8]>, ByBytes, RandomState>;
type Foyer = FoyerCache<u64, Box<[u8]>, RandomState>;

pub(super) fn moka(capacity_bytes: u64) -> MokaCache {
    moka::sync::Cache::builder()
        .max_capacity(capacity_bytes)
        .weigher(|_, value: &Arc<[u8]>| value.len() as u32 + KEY_BYTES as u32)
        .build_with_hasher(RandomState::default())
}

impl ByteCache for MokaCache {
    fn get(&self, key: u64, is_right: &dyn Fn(&[u8]) -> bool) -> Option<bool> {
        MokaCache::get(self, &key).map(|value| is_right(&value))
    }

    fn insert(&self, key: u64, value: &[u8]) {
        MokaCache::insert(self, key, value.into());
    }

    fn settle(&self) {
        self.run_pending_tasks();
    }
}

/// Weighs for `quick_cache`.
#[derive(Clone)]
pub(super) struct ByBytes;

impl quick_cache::Weighter<u64, Arc<[u8]>> for ByBytes {
    fn weight(&self, _: &u64, value: &Arc<[u8]>) -> u64 {
        value.len() as u64 + KEY_BYTES
    }
}

pub(super) fn quick_cache(capacity_bytes: u64, mean_bytes: u64) -> QuickCache {
    quick_cache::sync::Cache::with(
        (capacity_bytes / mean_bytes) as usize,
        capacity_bytes,
        ByBytes,
        RandomState::default(),
        quick_cache::sync::DefaultLifecycle::default(),
    )
}

impl ByteCache for QuickCache {
    fn get(&self, key: u64, is_right: &dyn Fn(&[u8]) -> bool) -> Option<bool> {
        QuickCache::get(self, &key).map(|value| is_right(&value))
    }

    fn insert(&self, key: u64, value: &[u8]) {
        QuickCache::insert(self, key, value.into());
    }
}

#[allow(clippy::borrowed_box, reason = "what the weigher is given")]
pub(super) fn foyer(capacity_bytes: u64, eviction: EvictionConfig) -> Foyer {
    CacheBuilder::new(capacity_bytes as usize)
        .with_eviction_config(eviction)
        .with_hash_builder(RandomState::default())
        .with_weighter(|_: &u64, value: &Box<[u8]>| value.len() + KEY_BYTES as usize)
        .build()
}

impl ByteCache for Foyer {
    fn get(&self, key: u64, is_right: &dyn Fn(&[u8]) -> bool) -> Option<bool> {
        FoyerCache::get(self, &key).map(|entry| is_right(entry.value()))
    }

    fn insert(&self, key: u64, value: &[u8]) {
        drop(FoyerCache::insert(self, key, value.into()));
    }
}

/// Its table and its heap together have the capacity.
pub(super) fn segcache(capacity_bytes: u64, mean_bytes: u64) -> Outcome<Segcache> {
    // Seven of eight slots of a power of two hold objects; a quarter more than the mean needs.
    let slots = (capacity_bytes / mean_bytes * 5 / 4 * 8 / 7).next_power_of_two().max(1 << 7);
    let heap_bytes = capacity_bytes.saturating_sub(slots * 8);
    let segment_bytes = (heap_bytes / 64).next_power_of_two().clamp(16 << 10, 1 << 20);
    let merging = Policy::Merge { max: 8, merge: 4, compact: 2 };
    Ok(Segcache::builder()
        .hash_power(slots.ilog2() as u8)
        .heap_size((heap_bytes / segment_bytes * segment_bytes) as usize)
        .segment_size(segment_bytes as i32)
        .eviction(merging)
        .build()?)
}

impl ByteCache for Segcache {
    fn get(&self, key: u64, is_right: &dyn Fn(&[u8]) -> bool) -> Option<bool> {
        let item = Segcache::get(self, &key.to_le_bytes())?;
        match item.value() {
            Value::Bytes(value) => Some(is_right(value)),
            Value::U64(_) => Some(false),
        }
    }

    fn insert(&self, key: u64, value: &[u8]) {
        // It may refuse when all its segments are in use; the object is then not cached.
        let _ = Segcache::insert(self, &key.to_le_bytes(), value, None, std::time::Duration::ZERO);
    }
}
