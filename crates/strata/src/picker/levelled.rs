//! Levelled merging below a tiered level 0.
//!
//! How large each level may be is said by [`Targets`]. From level 1 on, the layers of a level do not overlap. That
//! stays true because a merge takes all layers of the target level that overlap the hull of its inputs, and because
//! no two merges may write to overlapping hulls of one level at the same time. A lower level is newer than a deeper
//! one: what leaves level 0 is always its oldest runs, by one merge at a time, what leaves a deeper level replaces or
//! joins what it overlaps, and what goes down stops at the first level that is not empty.

use super::policy::Limits;
use super::shape::{self, Run, bytes, connected, hull, runs};
use super::targets::Targets;
use super::tiered::is_claimed;
use super::{Claims, LayerShape, MergePlan, MergeReason, Rules};
use crate::layer::overlaps;

/// A size may differ by this factor and still count as "about the same" when runs of level 0 are joined.
const SIZE_TOLERANCE: u64 = 2;
/// Runs of level 0 are joined only while they are together less than one of so many parts of the tree.
const JOINED_PART: u64 = 8;
/// Deletes take level 0 down if no more than so many times its bytes are rewritten for it,
const DELETES_TOLERANCE: u64 = 2;
/// or if there is one for each so many entries below it: then no more entries are rewritten than go.
const ENTRIES_FOR_A_DELETE: u64 = 2;
/// The fewest runs worth joining within level 0.
const FEWEST_JOINED: usize = 2;

/// The most urgent merge that sizes ask for; if there is none, one that deletes or age ask for; if there is none, one
/// that reads have paid for.
pub(super) fn pick(
    layers: &[LayerShape<'_>],
    limits: &Limits,
    rules: &Rules<'_>,
    claimed: &Claims,
) -> Option<MergePlan> {
    let tree = Tree::new(layers, limits, rules, claimed);
    let level0 = runs(layers, 0);
    tree.pick_by_size(&level0, limits)
        .or_else(|| tree.pick_by_content(&level0))
        .or_else(|| tree.pick_for_readers(&level0))
}

/// How many runs level 0 will have when the merges that run have ended.
fn level0_runs_to_come(level0: &[Run<'_>], claimed: &Claims) -> usize {
    let free = level0.iter().filter(|run| !is_claimed(std::slice::from_ref(run), claimed)).count();
    free + claimed.iter().filter(|claim| claim.target_level == 0).count()
}

/// What picking looks at.
pub(super) struct Tree<'a> {
    layers: &'a [LayerShape<'a>],
    targets: Targets,
    rules: &'a Rules<'a>,
    claimed: &'a Claims,
}

impl<'a> Tree<'a> {
    pub(super) fn new(
        layers: &'a [LayerShape<'a>],
        limits: &Limits,
        rules: &'a Rules<'a>,
        claimed: &'a Claims,
    ) -> Tree<'a> {
        Tree { layers, targets: Targets::new(layers, limits), rules, claimed }
    }

    pub(super) fn layers(&self) -> &'a [LayerShape<'a>] {
        self.layers
    }

    pub(super) fn rules(&self) -> &'a Rules<'a> {
        self.rules
    }

    pub(super) fn claimed(&self) -> &'a Claims {
        self.claimed
    }

    /// Takes a layer (of level 0 all) one step down, because somebody asked for it.
    pub(super) fn plan_down(&self, layer: &LayerShape<'_>) -> Option<MergePlan> {
        let plan = if layer.level == 0 {
            self.down_from_level0(&runs(self.layers, 0), MergeReason::Requested)
        } else {
            let sources = connected(self.layers, layer.level, layer.range());
            self.downwards(&sources, layer.level, true, MergeReason::Requested)
        };
        plan.map(|(plan, _)| plan)
    }

    /// Rewrites a layer (of level 0 all), on its way one step down if anything is there.
    pub(super) fn plan_for_outdated(&self, layer: &LayerShape<'_>) -> Option<MergePlan> {
        let reason = MergeReason::Outdated { level: layer.level };
        if layer.level > 0 {
            return self.rewrite(layer, reason);
        }
        let (plan, _) = self.down_from_level0(&runs(self.layers, 0), reason)?;
        Some(MergePlan { is_move: false, ..plan })
    }

    fn pick_by_size(&self, level0: &[Run<'_>], limits: &Limits) -> Option<MergePlan> {
        let limit = limits.level0_runs.max(1);
        let mut urgent: Vec<(f64, u32)> = (1..limits.deepest_level)
            .map(|level| (self.score(level), level))
            .chain([(level0_runs_to_come(level0, self.claimed) as f64 / limit as f64, 0)])
            .filter(|(score, _)| *score >= 1.0)
            .collect();
        urgent.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
        urgent.into_iter().find_map(|(_, level)| match level {
            0 => self.pick_level0(level0, limit),
            _ => self.pick_level(level),
        })
    }

    /// What deletes or age make worth a merge though no level is too large. Upper levels first: what they hold
    /// goes through the lower ones.
    fn pick_by_content(&self, level0: &[Run<'_>]) -> Option<MergePlan> {
        let mut layers: Vec<&LayerShape<'_>> = self.layers.iter().collect();
        layers.sort_by(|one, other| one.level.cmp(&other.level).then(one.smallest.cmp(other.smallest)));
        layers.into_iter().filter(|layer| !self.claimed.has_layer(layer.id)).find_map(|layer| {
            let reason = self.rules.reason_to_rewrite(layer)?;
            if layer.level > 0 {
                return self.rewrite(layer, reason);
            }
            let for_deletes = matches!(reason, MergeReason::ManyDeletes { .. });
            let (plan, rewritten) = self.down_from_level0(level0, reason)?;
            let own: u64 = level0.iter().map(|run| bytes(run)).sum();
            let is_cheap = rewritten <= own.saturating_mul(DELETES_TOLERANCE);
            (!for_deletes || is_cheap || self.frees_half(&plan)).then_some(plan)
        })
    }

    /// Whether the deletes that a plan takes out of level 0 may hide half of all entries below them. They are small
    /// beside what they hide, so that their bytes say little of what is won.
    fn frees_half(&self, plan: &MergePlan) -> bool {
        let sources: Vec<LayerShape<'_>> = self
            .layers
            .iter()
            .filter(|layer| layer.level == 0 && plan.inputs.contains(&layer.id))
            .copied()
            .collect();
        let Some(range) = hull(&sources) else { return false };
        let deletes: u64 = sources.iter().map(|layer| layer.deletes).sum();
        let below = self.layers.iter().filter(|layer| layer.level > 0 && overlaps(layer.range(), range));
        let entries: u64 = below.map(|layer| layer.entries).sum();
        deletes.saturating_mul(ENTRIES_FOR_A_DELETE) >= entries
    }

    /// Merges a layer with what it hides something of; if there is nothing deeper, rewrites it where it is.
    pub(super) fn rewrite(&self, layer: &LayerShape<'_>, reason: MergeReason) -> Option<MergePlan> {
        let sources = connected(self.layers, layer.level, layer.range());
        let range = hull(&sources)?;
        let is_over_others =
            self.layers.iter().any(|other| other.level > layer.level && overlaps(other.range(), range));
        if is_over_others {
            let may_move = !matches!(reason, MergeReason::Outdated { .. });
            return self.downwards(&sources, layer.level, may_move, reason).map(|(plan, _)| plan);
        }
        // Deletes at the bottom are what a snapshot keeps: to rewrite them at once would not drop them.
        if matches!(reason, MergeReason::ManyDeletes { .. }) && !self.rules.is_settled(layer) {
            return None;
        }
        let busy = sources.iter().any(|layer| self.claimed.has_layer(layer.id))
            || self.claimed.writes_to(layer.level, range);
        let mut sources = sources;
        shape::sort_newest_first(&mut sources);
        let inputs = sources.iter().map(|layer| layer.id).collect();
        (!busy).then_some(MergePlan { inputs, target_level: layer.level, is_move: false, reason })
    }

    /// How full a level is, without what merges are taking from it already. Above the base nothing is to stay.
    fn score(&self, level: u32) -> f64 {
        let left: u64 = self
            .layers
            .iter()
            .filter(|layer| layer.level == level && !self.claimed.has_layer(layer.id))
            .map(|layer| layer.bytes)
            .sum();
        if left == 0 { 0.0 } else { left as f64 / self.targets.bytes(level) as f64 }
    }

    fn pick_level0(&self, level0: &[Run<'_>], limit: usize) -> Option<MergePlan> {
        let reason = MergeReason::TooManyRuns { level: 0, runs: level0.len(), limit };
        match self.down_from_level0(level0, reason) {
            Some((plan, rewritten)) => {
                // More would be rewritten than comes down: first let level 0 become larger, but not so large that
                // what it hides makes the tree much larger than what is alive.
                let own: u64 = level0.iter().map(|run| bytes(run)).sum();
                if rewritten > own && own < bytes(self.layers) / JOINED_PART {
                    join_in_level0(level0, self.claimed).or(Some(plan))
                } else {
                    Some(plan)
                }
            }
            None => join_in_level0(level0, self.claimed),
        }
    }

    /// The oldest runs of level 0, as far as nobody claims them, with what they overlap where they go, and the
    /// bytes of the latter. While one merge takes runs down it claims the oldest, so that a second one finds none.
    pub(super) fn down_from_level0(
        &self,
        level0: &[Run<'_>],
        reason: MergeReason,
    ) -> Option<(MergePlan, u64)> {
        let is_free = |run: &&Run<'_>| !is_claimed(std::slice::from_ref(run), self.claimed);
        let free = level0.iter().rev().take_while(is_free).count();
        let oldest = &level0[level0.len() - free..];
        let sources: Vec<LayerShape<'_>> = oldest.iter().flatten().copied().collect();
        self.downwards(&sources, 0, oldest.len() == 1, reason)
    }

    /// The layer of `level` (with those it overlaps, in a level that tiered merging left) that costs least to
    /// merge into the next: the fewest bytes to rewrite for each of its own; of equals the one with the smallest
    /// key.
    fn pick_level(&self, level: u32) -> Option<MergePlan> {
        let mut own: Vec<_> = self.layers.iter().filter(|layer| layer.level == level).copied().collect();
        own.sort_by(|one, other| one.smallest.cmp(other.smallest));
        let reason = MergeReason::TooLarge { level, bytes: bytes(&own), limit: self.targets.bytes(level) };
        let mut best: Option<(f64, MergePlan)> = None;
        for source in own.iter().filter(|layer| !self.claimed.has_layer(layer.id)) {
            let sources = connected(self.layers, level, source.range());
            let may_move = sources.len() == 1;
            let Some((plan, rewritten)) = self.downwards(&sources, level, may_move, reason.clone()) else {
                continue;
            };
            let cost = rewritten as f64 / bytes(&sources).max(1) as f64;
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, plan));
            }
        }
        best.map(|(_, plan)| plan)
    }

    /// Merges `sources` of `level` with what they overlap where they go, and tells the bytes of the latter; `None`
    /// if a running merge is in the way.
    fn downwards(
        &self,
        sources: &[LayerShape<'_>],
        level: u32,
        may_move: bool,
        reason: MergeReason,
    ) -> Option<(MergePlan, u64)> {
        let target_level = self.targets.below(level, self.layers, self.claimed)?;
        self.down_to(sources, target_level, may_move, reason)
    }

    /// The same into `target_level`, past empty levels only.
    pub(super) fn down_to(
        &self,
        sources: &[LayerShape<'_>],
        target_level: u32,
        may_move: bool,
        reason: MergeReason,
    ) -> Option<(MergePlan, u64)> {
        let mut sources = sources.to_vec();
        shape::sort_newest_first(&mut sources);
        let mut below = connected(self.layers, target_level, hull(&sources)?);
        shape::sort_newest_first(&mut below);
        let all: Vec<LayerShape<'_>> = sources.iter().chain(&below).copied().collect();
        let busy = all.iter().any(|layer| self.claimed.has_layer(layer.id))
            || self.claimed.writes_to(target_level, hull(&all)?);
        let plan = MergePlan {
            inputs: all.iter().map(|layer| layer.id).collect(),
            target_level,
            // Deletes that have nothing left to hide are dropped by rewriting.
            is_move: may_move
                && below.is_empty()
                && !sources.iter().any(|layer| self.rules.has_many_deletes(layer)),
            reason,
        };
        (!busy).then(|| (plan, bytes(&below)))
    }
}

/// Neighbouring runs of level 0 become one, newest first and only while the next is not much larger than
/// those before it together: each entry is then rewritten a logarithmic number of times.
fn join_in_level0(level0: &[Run<'_>], claimed: &Claims) -> Option<MergePlan> {
    let mut joined: Vec<&Run<'_>> = Vec::new();
    let mut joined_bytes = 0;
    for run in level0 {
        let own = bytes(run);
        let fits = joined.is_empty() || own <= joined_bytes * SIZE_TOLERANCE;
        if is_claimed(std::slice::from_ref(run), claimed) || !fits {
            if joined.len() >= FEWEST_JOINED {
                break;
            }
            joined.clear();
            joined_bytes = 0;
            if is_claimed(std::slice::from_ref(run), claimed) {
                continue;
            }
        }
        joined.push(run);
        joined_bytes += own;
    }
    if joined.len() < FEWEST_JOINED {
        return None;
    }
    Some(MergePlan {
        inputs: joined.into_iter().flatten().map(|layer| layer.id).collect(),
        target_level: 0,
        is_move: false,
        reason: MergeReason::Consolidate { runs: level0.len() },
    })
}
