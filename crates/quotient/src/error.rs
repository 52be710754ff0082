//! What can go wrong, with the data that tells why.

/// Why a filter refused something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The shape is impossible.
    #[error(
        "keys of {key_bits} bits, {home_slots} home slots, values of {value_bits} bits: keys take 2 to 128 bits, \
         values at most 64, home slots are 2 to 2^40 and at most half as many as keys, and a remainder and a \
         value together are no wider than the type of keys"
    )]
    BadShape {
        /// Bits of a key asked for.
        key_bits: u32,
        /// Home slots asked for.
        home_slots: u64,
        /// Bits of a value asked for.
        value_bits: u32,
    },
    /// The key has bits beyond those the filter stores.
    #[error("key {key:#x} has more than the filter's {key_bits} bits: hash it down to that width first")]
    KeyTooWide {
        /// The key.
        key: u128,
        /// Bits of a key of this filter.
        key_bits: u32,
    },
    /// The value has bits beyond those the filter stores.
    #[error("value {value} has more than the filter's {value_bits} bits")]
    ValueTooWide {
        /// The value.
        value: u64,
        /// Bits of a value of this filter.
        value_bits: u32,
    },
    /// No free slot is left where one is needed. Nothing was changed; `grow` and try again.
    #[error("the filter is full: {used} of {slots} slots are taken; grow it")]
    Full {
        /// Slots in use.
        used: u64,
        /// Slots there are.
        slots: u64,
    },
    /// The count of the key, or of all keys together, would pass 2^64 - 1. Nothing was changed.
    #[error("the count of key {key:#x}, or of all keys together, would exceed 2^64 - 1")]
    CountOverflow {
        /// The key.
        key: u128,
    },
    /// Keys were pushed to a builder out of order or twice.
    #[error("key {key:#x} was pushed after {previous:#x}: keys must strictly ascend")]
    NotAscending {
        /// The key pushed.
        key: u128,
        /// The key before it.
        previous: u128,
    },
    /// Filters to be merged hold keys or values of different widths, or there is none.
    #[error("filters to be merged must have one width of keys and values, found {first} and {other} bits")]
    DifferentKeys {
        /// Bits of a key and a value of the first filter, 0 if there is none.
        first: u32,
        /// Bits of a key and a value of another.
        other: u32,
    },
    /// The memory for the slots is not to be had.
    #[error("no memory for a filter of {bytes} bytes")]
    OutOfMemory {
        /// Bytes asked for.
        bytes: u64,
    },
    /// The bytes end before the filter does.
    #[error("the filter needs {needed} bytes, but only {available} are there: it was cut short")]
    Truncated {
        /// Bytes needed.
        needed: u64,
        /// Bytes there are.
        available: u64,
    },
    /// The bytes go on after the end of the filter.
    #[error("the filter takes {needed} bytes, but {available} were given: pass exactly its own bytes")]
    TrailingBytes {
        /// Bytes the header speaks of.
        needed: u64,
        /// Bytes there are.
        available: u64,
    },
    /// The bytes do not begin with the magic number of a quotient filter.
    #[error("not a quotient filter: it begins with {found:02x?}")]
    BadMagic {
        /// The eight bytes found.
        found: [u8; 8],
    },
    /// The filter was written by a later version of this crate.
    #[error("quotient filter of format version {found}; this build reads version {supported}")]
    UnsupportedVersion {
        /// The version found.
        found: u32,
        /// The version this build reads.
        supported: u32,
    },
    /// The bytes are damaged.
    #[error("checksum mismatch in the {part}: stored {stored:016x}, computed {computed:016x}")]
    ChecksumMismatch {
        /// Header, slots or footer.
        part: &'static str,
        /// The checksum in the file.
        stored: u64,
        /// The checksum of the bytes that are there.
        computed: u64,
    },
    /// The checksums are right, but the slots are not those of a filter.
    #[error("slot {slot}: {what}")]
    Inconsistent {
        /// The slot at which it was noticed.
        slot: u64,
        /// Which rule is broken.
        what: &'static str,
    },
    /// Writing failed.
    #[error("cannot write the filter: {0}")]
    Write(#[from] std::io::Error),
}
