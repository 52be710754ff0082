//! Tiered merging: as soon as a level has enough runs, its oldest become one run of the next.
//!
//! A lower level is newer than a deeper one. That stays true because only the oldest runs of a level go down,
//! and only one merge at a time takes runs from a level: were two to end in the wrong order, older entries
//! would lie above newer ones for a while.

use super::shape::{Run, runs};
use super::{Claims, DEEPEST_LEVEL, LayerShape, MergePlan, MergeReason};

pub(super) fn pick(layers: &[LayerShape<'_>], fanout: usize, claimed: &Claims) -> Option<MergePlan> {
    let limit = fanout.max(2);
    let deepest = layers.iter().map(|layer| layer.level).max()?.min(DEEPEST_LEVEL - 1);
    (0..=deepest).find_map(|level| {
        let runs = runs(layers, level);
        if runs.len() < limit || claimed.leaves_level(level) {
            return None;
        }
        let oldest = &runs[runs.len() - limit..];
        if is_claimed(oldest, claimed) {
            return None;
        }
        Some(MergePlan {
            inputs: oldest.iter().flatten().map(|layer| layer.id).collect(),
            target_level: level + 1,
            is_move: false,
            reason: MergeReason::TooManyRuns { level, runs: runs.len(), limit },
        })
    })
}

pub(super) fn is_claimed(runs: &[Run<'_>], claimed: &Claims) -> bool {
    runs.iter().flatten().any(|layer| claimed.has_layer(layer.id))
}
