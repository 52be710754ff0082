//! The engine's errors as errors of a store.

use stroma_lsm::Error;
use stroma_strata::storage::StorageError;

use crate::store::StoreError;

/// What an error of the engine means for who uses the store.
pub(super) fn failed(error: Error) -> StoreError {
    match error {
        Error::Conflict { .. } => StoreError::Conflict,
        Error::Fenced { .. } => StoreError::Fenced,
        Error::ReadOnly => StoreError::ReadOnly,
        Error::TooLarge { what, bytes, limit } => StoreError::TooLarge { what, bytes, limit },
        Error::Corrupt { .. } | Error::Unsupported { .. } => StoreError::Corrupt(error.to_string()),
        Error::Memory(_) | Error::OutOfMemory { .. } | Error::Storage(StorageError::Full { .. }) => {
            StoreError::Full(error.to_string())
        }
        Error::Poisoned { .. } | Error::Closed | Error::KeyspaceDropped { .. } => {
            StoreError::Closed(error.to_string())
        }
        other => StoreError::Io(other.to_string()),
    }
}
