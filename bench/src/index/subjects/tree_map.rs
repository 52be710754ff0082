//! `BTreeMap` of the standard library, from keys to positions.

use std::collections::BTreeMap;

use crate::index::subject::Subject;

pub(super) struct TreeMap {
    map: BTreeMap<u64, u64>,
    len: u64,
}

impl TreeMap {
    pub(super) fn new(keys: &[u64]) -> TreeMap {
        TreeMap { map: keys.iter().copied().zip(0..).collect(), len: keys.len() as u64 }
    }
}

impl Subject for TreeMap {
    const HOLDS_KEYS: bool = true;

    #[inline]
    fn lower_bound(&self, key: u64) -> u64 {
        self.map.range(key..).next().map_or(self.len, |(_, position)| *position)
    }

    #[inline]
    fn sum_from(&self, key: u64, count: usize) -> Option<u64> {
        Some(self.map.range(key..).take(count).fold(0, |sum, (key, _)| sum.wrapping_add(*key)))
    }

    fn bytes(&self) -> Option<u64> {
        None
    }
}
