//! What a caller is told of a table in use.

use super::compressed::CompressedBlocks;
use super::footer::HEADER_BYTES;
use super::index::IndexKind;
use super::reader::Table;

/// A table of a database: its place, its size, and its index.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableDescription {
    /// Its number; its file is `layers/<number>`.
    pub id: u64,
    /// Its level.
    pub level: u32,
    /// Entries, deletes among them.
    pub entries: u64,
    /// The length of its file.
    pub bytes: u64,
    /// Its blocks.
    pub blocks: u64,
    /// How its blocks are stored.
    pub compressed: CompressedBlocks,
    /// Bytes of all blocks.
    pub block_bytes: u64,
    /// Bytes of all blocks before compression.
    pub payload_bytes: u64,
    /// Bytes of its dictionary; 0 if it has none.
    pub dictionary_bytes: u64,
    /// The name of the key that it is encrypted with; none if it is not.
    pub key_id: Option<String>,
    /// The kind of its index, decided when it was sealed.
    pub index_kind: IndexKind,
    /// Bytes of its index.
    pub index_bytes: u64,
    /// What the index is made of and why, in words.
    pub index_explanation: String,
}

impl Table {
    /// What a caller is told of it.
    pub(crate) fn describe(&self, id: u64, level: u32) -> TableDescription {
        let inner = &*self.inner;
        TableDescription {
            id,
            level,
            entries: self.properties().entries,
            bytes: inner.blob.len(),
            blocks: inner.index.block_count() as u64,
            compressed: self.properties().blocks,
            key_id: inner.key_id.clone(),
            block_bytes: inner.footer.tombstones.offset - HEADER_BYTES,
            payload_bytes: self.properties().payload_bytes,
            dictionary_bytes: inner.footer.dictionary.length,
            index_kind: inner.index.kind(),
            index_bytes: inner.footer.index.length,
            index_explanation: self.properties().index_explanation.clone(),
        }
    }
}
