//! Making one merge: claim, work, commit; whatever goes wrong, the claim ends and nothing half-made stays.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::commit::Change;
use super::division::{self, Division};
use super::progress::JobProgress;
use super::shared::{RunningJob, Shared};
use super::statistics::MergeFailure;
use super::{Layer, Version};
use crate::Error;
use crate::layer::{LayerDescriptor, LayerKind};
use crate::manifest;
use crate::picker::{Claims, LayerShape, MergePlan, MergeReason, pick, plan_for_outdated};

/// A merge that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeReport {
    /// Why.
    pub reason: MergeReason,
    /// The layers merged, newest first.
    pub inputs: Vec<u64>,
    /// What they became; the same layers if they only changed their level.
    pub outputs: Vec<u64>,
    /// Bytes of the inputs.
    pub input_bytes: u64,
    /// Bytes written: none if layers only changed their level.
    pub output_bytes: u64,
    /// Where the output is.
    pub target_level: u32,
    /// How long it took, by the set's clock.
    pub duration: Duration,
}

/// A plan nobody else works on, until this is dropped.
pub(super) struct Claimed<'a, K: LayerKind> {
    shared: &'a Shared<K>,
    plan: MergePlan,
    version: Arc<Version<K>>,
    inputs: Vec<Arc<Layer<K>>>,
    progress: Arc<JobProgress>,
    started: Duration,
    // Dropped last: whoever waits for the claim to end finds nobody reading its inputs.
    _ticket: Ticket<'a, K>,
}

/// Ends a claim when it is dropped.
struct Ticket<'a, K: LayerKind> {
    shared: &'a Shared<K>,
    number: u64,
}

impl<K: LayerKind> Drop for Ticket<'_, K> {
    fn drop(&mut self) {
        let mut merging = self.shared.merging.lock();
        merging.claims.release(self.number);
        merging.jobs.remove(&self.number);
        drop(merging);
        self.shared.changed.notify();
    }
}

impl<K: LayerKind> Drop for Claimed<'_, K> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Before the claim ends, so that no other worker runs into the same panic at once.
            self.shared.note_failure("the merge panicked".to_owned());
        }
        self.spend_what_reads_paid();
        // Before another merge can have the same inputs.
        self.shared.kind.merge_ended(&self.inputs);
    }
}

/// Who wants a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// A background worker: not while merges are paused, nor too soon after a failure.
    Worker,
    /// Somebody who called for one merge.
    User,
    /// Somebody who wants to merge everything, and so waits for all others.
    Everything,
}

/// Offers the pieces of a merge to idle workers, until it is dropped.
struct Offer<'a, K: LayerKind> {
    shared: &'a Shared<K>,
    division: &'a Arc<Division<K>>,
}

impl<'a, K: LayerKind> Offer<'a, K> {
    fn new(shared: &'a Shared<K>, division: &'a Arc<Division<K>>) -> Self {
        if !division.boundaries.is_empty() {
            shared.merging.lock().divisions.push(division.clone());
            shared.changed.notify();
        }
        Offer { shared, division }
    }
}

impl<K: LayerKind> Drop for Offer<'_, K> {
    fn drop(&mut self) {
        let mut merging = self.shared.merging.lock();
        merging.divisions.retain(|other| !Arc::ptr_eq(other, self.division));
    }
}

impl<K: LayerKind> Shared<K> {
    /// Makes the most urgent merge, if one is due and nobody works on it.
    pub(super) fn merge_once(&self, caller: Caller) -> Result<Option<MergeReport>, Error> {
        loop {
            self.check_mergeable()?;
            let rules = self.rules();
            let choose = |version: &Version<K>, shapes: &[LayerShape<'_>], claims: &Claims| {
                let due = self.hidden(version, claims).or_else(|| pick(shapes, &rules, claims));
                due.or_else(|| plan_for_outdated(shapes, &rules, claims, &self.kind.outdated(version)))
            };
            let Some(claimed) = self.claim(caller, choose) else {
                return Ok(None);
            };
            match claimed.run() {
                // Someone removed an input meanwhile: what was due then may not be due now.
                Err(Error::UnknownLayer { .. }) => {}
                outcome => return self.note_outcome(outcome).map(Some),
            }
        }
    }

    /// Merges until nothing is due and nobody merges.
    pub(super) fn merge_until_idle(&self) -> Result<Vec<MergeReport>, Error> {
        let mut reports = Vec::new();
        loop {
            let seen = self.changed.generation();
            match self.merge_once(Caller::User)? {
                Some(report) => reports.push(report),
                None if self.merging.lock().claims.is_empty() => return Ok(reports),
                None => {
                    self.changed.wait(seen);
                }
            }
        }
    }

    /// Drops what newer layers hide altogether: that costs nothing.
    pub(super) fn hidden(&self, version: &Version<K>, claims: &Claims) -> Option<MergePlan> {
        let mut hidden = self.kind.hidden(version);
        hidden.retain(|id| !claims.has_layer(*id));
        let layers = || version.layers().map(|layer| layer.descriptor());
        let target_level =
            layers().filter(|layer| hidden.contains(&layer.id)).map(|layer| layer.level).max()?;
        let inputs = layers().filter(|layer| hidden.contains(&layer.id)).map(|layer| layer.id).collect();
        Some(MergePlan { inputs, target_level, is_move: false, reason: MergeReason::Hidden })
    }

    pub(super) fn check_mergeable(&self) -> Result<(), Error> {
        if self.cancelled.load(Ordering::Acquire) {
            return Err(Error::Closed);
        }
        self.writer.lock().check()
    }

    /// Picks and claims in one step, so that two threads never claim the same.
    pub(super) fn claim(
        &self,
        caller: Caller,
        choose: impl FnOnce(&Version<K>, &[LayerShape<'_>], &Claims) -> Option<MergePlan>,
    ) -> Option<Claimed<'_, K>> {
        let mut merging = self.merging.lock();
        let is_allowed = match caller {
            Caller::Worker => merging.exclusive == 0 && merging.worker_wait(&*self.options.clock).is_none(),
            Caller::User => merging.exclusive == 0,
            Caller::Everything => merging.claims.is_empty(),
        };
        if !is_allowed {
            return None;
        }
        let version = self.current();
        let shapes = version.shapes();
        let plan = choose(&version, &shapes, &merging.claims)?;
        let by_id: BTreeMap<u64, &Arc<Layer<K>>> =
            version.layers().map(|layer| (layer.descriptor().id, layer)).collect();
        let inputs: Vec<_> = plan.inputs.iter().filter_map(|id| by_id.get(id).copied().cloned()).collect();
        let ticket = merging.claims.take(&plan, &shapes);
        let progress = Arc::new(JobProgress::of_merge(self.cancelled.clone(), self.throttle.clone()));
        let started = self.options.clock.now();
        let job = RunningJob {
            reason: plan.reason.clone(),
            inputs: plan.inputs.clone(),
            input_bytes: inputs.iter().map(|layer| layer.descriptor().bytes).sum(),
            target_level: plan.target_level,
            started,
            progress: progress.clone(),
        };
        merging.jobs.insert(ticket, job);
        drop(merging);
        drop(shapes);
        let _ticket = Ticket { shared: self, number: ticket };
        Some(Claimed { shared: self, plan, version, inputs, progress, started, _ticket })
    }

    pub(super) fn note_outcome(&self, outcome: Result<MergeReport, Error>) -> Result<MergeReport, Error> {
        match &outcome {
            Ok(report) => {
                {
                    let mut merging = self.merging.lock();
                    merging.last_failure = None;
                    merging.not_before = Duration::ZERO;
                }
                let mut totals = self.totals.lock();
                if report.reason == MergeReason::Hidden {
                    totals.hidden_layers += report.inputs.len() as u64;
                } else if report.inputs == report.outputs {
                    totals.moves += report.outputs.len() as u64;
                } else {
                    let is_for_readers = matches!(report.reason, MergeReason::PaidByReads { .. });
                    totals.merges_for_readers += u64::from(is_for_readers);
                    totals.merges += 1;
                    totals.merge_input_bytes += report.input_bytes;
                    totals.merge_output_bytes += report.output_bytes;
                }
            }
            Err(Error::Closed) => {}
            Err(error) => self.note_failure(error.to_string()),
        }
        outcome
    }

    /// Remembers a failed merge, and until when background workers wait before they try again.
    pub(super) fn note_failure(&self, message: String) {
        let at = self.options.clock.now();
        let mut merging = self.merging.lock();
        let before = merging.last_failure.as_ref().map_or(0, |failure| failure.consecutive);
        let factor = 1_u32.checked_shl(before).unwrap_or(u32::MAX);
        let wait = self.options.first_retry.saturating_mul(factor).min(self.options.longest_retry);
        let next_attempt = at + wait;
        merging.not_before = next_attempt;
        merging.last_failure = Some(MergeFailure { message, consecutive: before + 1, at, next_attempt });
        drop(merging);
        self.totals.lock().failed_merges += 1;
    }
}

impl<K: LayerKind> Claimed<'_, K> {
    pub(super) fn run(&self) -> Result<MergeReport, Error> {
        let change = match self.plan.reason {
            MergeReason::Hidden => self.removal(),
            _ if self.plan.is_move => self.movement(),
            _ => self.merge()?,
        };
        let outputs: Vec<(u64, u64)> = change.descriptors().map(|layer| (layer.id, layer.bytes)).collect();
        self.shared.commit(change)?;
        let written: u64 = outputs.iter().map(|(_, bytes)| bytes).sum();
        Ok(MergeReport {
            reason: self.plan.reason.clone(),
            inputs: self.plan.inputs.clone(),
            outputs: outputs.iter().map(|(id, _)| *id).collect(),
            input_bytes: self.inputs.iter().map(|layer| layer.descriptor().bytes).sum(),
            output_bytes: if self.plan.is_move { 0 } else { written },
            target_level: self.plan.target_level,
            duration: self.shared.options.clock.now().saturating_sub(self.started),
        })
    }

    /// The same layers at another level.
    fn movement(&self) -> Change<K> {
        let moved = |layer: &Arc<Layer<K>>| LayerDescriptor {
            level: self.plan.target_level,
            ..layer.descriptor().clone()
        };
        let added = self.inputs.iter().map(moved).collect();
        let edit = manifest::Edit { removed: self.plan.inputs.clone(), added, ..Default::default() };
        Change { edit, new: Vec::new(), is_seal: false }
    }

    /// The layers gone, and nothing in their place.
    fn removal(&self) -> Change<K> {
        let edit = manifest::Edit { removed: self.plan.inputs.clone(), ..Default::default() };
        Change { edit, new: Vec::new(), is_seal: false }
    }

    /// What reads paid for the layers as they were counts no more; where the merge failed, too, so that it is not tried
    /// again at once.
    fn spend_what_reads_paid(&self) {
        let is_from_level0 = self.inputs.iter().any(|layer| layer.descriptor().level == 0);
        match self.plan.reason {
            MergeReason::Hidden => {}
            MergeReason::PaidByReads { .. } | MergeReason::Requested => self.spend(),
            _ if is_from_level0 => self.spend(),
            _ => {}
        }
    }

    fn spend(&self) {
        self.shared.read_costs.spend(self.plan.target_level > 0);
    }

    fn merge(&self) -> Result<Change<K>, Error> {
        let division = Arc::new(Division::new(
            self.plan.clone(),
            self.version.clone(),
            self.inputs.clone(),
            self.progress.clone(),
            (self.is_bottom(), self.boundaries()),
        ));
        let offer = Offer::new(self.shared, &division);
        division.work(self.shared);
        let outcome = division.finish(self.shared);
        drop(offer);
        self.wait_for_helpers(&division);
        let finished = outcome?;
        if finished.iter().any(|layer| !self.is_within_inputs(&layer.descriptor)) {
            let source = "the output has keys outside the range of the inputs".into();
            return Err(Error::Kind { action: "merge", place: division.place(self.shared), source });
        }
        let new = self.shared.open_finished(finished)?;
        Ok(Change { new, ..self.removal() })
    }

    /// Waits until nobody else holds the inputs through the division, so that they go with the claim.
    fn wait_for_helpers(&self, division: &Arc<Division<K>>) {
        loop {
            let seen = self.shared.changed.generation();
            if Arc::strong_count(division) == 1 {
                return;
            }
            self.shared.changed.wait(seen);
        }
    }

    /// Where the merge is divided: as many pieces as workers have nothing else to do, and one for this thread.
    fn boundaries(&self) -> Vec<Vec<u8>> {
        let idle = self.shared.merging.lock().idle;
        if idle == 0 || !self.shared.kind.merges_ranges() {
            return Vec::new();
        }
        let table_bytes = self.shared.options.policy.table_bytes();
        let bytes = self.inputs.iter().map(|layer| layer.descriptor().bytes).sum();
        let pieces = division::pieces(bytes, table_bytes, idle + 1);
        if pieces < 2 {
            return Vec::new();
        }
        // Of many layers their ends tell enough, and nobody has to look into them.
        let of_layer = division::parts_of_layer(pieces, self.inputs.len());
        let cuts = |layer: &Layer<K>| match of_layer {
            ..2 => Vec::new(),
            count => self.shared.kind.cuts(layer.layer(), count),
        };
        let inputs: Vec<_> = self.inputs.iter().map(|layer| (layer.descriptor(), cuts(layer))).collect();
        division::boundaries(&inputs, pieces)
    }

    fn is_within_inputs(&self, output: &LayerDescriptor) -> bool {
        let inputs = || self.inputs.iter().map(|layer| layer.descriptor());
        inputs().any(|input| input.smallest <= output.smallest)
            && inputs().any(|input| input.largest >= output.largest)
    }

    /// Whether no other layer holds older entries for keys of the inputs. None can appear while we work: new
    /// layers are newer, and claims keep other merges from writing to our range.
    fn is_bottom(&self) -> bool {
        let is_newer = |one: &LayerDescriptor, other: &LayerDescriptor| {
            one.level < other.level || (one.level == other.level && one.recency > other.recency)
        };
        let others = self.version.layers().map(|layer| layer.descriptor());
        let mut others = others.filter(|other| !self.plan.inputs.contains(&other.id));
        !others.any(|other| {
            let mut inputs = self.inputs.iter().map(|layer| layer.descriptor());
            inputs.any(|input| is_newer(input, other) && input.overlaps(other))
        })
    }
}
