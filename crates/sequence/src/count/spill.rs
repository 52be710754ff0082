//! Temporary blobs for what waits to be sorted and does not fit into memory.
//!
//! They go through the storage like everything else, so that a full disk can be tested. They are named nowhere:
//! what a crash leaves is deleted when the index is opened next.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stroma_strata::storage::{Blob, Storage};
use xxhash_rust::xxh3::xxh3_64;

use crate::Error;
use crate::layer::LayerError;

/// The folder of the temporary blobs.
pub(super) const SPILL_FOLDER: &str = "spill";

/// Gives the temporary blobs of an index their names.
#[derive(Debug)]
pub(crate) struct Spills {
    storage: Arc<dyn Storage>,
    next: AtomicU64,
}

impl Spills {
    pub(crate) fn new(storage: Arc<dyn Storage>) -> Self {
        Spills { storage, next: AtomicU64::new(0) }
    }

    /// Deletes what a crash left behind.
    pub(crate) fn clear(&self) -> Result<(), Error> {
        let failed = stroma_strata::Error::from;
        for entry in self.storage.list(SPILL_FOLDER).map_err(failed)? {
            self.storage.delete(&entry.name).map_err(failed)?;
        }
        Ok(())
    }
}

/// A temporary blob with a stretch of bytes for each partition. Dropping it deletes the blob.
#[derive(Debug)]
pub(super) struct SpilledRun {
    storage: Arc<dyn Storage>,
    name: String,
    /// Where each partition's bytes end, and their checksum.
    parts: Vec<(u64, u64)>,
    blob: Arc<dyn Blob>,
}

impl SpilledRun {
    /// Writes the bytes of all partitions, in order.
    pub(super) fn write<'a>(
        spills: &Spills,
        partitions: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Self, Error> {
        let number = spills.next.fetch_add(1, Ordering::Relaxed);
        let name = format!("{SPILL_FOLDER}/{number:020}");
        let storage = spills.storage.clone();
        let (parts, blob) = (|| {
            let mut writer = storage.create(&name)?;
            let mut parts = Vec::new();
            for bytes in partitions {
                writer.write_all(bytes)?;
                parts.push((writer.position(), xxh3_64(bytes)));
            }
            writer.seal()?;
            Ok((parts, storage.open(&name)?))
        })()
        .map_err(stroma_strata::Error::Storage)?;
        Ok(SpilledRun { storage, name, parts, blob })
    }

    /// The bytes of a partition.
    pub(super) fn read(&self, partition: usize) -> Result<Vec<u8>, Error> {
        let start = partition.checked_sub(1).map_or(0, |before| self.parts[before].0);
        let (end, checksum) = self.parts[partition];
        let mut bytes = vec![0; (end - start) as usize];
        self.blob.read_exact_at(start, &mut bytes).map_err(stroma_strata::Error::Storage)?;
        if xxh3_64(&bytes) == checksum {
            return Ok(bytes);
        }
        let what = "a temporary file does not hold what was written to it";
        Err(LayerError::Corrupt { place: self.blob.describe(), offset: start, what }.into())
    }
}

impl Drop for SpilledRun {
    fn drop(&mut self) {
        // What cannot be deleted now goes when the index is opened next.
        let _ = self.storage.delete(&self.name);
    }
}
