//! One table's view of the cache: its blocks by their numbers.

use std::sync::Arc;

use super::shared::Shared;

/// Whether a reader of a table uses the cache of blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caching {
    /// It looks there first, and leaves there what it had to make.
    Use,
    /// It does neither: a merge reads each block once and then drops the table, a check is about the file.
    Bypass,
}

/// The blocks of one table in the cache of the database.
#[derive(Debug)]
pub(crate) struct TableCache {
    shared: Arc<Shared>,
    table: u64,
}

impl TableCache {
    pub(super) fn new(shared: Arc<Shared>, table: u64) -> TableCache {
        TableCache { shared, table }
    }

    /// Reads a block where it lies in the cache, if it is there. What `read` does should be short: meanwhile no memory
    /// that the cache gave up can be used again.
    #[inline]
    pub(crate) fn read<R>(&self, block: usize, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.shared.cache()?.get_with(&self.key(block), read)
    }

    /// A copy of a block, if it is in the cache.
    pub(crate) fn copy(&self, block: usize) -> Option<Vec<u8>> {
        self.read(block, <[u8]>::to_vec)
    }

    /// Keeps the payload of a block that was just missed, if it is likely to be read again and there is memory for it.
    pub(crate) fn keep(&self, block: usize, payload: &[u8]) {
        self.shared.keep(&self.key(block), payload);
    }

    fn key(&self, block: usize) -> [u8; 12] {
        let mut key = [0; 12];
        key[..8].copy_from_slice(&self.table.to_le_bytes());
        // A table has fewer blocks than that: their number is stored in four bytes.
        key[8..].copy_from_slice(&(block as u32).to_le_bytes());
        key
    }
}
