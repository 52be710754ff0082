//! Writes the payload of a block.

use super::tags::tag_of;
use crate::entry::{EntryRef, copy_key};

/// Entries from one restart point to the next, part of the format: more make the block smaller, fewer make a search in
/// it faster. See decision 034.
pub(super) const RESTART_INTERVAL: usize = 4;

/// Numbers before the bytes of an entry.
const NUMBERS: usize = 4;
/// The most bytes that one of them takes.
const MAX_VARINT_BYTES: usize = 10;

/// Builds one payload after the other.
#[derive(Debug, Default)]
pub(crate) struct BlockBuilder {
    payload: Vec<u8>,
    restarts: Vec<u32>,
    /// One for each entry.
    tags: Vec<u8>,
    last_key: Vec<u8>,
}

impl BlockBuilder {
    /// Adds an entry, which comes after all that were added before; `hash` is the [`key_hash`](crate::filter::key_hash)
    /// of its key. The caller keeps the block under 4 GiB:
    /// see [`MAX_VALUE_BYTES`](crate::entry::MAX_VALUE_BYTES).
    pub(crate) fn add(&mut self, entry: &EntryRef<'_>, hash: u64) {
        let shared = if self.tags.len().is_multiple_of(RESTART_INTERVAL) {
            self.restarts.push(self.payload.len() as u32);
            0
        } else {
            common_prefix(&self.last_key, entry.user_key)
        };
        let suffix = &entry.user_key[shared..];
        let mut numbers = Numbers::default();
        numbers.put(shared as u64);
        numbers.put(suffix.len() as u64);
        numbers.put(entry.sequence << 2 | u64::from(entry.kind.code()));
        numbers.put(entry.value.len() as u64);
        self.payload.extend_from_slice(numbers.bytes());
        self.payload.extend_from_slice(suffix);
        self.payload.extend_from_slice(entry.value);
        copy_key(&mut self.last_key, entry.user_key);
        self.tags.push(tag_of(hash));
    }

    /// How long the payload would be if it ended here, in bytes.
    pub(crate) fn size_bytes(&self) -> usize {
        self.payload.len() + (self.restarts.len() + 1) * size_of::<u32>() + self.tags.len()
    }

    /// Whether nothing was added.
    pub(crate) fn is_empty(&self) -> bool {
        self.tags.is_empty()
    }

    /// The whole payload. Call [`clear`](Self::clear) before the next block.
    pub(crate) fn finish(&mut self) -> &[u8] {
        for restart in &self.restarts {
            self.payload.extend_from_slice(&restart.to_le_bytes());
        }
        self.payload.extend_from_slice(&self.tags);
        self.payload.extend_from_slice(&(self.tags.len() as u32).to_le_bytes());
        &self.payload
    }

    /// Starts an empty block.
    pub(crate) fn clear(&mut self) {
        self.payload.clear();
        self.restarts.clear();
        self.last_key.clear();
        self.tags.clear();
    }
}

/// The numbers before the bytes of an entry, put together before they are copied to the payload.
struct Numbers {
    bytes: [u8; NUMBERS * MAX_VARINT_BYTES],
    length: usize,
}

impl Numbers {
    /// Appends a number, as [`put_varint`](crate::coding::put_varint) does.
    #[inline(always)]
    fn put(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes[self.length] = number as u8 | 0x80;
            self.length += 1;
            number >>= 7;
        }
        self.bytes[self.length] = number as u8;
        self.length += 1;
    }

    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Default for Numbers {
    fn default() -> Self {
        Numbers { bytes: [0; NUMBERS * MAX_VARINT_BYTES], length: 0 }
    }
}

/// How many bytes two keys share at their start.
#[inline]
pub(crate) fn common_prefix(left: &[u8], right: &[u8]) -> usize {
    let whole = left
        .as_chunks::<8>()
        .0
        .iter()
        .zip(right.as_chunks::<8>().0)
        .take_while(|(this, that)| this == that)
        .count()
        * 8;
    let rest = left[whole..].iter().zip(&right[whole..]).take_while(|(this, that)| this == that).count();
    whole + rest
}
