//! A directory as a storage: its layout on disk and the traits it implements.

#![allow(clippy::disallowed_methods, reason = "this is the backend that owns the files")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::blob::{LocalBlob, LocalBlobWriter};
use super::descriptors::Descriptors;
use super::lock::LocalLock;
use super::log::{LocalLogReader, LocalLogWriter};
use super::publish;
use crate::storage::name::check_name;
use crate::storage::{
    Blob, BlobEntry, BlobWriter, LogReader, LogStorage, LogWriter, Storage, StorageError, StorageLock,
};

/// Where files are written before they are published. No valid name leads here.
pub(super) const TEMPORARY_FOLDER: &str = ".tmp";
/// The file that is locked.
pub(super) const LOCK_FILE: &str = "LOCK";

/// How a [`LocalStorage`] behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalOptions {
    /// Whether blobs are mapped into memory, so that [`Blob::mapped`] gives their bytes without a copy, and the ends of
    /// logs that are flushed often and synced seldom, which so need no call of the system for each record (on Linux).
    /// If someone truncates a mapped file by hand, the process ends with a signal. Default: true.
    pub map: bool,
}

impl Default for LocalOptions {
    fn default() -> Self {
        LocalOptions { map: true }
    }
}

/// A directory of blobs and logs. Opening it touches no file; [`Storage::lock`] is to be called first.
///
/// A blob is written to `.tmp/`, synced, hard-linked to its name (which fails if the name is taken) and the
/// directory synced. What a crash leaves in `.tmp/` is removed when the lock is taken next.
#[derive(Debug, Clone)]
pub struct LocalStorage {
    pub(super) root: Arc<Root>,
}

/// What the storage and its writers share.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) directory: PathBuf,
    pub(super) options: LocalOptions,
    pub(super) descriptors: Arc<Descriptors>,
    next_temporary: AtomicU64,
}

impl LocalStorage {
    /// Opens a directory, which is made if there is none (its parent must exist or be makeable).
    pub fn open(directory: impl AsRef<Path>) -> Result<LocalStorage, StorageError> {
        LocalStorage::open_with(directory, LocalOptions::default())
    }

    /// Opens a directory with options.
    pub fn open_with(
        directory: impl AsRef<Path>,
        options: LocalOptions,
    ) -> Result<LocalStorage, StorageError> {
        let directory = directory.as_ref();
        publish::make_directory(directory)?;
        let (descriptors, next_temporary) = (Arc::default(), AtomicU64::new(0));
        let directory = directory.to_owned();
        Ok(LocalStorage { root: Arc::new(Root { directory, options, descriptors, next_temporary }) })
    }

    /// Opens a directory that must be there.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] if there is none.
    pub fn open_existing(directory: impl AsRef<Path>) -> Result<LocalStorage, StorageError> {
        let directory = directory.as_ref();
        if directory.is_dir() {
            return LocalStorage::open(directory);
        }
        Err(StorageError::NotFound { place: show(directory) })
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.root.directory
    }
}

impl Root {
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// A path in the temporary folder that nobody uses.
    pub(super) fn temporary_path(&self) -> Result<PathBuf, StorageError> {
        let folder = self.directory.join(TEMPORARY_FOLDER);
        fs::create_dir_all(&folder)
            .map_err(|error| StorageError::from_io("create the directory", show(&folder), error))?;
        let number = self.next_temporary.fetch_add(1, Ordering::Relaxed);
        Ok(folder.join(format!("{}-{number}", std::process::id())))
    }

    fn list(&self, folder: &str) -> Result<Vec<BlobEntry>, StorageError> {
        if !folder.is_empty() {
            check_name(folder)?;
        }
        let path = self.path(folder);
        let failed = |error| StorageError::from_io("list", show(&path), error);
        let entries = match fs::read_dir(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let Ok(leaf) = entry.file_name().into_string() else { continue };
            let name = if folder.is_empty() { leaf } else { format!("{folder}/{leaf}") };
            if check_name(&name).is_err() {
                continue;
            }
            match entry.metadata() {
                Ok(metadata) if metadata.is_file() => found.push(BlobEntry { name, bytes: metadata.len() }),
                Ok(_) => {}
                // Deleted by someone while we listed.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error)),
            }
        }
        found.sort();
        Ok(found)
    }

    fn delete(&self, name: &str) -> Result<(), StorageError> {
        check_name(name)?;
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(StorageError::from_io("delete", show(&path), error))
            }
            _ => Ok(()),
        }
    }
}

impl Storage for LocalStorage {
    fn create(&self, name: &str) -> Result<Box<dyn BlobWriter>, StorageError> {
        check_name(name)?;
        Ok(Box::new(LocalBlobWriter::create(self.root.clone(), name)?))
    }

    fn put_if_absent(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        check_name(name)?;
        let path = self.root.path(name);
        if path.exists() {
            return Err(StorageError::AlreadyExists { place: show(&path) });
        }
        let mut writer = self.create(name).map_err(StorageError::before_publishing)?;
        writer.write_all(bytes).map_err(StorageError::before_publishing)?;
        writer.seal().map(|_| ())
    }

    fn open(&self, name: &str) -> Result<Arc<dyn Blob>, StorageError> {
        check_name(name)?;
        let Root { options, descriptors, .. } = &*self.root;
        Ok(Arc::new(LocalBlob::open(self.root.path(name), name, options.map, descriptors)?))
    }

    fn list(&self, folder: &str) -> Result<Vec<BlobEntry>, StorageError> {
        self.root.list(folder)
    }

    fn sync_names(&self, folder: &str) -> Result<(), StorageError> {
        if !folder.is_empty() {
            check_name(folder)?;
        }
        let inside = self.root.path(folder);
        // A folder's own name lies in the one above it.
        let directories = inside.ancestors().take(folder.split_terminator('/').count() + 1);
        directories.filter(|directory| directory.exists()).try_for_each(publish::sync_directory)
    }

    fn delete(&self, name: &str) -> Result<(), StorageError> {
        self.root.delete(name)
    }

    fn lock(&self) -> Result<Box<dyn StorageLock>, StorageError> {
        Ok(Box::new(LocalLock::take(&self.root.directory)?))
    }

    fn share_from(&self, other: &dyn Storage, name: &str) -> Result<u64, StorageError> {
        check_name(name)?;
        let target = self.root.path(name);
        let shared = match other.local_path(name) {
            Some(source) => publish::share(&source, &target)?,
            None => false,
        };
        if !shared {
            return self.copy_from(other, name);
        }
        let length = fs::metadata(&target).map(|metadata| metadata.len());
        length.map_err(|error| StorageError::from_io("open", show(&target), error))
    }

    fn local_path(&self, name: &str) -> Option<PathBuf> {
        check_name(name).is_ok().then(|| self.root.path(name))
    }

    fn describe(&self, name: &str) -> String {
        if name.is_empty() { show(&self.root.directory) } else { show(&self.root.path(name)) }
    }
}

impl LogStorage for LocalStorage {
    fn create_log(&self, name: &str) -> Result<Box<dyn LogWriter>, StorageError> {
        check_name(name)?;
        Ok(Box::new(LocalLogWriter::create(&self.root, name)?))
    }

    fn read_log(&self, name: &str) -> Result<Box<dyn LogReader>, StorageError> {
        check_name(name)?;
        Ok(Box::new(LocalLogReader::open(&self.root.path(name))?))
    }

    fn list_logs(&self, folder: &str) -> Result<Vec<BlobEntry>, StorageError> {
        self.root.list(folder)
    }

    fn delete_log(&self, name: &str) -> Result<(), StorageError> {
        self.root.delete(name)
    }
}

/// A path as it appears in messages.
pub(super) fn show(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::conformance;

    #[test]
    fn conforms() {
        let directory = tempfile::tempdir().unwrap();
        let count = AtomicU64::new(0);
        conformance::run(|| {
            let number = count.fetch_add(1, Ordering::Relaxed);
            Arc::new(LocalStorage::open(directory.path().join(number.to_string())).unwrap())
        });
    }

    #[test]
    fn what_a_crash_left_behind_is_removed_under_the_lock_only() {
        let directory = tempfile::tempdir().unwrap();
        let storage = LocalStorage::open(directory.path()).unwrap();
        let mut writer = storage.create("layers/1").unwrap();
        writer.write_all(b"half").unwrap();
        // As long as the writer lives its file stays, as it would if the process had ended.
        let leftovers = || fs::read_dir(directory.path().join(TEMPORARY_FOLDER)).unwrap().count();
        let again = LocalStorage::open(directory.path()).unwrap();
        assert_eq!(leftovers(), 1);
        let lock = again.lock().unwrap();
        assert_eq!(leftovers(), 0);
        let refused = storage.lock().unwrap_err();
        assert!(
            matches!(refused, StorageError::Locked { holder: Some(pid), .. } if pid == std::process::id())
        );
        drop(lock);
        storage.lock().unwrap();
        drop(writer);
    }

    #[test]
    fn without_mapping_reads_still_work() {
        let directory = tempfile::tempdir().unwrap();
        let options = LocalOptions { map: false };
        let storage = LocalStorage::open_with(directory.path(), options).unwrap();
        storage.put_if_absent("a/b", b"bytes").unwrap();
        let blob = storage.open("a/b").unwrap();
        assert!(blob.mapped().is_none());
        assert_eq!(blob.read_all().unwrap(), b"bytes");
    }
}
