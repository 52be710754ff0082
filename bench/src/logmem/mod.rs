//! Log-structured memory: ours and its peers on the same work.

mod cache;
mod fill;
mod fragmentation;
mod histogram;
mod memtable;
mod process;
mod suite;
mod ycsb;

pub(crate) use suite::{known_part, measure, part_names, run};
