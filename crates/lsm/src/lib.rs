//! An ordered, transactional key-value engine on layers.
#![forbid(unsafe_code)]
// Until the database uses the whole of the tables' side; to be removed then.
#![allow(dead_code, unused_imports)]
#![cfg_attr(test, allow(clippy::disallowed_methods))]

mod block;
mod coding;
mod compaction;
mod cursor;
mod entry;
mod error;
mod filter;
mod merging;
mod table;
mod tombstones;

pub use block::Compression;
pub use entry::Sequence;
pub use error::Error;
pub use filter::FilterPolicy;
pub use table::IndexPolicy;
