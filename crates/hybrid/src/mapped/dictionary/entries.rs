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
    /// Entries whose pages were checked, so that not each one asks again.
    checked: Range<usize>,
}

/// Entries whose pages are checked at once.
const STRIDE: usize = 256;

impl<'a, K: Key, V: Pod> Entries<'a, K, V> {
    pub(super) fn new(dictionary: &'a Dictionary<K, V>, positions: Range<usize>) -> Self {
        Self { dictionary, positions, checked: 0..0 }
    }

    /// The positions of the entries that are still to come.
    pub fn positions(&self) -> Range<usize> {
        self.positions.clone()
    }

    #[inline]
    fn entry(&mut self, position: usize) -> Result<(K, V), MappedError> {
        if !self.checked.contains(&position) {
            self.check(position)?;
        }
        Ok(self.dictionary.entry_unchecked(position))
    }

    /// Checks the pages of an entry and of those around it that are to come too.
    #[cold]
    fn check(&mut self, position: usize) -> Result<(), MappedError> {
        let start = position.saturating_sub(STRIDE).max(self.positions.start).min(position);
        let end = position.saturating_add(STRIDE).min(self.positions.end).max(position + 1);
        if self.dictionary.check_entries(start..end).is_ok() {
            self.checked = start..end;
            return Ok(());
        }
        // One of them is damaged; whether it is this one is to be told apart.
        self.dictionary.check_entries(position..position + 1).inspect_err(|_| self.positions = 0..0)
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
