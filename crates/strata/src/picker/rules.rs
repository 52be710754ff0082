//! When a layer is worth rewriting for what it holds rather than for its size: deletes and age.

use std::time::Duration;

use super::{LayerShape, MergePolicy, MergeReason, PaidByReads};

/// A layer at the bottom is not rewritten for its deletes before it is so old: who still needs them has gone by then.
const SETTLED_SECONDS: u64 = 60;

/// Merges that no size asks for. Heeded by [`MergePolicy::TieredThenLevelled`]; tiered merging has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upkeep {
    /// A layer of which so many of a hundred entries are deletes is merged with what they hide, so that scans need
    /// not step over them. `None` for never. Default 50.
    pub delete_percent: Option<u8>,
    /// A layer with deletes goes down, level by level, when it is so old: what was deleted is gone from the disk
    /// after at most so long for each level. `None` for never. Default 7 days.
    pub delete_age: Option<Duration>,
    /// Every layer is rewritten when it is so old. `None`, the default, for never.
    pub age: Option<Duration>,
    /// Layers that no size asks to be merged are merged when reads have paid so many percent of what the merge costs,
    /// because these layers are not merged: for runs beyond the first and for dead entries. With 100 a merge never
    /// costs more than reads have paid before; with less reads are helped sooner, and merges may cost so much more.
    /// What both cost is estimated, never timed. No such merge has more than 1 GiB of input, or four times
    /// [`Limits::level1_bytes`](super::Limits::level1_bytes) where that is more: a large last level is rewritten for
    /// sizes, deletes and age alone. `None` for never. Default 50.
    pub read_percent: Option<u8>,
}

impl Default for Upkeep {
    fn default() -> Self {
        let delete_age = Some(Duration::from_secs(7 * 24 * 60 * 60));
        Upkeep { delete_percent: Some(50), delete_age, age: None, read_percent: Some(50) }
    }
}

impl Upkeep {
    /// No merges but those that sizes ask for.
    pub fn none() -> Upkeep {
        Upkeep { delete_percent: None, delete_age: None, age: None, read_percent: None }
    }

    /// Whether time alone can make a merge due.
    pub(crate) fn depends_on_time(&self) -> bool {
        self.delete_percent.is_some() || self.delete_age.is_some() || self.age.is_some()
    }
}

/// By what merges are picked.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// Which sizes ask for a merge.
    pub policy: &'a MergePolicy,
    /// What else does.
    pub upkeep: &'a Upkeep,
    /// The calendar time, in seconds since the Unix epoch.
    pub now: u64,
    /// What reads have paid for layers that are not merged.
    pub paid: PaidByReads,
}

impl Rules<'_> {
    pub(super) fn has_many_deletes(&self, layer: &LayerShape<'_>) -> bool {
        let percent = |limit: u8| {
            let all = u128::from(layer.entries.max(layer.deletes));
            layer.deletes > 0 && u128::from(layer.deletes) * 100 >= all * u128::from(limit)
        };
        self.upkeep.delete_percent.is_some_and(percent)
    }

    pub(super) fn is_settled(&self, layer: &LayerShape<'_>) -> bool {
        self.seconds_since(layer) >= SETTLED_SECONDS
    }

    /// Why a layer should be rewritten though its level is not too large, if it should.
    pub(super) fn reason_to_rewrite(&self, layer: &LayerShape<'_>) -> Option<MergeReason> {
        let (level, seconds) = (layer.level, self.seconds_since(layer));
        let is_older = |limit: Option<Duration>| limit.is_some_and(|limit| seconds >= limit.as_secs().max(1));
        if self.has_many_deletes(layer) {
            return Some(MergeReason::ManyDeletes { level, deletes: layer.deletes, entries: layer.entries });
        }
        if layer.deletes > 0 && is_older(self.upkeep.delete_age) {
            return Some(MergeReason::OldDeletes { level, deletes: layer.deletes, seconds });
        }
        is_older(self.upkeep.age).then_some(MergeReason::Old { level, seconds })
    }

    fn seconds_since(&self, layer: &LayerShape<'_>) -> u64 {
        self.now.saturating_sub(layer.created)
    }
}
