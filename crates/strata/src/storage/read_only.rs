//! A storage that refuses every change: for readers of what another process may be writing.

use std::path::PathBuf;
use std::sync::Arc;

use super::{
    Blob, BlobEntry, BlobWriter, LogReader, LogStorage, LogWriter, Storage, StorageError, StorageLock,
};

/// Another storage, to be read only: whatever would change it is [`StorageError::ReadOnly`], and so is its lock.
#[derive(Debug)]
pub struct ReadOnlyStorage<S: ?Sized> {
    inner: Arc<S>,
}

impl<S: Storage + ?Sized> ReadOnlyStorage<S> {
    /// Lets `inner` be read.
    pub fn new(inner: Arc<S>) -> Self {
        ReadOnlyStorage { inner }
    }

    fn refuse<T>(&self, name: &str) -> Result<T, StorageError> {
        Err(StorageError::ReadOnly { place: self.inner.describe(name) })
    }
}

impl<S: Storage + ?Sized> Storage for ReadOnlyStorage<S> {
    fn create(&self, name: &str) -> Result<Box<dyn BlobWriter>, StorageError> {
        self.refuse(name)
    }

    fn put_if_absent(&self, name: &str, _: &[u8]) -> Result<(), StorageError> {
        self.refuse(name)
    }

    fn open(&self, name: &str) -> Result<Arc<dyn Blob>, StorageError> {
        self.inner.open(name)
    }

    fn list(&self, folder: &str) -> Result<Vec<BlobEntry>, StorageError> {
        self.inner.list(folder)
    }

    fn sync_names(&self, _: &str) -> Result<(), StorageError> {
        // A reader builds nothing on what it reads.
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), StorageError> {
        self.refuse(name)
    }

    fn lock(&self) -> Result<Box<dyn StorageLock>, StorageError> {
        self.refuse("")
    }

    fn copy_from(&self, _: &dyn Storage, name: &str) -> Result<u64, StorageError> {
        self.refuse(name)
    }

    fn verify(&self) -> Vec<(String, Option<StorageError>)> {
        self.inner.verify()
    }

    fn local_path(&self, name: &str) -> Option<PathBuf> {
        self.inner.local_path(name)
    }

    fn describe(&self, name: &str) -> String {
        self.inner.describe(name)
    }
}

impl<S: LogStorage + ?Sized> LogStorage for ReadOnlyStorage<S> {
    fn create_log(&self, name: &str) -> Result<Box<dyn LogWriter>, StorageError> {
        self.refuse(name)
    }

    fn read_log(&self, name: &str) -> Result<Box<dyn LogReader>, StorageError> {
        self.inner.read_log(name)
    }

    fn list_logs(&self, folder: &str) -> Result<Vec<BlobEntry>, StorageError> {
        self.inner.list_logs(folder)
    }

    fn delete_log(&self, name: &str) -> Result<(), StorageError> {
        self.refuse(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::MemoryStorage;

    #[test]
    fn it_can_be_read_and_nothing_else() {
        let inner = Arc::new(MemoryStorage::new());
        inner.put_if_absent("a/b", b"bytes").unwrap();
        let storage = ReadOnlyStorage::<dyn LogStorage>::new(inner.clone());
        assert_eq!(storage.open("a/b").unwrap().read_all().unwrap(), b"bytes");
        assert_eq!(storage.list("a").unwrap().len(), 1);
        let refused = |outcome: Result<(), StorageError>| {
            assert!(matches!(outcome, Err(StorageError::ReadOnly { .. })), "{outcome:?}");
        };
        refused(storage.create("c").map(drop));
        refused(storage.put_if_absent("c", b""));
        refused(storage.delete("a/b"));
        refused(storage.lock().map(drop));
        refused(storage.share_from(&*inner, "a/b").map(drop));
        refused(storage.create_log("log/1").map(drop));
        refused(storage.delete_log("log/1"));
        assert_eq!(inner.list("a").unwrap().len(), 1);
    }
}
