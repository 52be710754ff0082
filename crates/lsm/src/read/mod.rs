//! Reading: what a reader looks into, looking one key up, and walking over a range.

mod memtables;
mod range;
mod scans;
mod view;

pub(crate) use memtables::MemtableList;
pub use range::Range;
pub(crate) use scans::ScanRegistry;
pub(crate) use view::ReadView;
