//! What a transaction read, in a form that answers quickly whether a change touches it.

use std::sync::Arc;

use super::tracked::TrackedRange;
use crate::keyspace::KeyRange;
use crate::memtable::Change;

/// Collects reads while the transaction runs.
#[derive(Debug, Default, Clone)]
pub(super) struct ReadSet {
    keys: Vec<Vec<u8>>,
    ranges: Vec<Arc<TrackedRange>>,
}

impl ReadSet {
    /// Notes that `key` was looked up, found or not.
    pub(super) fn add_key(&mut self, key: Vec<u8>) {
        self.keys.push(key);
    }

    /// Notes a scan; what it walks over counts.
    pub(super) fn add_range(&mut self, range: Arc<TrackedRange>) {
        self.ranges.push(range);
    }

    /// Counts all of the ranges of scans that may go on as read.
    pub(super) fn widen_open_scans(&self) {
        self.ranges.iter().filter(|range| Arc::strong_count(range) > 1).for_each(|range| range.read_whole());
    }

    /// What was read until now.
    pub(super) fn freeze(self) -> FrozenReadSet {
        let mut keys = self.keys;
        keys.sort_unstable();
        keys.dedup();
        let mut parts: Vec<KeyRange> = self.ranges.iter().flat_map(|range| range.parts()).collect();
        parts.sort_unstable_by(|left, right| left.start.cmp(&right.start));
        let mut ranges: Vec<KeyRange> = Vec::with_capacity(parts.len());
        for part in parts {
            match ranges.last_mut() {
                Some(last) if part.start <= last.end => {
                    if part.end > last.end {
                        last.end = part.end;
                    }
                }
                _ => ranges.push(part),
            }
        }
        FrozenReadSet { keys, ranges }
    }
}

/// Keys and ranges read, both ascending, the ranges disjoint.
#[derive(Debug)]
pub(super) struct FrozenReadSet {
    pub(super) keys: Vec<Vec<u8>>,
    pub(super) ranges: Vec<KeyRange>,
}

impl FrozenReadSet {
    /// Whether nothing was read: then nothing can conflict.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.ranges.is_empty()
    }

    /// Whether `change` touches anything read. A binary search or two.
    pub(super) fn is_touched_by(&self, change: Change<'_>) -> bool {
        match change {
            Change::Key(key) => {
                let after = self.ranges.partition_point(|range| range.start.as_slice() <= key);
                let in_range = after > 0 && key < self.ranges[after - 1].end.as_slice();
                in_range || self.keys.binary_search_by(|read| read.as_slice().cmp(key)).is_ok()
            }
            Change::Range { start, end } if start >= end => false,
            Change::Range { start, end } => {
                let key = self.keys.get(self.keys.partition_point(|read| read.as_slice() < start));
                let range =
                    self.ranges.get(self.ranges.partition_point(|range| range.end.as_slice() <= start));
                key.is_some_and(|read| read.as_slice() < end)
                    || range.is_some_and(|range| range.start.as_slice() < end)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// So many cases, the same in every run.
    fn config(cases: u32) -> ProptestConfig {
        let rng_seed = proptest::test_runner::RngSeed::Fixed(14);
        ProptestConfig { cases, rng_seed, failure_persistence: None, ..ProptestConfig::default() }
    }

    proptest! {
        #![proptest_config(config(200))]

        #[test]
        fn touched_is_what_a_look_at_every_key_says(
            keys in prop::collection::vec(0_u8..60, 0..10),
            ranges in prop::collection::vec((0_u8..60, 0_u8..10), 0..6),
            change in (0_u8..60, 0_u8..10),
        ) {
            let mut set = ReadSet::default();
            let mut read = [false; 80];
            for &key in &keys {
                set.add_key(vec![key]);
                read[usize::from(key)] = true;
            }
            for &(start, length) in &ranges {
                let tracked = TrackedRange::new(KeyRange { start: vec![start], end: vec![start + length] });
                tracked.read_whole();
                set.add_range(Arc::new(tracked));
                read[usize::from(start)..usize::from(start + length)].fill(true);
            }
            let frozen = set.freeze();
            let (start, length) = change;
            prop_assert_eq!(frozen.is_touched_by(Change::Key(&[start])), read[usize::from(start)]);
            let touched = frozen.is_touched_by(Change::Range { start: &[start], end: &[start + length] });
            prop_assert_eq!(touched, read[usize::from(start)..usize::from(start + length)].contains(&true));
        }
    }
}
