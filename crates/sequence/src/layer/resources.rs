//! What building and merging may take: threads, and bytes of memory.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::LayerError;

/// What building and merging may take; may be changed at any time.
#[derive(Debug)]
pub(crate) struct Resources {
    threads: AtomicUsize,
    memory_bytes: AtomicU64,
}

impl Resources {
    pub(crate) fn new(threads: usize, memory_bytes: u64) -> Self {
        Resources { threads: AtomicUsize::new(threads), memory_bytes: AtomicU64::new(memory_bytes) }
    }

    pub(crate) fn set(&self, threads: usize, memory_bytes: u64) {
        self.threads.store(threads.max(1), Ordering::Relaxed);
        self.memory_bytes.store(memory_bytes, Ordering::Relaxed);
    }

    pub(crate) fn threads(&self) -> usize {
        self.threads.load(Ordering::Relaxed)
    }

    pub(crate) fn memory_bytes(&self) -> u64 {
        self.memory_bytes.load(Ordering::Relaxed)
    }

    /// The memory that partitions being sorted or merged may take together; the rest is for what waits for them.
    pub(crate) fn partition_bytes(&self) -> u64 {
        self.memory_bytes() / 2
    }

    /// How many pieces of work of `each` bytes may go on at once: one result more than there are threads may wait
    /// to be written.
    ///
    /// # Errors
    /// [`LayerError::Memory`] if not even one may.
    pub(crate) fn threads_for(&self, each: u64) -> Result<usize, LayerError> {
        let available = self.partition_bytes();
        if each > available {
            return Err(LayerError::Memory { needed: each.saturating_mul(2), allowed: self.memory_bytes() });
        }
        let fitting = (available / each.max(1)).saturating_sub(1) / 2;
        Ok(self.threads().min(usize::try_from(fitting).unwrap_or(usize::MAX)).max(1))
    }
}
