//! Which filter new tables get, and what kinds there are.

use super::{BlockedBloom, Filter};

/// Which filter new tables get. Tables name their own kind, so any mixture can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FilterPolicy {
    /// None: a lookup reads a block of every table whose keys reach around the sought one.
    None,
    /// A blocked Bloom filter.
    BlockedBloom {
        /// Bits for each distinct key, 1..=32. At 10 about one lookup in a hundred of an absent key reads a
        /// block in vain; every 5 bits more make that about eight times fewer.
        bits_per_key: u8,
    },
}

impl Default for FilterPolicy {
    fn default() -> Self {
        Self::BlockedBloom { bits_per_key: 10 }
    }
}

/// The kinds of filter that a table can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FilterKind {
    /// No filter.
    None,
    /// See [`BlockedBloom`].
    BlockedBloom,
}

impl FilterKind {
    /// The number that stands for the kind in a footer.
    pub(crate) fn code(self) -> u32 {
        match self {
            Self::None => 0,
            Self::BlockedBloom => 1,
        }
    }

    /// The kind of a stored number, if there is one.
    pub(crate) fn from_code(code: u32) -> Option<Self> {
        match code {
            0 => Some(Self::None),
            1 => Some(Self::BlockedBloom),
            _ => None,
        }
    }
}

impl FilterPolicy {
    /// Builds the filter of the keys with these hashes, each key's once.
    pub(crate) fn build(self, hashes: &[u64]) -> (FilterKind, Vec<u8>) {
        match self {
            Self::BlockedBloom { bits_per_key } if !hashes.is_empty() => {
                (FilterKind::BlockedBloom, BlockedBloom::build(hashes, bits_per_key.clamp(1, 32)))
            }
            Self::None | Self::BlockedBloom { .. } => (FilterKind::None, Vec::new()),
        }
    }
}

/// The filter of a kind in its stored form, or `None` when the bytes are not one of that kind.
#[inline]
pub(crate) fn open(kind: FilterKind, bytes: &[u8]) -> Option<impl Filter> {
    match kind {
        FilterKind::None => bytes.is_empty().then_some(AnyFilter::None),
        FilterKind::BlockedBloom => BlockedBloom::open(bytes).map(AnyFilter::BlockedBloom),
    }
}

enum AnyFilter<'a> {
    None,
    BlockedBloom(BlockedBloom<'a>),
}

impl Filter for AnyFilter<'_> {
    #[inline]
    fn may_contain(&self, hash: u64) -> bool {
        match self {
            Self::None => true,
            Self::BlockedBloom(filter) => filter.may_contain(hash),
        }
    }
}
