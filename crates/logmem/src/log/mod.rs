//! The append-only arena: entries go in, are read in place, and leave all at once.
//!
//! - [`arena`]: the log itself.
//! - [`directory`]: the log's segments by number, readable without a lock while it grows.

mod arena;
mod directory;

pub use arena::Log;
