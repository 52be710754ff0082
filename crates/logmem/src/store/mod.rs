//! The key-value store on the log: a hash index, segments, and a cleaner that copies live entries together.
//!
//! - [`api`]: the store's methods, [`value`] what reading gives, [`options`] and [`statistics`] their data.
//! - [`entry`]: the bytes of an entry.
//! - [`versions`]: which version a new key gets.
//! - [`slots`]: the store's segments by number, their live bytes, and how they leave.
//! - [`write`]: putting and removing, [`room`] what happens when memory is short.
//! - [`cleaner`]: choosing segments and moving what lives in them.
//!
//! Locks, in the order they may be taken: cleaner, end of the index, shard of the index, open head, free
//! slots, pool. A reader
//! takes none.

mod api;
mod cleaner;
pub(crate) mod entry;
mod options;
mod room;
pub(crate) mod slots;
mod statistics;
mod value;
mod versions;
mod write;

#[cfg(all(test, shuttle))]
mod models;
#[cfg(test)]
mod tests;

pub use api::Store;
pub use options::StoreOptions;
pub use statistics::{CleanReport, StoreStatistics};
pub use value::{Expected, ValueGuard, Version};
