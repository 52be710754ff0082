//! MongoDB's query language as pure functions and iterators over BSON; knows nothing of storage.

mod accumulator;
pub mod expression;
pub mod key;
pub mod matcher;
pub mod projection;
mod regex;
pub mod sort;
pub mod stage;
pub mod update;
pub mod value;
