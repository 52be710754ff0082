//! A blob as a file: written under a temporary name, then read through a mapping or by position.

#![allow(clippy::disallowed_methods, reason = "this is the backend that owns the files")]

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use memmap2::Mmap;

use super::descriptors::{DescriptorPlace, Descriptors};
use super::file::IfExists;
use super::publish;
use super::storage::{Root, show};
use crate::storage::map::map_sealed;
use crate::storage::{Blob, BlobWriter, StorageError};

/// How many bytes are gathered before they are handed to the operating system.
const BUFFER_BYTES: usize = 256 << 10;

/// A file under a temporary name; dropping it removes it.
#[derive(Debug)]
pub(super) struct LocalBlobWriter {
    target: PathBuf,
    temporary: Option<PathBuf>,
    file: File,
    buffer: Vec<u8>,
    position: u64,
    if_exists: IfExists,
}

impl LocalBlobWriter {
    pub(super) fn create(root: Arc<Root>, name: &str) -> Result<LocalBlobWriter, StorageError> {
        Self::beside(root.path(name), root.temporary_path()?, IfExists::Refuse)
    }

    /// Writes `temporary`, which is to become `target`.
    pub(super) fn beside(
        target: PathBuf,
        temporary: PathBuf,
        if_exists: IfExists,
    ) -> Result<LocalBlobWriter, StorageError> {
        let file = File::create_new(&temporary)
            .map_err(|error| StorageError::from_io("create", show(&temporary), error))?;
        let (temporary, buffer) = (Some(temporary), Vec::new());
        Ok(LocalBlobWriter { target, temporary, file, buffer, position: 0, if_exists })
    }

    fn write_buffer(&mut self) -> Result<(), StorageError> {
        let outcome = self.file.write_all(&self.buffer);
        self.buffer.clear();
        outcome.map_err(|error| StorageError::from_io("write", show(&self.target), error))
    }

    fn sync(&self) -> Result<(), StorageError> {
        self.file.sync_all().map_err(|error| StorageError::from_io("sync", show(&self.target), error))
    }
}

impl BlobWriter for LocalBlobWriter {
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.position += bytes.len() as u64;
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.write_buffer()?;
        }
        if bytes.len() >= BUFFER_BYTES {
            return self
                .file
                .write_all(bytes)
                .map_err(|error| StorageError::from_io("write", show(&self.target), error));
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn position(&self) -> u64 {
        self.position
    }

    fn seal(mut self: Box<Self>) -> Result<u64, StorageError> {
        self.write_buffer().and_then(|()| self.sync()).map_err(StorageError::before_publishing)?;
        if let Some(temporary) = &self.temporary {
            match self.if_exists {
                IfExists::Refuse => publish::publish(temporary, &self.target)?,
                IfExists::Replace => publish::replace(temporary, &self.target)?,
            }
        }
        self.temporary = None;
        Ok(self.position)
    }
}

impl Drop for LocalBlobWriter {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // What cannot be removed now is removed when the lock is taken next.
            let _ = fs::remove_file(temporary);
        }
    }
}

/// A published file.
#[derive(Debug)]
pub(super) struct LocalBlob {
    name: String,
    path: PathBuf,
    /// None if it is mapped and enough others are open.
    file: Option<OpenFile>,
    map: Option<Mmap>,
    length: u64,
}

/// A file that stays open.
#[derive(Debug)]
struct OpenFile {
    file: File,
    /// Its place among those of its storage, if it needs one.
    _place: Option<DescriptorPlace>,
}

impl LocalBlob {
    /// Opens a file, which stays open if it is not to be mapped or there is a place for it.
    pub(super) fn open(
        path: PathBuf,
        name: &str,
        map: bool,
        descriptors: &Arc<Descriptors>,
    ) -> Result<LocalBlob, StorageError> {
        let failed = |error| StorageError::from_io("open", show(&path), error);
        let file = File::open(&path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(StorageError::NotFound { place: show(&path) });
        }
        let length = metadata.len();
        let map = if map {
            map_sealed(&file, length).map_err(|error| StorageError::from_io("map", show(&path), error))?
        } else {
            None
        };
        let place = map.as_ref().and_then(|_| descriptors.place());
        let stays_open = map.is_none() || place.is_some();
        let file = stays_open.then_some(OpenFile { file, _place: place });
        Ok(LocalBlob { name: name.to_owned(), path, file, map, length })
    }

    /// Reads from the file, since a mapped one tells a failure of the device by a signal. Where it is not open it is
    /// opened for this once; what is mapped is read if that cannot be, such as of a file that lost its name.
    fn read_within(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let (opened, file) = match &self.file {
            Some(open) => (None, Some(&open.file)),
            None => (File::open(&self.path).ok(), None),
        };
        match (file.or(opened.as_ref()), self.map.as_deref()) {
            (Some(file), _) => read_exact_at(file, offset, into),
            (None, Some(map)) => {
                let start = offset as usize;
                let mapped = map.get(start..start + into.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
                into.copy_from_slice(mapped);
                Ok(())
            }
            (None, None) => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

impl Blob for LocalBlob {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> u64 {
        self.length
    }

    fn read_exact_at(&self, offset: u64, into: &mut [u8]) -> Result<(), StorageError> {
        let wanted = into.len() as u64;
        if offset.checked_add(wanted).is_none_or(|end| end > self.length) {
            let place = show(&self.path);
            return Err(StorageError::OutOfBounds { place, offset, wanted, length: self.length });
        }
        self.read_within(offset, into).map_err(|error| StorageError::from_io("read", show(&self.path), error))
    }

    fn mapped(&self) -> Option<&[u8]> {
        self.map.as_deref()
    }

    #[cfg(unix)]
    fn prefetch(&self, offset: u64, count: u64) {
        let end = offset.saturating_add(count).min(self.length);
        if let Some(map) = &self.map
            && offset < end
        {
            // A hint: whether it was taken makes no difference to anybody.
            let _ = map.advise_range(memmap2::Advice::WillNeed, offset as usize, (end - offset) as usize);
        }
    }

    fn describe(&self) -> String {
        show(&self.path)
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, offset: u64, into: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, into, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut offset: u64, mut into: &mut [u8]) -> io::Result<()> {
    while !into.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, into, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                into = &mut into[count..];
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::descriptors::MOST_KEPT;
    use crate::storage::{LocalStorage, Storage as _};

    #[test]
    fn blobs_beyond_those_that_stay_open_are_read_as_well() {
        let directory = tempfile::tempdir().unwrap();
        let storage = LocalStorage::open(directory.path()).unwrap();
        let open = |number: usize| {
            let name = format!("a/{number}");
            storage.put_if_absent(&name, name.as_bytes()).unwrap();
            storage.open(&name).unwrap()
        };
        let blobs: Vec<_> = (0..MOST_KEPT + 10).map(open).collect();
        let root = &storage.root;
        assert!(root.descriptors.place().is_none());
        let check = || {
            for (number, blob) in blobs.iter().enumerate() {
                assert_eq!(blob.read_all().unwrap(), format!("a/{number}").as_bytes());
                assert!(blob.read_exact_at(2, &mut [0; 100]).is_err());
            }
        };
        check();
        // Who reads a file goes on doing so when it is deleted.
        (0..blobs.len()).for_each(|number| storage.delete(&format!("a/{number}")).unwrap());
        check();
        drop(blobs);
        assert_eq!(
            (0..=MOST_KEPT).map_while(|_| root.descriptors.place()).collect::<Vec<_>>().len(),
            MOST_KEPT
        );
    }
}
