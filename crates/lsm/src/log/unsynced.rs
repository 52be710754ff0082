//! Ended segments of the log that hold bytes not known to be on the device.
//!
//! Who holds the writer's lock adds to them and syncs them all when a commit promises everything before it; the
//! flush syncs those whose entries it leaves to the log. Whoever syncs holds the lock meanwhile, so that nobody
//! takes for synced what is still under way.

use parking_lot::Mutex;
use stroma_strata::storage::{LogWriter, StorageError};

/// A segment open for writing.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) log_number: u64,
    pub(super) writer: Box<dyn LogWriter>,
}

/// See the module; oldest first.
#[derive(Debug, Default)]
pub(crate) struct UnsyncedSegments {
    segments: Mutex<Vec<Segment>>,
}

impl UnsyncedSegments {
    pub(super) fn push(&self, segment: Segment) {
        self.segments.lock().push(segment);
    }

    /// Hands their bytes to the operating system.
    pub(super) fn flush(&self) -> Result<(), StorageError> {
        self.segments.lock().iter_mut().try_for_each(|segment| segment.writer.flush())
    }

    /// Puts the segments up to and with `log_number` on the device; answers how many that were. After an error those
    /// that were not reached stay, the failed one among them.
    pub(crate) fn sync_through(&self, log_number: u64) -> Result<usize, StorageError> {
        let mut segments = self.segments.lock();
        let mut synced = 0;
        while let Some(oldest) = segments.first_mut().filter(|segment| segment.log_number <= log_number) {
            oldest.writer.sync()?;
            segments.remove(0);
            synced += 1;
        }
        Ok(synced)
    }

    /// Lets go of those below `first_needed`, whose entries are in tables.
    pub(crate) fn forget_before(&self, first_needed: u64) {
        let mut segments = self.segments.lock();
        let count = segments.partition_point(|segment| segment.log_number < first_needed);
        let gone: Vec<Segment> = segments.drain(..count).collect();
        // To close a file may take long, and who commits asks for the lock.
        drop(segments);
        drop(gone);
    }
}
