//! How a store is set up.

use std::time::Duration;

use super::heads::Heads;
use crate::error::Error;
use crate::pool::Pool;

/// Settings of a [`Store`](crate::Store).
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Where the store's memory comes from. Other stores and logs may share it.
    pub pool: Pool,
    /// Seed of the hash over keys (XXH3). A server that takes keys from strangers passes a random one, so
    /// that nobody can choose keys that collide.
    pub hash_seed: u64,
    /// Segments that writers may append to at the same time: at least 1.
    pub heads: usize,
    /// Segments set aside for the cleaner to copy into: at least 1, which is enough to go on for ever. More
    /// let it run ahead of readers that it must wait for.
    pub reserve_segments: usize,
    /// When the pool has fewer free segments than this, each write does a share of the cleaning, the larger
    /// the fewer there are. More of them make writes even, fewer leave more room for data. With 0, writes
    /// clean only when there is no segment left.
    pub clean_below_segments: usize,
    /// Threads that clean in the background when the pool has fewer free segments than
    /// [`clean_below_segments`](StoreOptions::clean_below_segments), so that writers need not; they end with
    /// the store. With 0, the default, nothing happens outside the calls of the store's users.
    pub cleaner_threads: usize,
    /// Values that can be held in place ([`Store::get`](crate::Store::get)) at once, each of which may keep
    /// one segment from being used anew. What is beyond that is copied.
    pub held_values: usize,
    /// How long a write waits for readers to let go of memory before it fails, in sum; it waits in steps of a
    /// few dozen microseconds.
    pub put_patience: Duration,
}

impl StoreOptions {
    /// Defaults for a pool: an open segment for each processor (of up to 8) as long as that is less than 3 %
    /// of the pool, one or two segments in reserve, cleaning below 0.4 % of free segments, values held in up
    /// to a sixteenth of the segments (up to 256), a patience of a tenth of a second, and no threads.
    pub fn new(pool: Pool, hash_seed: u64) -> StoreOptions {
        let segments = pool.capacity_bytes() / pool.segment_bytes();
        StoreOptions {
            hash_seed,
            heads: Heads::usual_count(&pool),
            reserve_segments: if segments < 64 { 1 } else { 2 },
            clean_below_segments: (segments / 256).min(32),
            cleaner_threads: 0,
            held_values: (segments / 16).clamp(1, 256),
            put_patience: Duration::from_millis(100),
            pool,
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let segments = self.pool.capacity_bytes() / self.pool.segment_bytes();
        let reserve = self.reserve_segments;
        if reserve == 0 || segments < reserve.saturating_add(2) {
            return Err(Error::InvalidOptions {
                reason: format!(
                    "reserve_segments is {reserve} of {segments}; a store needs 1 or more and two segments besides"
                ),
            });
        }
        if self.heads == 0 || self.heads > segments {
            return Err(Error::InvalidOptions {
                reason: format!("heads is {} of {segments} segments; a store needs 1 or more", self.heads),
            });
        }
        Ok(())
    }
}
