//! A block's payload as bytes: where entries and restart points lie, and how one entry is decoded.
//!
//! ```text
//! entry*                       sorted; see below
//! u32 restart offset, count times: where an entry with its whole key starts; the first is 0
//! u32 count of restart points  at least 1
//!
//! entry:  varint shared        bytes of the key before that this key starts with; 0 at a restart point
//!         varint suffix length
//!         varint sequence << 2 | kind
//!         varint value length
//!         suffix, value
//! ```

use crate::coding::Reader;
use crate::entry::{Kind, Sequence};

/// Why a block cannot be read although its checksum holds (or was not asked): it was written wrongly, or by
/// someone hostile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damage(pub(crate) &'static str);

/// The size of an offset and of the count at a payload's end.
const WORD: usize = size_of::<u32>();

/// A payload, split into its parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockView<'a> {
    entries: &'a [u8],
    restarts: &'a [[u8; WORD]],
}

/// One entry as it is stored, the shared part of its key left out.
#[derive(Clone, Copy, Debug)]
pub(super) struct StoredEntry<'a> {
    /// How much of the key before it its key starts with.
    pub(super) shared: usize,
    /// The rest of its key.
    pub(super) suffix: &'a [u8],
    pub(super) sequence: Sequence,
    pub(super) kind: Kind,
    pub(super) value: &'a [u8],
    /// Where the entry after it starts.
    pub(super) end: usize,
}

impl<'a> BlockView<'a> {
    /// Splits a payload. Only its own fields are looked at; each entry is checked when it is decoded.
    pub(crate) fn new(payload: &'a [u8]) -> Result<Self, Damage> {
        let (rest, count) =
            payload.split_last_chunk::<WORD>().ok_or(Damage("a block without restart points"))?;
        let count = u32::from_le_bytes(*count) as usize;
        let restarts_at = count
            .checked_mul(WORD)
            .and_then(|bytes| rest.len().checked_sub(bytes))
            .filter(|_| count > 0)
            .ok_or(Damage("a block whose restart points do not fit in it"))?;
        let (entries, restarts) = rest.split_at(restarts_at);
        Ok(Self { entries, restarts: restarts.as_chunks().0 })
    }

    /// Where the entries end.
    pub(super) fn end(self) -> usize {
        self.entries.len()
    }

    /// How many restart points there are; at least one.
    pub(super) fn restart_count(self) -> usize {
        self.restarts.len()
    }

    /// Where the entry of restart point `index` starts.
    #[inline]
    pub(super) fn restart(self, index: usize) -> usize {
        u32::from_le_bytes(self.restarts[index]) as usize
    }

    /// The bytes of a range of the entries, as [`StoredEntry`]s gave it.
    #[inline]
    pub(super) fn bytes(self, range: std::ops::Range<usize>) -> &'a [u8] {
        self.entries.get(range).unwrap_or_default()
    }

    /// The entry that starts at `at`.
    #[inline]
    pub(super) fn entry(self, at: usize) -> Result<StoredEntry<'a>, Damage> {
        self.decode(at).ok_or(Damage("an entry that does not fit in its block"))
    }

    #[inline]
    fn decode(self, at: usize) -> Option<StoredEntry<'a>> {
        let mut reader = Reader::new(self.entries.get(at..)?);
        let shared = usize::try_from(reader.varint()?).ok()?;
        let suffix_length = reader.length()?;
        let tag = reader.varint()?;
        let value_length = reader.length()?;
        let suffix = reader.take(suffix_length)?;
        let value = reader.take(value_length)?;
        Some(StoredEntry {
            shared,
            suffix,
            sequence: tag >> 2,
            kind: Kind::from_code((tag & 3) as u8)?,
            value,
            end: self.entries.len() - reader.rest().len(),
        })
    }

    /// The entry of restart point `index`, which has its whole key.
    #[inline]
    pub(super) fn restart_entry(self, index: usize) -> Result<StoredEntry<'a>, Damage> {
        let entry = self.entry(self.restart(index))?;
        if entry.shared != 0 {
            return Err(Damage("a restart point without its whole key"));
        }
        Ok(entry)
    }
}
