//! The index of an open table, of whichever kind it was written.

use std::ops::Range;

use stroma_strata::storage::Blob;

use super::super::bytes::FileBytes;
use super::compact::CompactIndex;
use super::kind::IndexKind;
use super::plain::PlainIndex;
use crate::entry::Sequence;

/// Finds blocks.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "an open table has one, in place")]
pub(in crate::table) enum BlockIndex {
    Compact(CompactIndex),
    Plain(PlainIndex),
}

impl BlockIndex {
    /// Opens the section, whose checksum was verified. `data_end` is where the last block ends, `kind` what the footer
    /// says.
    pub(in crate::table) fn open(
        bytes: FileBytes,
        blob: &dyn Blob,
        block_count: u64,
        data_end: u64,
        kind: u32,
    ) -> Result<Self, &'static str> {
        let index = if kind == IndexKind::Plain.code() {
            Self::Plain(PlainIndex::open(bytes, blob, block_count, data_end)?)
        } else {
            Self::Compact(CompactIndex::open(bytes, blob, block_count, data_end)?)
        };
        if index.kind().code() == kind { Ok(index) } else { Err("the kind of index contradicts the footer") }
    }

    /// Its kind.
    pub(in crate::table) fn kind(&self) -> IndexKind {
        match self {
            Self::Compact(index) => index.kind(),
            Self::Plain(_) => IndexKind::Plain,
        }
    }

    /// The block in which the first entry at or after `(key, sequence)` is, unless it is the first of the next one.
    /// Without blocks, 0.
    #[inline]
    pub(in crate::table) fn find(&self, blob: &dyn Blob, key: &[u8], sequence: Sequence) -> usize {
        match self {
            Self::Compact(index) => index.find(blob, key, sequence),
            Self::Plain(index) => index.find(blob, key, sequence),
        }
    }

    /// Where block `block` lies in the file.
    #[inline]
    pub(in crate::table) fn block_range(&self, blob: &dyn Blob, block: usize) -> Range<u64> {
        match self {
            Self::Compact(index) => index.block_range(blob, block),
            Self::Plain(index) => index.block_range(blob, block),
        }
    }

    /// How many blocks there are.
    pub(in crate::table) fn block_count(&self) -> usize {
        match self {
            Self::Compact(index) => index.block_count(),
            Self::Plain(index) => index.block_count(),
        }
    }

    /// Memory that it takes beside the mapped file, in bytes.
    #[cfg(test)]
    pub(in crate::table) fn memory_bytes(&self) -> usize {
        match self {
            Self::Compact(index) => index.memory_bytes(),
            Self::Plain(index) => index.memory_bytes(),
        }
    }
}
