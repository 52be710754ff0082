//! Merges that somebody asks for: of everything, or of a range of keys.

use super::merge::{Caller, MergeReport};
use super::shared::Shared;
use super::{Layer, Version};
use crate::Error;
use crate::layer::LayerKind;
use crate::picker::{
    Claims, LayerShape, MergePlan, MergeReason, RangeRequest, RangeStep, pick_in_range, plan_for_everything,
    plan_into_level,
};

/// Keeps other merges from starting while somebody waits to merge everything.
struct Exclusive<'a, K: LayerKind>(&'a Shared<K>);

impl<'a, K: LayerKind> Exclusive<'a, K> {
    fn new(shared: &'a Shared<K>) -> Self {
        shared.merging.lock().exclusive += 1;
        Exclusive(shared)
    }
}

impl<K: LayerKind> Drop for Exclusive<'_, K> {
    fn drop(&mut self) {
        self.0.merging.lock().exclusive -= 1;
        self.0.changed.notify();
    }
}

impl<K: LayerKind> Shared<K> {
    /// Merges all layers there are into one run of the deepest level.
    pub(super) fn merge_all(&self) -> Result<Option<MergeReport>, Error> {
        let _exclusive = Exclusive::new(self);
        loop {
            let seen = self.changed.generation();
            self.check_mergeable()?;
            if self.merging.lock().claims.is_empty() {
                let policy = &self.options.policy;
                match self.claim(Caller::Everything, |_, shapes, _| plan_for_everything(shapes, policy)) {
                    None if self.current().levels().is_empty() => return Ok(None),
                    None => {}
                    Some(claimed) => match claimed.run() {
                        Err(Error::UnknownLayer { .. }) => continue,
                        outcome => return self.note_outcome(outcome).map(Some),
                    },
                }
            }
            self.changed.wait(seen);
        }
    }

    /// Rewrites every layer that is wanted, alone and at its level, until none is.
    pub(super) fn rewrite(&self, is_wanted: &dyn Fn(&Layer<K>) -> bool) -> Result<Vec<MergeReport>, Error> {
        let mut reports = Vec::new();
        loop {
            let seen = self.changed.generation();
            self.check_mergeable()?;
            let mut is_done = false;
            let choose = |version: &Version<K>, _: &[LayerShape<'_>], claims: &Claims| {
                let mut wanted = version.layers().filter(|layer| is_wanted(layer)).peekable();
                is_done = wanted.peek().is_none();
                let free = wanted.map(|layer| layer.descriptor()).find(|layer| {
                    !claims.has_layer(layer.id)
                        && !claims.writes_to(layer.level, (&layer.smallest, &layer.largest))
                })?;
                Some(MergePlan {
                    inputs: vec![free.id],
                    target_level: free.level,
                    is_move: false,
                    reason: MergeReason::Requested,
                })
            };
            match self.claim(Caller::User, choose).map(|claimed| claimed.run()) {
                Some(Err(Error::UnknownLayer { .. })) => {}
                Some(outcome) => reports.push(self.note_outcome(outcome)?),
                None if is_done => return Ok(reports),
                None => {
                    self.changed.wait(seen);
                }
            }
        }
    }

    /// Merges all layers of lesser levels into one run of this one, if others work on none of them.
    pub(super) fn merge_into_level(&self, level: u32) -> Result<Option<MergeReport>, Error> {
        self.check_mergeable()?;
        let choose = |_: &Version<K>, shapes: &[LayerShape<'_>], claims: &Claims| {
            plan_into_level(shapes, level, claims)
        };
        let Some(claimed) = self.claim(Caller::User, choose) else { return Ok(None) };
        self.note_outcome(claimed.run()).map(Some)
    }

    /// Merges what holds keys from `start` up to, not including, `end`, level by level, into one run.
    pub(super) fn merge_range(&self, start: &[u8], end: &[u8]) -> Result<Vec<MergeReport>, Error> {
        let mut reports: Vec<MergeReport> = Vec::new();
        let mut written: Vec<u64> = Vec::new();
        let until = self.current().layers().map(|layer| layer.descriptor().recency).max().unwrap_or(0);
        loop {
            let seen = self.changed.generation();
            self.check_mergeable()?;
            let rules = self.rules();
            let request = RangeRequest { start, end, until, written: &written };
            let mut is_done = false;
            let choose = |version: &Version<K>, shapes: &[LayerShape<'_>], claims: &Claims| {
                if let Some(plan) = self.hidden(version, claims) {
                    return Some(plan);
                }
                match pick_in_range(shapes, &rules, claims, &request) {
                    RangeStep::Merge(plan) => Some(plan),
                    RangeStep::Wait => None,
                    RangeStep::Done => {
                        is_done = true;
                        None
                    }
                }
            };
            match self.claim(Caller::User, choose).map(|claimed| claimed.run()) {
                Some(Err(Error::UnknownLayer { .. })) => {}
                Some(outcome) => {
                    let report = self.note_outcome(outcome)?;
                    written.extend(&report.outputs);
                    reports.push(report);
                }
                None if is_done => return Ok(reports),
                None => {
                    self.changed.wait(seen);
                }
            }
        }
    }
}
