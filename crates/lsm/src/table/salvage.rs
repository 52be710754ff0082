//! Reading a table that may be damaged, block by block.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::cursor::TableCursor;
use super::reader::Table;
use crate::Error;
use crate::block::{BlockPosition, Damage};
use crate::block_cache::Caching;
use crate::entry::EntryRef;

/// The first and the last key of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BlockKeys {
    pub(crate) first: Vec<u8>,
    pub(crate) last: Vec<u8>,
}

impl Table {
    /// How many blocks there are.
    pub(crate) fn block_count(&self) -> usize {
        self.inner.index.block_count()
    }

    /// Hands every entry of a block to `each`, in order.
    ///
    /// # Errors
    /// [`Error::Corrupt`]; failure of the storage. Some entries may have been handed over then.
    pub(crate) fn read_entries(
        &self,
        block: usize,
        mut each: impl FnMut(&EntryRef<'_>),
    ) -> Result<(), Error> {
        let inner = &*self.inner;
        let payload = inner.payload(block, Caching::Bypass)?;
        let bytes = inner.bytes(&payload);
        let mut read = || {
            let view = inner.view(&payload)?;
            let mut position = BlockPosition::default();
            let mut on = position.first(view)?;
            while on {
                each(&inner.stamped(position.entry(bytes)));
                on = position.next(view)?;
            }
            Ok(())
        };
        read().map_err(|damage: Damage| inner.damaged(block, damage))
    }

    /// Reads a block from end to end.
    ///
    /// # Errors
    /// [`Error::Corrupt`]; failure of the storage.
    pub(crate) fn block_keys(&self, block: usize) -> Result<BlockKeys, Error> {
        let mut keys: Option<BlockKeys> = None;
        self.read_entries(block, |entry| match &mut keys {
            Some(keys) => entry.user_key.clone_into(&mut keys.last),
            None => keys = Some(BlockKeys { first: entry.user_key.to_vec(), last: entry.user_key.to_vec() }),
        })?;
        keys.ok_or_else(|| self.inner.damaged(block, Damage("a block without entries")))
    }

    /// Where a block begins in the file.
    pub(crate) fn block_offset(&self, block: usize) -> u64 {
        self.inner.index.block_range(&*self.inner.blob, block).start
    }

    /// A cursor on no entry that passes over the blocks in `lost`.
    pub(crate) fn cursor_without(&self, lost: Arc<BTreeSet<usize>>) -> TableCursor {
        let mut cursor = self.cursor(Caching::Bypass);
        cursor.lost = Some(lost);
        cursor
    }
}
