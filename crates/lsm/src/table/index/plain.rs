//! A plain index: whole separators, sorted, each with where its block lies, and binary search among them.
//!
//! It is what an index of tables usually is (LevelDB, `doc/table_format.md`, "index block"), and the measure of the
//! compact one. Nothing but the largest of key sets that share long prefixes comes near a wish for it.
//!
//! ```text
//! entry         of each block: varint length and bytes of the separator after it (none after the last),
//!               varint 2^56 - 1 less the separator's sequence, varint where the block starts, varint its length
//! u32 offset    of each block's entry
//! ```

use std::cmp::Ordering;
use std::ops::Range;

use stroma_strata::storage::Blob;

use super::super::bytes::FileBytes;
use super::super::footer::HEADER_BYTES;
use super::kind::{FinishedIndex, IndexKind};
use super::separators::{IndexBuilder, Separator};
use crate::coding::{Reader, put_bytes, put_varint};
use crate::entry::{MAX_SEQUENCE, Sequence, compare};

/// Lays the section out.
pub(super) fn lay_out(collected: &IndexBuilder) -> FinishedIndex {
    let (mut bytes, mut offsets) = (Vec::new(), Vec::new());
    let last = Separator { key: &[], sequence: MAX_SEQUENCE };
    let mut start = HEADER_BYTES;
    for (separator, end) in collected.separators().chain([last]).zip(collected.block_ends()) {
        offsets.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        put_bytes(&mut bytes, separator.key);
        put_varint(&mut bytes, MAX_SEQUENCE - separator.sequence);
        put_varint(&mut bytes, start);
        put_varint(&mut bytes, end - start);
        start = end;
    }
    bytes.extend_from_slice(&offsets);
    let explanation = format!("plain: {} whole separators, binary search\n  as asked", offsets.len() / 4);
    FinishedIndex { bytes, kind: IndexKind::Plain, explanation }
}

/// The index of an open table.
#[derive(Debug)]
pub(in crate::table) struct PlainIndex {
    bytes: FileBytes,
    block_count: usize,
}

/// The parts of the section.
#[derive(Clone, Copy)]
struct Parts<'a> {
    entries: &'a [u8],
    offsets: &'a [[u8; 4]],
}

/// One entry.
struct Entry<'a> {
    separator: Separator<'a>,
    block: Range<u64>,
}

impl<'a> Parts<'a> {
    fn entry(self, block: usize) -> Option<Entry<'a>> {
        let at = u32::from_le_bytes(*self.offsets.get(block)?) as usize;
        let mut reader = Reader::new(self.entries.get(at..)?);
        let key = reader.bytes()?;
        let sequence = MAX_SEQUENCE.checked_sub(reader.varint()?)?;
        let start = reader.varint()?;
        let end = start.checked_add(reader.varint()?)?;
        Some(Entry { separator: Separator { key, sequence }, block: start..end })
    }
}

impl PlainIndex {
    /// Opens the section, whose checksum was verified. `data_end` is where the last block ends.
    pub(super) fn open(
        bytes: FileBytes,
        blob: &dyn Blob,
        block_count: u64,
        data_end: u64,
    ) -> Result<Self, &'static str> {
        let block_count = usize::try_from(block_count).map_err(|_| "the index is shorter than it says")?;
        let index = Self { bytes, block_count };
        let parts = index.parts(blob);
        if parts.offsets.len() != block_count {
            return Err("the index is shorter than it says");
        }
        let mut end = HEADER_BYTES;
        for block in 0..block_count {
            let entry = parts.entry(block).ok_or("an entry of the index cannot be read")?;
            if entry.block.start != end || entry.block.is_empty() {
                return Err("the blocks do not follow one another");
            }
            end = entry.block.end;
        }
        if end != data_end {
            return Err("the blocks do not reach to the sections");
        }
        Ok(index)
    }

    #[inline]
    fn parts<'a>(&'a self, blob: &'a dyn Blob) -> Parts<'a> {
        let section = self.bytes.of(blob);
        let entries = section.len().saturating_sub(self.block_count.saturating_mul(4));
        let (entries, offsets) = section.split_at(entries);
        Parts { entries, offsets: offsets.as_chunks().0 }
    }

    pub(super) fn block_count(&self) -> usize {
        self.block_count
    }

    /// As [`BlockIndex::find`](super::BlockIndex::find).
    #[inline]
    pub(super) fn find(&self, blob: &dyn Blob, key: &[u8], sequence: Sequence) -> usize {
        let parts = self.parts(blob);
        let (mut low, mut high) = (0, self.block_count.saturating_sub(1));
        while low < high {
            let middle = low + (high - low) / 2;
            // All entries were read when the table was opened.
            let Some(Entry { separator, .. }) = parts.entry(middle) else { return low };
            match compare((separator.key, separator.sequence), (key, sequence)) {
                Ordering::Less | Ordering::Equal => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        low
    }

    /// As [`BlockIndex::block_range`](super::BlockIndex::block_range).
    #[inline]
    pub(super) fn block_range(&self, blob: &dyn Blob, block: usize) -> Range<u64> {
        self.parts(blob).entry(block).map_or(0..0, |entry| entry.block)
    }

    /// Memory that it takes beside the mapped file, in bytes.
    #[cfg(test)]
    pub(super) fn memory_bytes(&self) -> usize {
        self.bytes.copied_bytes()
    }
}
