//! Key-value engines: ours and its peers on the same work.

mod engine;
mod entries;
mod fjall_engine;
mod lmdb_engine;
mod redb_engine;
mod stroma_engine;
mod suite;

pub(crate) use suite::run;
