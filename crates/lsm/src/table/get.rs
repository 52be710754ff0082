//! Point lookups: filter, index, one block, one entry; nothing is allocated for a block that is read in place.

use super::reader::Table;
use crate::Error;
use crate::entry::{EntryRef, Sequence};
use crate::filter::{self, Filter, key_hash};

/// A key to look up in many tables, hashed once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lookup<'k> {
    key: &'k [u8],
    hash: u64,
    sequence: Sequence,
    /// Whether filters are asked.
    filters: bool,
}

impl<'k> Lookup<'k> {
    /// For the newest version of `key` that a snapshot at `sequence` sees.
    pub(crate) fn new(key: &'k [u8], sequence: Sequence) -> Self {
        Self { key, hash: key_hash(key), sequence, filters: true }
    }

    /// Sets whether filters are asked.
    #[inline]
    pub(crate) fn with_filters(self, filters: bool) -> Self {
        Lookup { filters, ..self }
    }
}

impl Table {
    /// Hands the newest version of the key not after the lookup's sequence to `read`, if the table has one,
    /// and answers what that answers. A delete is a version, too; range tombstones are not looked at.
    pub(crate) fn get<R>(
        &self,
        lookup: &Lookup<'_>,
        read: impl FnOnce(EntryRef<'_>) -> R,
    ) -> Result<Option<R>, Error> {
        match self.locate(lookup)? {
            Some(block) => self.get_in(block, lookup, read),
            None => Ok(None),
        }
    }

    /// The block in which the key would be, unless the table has it for certain not.
    #[inline]
    pub(crate) fn locate(&self, lookup: &Lookup<'_>) -> Result<Option<usize>, Error> {
        let inner = &*self.inner;
        let is_later = lookup.sequence < inner.ingested_at;
        let is_absent = || Ok::<_, Error>(lookup.filters && !self.may_contain(lookup.hash)?);
        if is_later || inner.index.block_count() == 0 || is_absent()? {
            return Ok(None);
        }
        Ok(Some(inner.index.find(&*inner.blob, lookup.key, lookup.sequence)))
    }

    /// The second half of [`Table::get`], in the block that [`Table::locate`] answered.
    #[inline]
    pub(crate) fn get_in<R>(
        &self,
        block: usize,
        lookup: &Lookup<'_>,
        read: impl FnOnce(EntryRef<'_>) -> R,
    ) -> Result<Option<R>, Error> {
        let inner = &*self.inner;
        inner.read_block(block, |view| {
            let found = view.find(lookup.key, lookup.hash, lookup.sequence)?;
            Ok(found.map(|entry| read(inner.stamped(entry))))
        })
    }

    /// Has a block read, without waiting for it.
    pub(crate) fn prefetch(&self, block: usize) {
        let inner = &*self.inner;
        let range = inner.index.block_range(&*inner.blob, block);
        inner.blob.prefetch(range.start, range.end - range.start);
    }

    #[inline]
    fn may_contain(&self, hash: u64) -> Result<bool, Error> {
        let inner = &*self.inner;
        match filter::open(inner.filter_kind, inner.filter()?) {
            Some(filter) => Ok(filter.may_contain(hash)),
            None => Err(Error::corrupt(
                &inner.file,
                inner.footer.filter.offset,
                "a filter that is not of its kind",
            )),
        }
    }
}
