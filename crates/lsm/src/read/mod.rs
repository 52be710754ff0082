//! Reading: what a reader looks into, looking one key or many up, walking over a range, and estimating one.

mod ahead;
mod estimate;
mod many;
mod memtables;
mod range;
mod scans;
mod versions;
mod view;

pub use estimate::RangeEstimate;
pub(crate) use memtables::MemtableList;
pub use range::{LentEntry, Range};
pub(crate) use scans::ScanRegistry;
pub(crate) use view::ReadView;
