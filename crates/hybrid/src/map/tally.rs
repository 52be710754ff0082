//! Counts of what a map decided and did, for `explain`.

use super::policy::Verdict;

/// How often one kind was chosen, and what the estimates were.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Chosen {
    pub(super) times: u64,
    pub(super) cost: u64,
    pub(super) rival: u64,
}

/// What a map decided and did since it was made.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) gapped: Chosen,
    pub(super) packed: Chosen,
    pub(super) route: Chosen,
    pub(super) branch: Chosen,
    /// Neighbouring leaves shared their entries out anew.
    pub(super) spreads: u64,
    /// A leaf was added between others.
    pub(super) leaf_splits: u64,
    /// A leaf was begun beyond the last, or before the first.
    pub(super) end_leaves: u64,
    /// A leaf was trained again because its line had become bad.
    pub(super) retrained: u64,
    /// A leaf that was written again came out as the other kind.
    pub(super) changed_leaves: u64,
    /// An inner node was replaced by others.
    pub(super) inner_splits: u64,
    /// An inner node was replaced by nodes of the other kind.
    pub(super) changed_inner: u64,
}

impl Chosen {
    fn add(&mut self, verdict: Verdict) {
        self.times += 1;
        self.cost += verdict.cost;
        self.rival += verdict.rival;
    }
}

impl Tally {
    pub(super) fn leaf(&mut self, verdict: Verdict) {
        if verdict.learned { self.gapped.add(verdict) } else { self.packed.add(verdict) }
    }

    pub(super) fn inner(&mut self, verdict: Verdict) {
        if verdict.learned { self.route.add(verdict) } else { self.branch.add(verdict) }
    }
}
