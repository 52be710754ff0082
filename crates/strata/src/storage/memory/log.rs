//! A log in memory, being written and being read.

use std::io::{self, Cursor, Read};
use std::sync::Arc;

use super::faults::Effect;
use super::state::describe;
use super::storage::Shared;
use crate::storage::{LogReader, LogWriter, StorageError};

/// The writer of a log: what it has not flushed dies with it.
#[derive(Debug)]
pub(super) struct MemoryLogWriter {
    shared: Arc<Shared>,
    name: String,
    buffer: Vec<u8>,
    length: u64,
    failed: bool,
}

impl MemoryLogWriter {
    pub(super) fn new(shared: Arc<Shared>, name: &str) -> MemoryLogWriter {
        MemoryLogWriter { shared, name: name.to_owned(), buffer: Vec::new(), length: 0, failed: false }
    }

    fn check(&self) -> Result<(), StorageError> {
        if self.failed {
            return Err(StorageError::Poisoned { place: describe(&self.name) });
        }
        Ok(())
    }

    fn flush_buffer(&mut self) -> Result<(), StorageError> {
        let mut state = self.shared.state.lock();
        let outcome = state
            .operation("append to", &self.name)
            .and_then(|_| state.reserve("append to", &self.name, self.buffer.len() as u64));
        let taken = match outcome {
            Ok(()) => self.buffer.len(),
            // A write that fails may have been done in part.
            Err(_) => state.faults.random.below(self.buffer.len() as u64 + 1) as usize,
        };
        // A log deleted under its writer swallows what is written, as an unlinked file does.
        if let Some(log) = state.logs.get_mut(&self.name) {
            log.bytes.extend_from_slice(&self.buffer[..taken]);
        }
        self.buffer.clear();
        outcome
    }

    fn sync_flushed(&mut self) -> Result<(), StorageError> {
        let mut state = self.shared.state.lock();
        if state.operation("sync", &self.name)? == Effect::NotDone {
            return Ok(());
        }
        if let Some(log) = state.logs.get_mut(&self.name) {
            log.synced = log.bytes.len();
        }
        Ok(())
    }

    fn note(&mut self, outcome: Result<(), StorageError>) -> Result<(), StorageError> {
        self.failed |= outcome.is_err();
        outcome
    }
}

impl LogWriter for MemoryLogWriter {
    fn append(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.check()?;
        self.buffer.extend_from_slice(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StorageError> {
        self.check()?;
        let outcome = self.flush_buffer();
        self.note(outcome)
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.flush()?;
        let outcome = self.sync_flushed();
        self.note(outcome)
    }

    fn len(&self) -> u64 {
        self.length
    }
}

/// Reads the bytes a log had when it was opened.
#[derive(Debug)]
pub(super) struct MemoryLogReader {
    shared: Arc<Shared>,
    name: String,
    bytes: Cursor<Vec<u8>>,
}

impl MemoryLogReader {
    pub(super) fn new(shared: Arc<Shared>, name: &str, bytes: Vec<u8>) -> MemoryLogReader {
        MemoryLogReader { shared, name: name.to_owned(), bytes: Cursor::new(bytes) }
    }
}

impl Read for MemoryLogReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let effect = self.shared.state.lock().operation("read", &self.name).map_err(io::Error::other)?;
        let length = self.bytes.read(into)?;
        effect.strike(&mut into[..length]);
        Ok(length)
    }
}

impl LogReader for MemoryLogReader {
    fn len(&self) -> u64 {
        self.bytes.get_ref().len() as u64
    }
}
