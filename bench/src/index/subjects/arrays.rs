//! Searches in the array of keys itself, and in a copy of it in another order.

use ordsearch::OrderedCollection;

use crate::index::subject::{Answer, BATCH, Subject, sum_at};

/// `partition_point` of the standard library.
pub(super) struct BinarySearch<'k>(pub(super) &'k [u64]);

impl Subject for BinarySearch<'_> {
    const HAS_BATCHES: bool = true;

    #[inline]
    fn lower_bound(&self, key: u64) -> u64 {
        self.0.partition_point(|other| *other < key) as u64
    }

    /// All searches of the batch go on in step, so that their cache misses overlap.
    #[inline]
    fn lower_bounds(&self, keys: &[u64; BATCH], found: &mut [usize; BATCH]) {
        found.fill(0);
        if self.0.is_empty() {
            return;
        }
        // The lower bound of each key is at `start`, or up to `left` after it.
        let mut left = self.0.len();
        while left > 1 {
            let half = left / 2;
            for (start, key) in found.iter_mut().zip(keys) {
                let is_above = self.0[*start + half - 1] < *key;
                *start += if is_above { half } else { 0 };
            }
            left -= half;
        }
        for (start, key) in found.iter_mut().zip(keys) {
            *start += usize::from(self.0[*start] < *key);
        }
    }

    #[inline]
    fn sum_from(&self, key: u64, count: usize) -> Option<u64> {
        Some(sum_at(self.0, self.0.partition_point(|other| *other < key), count))
    }

    fn bytes(&self) -> Option<u64> {
        Some(0)
    }
}

/// Keys in the order of a search tree laid out by level (`ordsearch`).
pub(super) struct ByLevel(OrderedCollection<u64>);

impl ByLevel {
    pub(super) fn new(keys: &[u64]) -> ByLevel {
        ByLevel(OrderedCollection::from_sorted_iter(keys.iter().copied()))
    }
}

impl Subject for ByLevel {
    const ANSWER: Answer = Answer::Key;
    const HOLDS_KEYS: bool = true;

    #[inline]
    fn lower_bound(&self, key: u64) -> u64 {
        self.0.find_gte(key).copied().unwrap_or(u64::MAX)
    }

    fn sum_from(&self, _: u64, _: usize) -> Option<u64> {
        None
    }

    fn bytes(&self) -> Option<u64> {
        None
    }
}
