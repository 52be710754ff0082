//! What stands in for Zstandard in a build without it: nothing that can be had.

/// A dictionary cannot be had.
#[derive(Debug)]
pub(crate) enum Dictionary {}

impl Dictionary {
    /// None.
    pub(crate) fn new(_: &[u8]) -> Option<Dictionary> {
        None
    }
}

/// The most that a dictionary read from a table may have, in bytes.
pub(crate) const MAX_DICTIONARY_BYTES: u64 = 64 << 10;
