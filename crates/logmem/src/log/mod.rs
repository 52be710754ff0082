//! The append-only arena: entries go in, are read in place, and leave all at once.
//!
//! - [`arena`]: the log itself.
//! - [`batch`]: entries that go to it all at once.

mod arena;
mod batch;

pub use arena::Log;
pub use batch::{BatchRun, LogBatch};
