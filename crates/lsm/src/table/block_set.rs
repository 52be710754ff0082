//! What was found out about blocks since the table was opened, such as that their checksums hold: a bit a block.

use std::sync::atomic::{AtomicU64, Ordering};

/// A set of block numbers that only grows.
///
/// The bits guard no other memory: what was found never changes, and a thread that does not yet see a bit
/// merely finds out once more. So relaxed operations suffice.
#[derive(Debug)]
pub(super) struct BlockSet(Box<[AtomicU64]>);

impl BlockSet {
    /// None of `blocks` blocks.
    pub(super) fn none_of(blocks: usize) -> Self {
        Self((0..blocks.div_ceil(64)).map(|_| AtomicU64::new(0)).collect())
    }

    /// Whether `block` is in the set.
    #[inline]
    pub(super) fn contains(&self, block: usize) -> bool {
        self.0[block / 64].load(Ordering::Relaxed) & (1 << (block % 64)) != 0
    }

    /// Adds `block`.
    pub(super) fn insert(&self, block: usize) {
        self.0[block / 64].fetch_or(1 << (block % 64), Ordering::Relaxed);
    }
}
