//! Counts what a query looked at, for explain.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Shared between a running query and the one who explains it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counters {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    keys: AtomicU64,
    documents: AtomicU64,
}

impl Counters {
    pub(crate) fn count_key(&self) {
        self.shared.keys.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_document(&self) {
        self.shared.documents.fetch_add(1, Ordering::Relaxed);
    }

    /// Index entries looked at.
    pub(crate) fn keys(&self) -> u64 {
        self.shared.keys.load(Ordering::Relaxed)
    }

    /// Documents looked at.
    pub(crate) fn documents(&self) -> u64 {
        self.shared.documents.load(Ordering::Relaxed)
    }
}
