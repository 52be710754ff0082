//! Levelled merging below a tiered level 0.
//!
//! From level 1 on, the layers of a level do not overlap. That stays true because a merge takes all layers of
//! the target level that overlap the hull of its inputs, and because no two merges may write to overlapping
//! hulls of one level at the same time. A lower level is newer than a deeper one: what leaves level 0 is
//! always its oldest runs, by one merge at a time, and what leaves a deeper level replaces or joins what it
//! overlaps.

use super::policy::Limits;
use super::shape::{self, Run, bytes, connected, hull, overlapping, runs};
use super::tiered::is_claimed;
use super::{Claims, LayerShape, MergePlan, MergeReason};

/// A size may differ by this factor and still count as "about the same" when runs of level 0 are joined.
const SIZE_TOLERANCE: u64 = 2;
/// The fewest runs worth joining within level 0.
const FEWEST_JOINED: usize = 2;

pub(super) fn pick(layers: &[LayerShape<'_>], limits: &Limits, claimed: &Claims) -> Option<MergePlan> {
    let level0 = runs(layers, 0);
    let limit = limits.level0_runs.max(1);
    let mut urgent: Vec<(f64, u32)> = (1..limits.deepest_level)
        .map(|level| (level_score(layers, level, limits, claimed), level))
        .chain([(level0_runs_to_come(&level0, claimed) as f64 / limit as f64, 0)])
        .filter(|(score, _)| *score >= 1.0)
        .collect();
    urgent.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
    urgent.into_iter().find_map(|(_, level)| match level {
        0 => pick_level0(layers, &level0, limit, claimed),
        _ => pick_level(layers, level, limits, claimed),
    })
}

/// How full a level is, without what merges are taking from it already.
fn level_score(layers: &[LayerShape<'_>], level: u32, limits: &Limits, claimed: &Claims) -> f64 {
    let left: u64 = layers
        .iter()
        .filter(|layer| layer.level == level && !claimed.has_layer(layer.id))
        .map(|layer| layer.bytes)
        .sum();
    left as f64 / limits.level_bytes(level) as f64
}

/// How many runs level 0 will have when the merges that run have ended.
fn level0_runs_to_come(level0: &[Run<'_>], claimed: &Claims) -> usize {
    let free = level0.iter().filter(|run| !is_claimed(std::slice::from_ref(run), claimed)).count();
    free + claimed.iter().filter(|claim| claim.target_level == 0).count()
}

fn pick_level0(
    layers: &[LayerShape<'_>],
    level0: &[Run<'_>],
    limit: usize,
    claimed: &Claims,
) -> Option<MergePlan> {
    let reason = MergeReason::TooManyRuns { level: 0, runs: level0.len(), limit };
    match down_from_level0(layers, level0, reason, claimed) {
        Some((plan, rewritten)) => {
            // Level 1 would be rewritten for little: first let level 0 become larger.
            let own: u64 = level0.iter().map(|run| bytes(run)).sum();
            if rewritten > own.saturating_mul(SIZE_TOLERANCE) {
                join_in_level0(level0, claimed).or(Some(plan))
            } else {
                Some(plan)
            }
        }
        None => join_in_level0(level0, claimed),
    }
}

/// The oldest runs of level 0, as far as nobody claims them, with what they overlap in level 1, and the bytes
/// of the latter. While one merge takes runs down it claims the oldest, so that a second one finds none.
fn down_from_level0(
    layers: &[LayerShape<'_>],
    level0: &[Run<'_>],
    reason: MergeReason,
    claimed: &Claims,
) -> Option<(MergePlan, u64)> {
    let free = level0.iter().rev().take_while(|run| !is_claimed(std::slice::from_ref(run), claimed)).count();
    let oldest = &level0[level0.len() - free..];
    let sources: Vec<LayerShape<'_>> = oldest.iter().flatten().copied().collect();
    let is_move = oldest.len() == 1;
    let plan = downwards(layers, &sources, 0, is_move, reason, claimed)?;
    let rewritten = bytes(&overlapping(layers, 1, hull(&sources)?));
    Some((plan, rewritten))
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

/// The layer of `level` (with those it overlaps, in a level that tiered merging left) that costs least to
/// merge into the next: the fewest bytes to rewrite for each of its own; of equals the one with the smallest
/// key.
fn pick_level(layers: &[LayerShape<'_>], level: u32, limits: &Limits, claimed: &Claims) -> Option<MergePlan> {
    let mut own: Vec<_> = layers.iter().filter(|layer| layer.level == level).copied().collect();
    own.sort_by(|one, other| one.smallest.cmp(other.smallest));
    let reason = MergeReason::TooLarge { level, bytes: bytes(&own), limit: limits.level_bytes(level) };
    let mut best: Option<(f64, MergePlan)> = None;
    for source in own.iter().filter(|layer| !claimed.has_layer(layer.id)) {
        let sources = connected(layers, level, source.range());
        let may_move = sources.len() == 1;
        let Some(plan) = downwards(layers, &sources, level, may_move, reason.clone(), claimed) else {
            continue;
        };
        let rewritten = bytes(&overlapping(layers, level + 1, hull(&sources)?));
        let cost = rewritten as f64 / bytes(&sources).max(1) as f64;
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, plan));
        }
    }
    best.map(|(_, plan)| plan)
}

/// Merges `sources` of `level` with what they overlap in the next; `None` if a running merge is in the way.
fn downwards(
    layers: &[LayerShape<'_>],
    sources: &[LayerShape<'_>],
    level: u32,
    may_move: bool,
    reason: MergeReason,
    claimed: &Claims,
) -> Option<MergePlan> {
    let target_level = level + 1;
    let mut sources = sources.to_vec();
    shape::sort_newest_first(&mut sources);
    let mut below = connected(layers, target_level, hull(&sources)?);
    shape::sort_newest_first(&mut below);
    let all: Vec<LayerShape<'_>> = sources.iter().chain(&below).copied().collect();
    let busy =
        all.iter().any(|layer| claimed.has_layer(layer.id)) || claimed.writes_to(target_level, hull(&all)?);
    if busy {
        return None;
    }
    Some(MergePlan {
        inputs: all.iter().map(|layer| layer.id).collect(),
        target_level,
        is_move: may_move && below.is_empty(),
        reason,
    })
}
