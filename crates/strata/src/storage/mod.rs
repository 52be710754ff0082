//! Where bytes live: immutable blobs, append logs, and the two backends that hold them.

pub mod conformance;
mod encrypted;
mod error;
mod interface;
mod local;
mod map;
mod memory;
mod name;
mod packed;
mod read_only;

pub use encrypted::{ENCRYPTED_MAGIC, EncryptedStorage, encrypted_key_id, open_encrypted, verify_encrypted};
pub use error::StorageError;
pub use interface::{Blob, BlobEntry, BlobWriter, LogReader, LogStorage, LogWriter, Storage, StorageLock};
pub use local::{IfExists, LocalOptions, LocalStorage, create_file, open_file};
pub use memory::{Fault, FaultPlan, MemoryStorage, Moment, PowerLoss};
pub use name::check_name;
pub use packed::{PACKED_MAGIC, PackedStorage, PackedWriter};
pub use read_only::ReadOnlyStorage;
