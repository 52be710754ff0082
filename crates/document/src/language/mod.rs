//! MongoDB's query language as pure functions and iterators over BSON; knows nothing of storage.

pub mod key;
pub mod value;
