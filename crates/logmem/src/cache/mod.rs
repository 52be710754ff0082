//! A cache in log-structured memory: a byte budget, eviction that copies the worth keeping together.
//!
//! - [`api`]: the cache's methods; [`options`] and [`statistics`] their data.
//! - [`read`]: looking up, [`write`] inserting and removing.
//! - [`heads`]: the open segments that new entries go to, and [`room`] where another comes from.
//! - [`evict`]: the hand that goes through the oldest segments, [`judge`] what it keeps.
//! - [`ghost`]: what is remembered of keys that were dropped.
//!
//! Locks, in the order they may be taken: end of the index, evictor, shard of the index, head, queues, pool.
//! A lookup takes none.

mod api;
mod evict;
mod ghost;
mod heads;
mod judge;
mod options;
mod read;
mod room;
mod statistics;
mod write;

#[cfg(all(test, shuttle))]
mod models;
#[cfg(test)]
mod tests;

pub use api::{Cache, CacheGuard};
pub use options::{CacheClock, CacheOptions};
pub use statistics::CacheStatistics;
