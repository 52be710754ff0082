//! The database: what its handles share, how it is opened, and what callers do with it.

mod core;
mod counters;
mod handle;
mod open;
mod read_only;
mod recovery;
mod room;

pub(crate) use core::Core;
pub use handle::Database;
pub use open::RecoveryReport;
