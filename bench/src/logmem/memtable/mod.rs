//! The index of a memtable: what orders entries that lie in a log, with one inserter and readers beside it.

mod indexes;
mod tree_index;
mod work;

pub(super) use work::{PART, measure, run};
