//! The append-only arena: entries go in, are read in place, and leave all at once.
//!
//! - [`arena`]: the log itself.

mod arena;

pub use arena::Log;
