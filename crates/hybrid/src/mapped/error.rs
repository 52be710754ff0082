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
    /// The file is no dictionary.
    #[error("{place} is no dictionary file: it begins with {found:02x?}")]
    NotADictionary {
        /// The file.
        place: String,
        /// Its first eight bytes.
        found: [u8; 8],
    },
    /// The file was written by a later version of this crate.
    #[error(
        "{place} is a dictionary of format version {found}; this build reads {supported}: build it again"
    )]
    UnsupportedVersion {
        /// The file.
        place: String,
        /// The version found.
        found: u32,
        /// The version this build reads.
        supported: u32,
    },
    /// The file was written on a machine of the other byte order; values are stored as they lie in memory.
    #[error(
        "{place} was written on a machine of the other byte order (mark {found:08x}): build it on this one"
    )]
    ForeignByteOrder {
        /// The file.
        place: String,
        /// The mark at offset 12, read in this machine's order.
        found: u32,
    },
    /// Keys of another type, or values of another size, than the caller reads the file with.
    #[error(
        "{place} holds {what} {found:#x}, but was opened for {expected:#x}: open it with the types it was built with"
    )]
    WrongType {
        /// The file.
        place: String,
        /// Keys' type code, or the size of values in bytes.
        what: &'static str,
        /// What the caller's type has.
        expected: u32,
        /// What the file says.
        found: u32,
    },
    /// The file is shorter or longer than its header says.
    #[error(
        "{place} has {available} bytes, its header speaks of {needed}: it was cut or appended to; build it again"
    )]
    WrongLength {
        /// The file.
        place: String,
        /// Bytes the header (or the smallest header) needs.
        needed: u64,
        /// Bytes there are.
        available: u64,
    },
    /// Bytes of the file changed after it was written.
    #[error(
        "{place}: {what} at offset {offset} is damaged: checksum {stored:016x} stored, {computed:016x} computed; \
         take the file from a backup or build it again"
    )]
    Damaged {
        /// The file.
        place: String,
        /// The part that is damaged.
        what: &'static str,
        /// Where it begins.
        offset: u64,
        /// The checksum in the file.
        stored: u64,
        /// The checksum of the bytes that are there.
        computed: u64,
    },
    /// The file contradicts itself although its checksums are right: nothing of ours wrote it so.
    #[error("{place} contradicts itself at offset {offset}: {what}; build it again")]
    Inconsistent {
        /// The file.
        place: String,
        /// Where.
        offset: u64,
        /// Which field, and how.
        what: &'static str,
    },
    /// The index in the file cannot be used.
    #[error("{place}: the index at offset {offset}: {source}")]
    Index {
        /// The file.
        place: String,
        /// Where the index begins.
        offset: u64,
        /// What is wrong with it.
        source: crate::Error,
    },
    /// The builder refuses a key or the policy's choice.
    #[error("cannot build {place}: {source}")]
    Build {
        /// The file that was to be built.
        place: String,
        /// Why.
        source: crate::Error,
    },
    /// An earlier error of this builder, such as a full disk, left the file incomplete.
    #[error("{place} is not published: an earlier write of this builder failed; build it again")]
    Abandoned {
        /// The file that was to be built.
        place: String,
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
