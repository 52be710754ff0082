//! Who is let into a full cache: a block that is missed for the second time within a while.
//!
//! Keeping a block costs more than decompressing it once: it is copied, and others are moved to make room. That
//! pays only if it is read again soon. A small table remembers the blocks missed last, each in one place that its
//! key tells; one that is found there was missed not long ago (as the probationary queue of 2Q does: Johnson and
//! Shasha, VLDB 1994, here with lossy memory, so that nothing is ever moved). Until the cache has been filled once,
//! everybody is let in.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use stroma_logmem::{Charge, Pool};
use xxhash_rust::xxh3::xxh3_64;

use crate::Error;

/// One missed block is remembered for so many bytes that the cache may hold, some eight blocks: who is to be let in
/// must be missed again within the time in which about an eighth of the cache could be filled.
const BYTES_PER_PLACE: usize = 32 << 10;
/// The fewest places, so that the smallest caches learn something.
const LEAST_PLACES: usize = 64;

/// Remembers who was missed. The words guard no other memory, and a lost one costs one decompression.
#[derive(Debug)]
pub(super) struct Doorkeeper {
    missed: Box<[AtomicU32]>,
    /// Bytes that were let in before anybody was turned away.
    let_in: AtomicU64,
    /// The cache is full when so many have been.
    capacity: u64,
    /// What `missed` takes of the pool's budget.
    _charge: Charge,
}

impl Doorkeeper {
    /// For a cache that holds up to `capacity` bytes.
    ///
    /// # Errors
    /// [`Error::Memory`] if the pool has no room for it.
    pub(super) fn new(pool: &Pool, capacity: usize) -> Result<Doorkeeper, Error> {
        let places = (capacity / BYTES_PER_PLACE).next_power_of_two().max(LEAST_PLACES);
        let charge = pool.charge(places * size_of::<AtomicU32>())?;
        Ok(Doorkeeper {
            missed: (0..places).map(|_| AtomicU32::new(0)).collect(),
            let_in: AtomicU64::new(0),
            capacity: capacity as u64,
            _charge: charge,
        })
    }

    /// Whether the block of this key, `bytes` long, which was just missed, is to be kept.
    pub(super) fn lets_in(&self, key: &[u8], bytes: usize) -> bool {
        if self.let_in.load(Ordering::Relaxed) < self.capacity {
            self.let_in.fetch_add(bytes as u64, Ordering::Relaxed);
            return true;
        }
        let hash = xxh3_64(key);
        let place = &self.missed[hash as usize & (self.missed.len() - 1)];
        // Never 0, which is nobody's.
        let mark = (hash >> 32) as u32 | 1;
        place.swap(mark, Ordering::Relaxed) == mark
    }
}

#[cfg(test)]
mod tests {
    use stroma_logmem::PoolOptions;

    use super::*;

    #[test]
    fn a_full_cache_takes_what_is_missed_twice_in_a_while() {
        let pool = Pool::new(PoolOptions { capacity_bytes: 1 << 20, segment_bytes: 4096 }).unwrap();
        let door = Doorkeeper::new(&pool, 1 << 20).unwrap();
        assert_eq!(pool.statistics().charged_bytes, LEAST_PLACES * 4);
        let key = |number: u64| number.to_le_bytes();
        assert!((0..256).all(|block| door.lets_in(&key(block), 4096)), "until it was filled");
        assert!(!door.lets_in(&key(1), 4096) && door.lets_in(&key(1), 4096));
        let soon = (0..40_u64).filter(|block| {
            let block = key(1000 + block % 20);
            door.lets_in(&block, 4096)
        });
        assert!((8..=20).contains(&soon.count()), "the second round of twenty");
        let late = (0..20_000_u64).filter(|block| door.lets_in(&key(5000 + block % 10_000), 4096));
        assert!(late.count() < 100, "a walk through many is none of its business");
    }
}
