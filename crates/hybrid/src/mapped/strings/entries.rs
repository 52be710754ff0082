//! Walks through entries of a dictionary of byte strings in the order of their keys, from either end.

use core::iter::FusedIterator;
use core::ops::Range;

use super::StringDictionary;
use crate::mapped::{MappedError, Pod};

/// Entries of a [`StringDictionary`], each its key and value, or an error; ends after one.
///
/// Each key is a vector of its own. Where that costs too much go by [`positions`](Self::positions), with
/// [`StringDictionary::key_at`] or [`StringDictionary::rest_at`].
#[derive(Debug)]
pub struct StringEntries<'a, V> {
    dictionary: &'a StringDictionary<V>,
    positions: Range<usize>,
}

impl<'a, V: Pod> StringEntries<'a, V> {
    pub(super) fn new(dictionary: &'a StringDictionary<V>, positions: Range<usize>) -> Self {
        Self { dictionary, positions }
    }

    /// The positions of the entries that are still to come.
    pub fn positions(&self) -> Range<usize> {
        self.positions.clone()
    }

    fn entry(&mut self, position: usize) -> Result<(Vec<u8>, V), MappedError> {
        let mut key = Vec::new();
        let found = self.dictionary.key_at(position, &mut key);
        let value = found.and_then(|()| self.dictionary.value_at(position));
        value.map(|value| (key, value)).inspect_err(|_| self.positions = 0..0)
    }
}

impl<V: Pod> Iterator for StringEntries<'_, V> {
    type Item = Result<(Vec<u8>, V), MappedError>;

    fn next(&mut self) -> Option<Self::Item> {
        let position = self.positions.next()?;
        Some(self.entry(position))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // The walk ends early where a page is damaged.
        (usize::from(!self.positions.is_empty()), Some(self.positions.len()))
    }
}

impl<V: Pod> DoubleEndedIterator for StringEntries<'_, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let position = self.positions.next_back()?;
        Some(self.entry(position))
    }
}

impl<V: Pod> FusedIterator for StringEntries<'_, V> {}
