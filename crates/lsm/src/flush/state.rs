//! How far the flush has come, for everyone who depends on it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Mutex, MutexGuard};
use stroma_strata::runtime::Event;

use super::FlushRecord;
use crate::Error;
use crate::entry::Sequence;

/// See the module.
#[derive(Debug)]
pub(crate) struct FlushState {
    /// Held while a memtable is flushed: they go one at a time, oldest first.
    flushing: Mutex<()>,
    flushed_through: AtomicU64,
    first_needed_log: AtomicU64,
    durable_through: AtomicU64,
    /// No memtable holds a sequence up to this one any more: the resident layer and tables do.
    absorbed_through: AtomicU64,
    /// Whether a writer waits for memory that only the resident layer can give back.
    memory_wanted: AtomicBool,
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
            durable_through: AtomicU64::new(record.durable_through),
            absorbed_through: AtomicU64::new(record.flushed_through),
            memory_wanted: AtomicBool::new(false),
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

    /// Everything up to this sequence is on the device, in tables or in the log, as far as the flush knows.
    pub(crate) fn durable_through(&self) -> Sequence {
        self.durable_through.load(Ordering::Acquire)
    }

    /// No memtable holds a sequence up to this one any more.
    pub(crate) fn absorbed_through(&self) -> Sequence {
        self.absorbed_through.load(Ordering::Acquire)
    }

    /// Tells, before a memtable leaves the list, that it will; or that changes up to this sequence went past memory.
    pub(crate) fn note_absorbed(&self, sequence: Sequence) {
        self.absorbed_through.fetch_max(sequence, Ordering::AcqRel);
    }

    /// Asks for the memory of the resident layer.
    pub(crate) fn ask_for_memory(&self) {
        self.memory_wanted.store(true, Ordering::Release);
        self.ask();
    }

    /// Whether somebody asked for the memory of the resident layer since this was last called.
    pub(super) fn take_memory_wanted(&self) -> bool {
        self.memory_wanted.swap(false, Ordering::AcqRel)
    }

    pub(super) fn begin(&self) -> MutexGuard<'_, ()> {
        self.flushing.lock()
    }

    /// Keeps flushes from beginning, after the one at work.
    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        self.begin()
    }

    pub(super) fn advance(&self, record: FlushRecord) {
        self.durable_through.store(record.durable_through, Ordering::Release);
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
