//! Blobs and logs in memory, with the faults of real devices on demand.

mod crash;
mod file;
mod log;
mod state;
mod storage;

pub use storage::MemoryStorage;
