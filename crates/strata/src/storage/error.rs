//! What can go wrong with storage, told so that the reader knows where it happened and what to do.

use std::io;
use std::sync::Arc;

use crate::encryption::EncryptionError;

/// A failed operation on a [`Storage`](super::Storage). Cheap to clone, so that one failure can be told to
/// everyone who waited for it. `place` is a path or an address, made by
/// [`Storage::describe`](super::Storage::describe).
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// There is no blob or log of this name.
    #[error("{place} does not exist")]
    NotFound {
        /// What was looked for.
        place: String,
    },

    /// Something of this name was published before; it was left as it is.
    #[error("{place} already exists and is never overwritten")]
    AlreadyExists {
        /// What was to be made.
        place: String,
    },

    /// Another process, or another handle of this process, writes here.
    #[error(
        "{place} is locked by {}; only one process may open it at a time: stop that one first",
        holder.map_or("another process".to_owned(), |pid| format!("process {pid}"))
    )]
    Locked {
        /// The locked directory or store.
        place: String,
        /// The process that holds the lock, where it is known.
        holder: Option<u32>,
    },

    /// The name breaks the rules of [`check_name`](super::check_name).
    #[error("{name:?} cannot name a blob: {reason}")]
    InvalidName {
        /// The name as given.
        name: String,
        /// The rule it breaks.
        reason: &'static str,
    },

    /// No space is left. What was being written was not published; everything published before is unharmed.
    #[error(
        "no space is left to {action} {place}: free space on that device (or raise the quota) and try again; \
         nothing written before is lost"
    )]
    Full {
        /// What was being written.
        place: String,
        /// What was tried.
        action: &'static str,
    },

    /// A read past the end: the blob is shorter than whoever wrote down the offset believed.
    #[error("{place} ends at {length}, but {wanted} bytes at offset {offset} were asked for")]
    OutOfBounds {
        /// The blob read.
        place: String,
        /// Where the read began.
        offset: u64,
        /// How many bytes it wanted.
        wanted: u64,
        /// How many the blob has.
        length: u64,
    },

    /// An earlier write or sync of this log failed, so nobody knows what of it reached the disk.
    #[error("{place} failed earlier and takes no more writes: reopen the database to see what was kept")]
    Poisoned {
        /// The log.
        place: String,
    },

    /// A file that holds blobs is not what was written.
    #[error("{place} is damaged at byte {offset}: {what}; restore it from a copy")]
    Damaged {
        /// The file, or the blob in it.
        place: String,
        /// Where in it.
        offset: u64,
        /// What does not hold.
        what: String,
    },

    /// A file that holds blobs was written by a later release.
    #[error("{place} has format {found}, this program knows formats up to {supported}: use a newer program")]
    NewerFormat {
        /// The file.
        place: String,
        /// The format of the file.
        found: u32,
        /// The newest format this program reads.
        supported: u32,
    },

    /// It was opened to be read only.
    #[error("{place} was opened to be read only; nothing was changed")]
    ReadOnly {
        /// What was to be changed.
        place: String,
    },

    /// The device or the operating system refused before what was being written had its name: nothing of it is there.
    #[error("cannot {action} {place}: {source}; it was not published, and nothing written before is lost")]
    Unpublished {
        /// What was being written.
        place: String,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: Arc<io::Error>,
    },

    /// It is encrypted, and cannot be decrypted with the keys that were given; or it is not, and should be.
    #[error(transparent)]
    Encryption(EncryptionError),

    /// The device or the operating system refused.
    #[error("cannot {action} {place}: {source}")]
    Io {
        /// What was read or written.
        place: String,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: Arc<io::Error>,
    },
}

impl StorageError {
    /// Sorts an error of the operating system into the kinds above.
    pub fn from_io(action: &'static str, place: impl Into<String>, error: io::Error) -> StorageError {
        let place = place.into();
        match error.kind() {
            io::ErrorKind::NotFound => StorageError::NotFound { place },
            io::ErrorKind::AlreadyExists => StorageError::AlreadyExists { place },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                StorageError::Full { place, action }
            }
            _ => StorageError::Io { place, action, source: Arc::new(error) },
        }
    }

    /// The error for bytes that are not what was written.
    pub(crate) fn damaged(place: &str, offset: u64, what: impl Into<String>) -> StorageError {
        StorageError::Damaged { place: place.to_owned(), offset, what: what.into() }
    }

    /// The same error, of a step that comes before the name is given.
    #[must_use]
    pub fn before_publishing(self) -> StorageError {
        match self {
            StorageError::Io { place, action, source } => StorageError::Unpublished { place, action, source },
            other => other,
        }
    }

    /// Whether the failed write certainly published nothing, so that the same name may be tried again. For
    /// every other failure of a write the outcome is unknown: the blob may be there, whole.
    pub fn published_nothing(&self) -> bool {
        matches!(
            self,
            StorageError::Full { .. }
                | StorageError::Unpublished { .. }
                | StorageError::InvalidName { .. }
                | StorageError::Locked { .. }
                | StorageError::ReadOnly { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_where_and_what_to_do() {
        let full = StorageError::from_io("write", "/data/layers/1", io::ErrorKind::StorageFull.into());
        assert!(full.to_string().contains("/data/layers/1") && full.to_string().contains("free space"));
        assert!(full.published_nothing());
        let failed = StorageError::from_io("sync", "/data/layers/1", io::ErrorKind::Other.into());
        assert!(!failed.published_nothing() && failed.before_publishing().published_nothing());
        let locked = StorageError::Locked { place: "/data".into(), holder: Some(7) };
        assert!(locked.to_string().contains("process 7"));
    }
}
