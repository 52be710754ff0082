//! Where bytes live: immutable blobs, append logs, and the two backends that hold them.

pub mod conformance;
mod error;
mod interface;
mod local;
mod map;
mod memory;
mod name;

pub use error::StorageError;
pub use interface::{Blob, BlobEntry, BlobWriter, LogReader, LogStorage, LogWriter, Storage, StorageLock};
pub use local::{LocalOptions, LocalStorage};
pub use memory::{Fault, FaultPlan, MemoryStorage, Moment, PowerLoss};
pub use name::check_name;
