//! The one error type of the engine: what went wrong, where, and what to do about it.

use std::sync::Arc;
use std::time::Duration;

use stroma_strata::KindError;
use stroma_strata::encryption::EncryptionError;
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
    /// Keys are wrong or missing, or were given for what is not encrypted.
    #[error(transparent)]
    Encryption(#[from] EncryptionError),
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
    /// A merge operator failed on what is stored for a key.
    #[error("the merge operator {operator:?} of keyspace {keyspace:?} failed on {key:?}: {cause}")]
    Merge {
        /// The keyspace.
        keyspace: String,
        /// The key, without its keyspace.
        key: String,
        /// The operator's name.
        operator: String,
        /// What it said.
        cause: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// A keyspace has no merge operator, and something asks for one.
    #[error("the keyspace {keyspace:?} has no merge operator; give it one in the options")]
    NoMergeOperator {
        /// The keyspace.
        keyspace: String,
    },
    /// A keyspace was written with another merge operator than it is opened with.
    #[error(
        "the keyspace {keyspace:?} was written with the merge operator {stored:?}, not {given:?}; open it with that"
    )]
    OtherMergeOperator {
        /// The keyspace.
        keyspace: String,
        /// The name of the operator that its operands are for.
        stored: String,
        /// The name of the operator in the options; empty if there is none.
        given: String,
    },
    /// A key was ingested that does not come after the one before it.
    #[error("{key:?} does not come after {before:?}: what is ingested must ascend, each key once")]
    Unsorted {
        /// The key, without its keyspace.
        key: String,
        /// The key ingested before it.
        before: String,
    },
    /// The source of a streamed value failed; nothing was written.
    #[error("the source of a value failed: {cause}")]
    Stream {
        /// What it said.
        cause: Arc<std::io::Error>,
    },
    /// The storage failed: a full disk, a lock held by another process, an error of the device.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The memory budget cannot take what was asked.
    #[error(transparent)]
    Memory(#[from] stroma_logmem::Error),
    /// A part of the engine that keeps its own account of memory ran out of it.
    #[error("{what} is out of memory; raise memory_bytes")]
    OutOfMemory {
        /// Which part.
        what: &'static str,
    },
    /// The options contradict each other or cannot work.
    #[error("invalid options: {reason}")]
    InvalidOptions {
        /// What to change.
        reason: String,
    },
    /// An earlier write or sync of the log failed, so nobody knows what of it reached the device.
    #[error(
        "an earlier write failed ({cause}); reads go on, but nothing more is accepted: reopen the database, \
         which recovers everything acknowledged"
    )]
    Poisoned {
        /// What failed first.
        cause: Arc<Error>,
    },
    /// A commit panicked, so nobody knows what of it is in the log.
    #[error("a commit panicked")]
    Panicked,
    /// Something a transaction read was changed by a commit after it began; nothing of it was written.
    #[error("transaction conflict: {what} was changed by a later commit; run the transaction again")]
    Conflict {
        /// The key or range that changed, as far as it can be told.
        what: String,
    },
    /// A transaction asked for a lock whose holder waits, perhaps through others, for a lock of this transaction.
    #[error(
        "locking {key:?} would deadlock: drop the transaction, which gives its locks back, and run it again"
    )]
    Deadlock {
        /// The key, without its keyspace.
        key: String,
    },
    /// A transaction waited for a lock as long as it may.
    #[error("{key:?} was still locked by another transaction after {waited:?}; run the transaction again")]
    LockTimeout {
        /// The key, without its keyspace.
        key: String,
        /// For how long.
        waited: Duration,
    },
    /// The savepoint was released, or lies behind one that was gone back to, or belongs to another transaction.
    #[error("the savepoint is not good any more; nothing was taken back")]
    SavepointGone,
    /// The keyspace was dropped while a handle to it was still held.
    #[error("the keyspace {name:?} was dropped; open it again to make a new one")]
    KeyspaceDropped {
        /// Its name.
        name: String,
    },
    /// A keyspace name is empty or too long.
    #[error("{name:?} cannot name a keyspace: a name has 1 to 255 bytes")]
    InvalidName {
        /// The name as given.
        name: String,
    },
    /// A handle of another database was used.
    #[error("the keyspace {name:?} belongs to another database")]
    ForeignKeyspace {
        /// Its name.
        name: String,
    },
    /// A database was to be made where there is one, or a part of one, already.
    #[error("{place} holds a database, or a part of one, already; choose an empty place")]
    NotEmpty {
        /// Where.
        place: String,
    },
    /// There is no backup of this number.
    #[error("there is no backup {number}")]
    NoSuchBackup {
        /// The number as given.
        number: u64,
    },
    /// Backups of one database were to be added to those of another.
    #[error("{place} holds backups of another database; choose another place")]
    OtherDatabase {
        /// Where.
        place: String,
    },
    /// Another writer took the database over.
    #[error("another writer took the database over; this one stops: {cause}")]
    Fenced {
        /// What the storage says.
        cause: String,
    },
    /// The set of tables could not do what was asked.
    #[error(transparent)]
    Tables(Arc<stroma_strata::Error>),
    /// The database was opened to be read.
    #[error("the database was opened to be read only; nothing was changed")]
    ReadOnly,
    /// There is no database to read.
    #[error("there is no database in {place}")]
    NoDatabase {
        /// Where.
        place: String,
    },
    /// There is no keyspace of this name, and none can be made where a database is read only.
    #[error("there is no keyspace {name:?}")]
    NoSuchKeyspace {
        /// The name as given.
        name: String,
    },
    /// The database was closed.
    #[error("the database is closed; open it again")]
    Closed,
}

impl From<stroma_strata::Error> for Error {
    fn from(error: stroma_strata::Error) -> Self {
        use stroma_strata::Error as Set;
        match error {
            Set::Storage(error) => Error::Storage(error),
            Set::Encryption(error) => Error::Encryption(error),
            Set::Corrupt { file, offset, what } => Error::Corrupt { file, offset, what },
            Set::NewerFormat { found, supported, file } => Error::Unsupported {
                file,
                what: format!("manifest format version {found} (this build reads up to {supported})"),
            },
            Set::Kind { action, place, source } => match source.downcast::<Error>() {
                Ok(own) => *own,
                Err(source) => Error::Tables(Arc::new(Set::Kind { action, place, source })),
            },
            Set::Fenced { .. } => Error::Fenced { cause: error.to_string() },
            Set::Closed => Error::Closed,
            Set::ReadOnly => Error::ReadOnly,
            Set::NoSet { place } => Error::NoDatabase { place },
            other => Error::Tables(Arc::new(other)),
        }
    }
}

impl From<KindError> for Error {
    /// An error that passed through `stroma-strata` comes out as it was.
    fn from(error: KindError) -> Self {
        let error = match error.downcast::<Error>() {
            Ok(own) => return *own,
            Err(error) => error,
        };
        match error.downcast::<stroma_strata::Error>() {
            Ok(set) => Error::from(*set),
            Err(source) => Error::from(stroma_strata::Error::Kind {
                action: "write",
                place: "a table".to_owned(),
                source,
            }),
        }
    }
}

impl Error {
    /// A [`Error::Corrupt`] from its parts.
    pub(crate) fn corrupt(file: &str, offset: u64, what: impl Into<String>) -> Self {
        Self::Corrupt { file: file.to_owned(), offset, what: what.into() }
    }
}
