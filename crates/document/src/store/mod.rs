//! The ordered transactional store that documents are kept in: traits, and stores that implement them.

pub mod conformance;
mod contract;
mod error;
#[cfg(feature = "lsm")]
mod lsm;
mod memory;
mod range;

pub use contract::{
    CommitOptions, CommitToken, Entries, Entry, Limits, OrderedStore, ReadView, StoreStatistics,
    StoreTransaction,
};
pub use error::StoreError;
#[cfg(feature = "lsm")]
pub use lsm::LsmStore;
pub use memory::MemoryStore;
pub(crate) use range::after_prefix;
pub use range::{Direction, KeyRange};
