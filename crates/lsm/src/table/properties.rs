//! What a table says about itself: counts, bounds, and why it is as it is.

use super::compressed::CompressedBlocks;
use crate::coding::{Reader, put_bytes, put_varint};
use crate::entry::{EntryRef, Kind, Marked, Sequence};

/// The properties section, decoded. All numbers are of this table only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Properties {
    /// Entries, deletes among them.
    pub(crate) entries: u64,
    /// Entries that delete one key, or that a filter took out.
    pub(crate) deletes: u64,
    /// Distinct user keys.
    pub(crate) keys: u64,
    /// Fragments of range tombstones.
    pub(crate) range_deletes: u64,
    /// Bytes of all user keys, each as often as it has versions.
    pub(crate) key_bytes: u64,
    /// Bytes of all values.
    pub(crate) value_bytes: u64,
    /// Bytes of all blocks' payloads before compression.
    pub(crate) payload_bytes: u64,
    /// How the blocks are stored.
    pub(crate) blocks: CompressedBlocks,
    /// The least sequence of entries and range tombstones.
    pub(crate) smallest_sequence: Sequence,
    /// The largest sequence of entries and range tombstones.
    pub(crate) largest_sequence: Sequence,
    /// The first key of entries and range tombstones.
    pub(crate) smallest_key: Vec<u8>,
    /// The last key of entries, or [`Fragment::last_key`](crate::tombstones::Fragment::last_key) of the last
    /// range tombstone if that is greater.
    pub(crate) largest_key: Vec<u8>,
    /// What the index is made of and why, in words.
    pub(crate) index_explanation: String,
}

impl Properties {
    /// Counts an entry; `new_key` tells whether it is the first version of its key.
    pub(super) fn count(&mut self, entry: &EntryRef<'_>, new_key: bool) {
        if self.entries == 0 {
            self.smallest_sequence = entry.sequence;
            self.smallest_key = entry.user_key.to_vec();
        }
        self.entries += 1;
        self.deletes += u64::from(entry.kind == Kind::Delete || Marked::is_removed(entry));
        self.keys += u64::from(new_key);
        self.key_bytes += entry.user_key.len() as u64;
        self.value_bytes += entry.value.len() as u64;
        self.smallest_sequence = self.smallest_sequence.min(entry.sequence);
        self.largest_sequence = self.largest_sequence.max(entry.sequence);
    }

    /// The stored form: the numbers as varints in the order of the fields, then the two keys and the
    /// explanation, each after its length.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for number in [
            self.entries,
            self.deletes,
            self.keys,
            self.range_deletes,
            self.key_bytes,
            self.value_bytes,
            self.payload_bytes,
            self.blocks.plain,
            self.blocks.lz4,
            self.blocks.zstd,
            self.blocks.zstd_with_dictionary,
            self.smallest_sequence,
            self.largest_sequence,
        ] {
            put_varint(&mut out, number);
        }
        put_bytes(&mut out, &self.smallest_key);
        put_bytes(&mut out, &self.largest_key);
        put_bytes(&mut out, self.index_explanation.as_bytes());
        out
    }

    /// Reads what [`encode`](Self::encode) wrote, all of `bytes`; `None` if it is anything else.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let properties = Self {
            entries: reader.varint()?,
            deletes: reader.varint()?,
            keys: reader.varint()?,
            range_deletes: reader.varint()?,
            key_bytes: reader.varint()?,
            value_bytes: reader.varint()?,
            payload_bytes: reader.varint()?,
            blocks: CompressedBlocks {
                plain: reader.varint()?,
                lz4: reader.varint()?,
                zstd: reader.varint()?,
                zstd_with_dictionary: reader.varint()?,
            },
            smallest_sequence: reader.varint()?,
            largest_sequence: reader.varint()?,
            smallest_key: reader.bytes()?.to_vec(),
            largest_key: reader.bytes()?.to_vec(),
            index_explanation: std::str::from_utf8(reader.bytes()?).ok()?.to_owned(),
        };
        reader.is_empty().then_some(properties)
    }
}
