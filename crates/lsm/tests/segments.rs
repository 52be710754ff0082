//! A segment of the log that could not be begun, though its header reached the storage, makes nothing void of what is
//! committed behind it to the segment before.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use what it likes")]

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use stroma_lsm::{Database, Error, Options};
use stroma_strata::storage::{
    Blob, BlobEntry, BlobWriter, LogReader, LogStorage, LogWriter, MemoryStorage, Storage, StorageError,
    StorageLock,
};

/// What goes wrong, as it does for all its handles.
#[derive(Debug, Default)]
struct Troubles {
    /// The first append to a log puts all of it on the device and fails.
    begins: AtomicBool,
    deletes: AtomicBool,
}

impl Troubles {
    fn check(trouble: &AtomicBool, place: &str) -> Result<(), StorageError> {
        if !trouble.load(Ordering::Relaxed) {
            return Ok(());
        }
        let source = Arc::new(io::Error::other("a trouble"));
        Err(StorageError::Io { place: place.to_owned(), action: "change", source })
    }
}

#[derive(Debug)]
struct Troubled {
    inner: MemoryStorage,
    troubles: Arc<Troubles>,
}

#[derive(Debug)]
struct TroubledLog {
    inner: Box<dyn LogWriter>,
    troubles: Arc<Troubles>,
}

impl LogWriter for TroubledLog {
    fn append(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        let is_first = self.is_empty();
        self.inner.append(bytes)?;
        if is_first && self.troubles.begins.load(Ordering::Relaxed) {
            self.inner.sync()?;
            Troubles::check(&self.troubles.begins, "a log")?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StorageError> {
        self.inner.flush()
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.inner.sync()
    }

    fn len(&self) -> u64 {
        self.inner.len()
    }
}

impl Storage for Troubled {
    fn create(&self, name: &str) -> Result<Box<dyn BlobWriter>, StorageError> {
        self.inner.create(name)
    }

    fn put_if_absent(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        self.inner.put_if_absent(name, bytes)
    }

    fn open(&self, name: &str) -> Result<Arc<dyn Blob>, StorageError> {
        self.inner.open(name)
    }

    fn list(&self, folder: &str) -> Result<Vec<BlobEntry>, StorageError> {
        self.inner.list(folder)
    }

    fn sync_names(&self, folder: &str) -> Result<(), StorageError> {
        self.inner.sync_names(folder)
    }

    fn delete(&self, name: &str) -> Result<(), StorageError> {
        self.inner.delete(name)
    }

    fn lock(&self) -> Result<Box<dyn StorageLock>, StorageError> {
        self.inner.lock()
    }

    fn describe(&self, name: &str) -> String {
        self.inner.describe(name)
    }
}

impl LogStorage for Troubled {
    fn create_log(&self, name: &str) -> Result<Box<dyn LogWriter>, StorageError> {
        let inner = self.inner.create_log(name)?;
        Ok(Box::new(TroubledLog { inner, troubles: self.troubles.clone() }))
    }

    fn read_log(&self, name: &str) -> Result<Box<dyn LogReader>, StorageError> {
        self.inner.read_log(name)
    }

    fn list_logs(&self, folder: &str) -> Result<Vec<BlobEntry>, StorageError> {
        self.inner.list_logs(folder)
    }

    fn delete_log(&self, name: &str) -> Result<(), StorageError> {
        Troubles::check(&self.troubles.deletes, name)?;
        self.inner.delete_log(name)
    }
}

fn options() -> Options {
    Options { memory_bytes: 128 << 10, background_threads: 0, ..Options::default() }
}

/// A database that has committed and synced something, and then could not begin a segment.
fn that_began_no_segment(deletes: bool) -> (MemoryStorage, Database, Error) {
    let (storage, troubles) = (MemoryStorage::new(), Arc::new(Troubles::default()));
    let troubled = Troubled { inner: storage.clone(), troubles: troubles.clone() };
    let database = Database::open_storage(Arc::new(troubled), options()).unwrap();
    database.keyspace("all").unwrap().put("before", "x").unwrap();
    database.sync().unwrap();
    troubles.begins.store(true, Ordering::Relaxed);
    troubles.deletes.store(deletes, Ordering::Relaxed);
    let failure = database.flush().unwrap_err();
    troubles.begins.store(false, Ordering::Relaxed);
    troubles.deletes.store(false, Ordering::Relaxed);
    (storage, database, failure)
}

/// That every process after this one finds exactly these.
fn assert_found(storage: &MemoryStorage, keys: &[&str]) {
    for image in (0..16).map(|seed| storage.crash(seed)).chain([storage.kill()]) {
        let database = Database::open_storage(Arc::new(image), options()).unwrap();
        let keyspace = database.keyspace("all").unwrap();
        let found: Vec<Vec<u8>> = keyspace.iter().map(|entry| entry.unwrap().0).collect();
        assert_eq!(found, keys.iter().map(|key| key.as_bytes()).collect::<Vec<_>>());
    }
}

#[test]
fn what_is_committed_after_a_segment_was_not_begun_stays() {
    let (storage, database, failure) = that_began_no_segment(false);
    assert!(!matches!(failure, Error::Poisoned { .. }), "{failure}");
    database.keyspace("all").unwrap().put("behind", "x").unwrap();
    database.sync().unwrap();
    assert_found(&storage, &["before", "behind"]);
    database.flush().unwrap();
    assert_found(&storage, &["before", "behind"]);
}

#[test]
fn nothing_is_committed_where_it_may_have_been_begun() {
    let (storage, database, failure) = that_began_no_segment(true);
    assert!(matches!(failure, Error::Poisoned { .. }), "{failure}");
    let refused = database.keyspace("all").unwrap().put("behind", "x");
    assert!(matches!(refused, Err(Error::Poisoned { .. })));
    assert_found(&storage, &["before"]);
}
