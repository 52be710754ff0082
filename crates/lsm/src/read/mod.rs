//! Reading: what a reader looks into, looking one key or many up, walking over a range, and estimating one.

mod ahead;
mod estimate;
mod lent;
mod many;
mod memtables;
mod plain;
#[cfg(test)]
mod plain_tests;
mod range;
mod scans;
mod source_walk;
mod toll;
mod turns;
mod versions;
mod view;

pub use estimate::RangeEstimate;
pub(crate) use memtables::MemtableList;
pub use range::{LentEntry, Range};
pub(crate) use scans::ScanRegistry;
pub(crate) use toll::PROBE;
pub(crate) use view::ReadView;
