//! A colour-set table as it goes into the file: what is copied of other tables is borrowed from them.

use std::borrow::Cow;

use zerocopy::IntoBytes;

use super::flat::EncodedSets;
use super::table::{Chunk, ChunkEntry, ColourTable, TableParts};
use crate::layer::packed::PackedBuffer;
use crate::layer::paged::Paged;

/// The finished table: what goes into the file.
pub(in crate::layer) struct EncodedTable<'a> {
    pub(in crate::layer) sets: Vec<Cow<'a, [u8]>>,
    pub(in crate::layer) offsets: Vec<Cow<'a, [u8]>>,
    pub(in crate::layer) chunks: Vec<u8>,
    pub(in crate::layer) pairs: PackedBuffer,
    pub(in crate::layer) pair_count: u32,
    /// None where sets are the leaves of one chunk.
    pub(in crate::layer) roots: Option<PackedBuffer>,
    pub(in crate::layer) set_count: u32,
    pub(in crate::layer) depth: u8,
    /// Of what was made the final number.
    pub(super) made: Vec<u32>,
}

/// A table in memory.
#[derive(Debug)]
pub(super) struct OwnedTable {
    pub(super) chunks: Vec<Chunk>,
    pub(super) sets: Vec<u8>,
    pub(super) offsets: Vec<u8>,
    pub(super) pairs: Vec<u8>,
    pub(super) pair_count: u32,
    pub(super) roots: Option<Vec<u8>>,
    pub(super) set_count: u32,
    pub(super) depth: u8,
}

impl OwnedTable {
    /// `None` where the numbers of chunks make no sense.
    pub(super) fn new(encoded: EncodedTable<'_>) -> Option<Self> {
        Some(OwnedTable {
            chunks: Chunk::list(&encoded.chunks)?,
            sets: encoded.sets.concat(),
            offsets: encoded.offsets.concat(),
            pairs: encoded.pairs.bytes,
            pair_count: encoded.pair_count,
            roots: encoded.roots.map(|roots| roots.bytes),
            set_count: encoded.set_count,
            depth: encoded.depth,
        })
    }

    /// `None` where lengths and numbers do not fit each other.
    pub(super) fn table(&self) -> Option<ColourTable<'_>> {
        ColourTable::new(TableParts {
            chunks: &self.chunks,
            sets: Paged::verified(&self.sets),
            offsets: Paged::verified(&self.offsets),
            pairs: Paged::verified(&self.pairs),
            pair_count: self.pair_count,
            roots: self.roots.as_deref().map(Paged::verified),
            set_count: self.set_count,
            depth: self.depth,
        })
    }
}

/// The chunks of a table, one after the other.
#[derive(Default)]
pub(super) struct EncodedChunks<'a> {
    sets: Vec<Cow<'a, [u8]>>,
    offsets: Vec<Cow<'a, [u8]>>,
    entries: Vec<ChunkEntry>,
}

impl<'a> EncodedChunks<'a> {
    /// The chunks of a table as they are.
    pub(super) fn push_kept(&mut self, table: &ColourTable<'a>) {
        let parts = table.parts();
        self.sets.push(Cow::Borrowed(parts.sets.whole()));
        self.offsets.push(Cow::Borrowed(parts.offsets.whole()));
        self.entries.extend(parts.chunks.iter().map(Chunk::entry));
    }

    pub(super) fn push_new(&mut self, encoded: EncodedSets) {
        self.entries.push(ChunkEntry {
            colours: encoded.colours.into(),
            leaves: encoded.count.into(),
            bytes: (encoded.sets.len() as u64).into(),
            offset_width: encoded.offsets.width as u8,
            reserved: [0; 7],
        });
        self.sets.push(Cow::Owned(encoded.sets));
        self.offsets.push(Cow::Owned(encoded.offsets.bytes));
    }

    /// A table of these chunks, without pairs.
    pub(super) fn table(self) -> EncodedTable<'a> {
        EncodedTable {
            chunks: self.entries.as_bytes().to_vec(),
            sets: self.sets,
            offsets: self.offsets,
            pairs: PackedBuffer::default(),
            pair_count: 0,
            roots: None,
            set_count: 0,
            depth: 0,
            made: Vec::new(),
        }
    }
}
