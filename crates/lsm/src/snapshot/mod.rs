//! Snapshots: frozen views of the whole database, and the account of them that merges respect.

mod registry;
mod turns;
mod view;

pub(crate) use registry::{SnapshotGuard, SnapshotRegistry};
pub(crate) use turns::FilterTurns;
pub use view::Snapshot;
