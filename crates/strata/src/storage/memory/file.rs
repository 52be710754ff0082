//! A blob in memory, being written and being read.

use std::sync::Arc;

use super::state::describe;
use super::storage::Shared;
use crate::storage::{Blob, BlobWriter, StorageError};

/// Gathers bytes until they are sealed.
#[derive(Debug)]
pub(super) struct MemoryBlobWriter {
    shared: Arc<Shared>,
    name: String,
    bytes: Vec<u8>,
}

impl MemoryBlobWriter {
    pub(super) fn new(shared: Arc<Shared>, name: &str) -> MemoryBlobWriter {
        MemoryBlobWriter { shared, name: name.to_owned(), bytes: Vec::new() }
    }
}

impl BlobWriter for MemoryBlobWriter {
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        let mut state = self.shared.state.lock();
        state.operation("write", &self.name)?;
        state.reserve("write", &self.name, bytes.len() as u64)?;
        state.unsealed_bytes += bytes.len() as u64;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn position(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn seal(mut self: Box<Self>) -> Result<u64, StorageError> {
        let mut state = self.shared.state.lock();
        state.operation("sync", &self.name)?;
        let bytes = std::mem::take(&mut self.bytes);
        let length = bytes.len() as u64;
        state.unsealed_bytes -= length;
        state.publish(&self.name, bytes)?;
        Ok(length)
    }
}

impl Drop for MemoryBlobWriter {
    fn drop(&mut self) {
        self.shared.state.lock().unsealed_bytes -= self.bytes.len() as u64;
    }
}

/// An open blob; it keeps its bytes whatever happens to the name.
#[derive(Debug)]
pub(super) struct MemoryBlob {
    shared: Arc<Shared>,
    name: String,
    bytes: Arc<Vec<u8>>,
    mapped: bool,
}

impl MemoryBlob {
    pub(super) fn new(shared: Arc<Shared>, name: &str, bytes: Arc<Vec<u8>>, mapped: bool) -> MemoryBlob {
        MemoryBlob { shared, name: name.to_owned(), bytes, mapped }
    }
}

impl Blob for MemoryBlob {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_exact_at(&self, offset: u64, into: &mut [u8]) -> Result<(), StorageError> {
        let mut state = self.shared.state.lock();
        let effect = state.operation("read", &self.name)?;
        if state.faults.unreadable.contains(&self.name) {
            let source = Arc::new(std::io::Error::other("a failing read was injected"));
            return Err(StorageError::Io { place: describe(&self.name), action: "read", source });
        }
        drop(state);
        let wanted = into.len() as u64;
        let end = offset.checked_add(wanted).filter(|end| *end <= self.len());
        let Some(end) = end else {
            let place = describe(&self.name);
            return Err(StorageError::OutOfBounds { place, offset, wanted, length: self.len() });
        };
        into.copy_from_slice(&self.bytes[offset as usize..end as usize]);
        effect.strike(into);
        Ok(())
    }

    fn mapped(&self) -> Option<&[u8]> {
        self.mapped.then_some(&self.bytes[..])
    }

    fn describe(&self) -> String {
        describe(&self.name)
    }
}
