//! What is measured: something that keeps objects in memory of its own.

use dashmap::DashMap;
use foldhash::fast::RandomState;
use stroma_logmem::{Pool, PoolOptions, Store, StoreOptions};

use crate::Outcome;

/// Bytes of a key; a workload's sizes are those of key and value together.
pub(crate) const KEY_BYTES: usize = 8;

/// Keeps objects until they are removed.
pub(crate) trait Subject {
    /// What an object is removed by.
    type Handle: Clone + Default;

    /// Keeps an object of `bytes`, key included.
    fn put(&mut self, key: u64, bytes: &[u8]) -> Outcome<Self::Handle>;

    /// Lets an object go; an error if it was not there.
    fn remove(&mut self, handle: Self::Handle) -> Outcome;

    /// Waits until all that it was told is done.
    fn finish(&mut self) -> Outcome {
        Ok(())
    }

    /// Bytes copied to make room, as far as the subject knows.
    fn copied_bytes(&self) -> u64 {
        0
    }

    /// Bytes of live entries with all that belongs to them, and of the index, but no free room; 0 if the subject
    /// does not know.
    fn occupied_bytes(&self) -> u64 {
        0
    }
}

fn found(was_there: bool) -> Outcome {
    if was_there { Ok(()) } else { Err("an object was lost".into()) }
}

/// The allocator alone: who holds the handle holds the object.
pub(crate) struct Alone;

impl Subject for Alone {
    type Handle = Box<[u8]>;

    fn put(&mut self, _: u64, bytes: &[u8]) -> Outcome<Box<[u8]>> {
        Ok(bytes.into())
    }

    fn remove(&mut self, handle: Box<[u8]>) -> Outcome {
        found(!handle.is_empty())
    }
}

/// A concurrent map of boxed slices.
pub(crate) struct Map(DashMap<u64, Box<[u8]>, RandomState>);

impl Map {
    pub(crate) fn new() -> Map {
        Map(DashMap::with_hasher(RandomState::default()))
    }
}

impl Subject for Map {
    type Handle = u64;

    fn put(&mut self, key: u64, bytes: &[u8]) -> Outcome<u64> {
        self.0.insert(key, bytes[KEY_BYTES..].into());
        Ok(key)
    }

    fn remove(&mut self, key: u64) -> Outcome {
        found(self.0.remove(&key).is_some())
    }
}

/// Our store.
pub(crate) struct Ours(Store);

impl Ours {
    /// A store with a budget for everything, its index and its overhead.
    pub(crate) fn new(live_bytes: u64, budget_bytes: u64, seed: u64) -> Outcome<Ours> {
        // A gigabyte in segments of 2 MiB, to scale, but larger than the largest object.
        let segment_bytes = (live_bytes / 512).next_power_of_two().max(64 << 10) as usize;
        let pool = Pool::new(PoolOptions { capacity_bytes: budget_bytes as usize, segment_bytes })?;
        Ok(Ours(Store::new(StoreOptions::new(pool, seed))?))
    }
}

impl Subject for Ours {
    type Handle = u64;

    fn put(&mut self, key: u64, bytes: &[u8]) -> Outcome<u64> {
        self.0.put(&key.to_le_bytes(), &bytes[KEY_BYTES..])?;
        Ok(key)
    }

    fn remove(&mut self, key: u64) -> Outcome {
        found(self.0.remove(&key.to_le_bytes()).is_some())
    }

    fn copied_bytes(&self) -> u64 {
        self.0.statistics().cleaned.bytes_moved as u64
    }

    fn occupied_bytes(&self) -> u64 {
        let statistics = self.0.statistics();
        (statistics.live_bytes + statistics.index_bytes) as u64
    }
}
