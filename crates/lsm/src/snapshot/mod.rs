//! Snapshots: frozen views of the whole database, and the account of them that merges respect.

mod registry;
mod view;

pub(crate) use registry::{SnapshotGuard, SnapshotRegistry};
pub use view::Snapshot;
