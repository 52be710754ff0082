//! How far a piece of work has come, and whether it is still wanted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::Error;

/// Counters that a merge (or the writing of a layer) keeps up to date for whoever watches.
#[derive(Debug, Default)]
pub(crate) struct JobProgress {
    read: AtomicU64,
    written: AtomicU64,
    /// Set when the set is being closed; merges stop at their next step. Writers of sealed layers have none.
    cancelled: Option<Arc<AtomicBool>>,
}

impl JobProgress {
    /// For work that stops once `cancelled` is set.
    pub(crate) fn stoppable(cancelled: Arc<AtomicBool>) -> JobProgress {
        JobProgress { cancelled: Some(cancelled), ..JobProgress::default() }
    }

    /// # Errors
    /// [`Error::Closed`] if the work is not wanted any more.
    pub(crate) fn check_running(&self) -> Result<(), Error> {
        if self.cancelled.as_ref().is_some_and(|cancelled| cancelled.load(Ordering::Acquire)) {
            return Err(Error::Closed);
        }
        Ok(())
    }

    pub(crate) fn note_read(&self, bytes: u64) {
        self.read.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn note_written(&self, bytes: u64) {
        self.written.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn read_bytes(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    pub(crate) fn written_bytes(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }
}
