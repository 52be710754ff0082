//! An open layer and its blob, which is deleted when the last one who reads it lets go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::layer::LayerDescriptor;
use crate::storage::Storage;

/// An open layer. Versions share it; a move to another level keeps it.
#[derive(Debug)]
pub(super) struct LayerFile<L> {
    // Dropped before `reclaim`, so that nobody reads the blob when it is deleted.
    pub(super) layer: L,
    pub(super) reclaim: Reclaim,
}

/// Deletes a blob on drop, if it became obsolete.
#[derive(Debug)]
pub(super) struct Reclaim {
    storage: Arc<dyn Storage>,
    name: String,
    bytes: u64,
    obsolete: AtomicBool,
    counters: Arc<ReclaimCounters>,
}

/// What was reclaimed, and what waits for its last reader.
#[derive(Debug, Default)]
pub(super) struct ReclaimCounters {
    pub(super) waiting_layers: AtomicU64,
    pub(super) waiting_bytes: AtomicU64,
    pub(super) deleted_layers: AtomicU64,
    pub(super) failed_deletions: AtomicU64,
}

impl Reclaim {
    pub(super) fn new(
        storage: Arc<dyn Storage>,
        descriptor: &LayerDescriptor,
        counters: Arc<ReclaimCounters>,
    ) -> Reclaim {
        Reclaim {
            storage,
            name: descriptor.blob_name(),
            bytes: descriptor.bytes,
            obsolete: AtomicBool::new(false),
            counters,
        }
    }

    /// From now on no version but those in use names the layer.
    pub(super) fn mark_obsolete(&self) {
        if !self.obsolete.swap(true, Ordering::AcqRel) {
            self.counters.waiting_layers.fetch_add(1, Ordering::Relaxed);
            self.counters.waiting_bytes.fetch_add(self.bytes, Ordering::Relaxed);
        }
    }
}

impl Drop for Reclaim {
    fn drop(&mut self) {
        if !*self.obsolete.get_mut() {
            return;
        }
        self.counters.waiting_layers.fetch_sub(1, Ordering::Relaxed);
        self.counters.waiting_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        // What cannot be deleted now is an orphan and goes when the set is opened next.
        let counter = match self.storage.delete(&self.name) {
            Ok(()) => &self.counters.deleted_layers,
            Err(_) => &self.counters.failed_deletions,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
