//! Walks through entries of a dictionary in the order of their keys, from either end.

use core::iter::FusedIterator;
use core::ops::Range;

use super::Dictionary;
use crate::Key;
use crate::mapped::{MappedError, Pod};

/// Entries of a [`Dictionary`], each its key and value, or the error of the page it lies on; ends after one.
#[derive(Debug)]
pub struct Entries<'a, K, V> {
    dictionary: &'a Dictionary<K, V>,
    positions: Range<usize>,
}

impl<'a, K: Key, V: Pod> Entries<'a, K, V> {
    pub(super) fn new(dictionary: &'a Dictionary<K, V>, positions: Range<usize>) -> Self {
        Self { dictionary, positions }
    }

    /// The positions of the entries that are still to come.
    pub fn positions(&self) -> Range<usize> {
        self.positions.clone()
    }

    #[inline]
    fn entry(&mut self, position: usize) -> Result<(K, V), MappedError> {
        let dictionary = self.dictionary;
        let entry = dictionary.key_at(position).and_then(|key| Ok((key, dictionary.value_at(position)?)));
        if entry.is_err() {
            self.positions = 0..0;
        }
        entry
    }
}

impl<K: Key, V: Pod> Iterator for Entries<'_, K, V> {
    type Item = Result<(K, V), MappedError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let position = self.positions.next()?;
        Some(self.entry(position))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // The walk ends early where a page is damaged.
        (usize::from(!self.positions.is_empty()), Some(self.positions.len()))
    }

    fn nth(&mut self, n: usize) -> Option<Self::Item> {
        let position = self.positions.nth(n)?;
        Some(self.entry(position))
    }
}

impl<K: Key, V: Pod> DoubleEndedIterator for Entries<'_, K, V> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let position = self.positions.next_back()?;
        Some(self.entry(position))
    }
}

impl<K: Key, V: Pod> FusedIterator for Entries<'_, K, V> {}
