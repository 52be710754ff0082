//! What can go wrong with the file of a map: which file, where in it, what, and what to do.

use crate::mapped::MappedError;

/// Why the file of a map could not be made, opened or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MapFileError {
    /// The file could not be grown or synced.
    #[error(transparent)]
    Region(#[from] MappedError),
    /// The file holds something else.
    #[error("{place} is no map file: it begins with {found:02x?}")]
    NotAMap {
        /// The file.
        place: String,
        /// Its first eight bytes, or fewer.
        found: Vec<u8>,
    },
    /// The file was written by a later version of this crate.
    #[error("{place} is a map of format version {found}; this build reads {supported}: fill it again")]
    UnsupportedVersion {
        /// The file.
        place: String,
        /// The version found.
        found: u32,
        /// The version this build reads.
        supported: u32,
    },
    /// The file was made with another configuration, or on a machine of the other byte order.
    #[error("{place} has {what} {found:#x}, but was opened for {expected:#x}: open it as it was made")]
    WrongShape {
        /// The file.
        place: String,
        /// Byte order, keys' type code, bytes of a value, or slots of a leaf.
        what: &'static str,
        /// What the caller's configuration has.
        expected: u32,
        /// What the file says.
        found: u32,
    },
    /// The file was changed after it was last synced, and then abandoned.
    #[error("{place} was being changed when its process ended: take the copy made after its last sync")]
    NotSynced {
        /// The file.
        place: String,
    },
    /// Bytes of the file changed after it was written.
    #[error(
        "{place}: {what} at offset {offset} is damaged: checksum {stored:016x} stored, {computed:016x} computed; \
         take the file from a backup"
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
    #[error("{place} contradicts itself at offset {offset}: {what}")]
    Inconsistent {
        /// The file.
        place: String,
        /// Where.
        offset: u64,
        /// What, and how.
        what: &'static str,
    },
    /// The file has 2^30 leaves.
    #[error("{place} is full: a map has at most 2^30 leaves")]
    Full {
        /// The file.
        place: String,
    },
}
