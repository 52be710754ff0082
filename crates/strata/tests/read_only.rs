//! Sets opened to be read: no lock, no change, and a writer that deletes under them.
#![allow(clippy::unwrap_used, reason = "a test may use what it likes")]

mod common;

use std::sync::Arc;

use common::*;
use stroma_strata::storage::{
    Blob, BlobEntry, BlobWriter, MemoryStorage, ReadOnlyStorage, Storage, StorageError, StorageLock,
};
use stroma_strata::{Error, LayeredSet, MergePolicy, Version};

const POLICY: MergePolicy = MergePolicy::Tiered { fanout: 2 };

fn read(storage: impl Storage, before: Option<&Version<NumbersKind>>) -> Result<Set, Error> {
    LayeredSet::open_read_only(Arc::new(storage), NumbersKind::default(), options(POLICY), before)
        .map(|(set, _)| set)
}

#[test]
fn many_read_while_one_writes() {
    let storage = MemoryStorage::new();
    assert!(matches!(read(storage.clone(), None), Err(Error::NoSet { .. })));
    let writer = open(&storage, POLICY).unwrap();
    add(&writer, [1, 2], 1).unwrap();
    let first = read(ReadOnlyStorage::new(Arc::new(storage.clone())), None).unwrap();
    let second = read(storage.clone(), None).unwrap();
    add(&writer, [3], 2).unwrap();
    writer.merge_all().unwrap();
    assert_eq!(contents(&first.current()), [1, 2]);
    assert_eq!(contents(&second.current()), [1, 2]);
    let later = read(storage.clone(), Some(&first.current())).unwrap();
    assert_eq!(contents(&later.current()), [1, 2, 3]);
    assert!(later.current().number() > first.current().number());

    let blobs = storage.list("layers").unwrap();
    assert!(matches!(add(&later, [4], 3), Err(Error::ReadOnly)));
    assert!(matches!(later.merge_all(), Err(Error::ReadOnly)));
    assert!(matches!(later.merge_once(), Err(Error::ReadOnly)));
    let mut edit = later.edit();
    edit.put_record("count", *b"x");
    assert!(matches!(edit.commit(), Err(Error::ReadOnly)));
    later.close().unwrap();
    drop((first, second, later));
    assert_eq!(storage.list("layers").unwrap(), blobs);
    add(&writer, [4], 3).unwrap();
}

#[test]
fn layers_that_an_earlier_opening_has_are_shared() {
    let storage = MemoryStorage::new();
    let writer = open(&storage, POLICY).unwrap();
    add(&writer, [1], 1).unwrap();
    let before = read(storage.clone(), None).unwrap().current();
    add(&writer, [2], 2).unwrap();
    // Gone for whoever opens it anew.
    let name = before.layers().next().unwrap().descriptor().blob_name();
    storage.delete(&name).unwrap();
    assert!(matches!(read(storage.clone(), None), Err(Error::LayerMissing { .. })));
    let after = read(storage.clone(), Some(&before)).unwrap().current();
    assert_eq!(contents(&after), [1, 2]);
}

/// A storage in which somebody merges everything whenever a layer is about to be opened, a few times.
#[derive(Debug)]
struct Racing {
    inner: MemoryStorage,
    left: std::sync::atomic::AtomicU64,
    writer: std::sync::Mutex<Set>,
}

impl Storage for Racing {
    fn create(&self, name: &str) -> Result<Box<dyn BlobWriter>, StorageError> {
        self.inner.create(name)
    }
    fn put_if_absent(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        self.inner.put_if_absent(name, bytes)
    }
    fn open(&self, name: &str) -> Result<Arc<dyn Blob>, StorageError> {
        use std::sync::atomic::Ordering::SeqCst;
        if self.left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok() {
            let writer = self.writer.lock().unwrap();
            // Enough for a snapshot of the manifest, which makes what is before it go.
            for number in 0..40 {
                add(&writer, [number], number).unwrap();
            }
            writer.merge_all().unwrap();
        }
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

#[test]
fn a_reader_begins_anew_where_the_writer_was_faster() {
    for left in 0..6 {
        let inner = MemoryStorage::new();
        let writer = open(&inner, POLICY).unwrap();
        add(&writer, [1], 1).unwrap();
        let racing = Racing { inner, left: left.into(), writer: writer.into() };
        let set = read(racing, None).unwrap();
        let expected: Vec<u64> = if left == 0 { vec![1] } else { (0..40).collect() };
        assert_eq!(contents(&set.current()), expected);
    }
}
