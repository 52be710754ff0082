//! What can go wrong when an index is built or opened, with the data that tells why.

/// Why an index could not be built or opened. Queries cannot fail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The keys handed to the builder descend somewhere.
    #[error("keys are not sorted: the key at position {position} is smaller than the one before it")]
    NotSorted {
        /// Position of the first key that is smaller than its predecessor.
        position: usize,
    },
    /// A byte array does not hold a whole number of keys.
    #[error("{length} bytes do not hold a whole number of keys of {width} bytes")]
    PartialKey {
        /// Length of the array in bytes.
        length: usize,
        /// Width of one key in bytes.
        width: usize,
    },
    /// A layer was asked for with a parameter outside its limits.
    #[error("{name} of {value} is outside {smallest}..={largest}")]
    BadParameter {
        /// The parameter's name.
        name: &'static str,
        /// What was asked for.
        value: u64,
        /// Smallest value allowed.
        smallest: u64,
        /// Largest value allowed.
        largest: u64,
    },
    /// The bytes end before the index does.
    #[error("the index needs {needed} bytes, but only {available} are there: it was cut short")]
    Truncated {
        /// Bytes needed.
        needed: u64,
        /// Bytes there are.
        available: u64,
    },
    /// The bytes go on after the end of the index.
    #[error("the index takes {needed} bytes, but {available} were given: pass exactly its own bytes")]
    TrailingBytes {
        /// Bytes the header speaks of.
        needed: u64,
        /// Bytes there are.
        available: u64,
    },
    /// The bytes do not begin with the magic number of a hybrid index.
    #[error("not a hybrid index: it begins with {found:02x?}")]
    BadMagic {
        /// The eight bytes found.
        found: [u8; 8],
    },
    /// The index was written by a later version of this crate.
    #[error(
        "hybrid index of format version {found}; this build reads version {supported}: rebuild the index"
    )]
    UnsupportedVersion {
        /// The version found.
        found: u32,
        /// The version this build reads.
        supported: u32,
    },
    /// The bytes are damaged.
    #[error(
        "checksum mismatch: stored {stored:016x}, computed {computed:016x}: rebuild the index from its keys"
    )]
    ChecksumMismatch {
        /// The checksum in the file.
        stored: u64,
        /// The checksum of the bytes that are there.
        computed: u64,
    },
    /// The index is over keys of another type.
    #[error("the index is over keys of type code {found:#x}, but was opened as {expected:#x}")]
    WrongKeyType {
        /// [`Key::TYPE_CODE`](crate::Key::TYPE_CODE) of the type asked for.
        expected: u32,
        /// The type code found.
        found: u32,
    },
    /// The index is over another number of keys than those it is to be used with.
    #[error("the index is over {found} keys, but is to be used with {expected}")]
    WrongKeyCount {
        /// The number of keys the caller has.
        expected: u64,
        /// The number of keys the index was built over.
        found: u64,
    },
    /// A field contradicts the rest, although the checksum is right.
    #[error("layer {layer} of the index contradicts itself: {what}")]
    Inconsistent {
        /// Number of the layer from the top, beginning with 0.
        layer: usize,
        /// Which field, and how.
        what: &'static str,
    },
}
