//! What a set knows of itself: sizes, work done, work at hand.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::shared::Shared;
use crate::layer::LayerKind;
use crate::picker::MergeReason;

/// Counts since the set was opened.
#[derive(Debug, Default, Clone)]
pub(super) struct Totals {
    pub(super) sealed_layers: u64,
    pub(super) sealed_bytes: u64,
    pub(super) merges: u64,
    pub(super) merges_for_readers: u64,
    pub(super) moves: u64,
    pub(super) hidden_layers: u64,
    pub(super) merge_input_bytes: u64,
    pub(super) merge_output_bytes: u64,
    pub(super) failed_merges: u64,
}

/// A snapshot of what a set knows of itself. Counts are since it was opened; sizes are in bytes.
#[derive(Debug, Clone)]
pub struct SetStatistics {
    /// The levels that have layers.
    pub levels: Vec<LevelStatistics>,
    /// Layers written by edits.
    pub sealed_layers: u64,
    /// Their bytes.
    pub sealed_bytes: u64,
    /// Merges that ended well and rewrote something.
    pub merges: u64,
    /// Those of them that reads had paid for.
    pub merges_for_readers: u64,
    /// Layers that changed their level without being rewritten.
    pub moves: u64,
    /// Layers that were dropped without being read, because newer ones delete all that they hold.
    pub hidden_layers: u64,
    /// Bytes of the merged layers.
    pub merge_input_bytes: u64,
    /// Bytes of what they were merged into.
    pub merge_output_bytes: u64,
    /// Merges that failed.
    pub failed_merges: u64,
    /// The last failure, until a merge ends well.
    pub last_failure: Option<MergeFailure>,
    /// Merges at work.
    pub jobs: Vec<JobStatistics>,
    /// Runs in level 0, relative to the number that starts a merge: a writer should slow down as this grows
    /// past 2 or so.
    pub pressure: f64,
    /// Layers that were replaced, but are kept for somebody who still reads an older version.
    pub obsolete_layers: u64,
    /// Their bytes.
    pub obsolete_bytes: u64,
    /// Replaced layers that were deleted.
    pub deleted_layers: u64,
    /// Replaced layers that could not be deleted; they go when the set is opened next.
    pub failed_deletions: u64,
    /// Blobs written to the manifest.
    pub manifest_blobs: u64,
    /// Their bytes.
    pub manifest_bytes: u64,
}

impl SetStatistics {
    /// Bytes written for each byte that was sealed: 1.0 if nothing was ever merged. Zero if nothing was
    /// sealed.
    pub fn write_amplification(&self) -> f64 {
        if self.sealed_bytes == 0 {
            return 0.0;
        }
        (self.sealed_bytes + self.merge_output_bytes) as f64 / self.sealed_bytes as f64
    }
}

/// One level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelStatistics {
    /// Its number.
    pub level: u32,
    /// Its layers.
    pub layers: usize,
    /// Its runs: how many layers a query for one key may have to look at.
    pub runs: usize,
    /// Its bytes.
    pub bytes: u64,
    /// Its entries, in the kind's own terms.
    pub entries: u64,
}

/// A merge at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobStatistics {
    /// Why it is made.
    pub reason: MergeReason,
    /// Its input layers.
    pub inputs: Vec<u64>,
    /// Their bytes.
    pub input_bytes: u64,
    /// How many of these were read, as far as the layer kind tells.
    pub read_bytes: u64,
    /// Bytes written so far.
    pub written_bytes: u64,
    /// Where its output goes.
    pub target_level: u32,
    /// When it began, in terms of the set's clock.
    pub started: Duration,
}

/// A merge that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeFailure {
    /// What went wrong.
    pub message: String,
    /// How many merges failed one after the other.
    pub consecutive: u32,
    /// When, in terms of the set's clock.
    pub at: Duration,
    /// When background workers try again, in terms of the set's clock.
    pub next_attempt: Duration,
}

impl<K: LayerKind> Shared<K> {
    pub(super) fn statistics(&self) -> SetStatistics {
        let version = self.current();
        let levels = version.levels().iter().map(|level| LevelStatistics {
            level: level.number(),
            layers: level.layers().count(),
            runs: level.runs().len(),
            bytes: level.layers().map(|layer| layer.descriptor().bytes).sum(),
            entries: level.layers().map(|layer| layer.descriptor().entries).sum(),
        });
        let (manifest_blobs, manifest_bytes) = self.writer.lock().manifest.written;
        // Totals first, since they are written last: what is counted here is told of below.
        let totals = self.totals.lock().clone();
        let (jobs, last_failure) = self.merging_statistics();
        let load = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        SetStatistics {
            levels: levels.collect(),
            sealed_layers: totals.sealed_layers,
            sealed_bytes: totals.sealed_bytes,
            merges: totals.merges,
            merges_for_readers: totals.merges_for_readers,
            moves: totals.moves,
            hidden_layers: totals.hidden_layers,
            merge_input_bytes: totals.merge_input_bytes,
            merge_output_bytes: totals.merge_output_bytes,
            failed_merges: totals.failed_merges,
            last_failure,
            jobs,
            pressure: self.pressure(),
            obsolete_layers: load(&self.reclaimed.waiting_layers),
            obsolete_bytes: load(&self.reclaimed.waiting_bytes),
            deleted_layers: load(&self.reclaimed.deleted_layers),
            failed_deletions: load(&self.reclaimed.failed_deletions),
            manifest_blobs,
            manifest_bytes,
        }
    }

    fn merging_statistics(&self) -> (Vec<JobStatistics>, Option<MergeFailure>) {
        let merging = self.merging.lock();
        let jobs = merging.jobs.values().map(|job| JobStatistics {
            reason: job.reason.clone(),
            inputs: job.inputs.clone(),
            input_bytes: job.input_bytes,
            read_bytes: job.progress.read_bytes(),
            written_bytes: job.progress.written_bytes(),
            target_level: job.target_level,
            started: job.started,
        });
        (jobs.collect(), merging.last_failure.clone())
    }
}
