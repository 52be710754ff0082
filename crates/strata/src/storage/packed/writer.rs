//! Writing a packed file: a storage to which blobs are added one after the other, and which is sealed at the end.

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use xxhash_rust::xxh3::Xxh3;

use super::format::{ALIGNMENT, Directory, Entry, encode, head};
use crate::storage::{Blob, BlobEntry, BlobWriter, Storage, StorageError, StorageLock, check_name};

/// A packed file being written. As a [`Storage`] it takes blobs, one at a time, and gives none back; nobody sees the
/// file before [`finish`](PackedWriter::finish), and dropped, it never was.
#[derive(Debug, Clone)]
pub struct PackedWriter {
    state: Arc<Mutex<State>>,
    /// What stands before the names of its blobs in the file.
    prefix: String,
}

#[derive(Debug)]
struct State {
    /// None once it is sealed.
    file: Option<Box<dyn BlobWriter>>,
    directory: Directory,
    /// The blob being written.
    open: Option<Open>,
    /// Where it is going to be, for people.
    place: String,
}

#[derive(Debug)]
struct Open {
    name: String,
    offset: u64,
    hash: Box<Hash>,
}

/// The hash, which does not show itself.
struct Hash(Xxh3);

impl std::fmt::Debug for Hash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Hash")
    }
}

impl PackedWriter {
    /// Begins a file in `file`, which is empty; `place` names it in errors.
    ///
    /// # Errors
    /// Failure of the file.
    pub fn new(mut file: Box<dyn BlobWriter>, place: impl Into<String>) -> Result<Self, StorageError> {
        file.write_all(&head())?;
        let state = State { file: Some(file), directory: Directory::new(), open: None, place: place.into() };
        Ok(PackedWriter { state: Arc::new(Mutex::new(state)), prefix: String::new() })
    }

    /// The same file, to which blobs are added in a folder of it.
    #[must_use]
    pub fn folder(&self, name: &str) -> PackedWriter {
        PackedWriter { state: self.state.clone(), prefix: format!("{}{name}/", self.prefix) }
    }

    /// Writes the directory and publishes the file; answers its length. When this returns, it survives a loss of power.
    ///
    /// # Errors
    /// Failure of the file; a blob that is still being written.
    pub fn finish(self) -> Result<u64, StorageError> {
        let mut state = self.state.lock();
        if state.open.is_some() {
            return Err(state.busy());
        }
        let bytes = encode(&state.directory, state.position());
        let mut file = state.file.take().ok_or_else(|| state.busy())?;
        file.write_all(&bytes)?;
        file.seal()
    }
}

impl State {
    fn busy(&self) -> StorageError {
        let cause = io::Error::other("blobs are written one after the other, before the file is sealed");
        StorageError::from_io("add a blob to", self.place.clone(), cause)
    }

    fn position(&self) -> u64 {
        self.file.as_ref().map_or(0, |file| file.position())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        match &mut self.file {
            Some(file) => file.write_all(bytes),
            None => Err(self.busy()),
        }
    }

    fn begin(&mut self, name: &str) -> Result<(), StorageError> {
        check_name(name)?;
        if self.open.is_some() || self.file.is_none() {
            return Err(self.busy());
        }
        if self.directory.contains_key(name) {
            return Err(StorageError::AlreadyExists { place: format!("{}:{name}", self.place) });
        }
        let offset = self.position().next_multiple_of(ALIGNMENT);
        let zeros = vec![0; (offset - self.position()) as usize];
        self.append(&zeros)?;
        self.open = Some(Open { name: name.to_owned(), offset, hash: Box::new(Hash(Xxh3::new())) });
        Ok(())
    }
}

/// Adds one blob.
#[derive(Debug)]
struct PackedBlobWriter {
    state: Arc<Mutex<State>>,
    /// The bytes written so far.
    length: u64,
    is_sealed: bool,
}

impl BlobWriter for PackedBlobWriter {
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        let mut state = self.state.lock();
        state.append(bytes)?;
        if let Some(open) = &mut state.open {
            open.hash.0.update(bytes);
        }
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn position(&self) -> u64 {
        self.length
    }

    fn seal(mut self: Box<Self>) -> Result<u64, StorageError> {
        let mut state = self.state.lock();
        if let Some(Open { name, offset, hash }) = state.open.take() {
            let entry = Entry { offset, length: self.length, checksum: hash.0.digest() };
            state.directory.insert(name, entry);
        }
        drop(state);
        self.is_sealed = true;
        Ok(self.length)
    }
}

impl Drop for PackedBlobWriter {
    fn drop(&mut self) {
        if !self.is_sealed {
            // Its bytes stay behind, in no blob; whoever gives one up gives up the file.
            let mut state = self.state.lock();
            state.open = None;
            state.file = None;
        }
    }
}

/// There is nobody else to keep out.
#[derive(Debug)]
struct Alone;

impl StorageLock for Alone {}

impl Storage for PackedWriter {
    fn create(&self, name: &str) -> Result<Box<dyn BlobWriter>, StorageError> {
        self.state.lock().begin(&format!("{}{name}", self.prefix))?;
        Ok(Box::new(PackedBlobWriter { state: self.state.clone(), length: 0, is_sealed: false }))
    }

    fn put_if_absent(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        let mut writer = self.create(name)?;
        writer.write_all(bytes)?;
        writer.seal().map(drop)
    }

    fn open(&self, name: &str) -> Result<Arc<dyn Blob>, StorageError> {
        Err(StorageError::NotFound { place: self.describe(name) })
    }

    fn list(&self, folder: &str) -> Result<Vec<BlobEntry>, StorageError> {
        Ok(super::reader::list(&self.state.lock().directory, &self.prefix, folder))
    }

    fn sync_names(&self, _: &str) -> Result<(), StorageError> {
        // They become durable with the file.
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), StorageError> {
        Err(StorageError::ReadOnly { place: self.describe(name) })
    }

    fn lock(&self) -> Result<Box<dyn StorageLock>, StorageError> {
        Ok(Box::new(Alone))
    }

    fn describe(&self, name: &str) -> String {
        let state = self.state.lock();
        let whole = format!("{}{name}", self.prefix);
        if whole.is_empty() { state.place.clone() } else { format!("{}:{whole}", state.place) }
    }
}
