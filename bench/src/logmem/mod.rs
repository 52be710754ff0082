//! Log-structured memory: ours and its peers on the same work.

mod cache;
mod fill;
mod fragmentation;
mod memtable;
mod suite;
mod ycsb;

pub(crate) use suite::{measure, part_names, run};
