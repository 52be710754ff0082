//! What can be wrong with a layer file.

use stroma_strata::storage::StorageError;

use crate::kmer::{Geometry, GeometryError};

/// Why a layer could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// The bytes are not what was written.
    #[error("{place} is damaged at byte {offset}: {what}; restore it from a copy or build the index again")]
    Corrupt {
        /// The layer file.
        place: String,
        /// Where in the file, in bytes.
        offset: u64,
        /// What does not fit.
        what: &'static str,
    },
    /// The file was written by a newer version.
    #[error("{place} has {what} {found}, which this version cannot read; use a newer version")]
    Unsupported {
        /// The layer file.
        place: String,
        /// Format version or coding.
        what: &'static str,
        /// Its number.
        found: u32,
    },
    /// The settings in the header are impossible.
    #[error("{place}: {source}")]
    Geometry {
        /// The layer file.
        place: String,
        /// What does not fit.
        source: GeometryError,
    },
    /// Two layers of one index have different settings.
    #[error("{place} has settings {found:?} where the index has {expected:?}; it belongs to another index")]
    Mismatch {
        /// The layer file.
        place: String,
        /// The index's settings.
        expected: Geometry,
        /// The layer's settings.
        found: Geometry,
    },
    /// More different colour sets or colours than ids.
    #[error("a layer cannot hold more than {limit} {what}; split the samples over two indexes")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// How many are possible.
        limit: u64,
    },
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A partition does not fit the cap on memory.
    #[error(
        "a partition needs {needed} bytes of memory and {allowed} are allowed; allow more, or build the index with \
         more partitions"
    )]
    Memory {
        /// The cap under which it would work, in bytes.
        needed: u64,
        /// The cap, in bytes.
        allowed: u64,
    },
    /// The layered set failed as a layer was written.
    #[error(transparent)]
    Set(Box<dyn std::error::Error + Send + Sync>),
}
