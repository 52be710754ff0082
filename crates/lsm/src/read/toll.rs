//! What reads pay because tables are not merged, so that merges are made for them when it has come to enough.
//!
//! All of it is told in bytes that a merge could have read or written in the same time, some 1.25 ns each: what a step
//! costs was measured once (`docs/decisions/057-merges-that-reads-pay-for.md`), and nothing is timed. A scan counts for
//! itself and tells when it ends. What merges cannot help is not counted: turns between memory and tables, older
//! versions of what memory holds, entries that are dead for this reader and not for an older one who is still there.
//! What memory deletes is told apart: it must be flushed first.

use stroma_strata::{PaidByReads, ReadCosts};

use super::source_walk::SourceWalk;
use crate::database::Core;
use crate::entry::Sequence;

/// To look for a key in one run more: 100 ns, mostly for a line of its filter.
pub(crate) const PROBE: u64 = 80;
/// To seek in one run more: 2 µs, for its index and one block.
const SEEK: u64 = 1600;
/// To make a cursor over one run more, and seek with it: 4 µs.
pub(super) const CURSOR: u64 = 3200;
/// To turn from one run to another, or to step over an entry that nobody sees: 100 ns.
const STEP: u64 = 80;

/// What one walk pays; told when this is dropped.
pub(super) struct Toll<'r> {
    costs: &'r ReadCosts,
    core: &'r Core,
    /// What is deleted or superseded by this sequence merges can drop; looked up when it is first asked for.
    droppable_through: Option<Sequence>,
    /// The sequence of what decided of the last key.
    decided_by: Sequence,
    /// Runs beyond the first, each time it sought.
    seeks: u64,
    /// Turns of runs.
    turns: u64,
    /// Entries of which nothing is seen because of what tables hold.
    dead: u64,
    /// And because memory deletes them.
    deleted_in_memory: u64,
    /// Whether the present turn is one of a run.
    is_in_run: bool,
    /// Whether it is one in memory.
    is_in_memory: bool,
    /// Whether what decided of the last key is in memory.
    is_decided_in_memory: bool,
    /// Whether that deletes it.
    is_deleted: bool,
}

impl<'r> Toll<'r> {
    pub(super) fn new(costs: &'r ReadCosts, core: &'r Core) -> Toll<'r> {
        Toll {
            costs,
            core,
            droppable_through: None,
            decided_by: 0,
            seeks: 0,
            turns: 0,
            dead: 0,
            deleted_in_memory: 0,
            is_in_run: false,
            is_in_memory: false,
            is_decided_in_memory: false,
            is_deleted: false,
        }
    }

    /// All of these were sought in, and have something.
    pub(super) fn note_seek(&mut self, sources: &[SourceWalk<'_>]) {
        let runs = sources.iter().filter(|source| !source.is_in_memory()).count() as u64;
        self.seeks += runs.saturating_sub(1);
    }

    /// The next steps are over entries of `source`.
    #[inline]
    pub(super) fn begin_turn(&mut self, source: &SourceWalk<'_>) {
        self.is_decided_in_memory = self.is_in_memory;
        self.is_in_memory = source.is_in_memory();
        self.turns += u64::from(self.is_in_run && !self.is_in_memory);
        self.is_in_run = !self.is_in_memory;
    }

    /// What the reader sees of a key is decided by an entry of this sequence.
    #[inline(always)]
    pub(super) fn decide(&mut self, sequence: Sequence) {
        self.decided_by = sequence;
    }

    /// Nothing is seen of a key, because what decided of it deletes it.
    #[inline]
    pub(super) fn pass_deleted(&mut self) {
        self.is_decided_in_memory = self.is_in_memory;
        self.is_deleted = true;
        self.count(self.is_decided_in_memory, 1);
    }

    /// Nothing is seen of a key, because a range delete of this sequence hides it, of memory or not.
    pub(super) fn pass_hidden(&mut self, sequence: Sequence, is_by_memory: bool) {
        self.decided_by = sequence;
        self.is_decided_in_memory = is_by_memory;
        self.is_deleted = true;
        self.count(is_by_memory, 1);
    }

    /// An older version is stepped over than the one that counts.
    #[inline]
    pub(super) fn pass_version(&mut self) {
        self.count(self.is_in_memory || self.is_decided_in_memory, 1);
    }

    /// A source is sought past what a range delete hides.
    #[cold]
    pub(super) fn seek_past_hidden(&mut self) {
        self.count(self.is_decided_in_memory, SEEK / STEP);
    }

    #[inline]
    fn count(&mut self, is_for_memory: bool, steps: u64) {
        let core = self.core;
        let droppable_through = *self.droppable_through.get_or_insert_with(|| core.oldest_snapshot());
        if self.decided_by > droppable_through {
            return;
        }
        if !is_for_memory {
            self.dead += steps;
        } else if self.is_deleted {
            self.deleted_in_memory += steps;
        }
    }

    /// A key is seen.
    #[inline]
    pub(super) fn end_stretch(&mut self) {
        self.is_deleted = false;
    }
}

impl Drop for Toll<'_> {
    fn drop(&mut self) {
        let runs = if self.seeks > 0 { self.seeks * SEEK + self.turns * STEP } else { 0 };
        if runs + self.dead > 0 {
            self.costs.add(PaidByReads { runs, dead: self.dead * STEP });
        }
        if self.deleted_in_memory > 0 {
            self.core.dead_ranges().note_paid_for_memory(self.deleted_in_memory * STEP);
        }
    }
}
