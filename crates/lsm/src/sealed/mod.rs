//! Sealed databases: everything that one reader sees, written anew without slack into any storage.

mod export;
mod file;
mod walk;
mod writer;

pub use export::ExportReport;
pub(crate) use walk::{SealWalk, Versions};
pub(crate) use writer::{SealSource, write_sealed};
