//! Scratch files: where transactions put what outgrew memory. They are gone with their transaction, or, after a crash,
//! with the next opening.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stroma_strata::storage::{BlobWriter, Storage};

use super::runs::Part;
use crate::Encryption;
use crate::Error;
use crate::compaction::TableOutput;
use crate::table::{Table, TableKeys, TableSink, TableSummary};

/// The folder of scratch files.
const FOLDER: &str = "scratch";
/// A scratch table ends with the key that makes it at least this long, in bytes: what a table needs in memory while
/// it is written grows with it.
const TABLE_BYTES: u64 = 64 << 20;

/// Gives out scratch files.
#[derive(Debug)]
pub(crate) struct Scratch {
    storage: Arc<dyn Storage>,
    next_number: AtomicU64,
}

/// The blob of a scratch file; dropping it deletes it.
#[derive(Debug)]
pub(super) struct ScratchFile {
    storage: Arc<dyn Storage>,
    name: String,
}

impl Drop for ScratchFile {
    fn drop(&mut self) {
        // What cannot be deleted now goes when the database is opened next.
        let _ = self.storage.delete(&self.name);
    }
}

impl Scratch {
    /// Deletes what a crash left in `storage`; answers how many files that were as well.
    ///
    /// # Errors
    /// Failure of the storage.
    pub(crate) fn open(storage: Arc<dyn Storage>) -> Result<(Arc<Scratch>, usize), Error> {
        let left = storage.list(FOLDER)?;
        for entry in &left {
            storage.delete(&entry.name)?;
        }
        // A deletion may come undone with the power, so no name is given twice in a row.
        let number = |name: &str| name.rsplit('/').next().and_then(|digits| digits.parse::<u64>().ok());
        let last = left.iter().filter_map(|entry| number(&entry.name)).max();
        let next_number = AtomicU64::new(last.map_or(0, |last| last.saturating_add(1)));
        Ok((Arc::new(Scratch { storage, next_number }), left.len()))
    }

    /// For a database that is only read: nothing is deleted, and nobody writes.
    pub(crate) fn unused(storage: Arc<dyn Storage>) -> Arc<Scratch> {
        Arc::new(Scratch { storage, next_number: AtomicU64::new(0) })
    }
}

/// Writes the tables of a run to scratch files.
#[derive(Debug)]
pub(super) struct ScratchTables {
    scratch: Arc<Scratch>,
    encryption: Option<Encryption>,
    parts: Vec<Part>,
}

impl ScratchTables {
    /// Encrypted, if the database is.
    pub(super) fn new(scratch: Arc<Scratch>, encryption: Option<Encryption>) -> Self {
        ScratchTables { scratch, encryption, parts: Vec::new() }
    }

    /// What was written, in key order.
    pub(super) fn into_parts(self) -> Vec<Part> {
        self.parts
    }
}

/// A scratch file being written.
#[derive(Debug)]
pub(super) struct ScratchSink {
    number: u64,
    name: String,
    writer: Box<dyn BlobWriter>,
}

impl TableSink for ScratchSink {
    type Error = Error;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Error> {
        Ok(self.writer.write_all(bytes)?)
    }

    fn number(&self) -> u64 {
        self.number
    }
}

impl TableOutput for ScratchTables {
    type Sink = ScratchSink;

    fn start(&mut self) -> Result<ScratchSink, Error> {
        let number = self.scratch.next_number.fetch_add(1, Ordering::Relaxed);
        let name = format!("{FOLDER}/{number:020}");
        let writer = self.scratch.storage.create(&name)?;
        Ok(ScratchSink { number, name, writer })
    }

    fn finish(&mut self, sink: ScratchSink, _: TableSummary) -> Result<(), Error> {
        let ScratchSink { number, name, writer } = sink;
        writer.seal()?;
        // Not before: until then the name may be another's, who has opened the database since it was closed here.
        let file = ScratchFile { storage: self.scratch.storage.clone(), name };
        let keys = TableKeys { encryption: self.encryption.clone(), number };
        let table = Table::open_with(self.scratch.storage.open(&file.name)?, keys, None, 0)?;
        self.parts.push(Part { table, _file: file });
        Ok(())
    }

    fn table_bytes(&self) -> u64 {
        TABLE_BYTES
    }
}
