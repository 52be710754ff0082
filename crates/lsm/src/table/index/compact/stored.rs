//! The section of a compact index in an open table.

use std::ops::Range;

use stroma_hybrid::{Index, IndexRef, PrefixedHead};
use stroma_strata::storage::Blob;

use super::super::super::bytes::FileBytes;
use super::super::super::footer::HEADER_BYTES;
use super::super::kind::IndexKind;
use super::super::packed::PackedPlace;
use super::exceptions::ExceptionsPlace;
use super::heads::HeadCode;
use crate::coding::Reader;

const TOO_SHORT: &str = "the index is shorter than it says";

/// The index of an open table. Its arrays stay in place where the file is mapped; the model, which is small, is copied.
#[derive(Debug)]
pub(in crate::table) struct CompactIndex {
    pub(super) bytes: FileBytes,
    block_count: usize,
    pub(super) strip: PrefixedHead,
    pub(super) code: HeadCode,
    /// Bytes of an exception after the prefix that are not kept.
    pub(super) left_out: usize,
    pub(super) model: Option<Index<u64>>,
    pub(super) heads: PackedPlace,
    block_ends: PackedPlace,
    pub(super) exceptions: ExceptionsPlace,
}

impl CompactIndex {
    /// Opens the section, whose checksum was verified. `data_end` is where the last block ends.
    pub(in super::super) fn open(
        bytes: FileBytes,
        blob: &dyn Blob,
        block_count: u64,
        data_end: u64,
    ) -> Result<Self, &'static str> {
        let section = bytes.of(blob);
        let block_count = usize::try_from(block_count).map_err(|_| TOO_SHORT)?;
        let separated = block_count.saturating_sub(1);
        let mut reader = Reader::new(section);
        let cut = reader.varint().and_then(|cut| u32::try_from(cut).ok()).filter(|cut| (1..64).contains(cut));
        let code = HeadCode { cut: cut.ok_or("a head without bits")? };
        let left_out = reader.length().ok_or(TOO_SHORT)?;
        let exception_count = reader.length().ok_or(TOO_SHORT)?;
        let [prefix, heads, block_ends, blocks, ends, rests, model] = parts(section, reader)?;

        let heads = PackedPlace::open(section, heads, separated).ok_or(TOO_SHORT)?;
        let block_ends = PackedPlace::open(section, block_ends, block_count).ok_or(TOO_SHORT)?;
        let exceptions = ExceptionsPlace::open(section, exception_count, [blocks, ends, rests])
            .ok_or("the separators kept whole are not what the index says")?;
        let model = match separated {
            0 if model.is_empty() => None,
            0 => return Err("an index over nothing"),
            _ => Some(
                IndexRef::<u64>::open(&section[model], separated)
                    .map_err(|_| "the model of the index cannot be read")?
                    .to_owned(),
            ),
        };
        check_blocks(section, &block_ends, data_end)?;
        let strip = PrefixedHead::with_prefix(&section[prefix]);
        Ok(Self { bytes, block_count, strip, code, left_out, model, heads, block_ends, exceptions })
    }

    /// The kind of layer next to the heads.
    pub(in super::super) fn kind(&self) -> IndexKind {
        IndexKind::compact(self.model.as_ref().map(Index::kind))
    }

    /// How many blocks there are.
    pub(in super::super) fn block_count(&self) -> usize {
        self.block_count
    }

    /// Where block `block` lies in the file.
    #[inline]
    pub(in super::super) fn block_range(&self, blob: &dyn Blob, block: usize) -> Range<u64> {
        let ends = self.block_ends.of(self.bytes.of(blob));
        let start = if block == 0 { HEADER_BYTES } else { ends.get(block - 1) };
        start..ends.get(block)
    }

    /// Memory that it takes beside the mapped file, in bytes.
    #[cfg(test)]
    pub(in super::super) fn memory_bytes(&self) -> usize {
        self.bytes.copied_bytes() + self.model.as_ref().map_or(0, Index::size_bytes)
    }
}

/// Where the parts lie whose lengths stand at the front of `reader`, itself the end of `section`.
fn parts<const COUNT: usize>(
    section: &[u8],
    mut reader: Reader<'_>,
) -> Result<[Range<usize>; COUNT], &'static str> {
    let mut lengths = [0; COUNT];
    for length in &mut lengths {
        *length = reader.length().ok_or(TOO_SHORT)?;
    }
    let mut start = section.len() - reader.rest().len();
    let parts = lengths.map(|length| {
        // Each length fits in the section, and there are few of them.
        start += length;
        start - length..start
    });
    if start == section.len() { Ok(parts) } else { Err("the parts of the index do not fill it") }
}

/// Checks that blocks follow one another up to `data_end`.
fn check_blocks(section: &[u8], ends: &PackedPlace, data_end: u64) -> Result<(), &'static str> {
    let mut last = HEADER_BYTES;
    for end in ends.of(section).each() {
        if end <= last {
            return Err("the blocks do not follow one another");
        }
        last = end;
    }
    if last == data_end { Ok(()) } else { Err("the blocks do not reach to the sections") }
}
