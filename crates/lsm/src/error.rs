//! The one error type of the engine: what went wrong, where, and what to do about it.

use stroma_strata::storage::StorageError;

/// What can go wrong in the engine.
///
/// Errors are cheap to clone, so that a cursor that failed can answer every later call with the same error.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Stored bytes are not what was written: a checksum, a length or an order does not hold.
    #[error("{file} is corrupt at byte {offset}: {what}; restore the file from a copy")]
    Corrupt {
        /// The blob's name.
        file: String,
        /// Where in the blob the damaged part starts, in bytes.
        offset: u64,
        /// What does not hold.
        what: String,
    },
    /// The file is of a format that this build does not read.
    #[error("{file}: {what} is unsupported by this build")]
    Unsupported {
        /// The blob's name.
        file: String,
        /// The version or feature that is missing.
        what: String,
    },
    /// A key or value is longer than the engine takes.
    #[error("{what} of {bytes} bytes is over the limit of {limit} bytes")]
    TooLarge {
        /// What is too long: "key", "value".
        what: &'static str,
        /// Its length in bytes.
        bytes: u64,
        /// The longest allowed, in bytes.
        limit: u64,
    },
    /// The storage failed: a full disk, a lock held by another process, an error of the device.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Error {
    /// A [`Error::Corrupt`] from its parts.
    pub(crate) fn corrupt(file: &str, offset: u64, what: impl Into<String>) -> Self {
        Self::Corrupt { file: file.to_owned(), offset, what: what.into() }
    }
}
