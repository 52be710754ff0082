//! What can go wrong with a mapped file: which file, where in it, what, and what to do.

use std::io;
use std::path::Path;

/// Why a mapped file could not be made, opened or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MappedError {
    /// The operating system refused something.
    #[error("cannot {action} {place}: {source}")]
    Io {
        /// The file.
        place: String,
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// Someone holds a lock on the file that does not go together with what was asked.
    #[error("{place} is in use: {holder}; close that first")]
    Locked {
        /// The file.
        place: String,
        /// Who may hold the lock.
        holder: &'static str,
    },
    /// The file is larger than this machine can address.
    #[error("{place} has {length} bytes, more than this machine can map: open it on a 64-bit machine")]
    TooLarge {
        /// The file.
        place: String,
        /// Its length in bytes.
        length: u64,
    },
}

impl MappedError {
    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { place: show(path), action, source }
    }
}

/// A path as it stands in messages.
pub(super) fn show(path: &Path) -> String {
    path.display().to_string()
}
