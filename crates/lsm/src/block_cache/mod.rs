//! Blocks that cannot be read in place, kept as they are after decompression, in memory that nobody else needs.
//!
//! - [`shared`]: the one cache of a database; [`table`]: a table's view of it; [`doorkeeper`]: what is let in.
//! - [`statistics`]: how often it had what was looked for.

mod doorkeeper;
mod shared;
mod statistics;
mod table;

#[cfg(test)]
mod tests;

pub(crate) use shared::{BlockCache, CacheLimits};
pub use statistics::BlockCacheStatistics;
pub(crate) use table::{Caching, TableCache};
