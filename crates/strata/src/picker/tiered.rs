//! Tiered merging: as soon as a level has enough runs, its oldest become one run of the next.
//!
//! A lower level is newer than a deeper one. That stays true because only the oldest runs of a level go down,
//! and only one merge at a time takes runs from a level: were two to end in the wrong order, older entries
//! would lie above newer ones for a while. What goes down must also be the newest of its new level by its
//! recency. In a set that was always tiered it is; runs that say otherwise, left by levelled merging, are
//! merged along.

use super::shape::{Run, runs};
use super::{Claims, DEEPEST_LEVEL, LayerShape, MergePlan, MergeReason};

pub(super) fn pick(layers: &[LayerShape<'_>], fanout: usize, claimed: &Claims) -> Option<MergePlan> {
    let limit = fanout.max(2);
    let deepest = layers.iter().map(|layer| layer.level).max()?.min(DEEPEST_LEVEL - 1);
    (0..=deepest).find_map(|level| pick_level(layers, level, limit, claimed))
}

fn pick_level(layers: &[LayerShape<'_>], level: u32, limit: usize, claimed: &Claims) -> Option<MergePlan> {
    let own = runs(layers, level);
    if own.len() < limit || claimed.leaves_level(level) {
        return None;
    }
    let oldest = &own[own.len() - limit..];
    let recency = oldest.first()?.first()?.recency;
    let mut below = runs(layers, level + 1);
    below.retain(|run| run.iter().any(|layer| layer.recency >= recency));
    if is_claimed(oldest, claimed) || is_claimed(&below, claimed) {
        return None;
    }
    Some(MergePlan {
        inputs: oldest.iter().chain(&below).flatten().map(|layer| layer.id).collect(),
        target_level: level + 1,
        is_move: false,
        reason: MergeReason::TooManyRuns { level, runs: own.len(), limit },
    })
}

pub(super) fn is_claimed(runs: &[Run<'_>], claimed: &Claims) -> bool {
    runs.iter().flatten().any(|layer| claimed.has_layer(layer.id))
}
