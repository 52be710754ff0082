//! A block's payload as bytes: where entries and restart points lie, and how one entry is decoded.
//!
//! ```text
//! entry*                       sorted; see below
//! u32 restart offset*          where every fourth entry starts, which has its whole key; the first is 0
//! u8  tag*                     of each entry: a byte of its key's hash, see [`super::tags`]
//! u32 count of entries         at least 1
//!
//! entry:  varint shared        bytes of the key before that this key starts with; 0 at a restart point
//!         varint suffix length
//!         varint sequence << 2 | kind
//!         varint value length
//!         suffix, value
//! ```

use super::builder::RESTART_INTERVAL;
use super::header::Header;
use crate::entry::{Kind, Sequence};

/// Why a block cannot be read although its checksum holds (or was not asked): it was written wrongly, or by
/// someone hostile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damage(pub(crate) &'static str);

const MISFIT: Damage = Damage("an entry that does not fit in its block");

/// The size of an offset and of the count at a payload's end.
const WORD: usize = size_of::<u32>();

/// A payload, split into its parts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BlockView<'a> {
    entries: &'a [u8],
    restarts: &'a [[u8; WORD]],
    tags: &'a [u8],
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

/// What an entry has of its key: the rest behind what it shares with the key before it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Part<'a> {
    pub(super) shared: usize,
    pub(super) suffix: &'a [u8],
}

impl<'a> BlockView<'a> {
    /// Splits a payload. Only its own fields are looked at; each entry is checked when it is decoded.
    pub(crate) fn new(payload: &'a [u8]) -> Result<Self, Damage> {
        let (rest, count) =
            payload.split_last_chunk::<WORD>().ok_or(Damage("a block without a count of entries"))?;
        let count = u32::from_le_bytes(*count) as usize;
        let misfit = Damage("a block whose restart points and tags do not fit in it");
        let tags_at = rest.len().checked_sub(count).filter(|_| count > 0).ok_or(misfit)?;
        let (rest, tags) = rest.split_at(tags_at);
        // Fewer than the entries, whose number is less than that of the bytes.
        let restart_bytes = count.div_ceil(RESTART_INTERVAL) * WORD;
        let restarts_at = rest.len().checked_sub(restart_bytes).ok_or(misfit)?;
        let (entries, restarts) = rest.split_at(restarts_at);
        Ok(Self { entries, restarts: restarts.as_chunks().0, tags })
    }

    /// Where the entries end.
    pub(super) fn end(self) -> usize {
        self.entries.len()
    }

    /// How many restart points there are; at least one.
    pub(super) fn restart_count(self) -> usize {
        self.restarts.len()
    }

    /// The bytes of entries in a range; none if it is not within them.
    #[inline]
    pub(super) fn bytes(self, range: std::ops::Range<usize>) -> &'a [u8] {
        self.entries.get(range).unwrap_or_default()
    }

    /// The tags of the entries.
    #[inline]
    pub(super) fn tags(self) -> &'a [u8] {
        self.tags
    }

    /// Where the entry of restart point `index` starts.
    #[inline]
    pub(super) fn restart(self, index: usize) -> usize {
        u32::from_le_bytes(self.restarts[index]) as usize
    }

    /// The key of its first entry, which shares nothing with another.
    pub(crate) fn first_key(self) -> Result<&'a [u8], Damage> {
        Ok(self.entry(0)?.suffix)
    }

    /// The entry that starts at `at`.
    #[inline(always)]
    pub(super) fn entry(self, at: usize) -> Result<StoredEntry<'a>, Damage> {
        self.decode(at).ok_or(MISFIT)
    }

    /// The part of a key that the entry at `at` has, and where the entry after it starts.
    #[inline]
    pub(super) fn part(self, at: usize) -> Result<(Part<'a>, usize), Damage> {
        self.decode_part(at).ok_or(MISFIT)
    }

    #[inline(always)]
    fn decode_part(self, at: usize) -> Option<(Part<'a>, usize)> {
        let rest = self.entries.get(at..)?;
        let header = Header::read(rest)?;
        let length = |stored: u64| usize::try_from(stored).ok();
        let suffix = rest.get(header.bytes..)?.get(..length(header.suffix_length)?)?;
        let after = length(header.value_length)?.checked_add(at + header.bytes + suffix.len())?;
        Some((Part { shared: length(header.shared)?, suffix }, after))
    }

    #[inline(always)]
    fn decode(self, at: usize) -> Option<StoredEntry<'a>> {
        let rest = self.entries.get(at..)?;
        let header = Header::read(rest)?;
        let length = |stored: u64| usize::try_from(stored).ok();
        let (suffix, rest) = rest.get(header.bytes..)?.split_at_checked(length(header.suffix_length)?)?;
        let (value, rest) = rest.split_at_checked(length(header.value_length)?)?;
        Some(StoredEntry {
            shared: length(header.shared)?,
            suffix,
            sequence: header.tag >> 2,
            kind: Kind::from_code((header.tag & 3) as u8)?,
            value,
            end: self.entries.len() - rest.len(),
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
