//! Merges that somebody asked for: of everything, and of what holds a range of keys.

use super::levelled::Tree;
use super::{Claims, DEEPEST_LEVEL, LayerShape, MergePlan, MergePolicy, MergeReason, Rules};

/// What to do next to merge a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RangeStep {
    /// This merge.
    Merge(MergePlan),
    /// Nothing before a merge that is running has ended.
    Wait,
    /// Nothing more: one level holds the range, and nothing there can be dropped.
    Done,
}

/// The plan to merge all there is into the last level, so that what is sealed next is newer; `None` if there is
/// nothing.
pub fn plan_for_everything(layers: &[LayerShape<'_>], policy: &MergePolicy) -> Option<MergePlan> {
    let last = match policy {
        MergePolicy::Tiered { .. } => 1,
        MergePolicy::TieredThenLevelled(limits) => limits.deepest_level.max(1),
    };
    let target_level = layers.iter().map(|layer| layer.level).max()?.max(last);
    let inputs = layers.iter().map(|layer| layer.id).collect();
    Some(MergePlan { inputs, target_level, is_move: false, reason: MergeReason::Requested })
}

/// The plan to merge all layers of lesser levels into one run of this one; `None` if there are none, or one is
/// claimed.
pub fn plan_into_level(layers: &[LayerShape<'_>], level: u32, claims: &Claims) -> Option<MergePlan> {
    let target_level = level.min(DEEPEST_LEVEL);
    let inputs: Vec<u64> =
        layers.iter().filter(|layer| layer.level < target_level).map(|layer| layer.id).collect();
    if inputs.is_empty() || inputs.iter().any(|id| claims.has_layer(*id)) {
        return None;
    }
    Some(MergePlan { inputs, target_level, is_move: false, reason: MergeReason::Requested })
}

/// The merge of the first of `layers` that is named in `ids` and can be merged now with what is below it, or rewritten
/// where it is. None in a tiered set.
pub fn plan_for_outdated(
    layers: &[LayerShape<'_>],
    rules: &Rules<'_>,
    claimed: &Claims,
    ids: &[u64],
) -> Option<MergePlan> {
    let MergePolicy::TieredThenLevelled(limits) = rules.policy else { return None };
    let tree = Tree::new(layers, limits, rules, claimed);
    let mut named = layers.iter().filter(|layer| ids.contains(&layer.id) && !claimed.has_layer(layer.id));
    named.find_map(|layer| tree.plan_for_outdated(layer))
}

/// What is asked to be merged into one clean run.
#[derive(Debug, Clone, Copy)]
pub struct RangeRequest<'a> {
    /// The first key.
    pub start: &'a [u8],
    /// The first key after.
    pub end: &'a [u8],
    /// What was sealed after this recency need not be merged.
    pub until: u64,
    /// Layers that came of earlier steps.
    pub written: &'a [u64],
}

/// The next merge on the way to one clean run of what a request asks for: from the upmost level that holds any of it
/// to the next, then layers of the last one that hold deletes, each once. A tiered set is merged whole, once.
pub fn pick_in_range(
    layers: &[LayerShape<'_>],
    rules: &Rules<'_>,
    claimed: &Claims,
    request: &RangeRequest<'_>,
) -> RangeStep {
    let is_asked_for = |layer: &&LayerShape<'_>| {
        let is_in_range = layer.smallest < request.end && request.start <= layer.largest;
        is_in_range && (layer.level > 0 || layer.recency <= request.until)
    };
    let mut found: Vec<&LayerShape<'_>> = layers.iter().filter(is_asked_for).collect();
    found.sort_by(|one, other| one.level.cmp(&other.level).then(one.smallest.cmp(other.smallest)));
    let (Some(first), Some(last)) = (found.first(), found.last()) else { return RangeStep::Done };
    let MergePolicy::TieredThenLevelled(limits) = rules.policy else {
        if !request.written.is_empty() {
            return RangeStep::Done;
        }
        let whole = claimed.is_empty().then(|| plan_for_everything(layers, rules.policy)).flatten();
        return whole.map_or(RangeStep::Wait, RangeStep::Merge);
    };
    let tree = Tree::new(layers, limits, rules, claimed);
    let is_spread = first.level != last.level || first.level == 0;
    let is_dirty =
        |layer: &&&LayerShape<'_>| is_spread || (layer.deletes > 0 && !request.written.contains(&layer.id));
    let mut dirty = found.iter().filter(|layer| layer.level == first.level).filter(is_dirty).peekable();
    if dirty.peek().is_none() {
        return RangeStep::Done;
    }
    let plan = dirty.find_map(|layer| {
        if is_spread { tree.plan_down(layer) } else { tree.rewrite(layer, MergeReason::Requested) }
    });
    match plan {
        Some(plan) => RangeStep::Merge(plan),
        // With nobody in the way: it is below the last level that the policy knows.
        None if claimed.is_empty() => RangeStep::Done,
        None => RangeStep::Wait,
    }
}
