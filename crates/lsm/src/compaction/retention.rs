//! Which versions, deletes and range deletes nobody can see any more.
//!
//! The snapshots in use cut the sequences into *stripes*: a stripe is the sequences after one snapshot up to
//! and with the next. Whoever reads, reads at a snapshot, or at a later one taken since; so of the versions of
//! a key in one stripe only the newest can be seen.

use std::sync::Arc;

use crate::entry::{EntryRef, Kind, Moment, Sequence};
use crate::rules::Resolver;
use crate::tombstones::RangeTombstones;

/// What to keep.
#[derive(Clone, Debug)]
pub(crate) struct Retention {
    /// The snapshots in use, ascending.
    snapshots: Vec<Sequence>,
    /// No older source covers any of the keys, so that a delete in the oldest stripe hides nothing.
    bottom: bool,
    /// The moment of the oldest reader: what expired, or was filtered, by then nobody sees any more.
    pub(super) oldest: Moment,
    /// What a merge that asks filters has to know.
    pub(super) filtering: Option<Filtering>,
    /// Knows how to put operands together.
    pub(super) resolver: Option<Arc<Resolver>>,
}

/// A merge that asks filters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filtering {
    /// Its turn.
    pub(super) turn: u64,
    /// The level it writes to.
    pub(super) level: u32,
    /// Only entries up to this sequence are asked about: later ones may be found in memory as well, as they were.
    pub(super) settled: Sequence,
}

/// A stripe: the number of snapshots before its sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stripe(usize);

impl Retention {
    /// For the given snapshots, in any order. Every snapshot that is taken later must be at or after every
    /// sequence in the sources.
    pub(crate) fn new(mut snapshots: Vec<Sequence>, bottom: bool) -> Self {
        snapshots.sort_unstable();
        Self { snapshots, bottom, oldest: Moment::default(), filtering: None, resolver: None }
    }

    /// The same by the rules of keyspaces. Asked now: what nobody sees now nobody will see later.
    pub(crate) fn with_rules(self, resolver: &Arc<Resolver>) -> Self {
        Self { oldest: resolver.oldest_moment(), resolver: Some(resolver.clone()), ..self }
    }

    /// The same for a merge that asks filters.
    pub(super) fn filtering(self, filtering: Filtering) -> Self {
        Self { filtering: Some(filtering), ..self }
    }

    /// Whether no older source has any of the keys.
    pub(super) fn is_bottom(&self) -> bool {
        self.bottom
    }

    /// Keeps all versions and deletes.
    #[cfg(test)]
    pub(crate) fn everything() -> Self {
        Self::new((0..1000).collect(), false)
    }

    /// The stripe of a sequence.
    pub(crate) fn stripe(&self, sequence: Sequence) -> Stripe {
        Stripe(self.snapshots.partition_point(|&snapshot| snapshot < sequence))
    }

    /// The last sequence of the stripe of `sequence`: who reads there sees what the stripe left.
    pub(super) fn stripe_end(&self, sequence: Sequence) -> Sequence {
        self.snapshots.get(self.stripe(sequence).0).copied().unwrap_or(Sequence::MAX)
    }

    /// Whether a delete, or range delete, of this sequence hides nothing that is kept.
    pub(super) fn hides_nothing(&self, sequence: Sequence) -> bool {
        self.bottom && self.stripe(sequence) == Stripe(0)
    }

    /// Whether an entry that is the newest of its key in its stripe can be left out.
    pub(super) fn drops(&self, entry: &EntryRef<'_>) -> bool {
        entry.kind == Kind::Delete && self.hides_nothing(entry.sequence)
    }

    /// Drops the range deletes that hide nothing, or only what a newer one of their stripe hides as well.
    pub(crate) fn retain(&self, tombstones: &mut RangeTombstones) {
        tombstones.retain(|sequences| {
            sequences.dedup_by_key(|sequence| self.stripe(*sequence));
            sequences.retain(|&sequence| !self.hides_nothing(sequence));
        });
    }
}
