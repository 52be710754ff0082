//! Going through entries in the order of their keys.

use core::cell::Cell;
use core::ops::{Bound, RangeBounds};

use super::config::Config;
use super::leaf::NO_LEAF;
use super::leaves::{HeapLeaves, Leaves};
use super::map::HybridMap;
use super::slots::next_entry;
use crate::Key;

/// Entries by ascending key. Made by [`HybridMap::range`] and [`HybridMap::iter`].
pub struct Range<'a, C: Config, S: Leaves<C> = HeapLeaves<C>> {
    map: &'a HybridMap<C, S>,
    leaf: u32,
    slot: usize,
    end: Bound<C::Key>,
}

impl<C: Config, S: Leaves<C>> HybridMap<C, S> {
    /// The first entry whose key is not below `key`, in O(log n).
    pub fn lower_bound(&self, key: C::Key) -> Option<(C::Key, C::Value)> {
        self.range(key..).next()
    }

    /// The entries whose keys lie in a range, ascending. Finding the first takes O(log n), each further one
    /// O(1) amortised.
    pub fn range(&self, keys: impl RangeBounds<C::Key>) -> Range<'_, C, S> {
        let start = match keys.start_bound() {
            Bound::Unbounded => (self.first, 0),
            Bound::Included(_) | Bound::Excluded(_) if self.len == 0 => (NO_LEAF, 0),
            Bound::Included(key) => self.seek(*key),
            Bound::Excluded(key) => key.successor().map_or((NO_LEAF, 0), |key| self.seek(key)),
        };
        Range { map: self, leaf: start.0, slot: start.1, end: keys.end_bound().cloned() }
    }

    /// All entries by ascending key.
    pub fn iter(&self) -> Range<'_, C, S> {
        self.range(..)
    }

    /// Shows each entry of a range with a cell over its value, ascending.
    pub(super) fn change_range(
        &mut self,
        keys: impl RangeBounds<C::Key>,
        mut change: impl FnMut(C::Key, &Cell<C::Value>),
    ) {
        let Range { mut leaf, mut slot, end, .. } = self.range(keys);
        while leaf != NO_LEAF {
            let (keys, values) = self.leaves.slots_mut(leaf);
            let cells = Cell::from_mut(values).as_slice_of_cells();
            while slot < keys.len() {
                if is_past(keys[slot], end) {
                    return;
                }
                change(keys[slot], &cells[slot]);
                slot = next_entry(keys, slot + 1);
            }
            (leaf, slot) = (self.heads.get(leaf).next, 0);
        }
    }
}

fn is_past<K: Ord>(key: K, end: Bound<K>) -> bool {
    match end {
        Bound::Unbounded => false,
        Bound::Included(end) => key > end,
        Bound::Excluded(end) => key >= end,
    }
}

impl<C: Config, S: Leaves<C>> Iterator for Range<'_, C, S> {
    type Item = (C::Key, C::Value);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        while self.leaf != NO_LEAF {
            let (keys, values) = self.map.leaves.slots(self.leaf);
            if self.slot < keys.len() {
                let (key, value) = (keys[self.slot], values[self.slot]);
                if is_past(key, self.end) {
                    self.leaf = NO_LEAF;
                    return None;
                }
                self.slot = next_entry(keys, self.slot + 1);
                return Some((key, value));
            }
            (self.leaf, self.slot) = (self.map.heads.get(self.leaf).next, 0);
        }
        None
    }
}

impl<C: Config, S: Leaves<C>> core::iter::FusedIterator for Range<'_, C, S> {}

impl<'a, C: Config, S: Leaves<C>> IntoIterator for &'a HybridMap<C, S> {
    type Item = (C::Key, C::Value);
    type IntoIter = Range<'a, C, S>;

    fn into_iter(self) -> Range<'a, C, S> {
        self.iter()
    }
}
