//! The ordered transactional store that documents are kept in: the traits, and the stores that implement them.

pub mod conformance;
mod contract;
mod error;
mod memory;
mod range;

pub use contract::{
    CommitOptions, CommitToken, Entries, Entry, Limits, OrderedStore, ReadView, StoreStatistics,
    StoreTransaction,
};
pub use error::StoreError;
pub use memory::MemoryStore;
pub(crate) use range::after_prefix;
pub use range::{Direction, KeyRange};
