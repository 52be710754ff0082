//! The PGM indexes of the registry. Not all of them find all keys: their wrong answers are counted.

use pgm_extra::index::external::Static;

use crate::index::subject::{Subject, sum_at};
use crate::{Failure, Outcome};

/// The error of the last level; that of the levels above, where it can be told, is 4 as in the paper.
const EPSILON: usize = 64;
const EPSILON_ABOVE: usize = 4;

/// `pgm-extra`: keys stay outside.
pub(super) struct PgmExtra<'k> {
    keys: &'k [u64],
    index: Static<u64>,
}

impl PgmExtra<'_> {
    pub(super) fn new(keys: &[u64]) -> Outcome<PgmExtra<'_>> {
        let index = Static::new(keys, EPSILON, EPSILON_ABOVE).map_err(|error| format!("{error:?}"))?;
        Ok(PgmExtra { keys, index })
    }
}

impl Subject for PgmExtra<'_> {
    #[inline]
    fn lower_bound(&self, key: u64) -> u64 {
        self.index.lower_bound(self.keys, &key) as u64
    }

    #[inline]
    fn sum_from(&self, key: u64, count: usize) -> Option<u64> {
        Some(sum_at(self.keys, self.index.lower_bound(self.keys, &key), count))
    }

    fn bytes(&self) -> Option<u64> {
        Some(self.index.size_in_bytes() as u64)
    }
}

/// `pgm-rs`: tells the positions between which a key is, if it is there.
pub(super) struct PgmRs<'k> {
    keys: &'k [u64],
    index: pgm_rs::pgm::PGMIndex,
}

impl PgmRs<'_> {
    pub(super) fn new(keys: &[u64]) -> Outcome<PgmRs<'_>> {
        let index = pgm_rs::pgm::PGMIndex::build(keys, EPSILON)
            .map_err(|error| Failure::from(format!("{error:?}")))?;
        Ok(PgmRs { keys, index })
    }
}

impl Subject for PgmRs<'_> {
    const HAS_LOWER_BOUNDS: bool = false;

    #[inline]
    fn lower_bound(&self, key: u64) -> u64 {
        let (first, last) = self.index.search(key);
        let first = first.min(self.keys.len());
        let end = last.saturating_add(1).clamp(first, self.keys.len());
        (first + self.keys[first..end].partition_point(|other| *other < key)) as u64
    }

    fn sum_from(&self, _: u64, _: usize) -> Option<u64> {
        None
    }

    fn bytes(&self) -> Option<u64> {
        None
    }
}

/// `pgm_index`: holds a copy of the keys, finds those that are there.
pub(super) struct PgmIndex(pgm_index::PGMIndex<u64>);

impl PgmIndex {
    pub(super) fn new(keys: &[u64]) -> PgmIndex {
        PgmIndex(pgm_index::PGMIndex::new(keys.to_vec(), EPSILON))
    }
}

impl Subject for PgmIndex {
    const HAS_LOWER_BOUNDS: bool = false;
    const HOLDS_KEYS: bool = true;

    #[inline]
    fn lower_bound(&self, key: u64) -> u64 {
        self.0.get(key).map_or(u64::MAX, |position| position as u64)
    }

    fn sum_from(&self, _: u64, _: usize) -> Option<u64> {
        None
    }

    fn bytes(&self) -> Option<u64> {
        None
    }
}

/// `learned_index_lab`: holds a copy of the keys.
pub(super) struct LearnedIndexLab(learned_index_lab::PgmIndex);

impl LearnedIndexLab {
    pub(super) fn new(keys: &[u64]) -> LearnedIndexLab {
        LearnedIndexLab(learned_index_lab::PgmIndex::build(keys.to_vec(), EPSILON))
    }
}

impl Subject for LearnedIndexLab {
    const HOLDS_KEYS: bool = true;

    #[inline]
    fn lower_bound(&self, key: u64) -> u64 {
        self.0.lower_bound(key) as u64
    }

    #[inline]
    fn sum_from(&self, key: u64, count: usize) -> Option<u64> {
        Some(self.0.range(key..).iter().take(count).fold(0, |sum, key| sum.wrapping_add(*key)))
    }

    fn bytes(&self) -> Option<u64> {
        Some(self.0.index_only_bytes() as u64)
    }
}
