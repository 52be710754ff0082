//! How far the flush has come, for everyone who depends on it, and what the manifest keeps of it.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, MutexGuard};
use stroma_strata::runtime::Event;

use crate::Error;
use crate::entry::Sequence;

/// See the module.
#[derive(Debug)]
pub(crate) struct FlushState {
    /// Held while a memtable is flushed: they go one at a time, oldest first.
    flushing: Mutex<()>,
    flushed_through: AtomicU64,
    first_needed_log: AtomicU64,
    /// The last failure, until it was told to a writer.
    failure: Mutex<Option<Error>>,
    /// Notified when a flush ended, well or not.
    progress: Event,
    /// Notified when there is something to flush.
    wanted: Event,
}

impl FlushState {
    pub(crate) fn new(record: FlushRecord) -> Self {
        FlushState {
            flushing: Mutex::new(()),
            flushed_through: AtomicU64::new(record.flushed_through),
            first_needed_log: AtomicU64::new(record.first_needed_log),
            failure: Mutex::new(None),
            progress: Event::new(),
            wanted: Event::new(),
        }
    }

    /// Tables hold every commit up to this sequence.
    pub(crate) fn flushed_through(&self) -> Sequence {
        self.flushed_through.load(Ordering::Acquire)
    }

    /// Log segments with smaller numbers are not needed.
    pub(crate) fn first_needed_log(&self) -> u64 {
        self.first_needed_log.load(Ordering::Acquire)
    }

    pub(super) fn begin(&self) -> MutexGuard<'_, ()> {
        self.flushing.lock()
    }

    pub(super) fn advance(&self, record: FlushRecord) {
        self.first_needed_log.store(record.first_needed_log, Ordering::Release);
        self.flushed_through.store(record.flushed_through, Ordering::Release);
    }

    /// Notified when a flush ended, well or not.
    pub(crate) fn progress(&self) -> &Event {
        &self.progress
    }

    pub(super) fn wanted(&self) -> &Event {
        &self.wanted
    }

    /// Wakes the flush.
    pub(crate) fn ask(&self) {
        self.wanted.notify();
    }

    pub(super) fn note_failure(&self, error: Error) {
        *self.failure.lock() = Some(error);
        self.progress.notify();
    }

    /// What the last flush failed with, told once.
    pub(crate) fn take_failure(&self) -> Option<Error> {
        self.failure.lock().take()
    }
}

/// What the manifest says of the log, changed together with the tables: the record `log`, sixteen bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FlushRecord {
    /// Tables hold every commit up to this sequence.
    pub(crate) flushed_through: Sequence,
    /// The first log segment that recovery reads.
    pub(crate) first_needed_log: u64,
}

impl FlushRecord {
    /// Its name in the manifest.
    pub(crate) const NAME: &str = "log";

    pub(crate) fn encode(&self) -> Vec<u8> {
        [self.flushed_through.to_le_bytes(), self.first_needed_log.to_le_bytes()].concat()
    }

    /// What a database holds that never flushed, for `None`; nothing for malformed bytes.
    pub(crate) fn decode(bytes: Option<&[u8]>) -> Option<FlushRecord> {
        let Some(bytes) = bytes else {
            return Some(FlushRecord { flushed_through: 0, first_needed_log: 0 });
        };
        let (flushed, log) = bytes.split_at_checked(8)?;
        Some(FlushRecord {
            flushed_through: u64::from_le_bytes(flushed.try_into().ok()?),
            first_needed_log: u64::from_le_bytes(log.try_into().ok()?),
        })
    }
}
