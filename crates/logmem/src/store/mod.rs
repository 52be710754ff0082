//! The key-value store on the log: a hash index, segments, and a cleaner that copies live entries together.
//!
//! - [`api`]: the store's methods, [`value`] what reading gives, [`options`] and [`statistics`] their data.
//! - [`core`]: what the handle and the threads in the background share.
//! - [`entry`]: the bytes of an entry; [`versions`]: which version a new key gets.
//! - [`slots`]: the store's segments by number and their live bytes; [`departures`]: how they leave.
//! - [`write`]: putting and removing, to one of several open segments ([`heads`]).
//! - [`room`]: what happens when memory has run out, [`pace`] what happens before.
//! - [`victims`], [`cleaner`], [`relocate`]: choosing segments, going through them, moving what lives there;
//!   [`threads`] do so in the background.
//!
//! Locks, in the order they may be taken: cleaner, end of the index, shard of the index, open head, departures,
//! pool. A reader takes none.

mod api;
mod cleaner;
mod core;
pub(crate) mod departures;
pub(crate) mod entry;
pub(crate) mod heads;
mod options;
mod pace;
mod relocate;
mod room;
pub(crate) mod slots;
mod statistics;
mod threads;
mod value;
mod versions;
mod victims;
mod write;

#[cfg(all(test, shuttle))]
mod models;
#[cfg(test)]
mod tests;
#[cfg(all(test, not(shuttle)))]
mod traps;

pub use api::Store;
pub use options::StoreOptions;
pub use statistics::{CleanReport, StoreStatistics};
pub use value::{Expected, ValueGuard, Version};
