//! Writing one layer: counted, stoppable, and remembered until an edit names it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::descriptor::blob_name;
use super::{LayerDescriptor, LayerSummary};
use crate::Error;
use crate::runtime::{Clock, seconds_since_epoch};
use crate::set::JobProgress;
use crate::storage::{BlobWriter, Storage};

/// Layers an epoch may write before its ids would run into the next epoch's.
pub(crate) const LAYERS_PER_EPOCH: u64 = 10_000_000_000;

/// Gives out ids and writers, and keeps what was finished.
#[derive(Debug)]
pub(crate) struct LayerFactory {
    storage: Arc<dyn Storage>,
    next_id: Arc<AtomicU64>,
    progress: Arc<JobProgress>,
    clock: Arc<dyn Clock>,
    finished: Arc<Mutex<Vec<FinishedLayer>>>,
}

/// A layer that is sealed but not yet named. Dropping it deletes the blob.
#[derive(Debug)]
pub(crate) struct FinishedLayer {
    pub(crate) descriptor: LayerDescriptor,
    storage: Arc<dyn Storage>,
    kept: bool,
}

impl FinishedLayer {
    /// From now on somebody else looks after the blob.
    pub(crate) fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for FinishedLayer {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be deleted now is an orphan and goes when the set is opened next.
            let _ = self.storage.delete(&self.descriptor.blob_name());
        }
    }
}

impl LayerFactory {
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        next_id: Arc<AtomicU64>,
        progress: Arc<JobProgress>,
        clock: Arc<dyn Clock>,
    ) -> LayerFactory {
        LayerFactory { storage, next_id, progress, clock, finished: Arc::default() }
    }

    pub(crate) fn start(&self, level: u32, recency: u64) -> Result<LayerWriter, Error> {
        self.progress.check_running()?;
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let blob = self.storage.create(&blob_name(id))?;
        Ok(LayerWriter {
            id,
            level,
            recency,
            blob,
            storage: self.storage.clone(),
            progress: self.progress.clone(),
            clock: self.clock.clone(),
            finished: self.finished.clone(),
        })
    }

    /// Waits until so many bytes may be written elsewhere, and counts them.
    pub(crate) fn note_written(&self, bytes: u64) -> Result<(), Error> {
        self.progress.wait_to_write(bytes, &*self.clock)?;
        self.progress.note_written(bytes);
        Ok(())
    }

    /// The layers finished since the last call, in the order in which they were finished.
    pub(crate) fn take_finished(&self) -> Vec<FinishedLayer> {
        std::mem::take(&mut *self.finished.lock())
    }
}

/// The writer of one layer; also an [`io::Write`]. Dropping it discards what was written.
#[derive(Debug)]
pub struct LayerWriter {
    id: u64,
    level: u32,
    recency: u64,
    blob: Box<dyn BlobWriter>,
    storage: Arc<dyn Storage>,
    progress: Arc<JobProgress>,
    clock: Arc<dyn Clock>,
    finished: Arc<Mutex<Vec<FinishedLayer>>>,
}

impl LayerWriter {
    /// The id the layer will have.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Adds bytes at the end.
    ///
    /// # Errors
    /// [`Error::Storage`]; [`Error::Closed`] if the set is being closed and the layer belongs to a merge.
    pub fn write_all(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.progress.wait_to_write(bytes.len() as u64, &*self.clock)?;
        self.blob.write_all(bytes)?;
        self.progress.note_written(bytes.len() as u64);
        Ok(())
    }

    /// How many bytes were written so far.
    pub fn position(&self) -> u64 {
        self.blob.position()
    }

    /// Seals the layer: it is durable, and becomes part of the set with the edit it was written for.
    pub fn finish(self, summary: LayerSummary) -> Result<LayerDescriptor, Error> {
        let bytes = self.blob.seal().inspect_err(|error| {
            if !error.published_nothing() {
                // It may have its name all the same. What cannot be deleted now goes when the set is opened next.
                let _ = self.storage.delete(&blob_name(self.id));
            }
        })?;
        let LayerSummary { smallest, largest, entries, deletes, metadata } = summary;
        let descriptor = LayerDescriptor {
            id: self.id,
            level: self.level,
            recency: self.recency,
            smallest,
            largest,
            bytes,
            entries,
            deletes,
            created: seconds_since_epoch(&*self.clock),
            metadata,
        };
        let finished = FinishedLayer { descriptor: descriptor.clone(), storage: self.storage, kept: false };
        self.finished.lock().push(finished);
        Ok(descriptor)
    }
}

impl io::Write for LayerWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LayerWriter::write_all(self, bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
