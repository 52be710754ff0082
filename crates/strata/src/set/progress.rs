//! How far a piece of work has come, and whether it is still wanted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::throttle::Throttle;
use crate::Error;
use crate::runtime::{Clock, Event};

/// A merge that is held up looks as often whether it is still wanted.
const LOOK_AROUND: Duration = Duration::from_millis(20);

/// Counters that a merge (or the writing of a layer) keeps up to date for whoever watches.
#[derive(Debug, Default)]
pub(crate) struct JobProgress {
    read: AtomicU64,
    written: AtomicU64,
    /// Set when the set is being closed; merges stop at their next step. Writers of sealed layers have none.
    cancelled: Option<Arc<AtomicBool>>,
    /// How fast a merge may write, if there is a limit. Writers of sealed layers have none.
    throttle: Option<Arc<Throttle>>,
}

impl JobProgress {
    /// For a merge, which stops once `cancelled` is set.
    pub(crate) fn of_merge(cancelled: Arc<AtomicBool>, throttle: Option<Arc<Throttle>>) -> JobProgress {
        JobProgress { cancelled: Some(cancelled), throttle, ..JobProgress::default() }
    }

    /// Waits until so many bytes may be written, or the work is not wanted any more.
    ///
    /// # Errors
    /// As [`JobProgress::check_running`].
    pub(crate) fn wait_to_write(&self, bytes: u64, clock: &dyn Clock) -> Result<(), Error> {
        self.check_running()?;
        let Some(until) = self.throttle.as_ref().and_then(|throttle| throttle.take(bytes, clock)) else {
            return Ok(());
        };
        let nobody = Event::new();
        while clock.now() < until {
            nobody.wait_until(nobody.generation(), clock, until.min(clock.now() + LOOK_AROUND));
            self.check_running()?;
        }
        Ok(())
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
