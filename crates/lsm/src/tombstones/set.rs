//! A set of range tombstones as disjoint fragments in key order.

use std::sync::Arc;

use super::Fragment;
use crate::entry::Sequence;
use crate::merging::Visibility;

/// The range deletes of one source.
///
/// Overlapping deletes are cut at each other's ends, so that the fragments are disjoint and ascending and a
/// key is in at most one. A range tombstone of sequence `s` hides the entries of its range whose sequence is
/// *less than* `s`: every write has its own sequence, so a put after it in the same batch stays.
///
/// A clone costs one reference per fragment; a memtable keeps the present set behind an `Arc` and replaces it
/// at each range delete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RangeTombstones {
    fragments: Vec<Fragment>,
}

impl RangeTombstones {
    /// The set with these disjoint ascending fragments, or `None` when they are not.
    pub(crate) fn from_fragments(fragments: Vec<Fragment>) -> Option<Self> {
        let each = fragments.iter().all(|fragment| {
            fragment.start < fragment.end
                && !fragment.sequences.is_empty()
                && fragment.sequences.is_sorted_by(|newer, older| newer > older)
        });
        let together = fragments.is_sorted_by(|left, right| left.end <= right.start);
        (each && together).then_some(Self { fragments })
    }

    /// Whether nothing is deleted.
    pub(crate) fn is_empty(&self) -> bool {
        self.fragments.is_empty()
    }

    /// The fragments in key order.
    pub(crate) fn fragments(&self) -> &[Fragment] {
        &self.fragments
    }

    /// The fragments from the one that holds `key`, or the first after it, in key order. One binary search.
    pub(crate) fn fragments_from(&self, key: &[u8]) -> &[Fragment] {
        self.fragments.get(self.first_ending_after(key)..).unwrap_or_default()
    }

    /// Adds the delete of the keys from `start` up to, not including, `end`; nothing when that is empty.
    /// Costs one search, the fragments that it overlaps, and moving the fragments after them.
    pub(crate) fn insert(&mut self, start: &[u8], end: &[u8], sequence: Sequence) {
        if start >= end {
            return;
        }
        let first = self.fragments.partition_point(|fragment| *fragment.end <= *start);
        let after = self.fragments.partition_point(|fragment| *fragment.start < *end);
        let mut touched = Self { fragments: self.fragments[first..after].to_vec() };
        let added = Fragment { start: Arc::from(start), end: Arc::from(end), sequences: vec![sequence] };
        touched.extend(&Self { fragments: vec![added] });
        self.fragments.splice(first..after, touched.fragments);
    }

    /// Adds all deletes of `other`. Time linear in the fragments of both.
    pub(crate) fn extend(&mut self, other: &Self) {
        let mut joined = Vec::with_capacity(self.fragments.len() + other.fragments.len());
        let mut mine = std::mem::take(&mut self.fragments).into_iter();
        let mut its = other.fragments.iter().cloned();
        let (mut one, mut two) = (mine.next(), its.next());
        while let (Some(left), Some(right)) = (&mut one, &mut two) {
            if left.end <= right.start {
                joined.extend(std::mem::replace(&mut one, mine.next()));
            } else if right.end <= left.start {
                joined.extend(std::mem::replace(&mut two, its.next()));
            } else if left.start < right.start {
                joined.push(left.cut_off(&right.start));
            } else if right.start < left.start {
                joined.push(right.cut_off(&left.start));
            } else {
                let until = Arc::clone((&left.end).min(&right.end));
                let mut both = left.cut_off(&until);
                right.cut_off(&until).sequences.into_iter().for_each(|sequence| both.add(sequence));
                joined.push(both);
                if left.is_empty() {
                    one = mine.next();
                }
                if right.is_empty() {
                    two = its.next();
                }
            }
        }
        joined.extend(one.into_iter().chain(mine).chain(two).chain(its));
        self.fragments = joined;
    }

    /// The part of the set in the keys from `start` (from the first, if none) up to, not including, `end`
    /// (to the last, if none).
    pub(crate) fn clipped(&self, start: Option<&[u8]>, end: Option<&[u8]>) -> Self {
        let mut fragments = Vec::new();
        for fragment in &self.fragments {
            let mut part = fragment.clone();
            if let Some(start) = start.filter(|&start| *part.start < *start) {
                part.start = Arc::from(start);
            }
            if let Some(end) = end.filter(|&end| *part.end > *end) {
                part.end = Arc::from(end);
            }
            if part.start < part.end {
                fragments.push(part);
            }
        }
        Self { fragments }
    }

    /// Drops the deletes that `keep` refuses (it is given each fragment's sequences, newest first, to
    /// change), and joins neighbours that have become alike.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&mut Vec<Sequence>)) {
        let mut kept: Vec<Fragment> = Vec::with_capacity(self.fragments.len());
        for mut fragment in self.fragments.drain(..) {
            keep(&mut fragment.sequences);
            match kept.last_mut() {
                _ if fragment.sequences.is_empty() => {}
                Some(last) if last.end == fragment.start && last.sequences == fragment.sequences => {
                    last.end = fragment.end;
                }
                _ => kept.push(fragment),
            }
        }
        self.fragments = kept;
    }

    /// The newest range delete of `key` that `visibility` sees. One binary search.
    #[inline]
    pub(crate) fn newest(&self, key: &[u8], visibility: Visibility) -> Option<Sequence> {
        // As nearly always.
        if self.fragments.is_empty() { None } else { self.search_newest(key, visibility) }
    }

    fn search_newest(&self, key: &[u8], visibility: Visibility) -> Option<Sequence> {
        let fragment = self.fragments.get(self.first_ending_after(key))?;
        if fragment.contains(key) { fragment.newest(visibility) } else { None }
    }

    fn first_ending_after(&self, key: &[u8]) -> usize {
        self.fragments.partition_point(|fragment| *fragment.end <= *key)
    }
}

/// A set of range tombstones together with the place of the last lookup: keys asked for in order, either way,
/// seldom cost a search.
#[derive(Clone, Debug)]
pub(crate) struct TombstoneWalk {
    set: Arc<RangeTombstones>,
    /// The first fragment that ends after the last key asked for.
    at: usize,
}

impl TombstoneWalk {
    /// A walk over `set`.
    pub(crate) fn new(set: Arc<RangeTombstones>) -> Self {
        Self { set, at: 0 }
    }

    /// Whether it is over this very set.
    pub(crate) fn is_over(&self, set: &Arc<RangeTombstones>) -> bool {
        Arc::ptr_eq(&self.set, set)
    }

    /// Whether there is nothing to be found.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    /// Like [`RangeTombstones::newest`].
    pub(crate) fn newest(&mut self, key: &[u8], visibility: Visibility) -> Option<Sequence> {
        self.covering(key, visibility).map(|(newest, _)| newest)
    }

    /// The newest range delete of `key` that `visibility` sees, and where it ends at the earliest: all keys up to there
    /// are deleted by it.
    pub(crate) fn covering(&mut self, key: &[u8], visibility: Visibility) -> Option<(Sequence, &[u8])> {
        let fragments = &self.set.fragments;
        let still_first = self.at == 0 || *fragments[self.at - 1].end <= *key;
        let ends_after = fragments.get(self.at).is_none_or(|fragment| *key < *fragment.end);
        if !(still_first && ends_after) {
            self.at = self.set.first_ending_after(key);
        }
        let fragment = fragments.get(self.at).filter(|fragment| fragment.contains(key))?;
        Some((fragment.newest(visibility)?, &fragment.end))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn deletes() -> impl Strategy<Value = Vec<(u8, u8, Sequence)>> {
        prop::collection::vec((0_u8..40, 0_u8..40, 1_u64..30), 0..30)
    }

    fn newest_by_scan(deletes: &[(u8, u8, Sequence)], key: u8, snapshot: Sequence) -> Option<Sequence> {
        let covers = |&&(start, end, sequence): &&(u8, u8, Sequence)| {
            start <= key && key < end && sequence <= snapshot
        };
        deletes.iter().filter(covers).map(|delete| delete.2).max()
    }

    fn set_of(deletes: &[(u8, u8, Sequence)]) -> RangeTombstones {
        let mut set = RangeTombstones::default();
        for &(start, end, sequence) in deletes {
            set.insert(&[start], &[end], sequence);
        }
        set
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

        #[test]
        fn lookups_answer_as_a_scan_of_all_deletes(deletes in deletes(), snapshot in 0_u64..31) {
            let set = set_of(&deletes);
            prop_assert!(RangeTombstones::from_fragments(set.fragments.clone()).is_some());
            let visibility = Visibility::at(snapshot);
            let mut walk = TombstoneWalk::new(Arc::new(set.clone()));
            for key in (0..41).chain((0..41).rev()).chain([7, 33, 2]) {
                let expected = newest_by_scan(&deletes, key, snapshot);
                prop_assert_eq!(set.newest(&[key], visibility), expected);
                prop_assert_eq!(walk.newest(&[key], visibility), expected);
            }
        }

        #[test]
        fn a_clipped_set_deletes_the_same_within_and_nothing_outside(
            deletes in deletes(), start in 0_u8..40, end in 0_u8..40,
        ) {
            let set = set_of(&deletes);
            let clipped = set.clipped(Some(&[start]), Some(&[end]));
            for key in 0..41 {
                let expected = if start <= key && key < end {
                    set.newest(&[key], Visibility::at(30))
                } else {
                    None
                };
                prop_assert_eq!(clipped.newest(&[key], Visibility::at(30)), expected);
            }
        }

        #[test]
        fn joining_two_sets_is_inserting_all(left in deletes(), right in deletes()) {
            let mut joined = set_of(&left);
            joined.extend(&set_of(&right));
            prop_assert!(RangeTombstones::from_fragments(joined.fragments.clone()).is_some());
            let all: Vec<_> = left.into_iter().chain(right).collect();
            for key in 0..41 {
                let expected = newest_by_scan(&all, key, 30);
                prop_assert_eq!(joined.newest(&[key], Visibility::at(30)), expected);
            }
        }
    }

    #[test]
    fn alike_neighbours_are_joined() {
        let mut set = RangeTombstones::default();
        set.insert(b"a", b"m", 5);
        set.insert(b"m", b"z", 5);
        set.insert(b"c", b"d", 3);
        assert_eq!(set.fragments().len(), 4);
        set.retain(|sequences| sequences.truncate(1));
        assert_eq!(set.fragments().len(), 1);
        assert_eq!(set.newest(b"y", Visibility::at(9)), Some(5));
        set.retain(Vec::clear);
        assert!(set.is_empty());
    }
}
