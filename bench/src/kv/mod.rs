//! Key-value engines: ours and its peers on the same work.

mod basic;
mod bench;
mod deletes;
mod engine;
mod entries;
mod fjall_engine;
mod lmdb_engine;
#[cfg(feature = "lsmlite")]
mod lsmlite_engine;
mod mixes;
mod queue;
mod recovery;
mod redb_engine;
#[cfg(feature = "rocksdb")]
mod rocksdb_engine;
mod sled_engine;
mod stroma_engine;
mod suite;
mod values;

pub(crate) use engine::product_names;
pub(crate) use suite::{measure, part_names, run};
