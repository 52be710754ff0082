//! What the handles of a set, its edits and its background workers share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::division::Division;
use super::file::ReclaimCounters;
use super::progress::JobProgress;
use super::read_costs::ReadCosts;
use super::statistics::{MergeFailure, Totals};
use super::throttle::Throttle;
use super::{BorrowedVersion, Layer, SetOptions, Version};
use crate::layer::{LAYERS_PER_EPOCH, LayerFactory, LayerKind};
use crate::manifest::{self, Records};
use crate::picker::{self, Claims, MergeReason, Rules};
use crate::runtime::{Clock, Event, seconds_since_epoch};
use crate::storage::{Storage, StorageLock};

/// The inside of a set. Locks are taken in the order of the fields: `writer`, `merging`.
#[derive(Debug)]
pub(super) struct Shared<K: LayerKind> {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) kind: K,
    pub(super) options: SetOptions,
    pub(super) next_layer: Arc<AtomicU64>,
    /// The end of the manifest; whoever commits holds this.
    pub(super) writer: Mutex<Writer>,
    /// What is being merged.
    pub(super) merging: Mutex<Merging<K>>,
    /// Replaced as a whole.
    pub(super) current: ArcSwap<Version<K>>,
    /// Notified after each commit, each merge and on closing.
    pub(super) changed: Arc<Event>,
    /// What reads have paid for layers that are not merged; all versions have it.
    pub(super) read_costs: Arc<ReadCosts>,
    /// Set once; running merges stop at their next step.
    pub(super) cancelled: Arc<AtomicBool>,
    pub(super) reclaimed: Arc<ReclaimCounters>,
    pub(super) totals: Mutex<Totals>,
    /// Shared by all merges.
    pub(super) throttle: Option<Arc<Throttle>>,
    /// The bits of the current version's pressure, kept because writers may ask for it with every write.
    pub(super) pressure: AtomicU64,
}

/// Under the commit lock.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) manifest: manifest::Writer,
    /// Given back when the set is closed.
    pub(super) lock: Option<Box<dyn StorageLock>>,
    pub(super) closed: bool,
    /// Whether the set was opened to be read.
    pub(super) read_only: bool,
}

/// Under the merge lock.
#[derive(Debug)]
pub(super) struct Merging<K: LayerKind> {
    pub(super) claims: Claims,
    /// Merges with pieces for whoever is idle.
    pub(super) divisions: Vec<Arc<Division<K>>>,
    /// How many background workers wait for something to do.
    pub(super) idle: usize,
    /// How many want no new merges to start in the background.
    pub(super) pauses: u64,
    /// How many wait to merge everything: no other merge may start.
    pub(super) exclusive: u64,
    pub(super) jobs: BTreeMap<u64, RunningJob>,
    pub(super) last_failure: Option<MergeFailure>,
    /// When background workers may try again after a failure, in terms of the clock.
    pub(super) not_before: Duration,
}

/// What a background worker has to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WorkerWait {
    /// The end of a pause.
    Pause,
    /// This time, in terms of the clock.
    Until(Duration),
}

impl<K: LayerKind> Default for Merging<K> {
    fn default() -> Self {
        Merging {
            claims: Claims::default(),
            divisions: Vec::new(),
            idle: 0,
            pauses: 0,
            exclusive: 0,
            jobs: BTreeMap::new(),
            last_failure: None,
            not_before: Duration::ZERO,
        }
    }
}

impl<K: LayerKind> Merging<K> {
    /// Why no worker may start a merge now, if none may.
    pub(super) fn worker_wait(&self, clock: &dyn Clock) -> Option<WorkerWait> {
        if self.pauses > 0 {
            return Some(WorkerWait::Pause);
        }
        (clock.now() < self.not_before).then_some(WorkerWait::Until(self.not_before))
    }
}

/// A merge at work.
#[derive(Debug, Clone)]
pub(super) struct RunningJob {
    pub(super) reason: MergeReason,
    pub(super) inputs: Vec<u64>,
    pub(super) input_bytes: u64,
    pub(super) target_level: u32,
    pub(super) started: Duration,
    pub(super) progress: Arc<JobProgress>,
}

impl<K: LayerKind> Shared<K> {
    /// A set that shows no layers yet; without a `lock` one to be read only.
    pub(super) fn new(
        storage: Arc<dyn Storage>,
        kind: K,
        options: SetOptions,
        manifest: manifest::Writer,
        lock: Option<Box<dyn StorageLock>>,
    ) -> Self {
        let throttle = options.merge_bytes_per_second.map(|rate| Arc::new(Throttle::new(rate)));
        let first_layer = manifest.state.epoch.saturating_mul(LAYERS_PER_EPOCH);
        let read_only = lock.is_none();
        let changed = Arc::new(Event::new());
        let are_costs_heeded =
            !read_only && picker::terms_for_readers(&options.policy, &options.upkeep).is_some();
        let read_costs = Arc::new(ReadCosts::new(are_costs_heeded, changed.clone()));
        let nothing = Version::new(manifest.last, Vec::new(), Records::default(), read_costs.clone());
        Shared {
            storage,
            kind,
            options,
            next_layer: Arc::new(AtomicU64::new(first_layer)),
            writer: Mutex::new(Writer { manifest, lock, closed: false, read_only }),
            merging: Mutex::new(Merging::default()),
            current: ArcSwap::from_pointee(nothing),
            changed,
            read_costs,
            cancelled: Arc::new(AtomicBool::new(false)),
            reclaimed: Arc::new(ReclaimCounters::default()),
            totals: Mutex::default(),
            throttle,
            pressure: AtomicU64::new(0),
        }
    }

    pub(super) fn current(&self) -> Arc<Version<K>> {
        self.current.load_full()
    }

    pub(super) fn borrow_current(&self) -> BorrowedVersion<K> {
        BorrowedVersion(self.current.load())
    }

    /// Lets readers see these layers as version `number`.
    pub(super) fn show(&self, number: u64, layers: Vec<Arc<Layer<K>>>, records: &Records) -> Arc<Version<K>> {
        let version = Arc::new(Version::new(number, layers, records.clone(), self.read_costs.clone()));
        let shapes = version.shapes();
        let pressure = picker::pressure(&shapes, &self.options.policy);
        self.pressure.store(pressure.to_bits(), Ordering::Relaxed);
        self.read_costs.set_due_at(picker::least_due_for_readers(&shapes, &self.rules()));
        drop(shapes);
        self.current.store(version.clone());
        version
    }

    pub(super) fn pressure(&self) -> f64 {
        f64::from_bits(self.pressure.load(Ordering::Relaxed))
    }

    /// By what merges are picked now.
    pub(super) fn rules(&self) -> Rules<'_> {
        let SetOptions { policy, upkeep, clock, .. } = &self.options;
        Rules { policy, upkeep, now: seconds_since_epoch(&**clock), paid: self.read_costs.paid() }
    }

    /// Whether reads have paid for sealing what lies above all layers.
    pub(super) fn is_seal_paid_for(&self, bytes_above: u64, paid: u64) -> bool {
        picker::is_seal_paid_for(&self.current().shapes(), &self.rules(), bytes_above, paid)
    }

    pub(super) fn factory(&self, progress: Arc<JobProgress>) -> LayerFactory {
        LayerFactory::new(self.storage.clone(), self.next_layer.clone(), progress, self.options.clock.clone())
    }
}
