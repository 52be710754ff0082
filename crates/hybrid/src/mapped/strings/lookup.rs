//! An open dictionary of byte strings: looking keys up by their heads, then by what tells equal heads apart.

use core::cmp::Ordering;
use core::marker::PhantomData;
use core::ops::{Bound, Range, RangeBounds};

use super::StringEntries;
use crate::mapped::checked_keys::CheckedKeys;
use crate::mapped::container::{Backing, Container, SectionKind};
use crate::mapped::held::Held;
use crate::mapped::{MappedError, OpenOptions, Pod};
use crate::{Head, KeySource, LayerKind, LittleEndianKeys, PrefixedHead};

/// The type code of byte strings of any length, where that of a [`Key`](crate::Key) would stand.
pub(super) const KEY_TYPE: u32 = 4 << 16;

/// Sorted byte strings and their values in a file that is mapped, not read.
///
/// What all keys begin with is stored once. The eight bytes after it, the head of a key, are what the index is
/// over; only where heads are equal are whole keys compared. So a lookup among words, paths or identifiers
/// costs little more than one among integers, unless many keys agree in more than prefix and head.
///
/// Positions count entries from 0 in the order of their keys, which is that of their bytes. Keys may occur more
/// than once. Made by [`StringDictionaryBuilder`](super::StringDictionaryBuilder); the file takes 16 bytes a
/// key besides the key's own and its value.
#[derive(Debug)]
pub struct StringDictionary<V> {
    held: Held<u64, 4>,
    count: usize,
    /// Where the sections begin in the file.
    starts: [usize; 4],
    prefix: PrefixedHead,
    value: PhantomData<fn() -> V>,
}

/// The sections' places in `held`.
const KINDS: [SectionKind; 4] =
    [SectionKind::Heads, SectionKind::Ends, SectionKind::Text, SectionKind::Values];
const HEADS: usize = 0;
const ENDS: usize = 1;
const TEXT: usize = 2;
const VALUES: usize = 3;

impl<V: Pod> StringDictionary<V> {
    pub(in crate::mapped) fn over(
        backing: Backing,
        place: String,
        options: &OpenOptions,
    ) -> Result<Self, MappedError> {
        let container = Container::open(backing, place, options.check_pages)?;
        container.expect_types(KEY_TYPE, size_of::<V>())?;
        let mut starts = [0; 4];
        let count = usize::try_from(container.count()).ok();
        for ((kind, start), width) in KINDS.into_iter().zip(&mut starts).zip([8, 8, 0, size_of::<V>()]) {
            let section = container.section(kind)?;
            *start = section.start;
            let fits = count.and_then(|count| count.checked_mul(width)) == Some(section.len());
            if kind != SectionKind::Text && !fits {
                return Err(container.inconsistent(32, "as many entries do not take as many bytes"));
            }
        }
        // Every lookup needs the prefix, so it is read and checked now.
        let prefix = container.section(SectionKind::Prefix)?;
        container.check(prefix.clone())?;
        let prefix = PrefixedHead::with_prefix(&container.bytes()[prefix]);
        let held = Held::new(container, KINDS)?;
        Ok(Self { held, count: count.unwrap_or(0), starts, prefix, value: PhantomData })
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What all keys begin with.
    pub fn prefix(&self) -> &[u8] {
        self.prefix.prefix()
    }

    /// Bytes of the whole file.
    pub fn file_bytes(&self) -> usize {
        self.held.container().bytes().len()
    }

    /// Bytes of the index alone.
    pub fn index_bytes(&self) -> usize {
        self.held.container().index().len()
    }

    /// The kind of the layer that stands on the keys' heads.
    pub fn kind(&self) -> LayerKind {
        self.held.index().kind()
    }

    /// Says in words what the index is made of and why, as its policy decided when the file was built.
    pub fn explain(&self) -> String {
        self.held.index().explain()
    }

    /// The value of `key`, of its first entry if there are several.
    ///
    /// # Errors
    /// [`MappedError::Damaged`] if a page that decides the answer is damaged; [`MappedError::Inconsistent`] if
    /// keys overlap, which no builder writes.
    pub fn get(&self, key: &[u8]) -> Result<Option<V>, MappedError> {
        match self.position(key)? {
            Some(position) => self.value_at(position).map(Some),
            None => Ok(None),
        }
    }

    /// Whether there is an entry for `key`; looks at no value.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn contains(&self, key: &[u8]) -> Result<bool, MappedError> {
        self.position(key).map(|position| position.is_some())
    }

    /// The position of the first entry of `key`.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn position(&self, key: &[u8]) -> Result<Option<usize>, MappedError> {
        let Some(rest) = key.strip_prefix(self.prefix()) else { return Ok(None) };
        let position = self.lower_bound(key)?;
        Ok((position < self.count && self.rest_at(position)? == rest).then_some(position))
    }

    /// The position of the first entry whose key is not smaller than `key`; the number of entries if there is
    /// none.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn lower_bound(&self, key: &[u8]) -> Result<usize, MappedError> {
        self.first_not(key, Ordering::is_lt)
    }

    /// The position of the first entry whose key is greater than `key`; the number of entries if there is none.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn upper_bound(&self, key: &[u8]) -> Result<usize, MappedError> {
        self.first_not(key, Ordering::is_le)
    }

    /// The part of a key after the [`prefix`](Self::prefix), in place.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    ///
    /// # Panics
    /// If `position >= self.len()`.
    pub fn rest_at(&self, position: usize) -> Result<&[u8], MappedError> {
        let (container, ends) = (self.held.container(), LittleEndianKeys::whole(self.held.section(ENDS)));
        let from = position.saturating_sub(1);
        container.check(self.starts[ENDS] + from * 8..self.starts[ENDS] + position * 8 + 8)?;
        let start = if position == 0 { 0 } else { ends.get(from) };
        let end: u64 = ends.get(position);
        let text = self.held.section(TEXT);
        match (usize::try_from(start), usize::try_from(end)) {
            (Ok(start), Ok(end)) if start <= end && end <= text.len() => {
                container.check(self.starts[TEXT] + start..self.starts[TEXT] + end)?;
                Ok(&text[start..end])
            }
            _ => {
                let offset = (self.starts[ENDS] + position * 8) as u64;
                Err(container.inconsistent(offset, "a key ends before it begins, or beyond all keys"))
            }
        }
    }

    /// The key at a position, prefix and all, in place of what `key` holds.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    ///
    /// # Panics
    /// If `position >= self.len()`.
    pub fn key_at(&self, position: usize, key: &mut Vec<u8>) -> Result<(), MappedError> {
        key.clear();
        key.extend_from_slice(self.prefix());
        key.extend_from_slice(self.rest_at(position)?);
        Ok(())
    }

    /// The value at a position.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    ///
    /// # Panics
    /// If `position >= self.len()`.
    pub fn value_at(&self, position: usize) -> Result<V, MappedError> {
        let size = size_of::<V>();
        let bytes = position * size..position * size + size;
        let start = self.starts[VALUES];
        self.held.container().check(start + bytes.start..start + bytes.end)?;
        Ok(bytemuck::pod_read_unaligned(&self.held.section(VALUES)[bytes]))
    }

    /// The entries whose keys lie within `bounds`, in order.
    ///
    /// # Errors
    /// As [`get`](Self::get); so does each step of the iterator.
    pub fn range<'k>(&self, bounds: impl RangeBounds<&'k [u8]>) -> Result<StringEntries<'_, V>, MappedError> {
        let start = match bounds.start_bound() {
            Bound::Included(key) => self.lower_bound(key)?,
            Bound::Excluded(key) => self.upper_bound(key)?,
            Bound::Unbounded => 0,
        };
        let end = match bounds.end_bound() {
            Bound::Included(key) => self.upper_bound(key)?,
            Bound::Excluded(key) => self.lower_bound(key)?,
            Bound::Unbounded => self.count,
        };
        Ok(StringEntries::new(self, start..end.max(start)))
    }

    /// All entries, in order.
    pub fn iter(&self) -> StringEntries<'_, V> {
        StringEntries::new(self, 0..self.count)
    }

    /// Reads the whole file and checks every byte of it against the checksums, that the keys are sorted, and
    /// that each has its own head.
    ///
    /// # Errors
    /// As [`Dictionary::verify`](crate::mapped::Dictionary::verify).
    pub fn verify(&self) -> Result<(), MappedError> {
        let container = self.held.container();
        container.verify()?;
        self.held.verify_index()?;
        let (heads, own) = (self.heads(), PrefixedHead::with_prefix(b""));
        for position in 0..self.count {
            let rest = self.rest_at(position)?;
            if own.head(rest) != Head::Within(heads.get(position)) {
                let offset = (self.starts[HEADS] + position * 8) as u64;
                return Err(container.inconsistent(offset, "a head that is not that of its key"));
            }
            if position > 0 && rest < self.rest_at(position - 1)? {
                let offset = (self.starts[ENDS] + position * 8) as u64;
                return Err(container.inconsistent(offset, "a key is smaller than the one before it"));
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn heads(&self) -> CheckedKeys<'_, u64> {
        let heads = LittleEndianKeys::whole(self.held.section(HEADS));
        CheckedKeys::new(heads, self.held.container(), self.starts[HEADS])
    }

    /// The first position whose key does not compare with `key` as `before` says; `before` holds for smaller keys
    /// and not for greater ones.
    fn first_not(&self, key: &[u8], before: impl Fn(Ordering) -> bool) -> Result<usize, MappedError> {
        let head = match self.prefix.head(key) {
            Head::Below => return Ok(0),
            Head::Above => return Ok(self.count),
            Head::Within(head) => head,
        };
        let rest = key.get(self.prefix().len()..).unwrap_or_default();
        let mut equal = self.equal_heads(head)?;
        while !equal.is_empty() {
            let middle = equal.start + equal.len() / 2;
            if before(self.rest_at(middle)?.cmp(rest)) {
                equal.start = middle + 1;
            } else {
                equal.end = middle;
            }
        }
        Ok(equal.start)
    }

    /// The positions of keys with that head; keys before them are smaller than any with it, keys behind greater.
    fn equal_heads(&self, head: u64) -> Result<Range<usize>, MappedError> {
        let (heads, index) = (self.heads(), self.held.index());
        let start = index.lower_bound(&heads, head);
        let has_it = |position: usize| position < self.count && heads.get(position) == head;
        let end = match (has_it(start), has_it(start + 1)) {
            (false, _) => start,
            (true, false) => start + 1,
            (true, true) => index.upper_bound(&heads, head).max(start),
        };
        heads.answer(start..end)
    }
}
