//! What can go wrong in an ordered store.

use thiserror::Error;

/// A failure of an [`OrderedStore`](super::OrderedStore).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Something that the transaction read was changed by a commit after it began. Begin again.
    #[error("the transaction read what another one has changed since; begin it again")]
    Conflict,
    /// Another writer has taken the store over; this one may not write any more. Reopen.
    #[error("another writer has taken over this store; reopen it")]
    Fenced,
    /// A key, a value or a transaction is larger than the store takes (see [`Limits`](super::Limits)).
    #[error("{what} of {bytes} bytes is larger than the store's limit of {limit} bytes")]
    TooLarge {
        /// What was too large: `key`, `value` or `transaction`.
        what: &'static str,
        /// How large it was.
        bytes: u64,
        /// How large it may be.
        limit: u64,
    },
    /// There is no room left, in memory or on the disk. Delete something or raise the budget.
    #[error("the store is full: {0}")]
    Full(String),
    /// Stored bytes are not what was written. Restore from a backup.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// The device or the network failed.
    #[error("the store cannot read or write: {0}")]
    Io(String),
    /// The store was opened to be read.
    #[error("the database was opened to be read only; nothing was changed")]
    ReadOnly,
    /// The store was closed, or a failed sync poisoned it. Reopen.
    #[error("the store is closed: {0}")]
    Closed(String),
}

impl From<StoreError> for crate::error::Error {
    fn from(error: StoreError) -> Self {
        use crate::error::Code;
        let code = match &error {
            StoreError::Conflict => Code::WriteConflict,
            StoreError::Fenced => Code::NotWritablePrimary,
            StoreError::TooLarge { .. } => Code::BSONObjectTooLarge,
            StoreError::Full(_) => Code::OutOfDiskSpace,
            StoreError::Corrupt(_) | StoreError::Io(_) => Code::OperationFailed,
            StoreError::ReadOnly => Code::IllegalOperation,
            StoreError::Closed(_) => Code::ShutdownInProgress,
        };
        crate::error::Error::new(code, error.to_string())
    }
}
