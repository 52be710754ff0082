//! What can go wrong in log-structured memory, with the figures a caller needs to act on it.

use crate::store::Version;

/// Every failure of this crate. None of them leaves the pool, log or store unusable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The options contradict each other or leave too little memory to work with.
    #[error("invalid options: {reason}")]
    InvalidOptions {
        /// What to change.
        reason: String,
    },
    /// The byte budget is spent, and cleaning (where there is a cleaner) could not free enough of it.
    #[error(
        "out of memory: {requested} bytes wanted, {used} of {capacity} bytes in use, \
         {awaiting_readers} of them waiting for readers to finish; remove entries, drop value guards or \
         raise the capacity"
    )]
    OutOfMemory {
        /// Bytes the call had to take from the budget.
        requested: usize,
        /// The budget of the pool.
        capacity: usize,
        /// Bytes of the budget in use when the call gave up.
        used: usize,
        /// Bytes already cleaned that some reader's guard still keeps from being used again.
        awaiting_readers: usize,
    },
    /// The entry could not fit even if the pool were empty.
    #[error("entry too large: {bytes} bytes, the limit is {limit}; split it or raise the capacity")]
    EntryTooLarge {
        /// Size of the entry.
        bytes: usize,
        /// Largest size that this pool or store accepts.
        limit: usize,
    },
    /// A conditional write found the key in another state than it expected.
    #[error("version mismatch: the key is at {found:?}; read it again and retry")]
    VersionMismatch {
        /// Version of the key at that moment, `None` if it was absent.
        found: Option<Version>,
    },
}
