//! Counts of what the engine did since it was opened.

use std::sync::atomic::{AtomicU64, Ordering};

/// A count that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// See the module. Each is described where it is told, in [`Statistics`](crate::Statistics).
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) commits: Counter,
    pub(crate) groups: Counter,
    pub(crate) syncs: Counter,
    pub(crate) user_bytes: Counter,
    pub(crate) log_bytes: Counter,
    pub(crate) conflicts: Counter,
    pub(crate) flushes: Counter,
    pub(crate) ingestions: Counter,
    pub(crate) absorbed_memtables: Counter,
    pub(crate) cleaned_bytes: Counter,
    pub(crate) sheddings: Counter,
    pub(crate) slowdowns: Counter,
    pub(crate) slowdown_nanoseconds: Counter,
    pub(crate) stops: Counter,
    pub(crate) stop_nanoseconds: Counter,
}
