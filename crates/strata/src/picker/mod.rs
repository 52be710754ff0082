//! Which layers to merge next: a pure function of the levels' shape, the policy and what is merging already.

#[cfg(test)]
mod amplification;
mod claims;
mod levelled;
mod placement;
mod plan;
mod policy;
mod readers;
mod requested;
mod rules;
mod shape;
#[cfg(test)]
mod simulation;
mod targets;
#[cfg(test)]
mod tests;
mod tiered;

pub use claims::{Claim, Claims};
pub use placement::deepest_place;
pub use plan::{MergePlan, MergeReason};
pub use policy::{Limits, MergePolicy};
pub use readers::PaidByReads;
pub(crate) use readers::{is_seal_paid_for, least_due_for_readers, terms_for_readers};
pub use requested::{
    RangeRequest, RangeStep, pick_in_range, plan_for_everything, plan_for_outdated, plan_into_level,
};
pub use rules::{Rules, Upkeep};
pub use shape::LayerShape;

/// The deepest level there can be.
pub const DEEPEST_LEVEL: u32 = 62;

/// Picks the most urgent merge that does not collide with those claimed, if the policy wants one. Takes time
/// quadratic in the layers of two adjacent levels at worst.
pub fn pick(layers: &[LayerShape<'_>], rules: &Rules<'_>, claimed: &Claims) -> Option<MergePlan> {
    match rules.policy {
        MergePolicy::Tiered { fanout } => tiered::pick(layers, *fanout, claimed),
        MergePolicy::TieredThenLevelled(limits) => levelled::pick(layers, limits, rules, claimed),
    }
}

/// How urgently the set needs merges: runs in level 0, relative to the number that starts a merge.
pub fn pressure(layers: &[LayerShape<'_>], policy: &MergePolicy) -> f64 {
    let limit = match policy {
        MergePolicy::Tiered { fanout } => *fanout,
        MergePolicy::TieredThenLevelled(limits) => limits.level0_runs,
    };
    shape::runs(layers, 0).len() as f64 / limit.max(1) as f64
}
