//! An open dictionary: looking keys up, and what is to be known of the file.

use core::marker::PhantomData;
use core::ops::{Range, RangeBounds};

use super::Entries;
use crate::mapped::checked_keys::CheckedKeys;
use crate::mapped::container::{Backing, Container, SectionKind};
use crate::mapped::held::Held;
use crate::mapped::{MappedError, OpenOptions, Pod};
use crate::{IndexRef, Key, KeySource, LayerKind, LittleEndianKeys};

/// Sorted keys and their values in a file that is mapped, not read: a map that is open at once.
///
/// Positions count entries from 0 in the order of their keys. Keys may occur more than once. Every answer is
/// proved against the keys themselves, so a damaged index makes a lookup slower, not wrong; damaged keys and
/// values are errors, as long as pages are checked ([`OpenOptions::check_pages`]).
///
/// Made by [`DictionaryBuilder`](super::DictionaryBuilder). Values are stored as they lie in memory, so a file
/// is read on machines of the byte order that wrote it; keys are little-endian always.
#[derive(Debug)]
pub struct Dictionary<K, V> {
    held: Held<K, 2>,
    count: usize,
    /// Where the sections begin in the file.
    keys_at: usize,
    values_at: usize,
    value: PhantomData<fn() -> V>,
}

/// The sections' places in `held`.
const KEYS: usize = 0;
const VALUES: usize = 1;

impl<K: Key, V: Pod> Dictionary<K, V> {
    pub(in crate::mapped) fn over(
        backing: Backing,
        place: String,
        options: &OpenOptions,
    ) -> Result<Self, MappedError> {
        let container = Container::open(backing, place, options.check_pages)?;
        container.expect_types(K::TYPE_CODE, size_of::<V>())?;
        let (keys, values) = (container.section(SectionKind::Keys)?, container.section(SectionKind::Values)?);
        let count = usize::try_from(container.count()).ok();
        let fits = |section: &Range<usize>, width: usize| {
            count.and_then(|count| count.checked_mul(width)) == Some(section.len())
        };
        let Some(count) = count.filter(|_| fits(&keys, K::WIDTH) && fits(&values, size_of::<V>())) else {
            return Err(container.inconsistent(32, "as many entries do not take as many bytes"));
        };
        let held = Held::new(container, [SectionKind::Keys, SectionKind::Values])?;
        Ok(Self { held, count, keys_at: keys.start, values_at: values.start, value: PhantomData })
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes of the whole file.
    pub fn file_bytes(&self) -> usize {
        self.held.container().bytes().len()
    }

    /// Bytes of the index alone.
    pub fn index_bytes(&self) -> usize {
        self.held.container().index().len()
    }

    /// The kind of the layer that stands on the keys.
    pub fn kind(&self) -> LayerKind {
        self.index().kind()
    }

    /// Says in words what the index is made of and why, as its policy decided when the file was built.
    pub fn explain(&self) -> String {
        self.index().explain()
    }

    /// The value of `key`, of its first entry if there are several.
    ///
    /// # Errors
    /// [`MappedError::Damaged`] if a page that decides the answer is damaged.
    #[inline]
    pub fn get(&self, key: K) -> Result<Option<V>, MappedError> {
        match self.position(key)? {
            Some(position) => self.value_at(position).map(Some),
            None => Ok(None),
        }
    }

    /// Whether there is an entry for `key`; looks at no value.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    #[inline]
    pub fn contains(&self, key: K) -> Result<bool, MappedError> {
        self.position(key).map(|position| position.is_some())
    }

    /// The position of the first entry of `key`.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    #[inline]
    pub fn position(&self, key: K) -> Result<Option<usize>, MappedError> {
        let keys = self.keys();
        keys.answer(self.index().get(&keys, key))
    }

    /// The position of the first entry whose key is not smaller than `key`; the number of entries if there is
    /// none.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    #[inline]
    pub fn lower_bound(&self, key: K) -> Result<usize, MappedError> {
        let keys = self.keys();
        keys.answer(self.index().lower_bound(&keys, key))
    }

    /// The key at a position.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    ///
    /// # Panics
    /// If `position >= self.len()`.
    #[inline]
    pub fn key_at(&self, position: usize) -> Result<K, MappedError> {
        let keys = self.keys();
        keys.answer(keys.get(position))
    }

    /// The value at a position.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    ///
    /// # Panics
    /// If `position >= self.len()`.
    #[inline]
    pub fn value_at(&self, position: usize) -> Result<V, MappedError> {
        self.check(VALUES, position..position + 1)?;
        Ok(self.value_unchecked(position))
    }

    /// The entries whose keys lie within `bounds`, in order.
    ///
    /// # Errors
    /// As [`get`](Self::get); so does each step of the iterator.
    pub fn range(&self, bounds: impl RangeBounds<K>) -> Result<Entries<'_, K, V>, MappedError> {
        let keys = self.keys();
        let positions = keys.answer(self.index().range(&keys, bounds))?;
        Ok(Entries::new(self, positions))
    }

    /// All entries, in order.
    pub fn iter(&self) -> Entries<'_, K, V> {
        Entries::new(self, 0..self.count)
    }

    /// Reads the whole file and checks every byte of it against the checksums, and that the keys are sorted.
    ///
    /// # Errors
    /// [`MappedError::Damaged`] or [`MappedError::Inconsistent`] for the first part found wrong,
    /// [`MappedError::Index`] for the index.
    pub fn verify(&self) -> Result<(), MappedError> {
        let container = self.held.container();
        container.verify()?;
        self.held.verify_index()?;
        let keys = self.unchecked_keys();
        match (1..self.count).find(|&at| keys.get(at) < keys.get(at - 1)) {
            None => Ok(()),
            Some(at) => {
                let offset = self.keys_at + at * K::WIDTH;
                Err(container.inconsistent(offset as u64, "a key is smaller than the one before it"))
            }
        }
    }

    #[inline(always)]
    pub(super) fn keys(&self) -> CheckedKeys<'_, K> {
        CheckedKeys::new(self.unchecked_keys(), self.held.container(), self.keys_at)
    }

    #[inline(always)]
    fn unchecked_keys(&self) -> LittleEndianKeys<'_, K> {
        LittleEndianKeys::whole(self.held.section(KEYS))
    }

    #[inline(always)]
    fn value_unchecked(&self, position: usize) -> V {
        bytemuck::pod_read_unaligned(self.value_bytes(position))
    }

    #[inline(always)]
    pub(super) fn value_bytes(&self, position: usize) -> &[u8] {
        let size = size_of::<V>();
        &self.held.section(VALUES)[position * size..][..size]
    }

    #[inline(always)]
    pub(super) fn index(&self) -> &IndexRef<'_, K> {
        self.held.index()
    }

    /// An entry as it stands in the file, for those who have checked its pages.
    #[inline(always)]
    pub(super) fn entry_unchecked(&self, position: usize) -> (K, V) {
        (self.unchecked_keys().get(position), self.value_unchecked(position))
    }

    /// Checks the pages of some entries.
    pub(super) fn check_entries(&self, positions: Range<usize>) -> Result<(), MappedError> {
        self.check(KEYS, positions.clone())?;
        self.check(VALUES, positions)
    }

    /// Checks the pages of some entries' keys or values.
    #[inline(always)]
    fn check(&self, section: usize, positions: Range<usize>) -> Result<(), MappedError> {
        let (start, width) =
            if section == KEYS { (self.keys_at, K::WIDTH) } else { (self.values_at, size_of::<V>()) };
        self.held.container().check(start + positions.start * width..start + positions.end * width)
    }
}
