//! Blobs and logs in memory, with the faults of real devices on demand.

mod crash;
mod faults;
mod file;
mod log;
mod moment;
mod state;
mod storage;

pub use crash::PowerLoss;
pub use faults::{Fault, FaultPlan};
pub use moment::Moment;
pub use storage::MemoryStorage;
