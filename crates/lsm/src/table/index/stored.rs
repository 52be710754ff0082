//! The index section of an open table.
//!
//! ```text
//! u64 length of the prefix, u64 length of the separators, u64 length of the model
//! u64 head           of each separator: one less than blocks
//! record (24)        of each block: u64 where its separator ends among the separators' bytes,
//!                    u64 the separator's sequence, u64 where the block ends in the file
//! prefix             that all separators start with
//! separators         without the prefix, one after the other
//! model              an index of stroma-hybrid over the heads; empty without separators
//! ```

use std::ops::Range;

use stroma_hybrid::{Index, IndexRef, KeySource, PrefixedHead};
use stroma_strata::storage::Blob;

use super::super::bytes::FileBytes;
use super::super::footer::HEADER_BYTES;
use super::builder::kind_code;
use crate::coding::Reader;
use crate::entry::Sequence;

/// The three numbers of a block, little-endian.
type Record = [[u8; 8]; 3];
const RECORD_BYTES: usize = size_of::<Record>();

/// Finds blocks. The arrays stay in place where the file is mapped; the model, which is small, is copied.
#[derive(Debug)]
pub(in crate::table) struct BlockIndex {
    bytes: FileBytes,
    block_count: usize,
    strip: PrefixedHead,
    model: Option<Index<u64>>,
    heads: Range<usize>,
    records: Range<usize>,
    separators: Range<usize>,
}

/// The arrays of an index.
#[derive(Clone, Copy)]
pub(super) struct Arrays<'a> {
    pub(super) heads: Heads<'a>,
    records: &'a [Record],
    separators: &'a [u8],
}

/// The heads of all separators, in place.
#[derive(Clone, Copy)]
pub(super) struct Heads<'a>(&'a [[u8; 8]]);

impl KeySource<u64> for Heads<'_> {
    #[inline]
    fn len(&self) -> usize {
        self.0.len()
    }

    #[inline]
    fn get(&self, position: usize) -> u64 {
        u64::from_le_bytes(self.0[position])
    }
}

impl BlockIndex {
    /// Opens the section, whose checksum was verified. `data_end` is where the last block ends.
    pub(in crate::table) fn open(
        bytes: FileBytes,
        blob: &dyn Blob,
        block_count: u64,
        data_end: u64,
        kind: u32,
    ) -> Result<Self, &'static str> {
        let section = bytes.of(blob);
        let too_short = "the index is shorter than it says";
        let block_count = usize::try_from(block_count).map_err(|_| too_short)?;
        let separated = block_count.saturating_sub(1);
        let mut reader = Reader::new(section);
        let mut lengths = [0; 3];
        for length in &mut lengths {
            let number = reader.u64().and_then(|length| usize::try_from(length).ok());
            *length = number.filter(|&length| length <= section.len()).ok_or(too_short)?;
        }
        let [prefix_length, separators_length, model_length] = lengths;
        let mut part = |length: Option<usize>| -> Result<Range<usize>, &'static str> {
            let start = section.len() - reader.rest().len();
            let taken = length.and_then(|length| reader.take(length)).ok_or(too_short)?;
            Ok(start..start + taken.len())
        };
        let heads = part(separated.checked_mul(8))?;
        let records = part(block_count.checked_mul(RECORD_BYTES))?;
        let prefix = part(Some(prefix_length))?;
        let separators = part(Some(separators_length))?;
        let model = part(Some(model_length))?;
        if !reader.is_empty() {
            return Err("the index is longer than it says");
        }
        let model = match separated {
            0 if model.is_empty() => None,
            0 => return Err("an index over nothing"),
            _ => Some(
                IndexRef::<u64>::open(&section[model], separated)
                    .map_err(|_| "the model of the index cannot be read")?
                    .to_owned(),
            ),
        };
        if kind_code(model.as_ref().map(Index::kind)) != kind {
            return Err("the kind of index contradicts the footer");
        }
        let strip = PrefixedHead::with_prefix(&section[prefix]);
        let index = Self { bytes, block_count, strip, model, heads, records, separators };
        index.check(blob, data_end)?;
        Ok(index)
    }

    /// Checks that blocks and separators follow one another.
    fn check(&self, blob: &dyn Blob, data_end: u64) -> Result<(), &'static str> {
        let arrays = self.arrays(blob);
        let (mut block_end, mut separator_end) = (HEADER_BYTES, 0);
        for record in arrays.records {
            let (next_separator, _, next_block) = numbers(record);
            if next_block <= block_end || next_separator < separator_end {
                return Err("the blocks do not follow one another");
            }
            (block_end, separator_end) = (next_block, next_separator);
        }
        if block_end != data_end || separator_end != self.separators.len() as u64 {
            return Err("the blocks do not reach to the sections");
        }
        Ok(())
    }

    #[inline]
    pub(super) fn arrays<'a>(&'a self, blob: &'a dyn Blob) -> Arrays<'a> {
        let section = self.bytes.of(blob);
        let part = |range: &Range<usize>| section.get(range.clone()).unwrap_or_default();
        Arrays {
            heads: Heads(part(&self.heads).as_chunks().0),
            records: part(&self.records).as_chunks::<8>().0.as_chunks().0,
            separators: part(&self.separators),
        }
    }

    /// How many blocks there are.
    pub(in crate::table) fn block_count(&self) -> usize {
        self.block_count
    }

    /// The model over the separators' heads, if there are any.
    pub(super) fn model(&self) -> Option<&Index<u64>> {
        self.model.as_ref()
    }

    pub(super) fn strip(&self) -> &PrefixedHead {
        &self.strip
    }

    /// Where block `block` lies in the file.
    #[inline]
    pub(in crate::table) fn block_range(&self, blob: &dyn Blob, block: usize) -> Range<u64> {
        let records = self.arrays(blob).records;
        let start = match block.checked_sub(1) {
            Some(before) => numbers(&records[before]).2,
            None => HEADER_BYTES,
        };
        start..numbers(&records[block]).2
    }

    /// Memory that it takes beside the mapped file, in bytes.
    #[cfg(test)]
    pub(in crate::table) fn memory_bytes(&self) -> usize {
        self.bytes.copied_bytes() + self.model.as_ref().map_or(0, Index::size_bytes)
    }
}

impl<'a> Arrays<'a> {
    /// The separator after block `block`, without the prefix, and its sequence.
    #[inline]
    pub(super) fn separator(self, block: usize) -> (&'a [u8], Sequence) {
        let start = match block.checked_sub(1) {
            Some(before) => numbers(&self.records[before]).0,
            None => 0,
        };
        let (end, sequence, _) = numbers(&self.records[block]);
        (self.separators.get(start as usize..end as usize).unwrap_or_default(), sequence)
    }
}

fn numbers(record: &Record) -> (u64, Sequence, u64) {
    let [separator_end, sequence, block_end] = record.map(u64::from_le_bytes);
    (separator_end, sequence, block_end)
}
