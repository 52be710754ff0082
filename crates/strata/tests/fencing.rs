//! Two writers on a storage that cannot lock, as on an object store: the one that came first stops.

mod common;

use std::sync::Arc;

use common::*;
use stroma_strata::storage::{
    Blob, BlobEntry, BlobWriter, MemoryStorage, Storage, StorageError, StorageLock,
};
use stroma_strata::{Error, MergePolicy};

/// A storage whose lock excludes nobody.
#[derive(Debug, Clone)]
struct Unlocked(MemoryStorage);

#[derive(Debug)]
struct NoLock;

impl StorageLock for NoLock {
    fn excludes_others(&self) -> bool {
        false
    }
}

impl Storage for Unlocked {
    fn create(&self, name: &str) -> Result<Box<dyn BlobWriter>, StorageError> {
        self.0.create(name)
    }
    fn put_if_absent(&self, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
        self.0.put_if_absent(name, bytes)
    }
    fn open(&self, name: &str) -> Result<Arc<dyn Blob>, StorageError> {
        self.0.open(name)
    }
    fn list(&self, folder: &str) -> Result<Vec<BlobEntry>, StorageError> {
        self.0.list(folder)
    }
    fn sync_names(&self, folder: &str) -> Result<(), StorageError> {
        self.0.sync_names(folder)
    }
    fn delete(&self, name: &str) -> Result<(), StorageError> {
        self.0.delete(name)
    }
    fn lock(&self) -> Result<Box<dyn StorageLock>, StorageError> {
        Ok(Box::new(NoLock))
    }
    fn describe(&self, name: &str) -> String {
        self.0.describe(name)
    }
}

const POLICY: MergePolicy = MergePolicy::Tiered { fanout: 2 };

#[test]
fn the_first_writer_stops_when_a_second_opens() {
    let storage = Unlocked(MemoryStorage::new());
    let first = open(&storage, POLICY).unwrap();
    add(&first, [1], 1).unwrap();
    // Written and sealed, but not yet named when the second writer opens.
    let mut late = first.edit();
    late.write_layer(0, first.next_recency(), |writer| write(writer, &Numbers::from([(9, true)]))).unwrap();
    let second = open(&storage, POLICY).unwrap();
    assert_eq!(contents(&second.current()), [1]);
    assert!(matches!(late.commit(), Err(Error::Fenced { .. })));
    assert!(matches!(add(&first, [2], 2), Err(Error::Fenced { .. })));
    assert!(matches!(first.merge_once(), Err(Error::Fenced { .. })));
    first.close().unwrap();
    add(&second, [3], 2).unwrap();
    second.merge_until_idle().unwrap();
    drop(second);
    let third = open(&storage, POLICY).unwrap();
    assert_eq!(contents(&third.current()), [1, 3]);
}

#[test]
fn of_many_writers_the_last_to_open_wins_and_no_layer_is_lost() {
    let storage = Unlocked(MemoryStorage::new());
    let mut expected = Vec::new();
    let mut writers: Vec<Set> = Vec::new();
    for number in 0..40 {
        writers.push(open(&storage, POLICY).unwrap());
        for (age, writer) in writers.iter().rev().enumerate().take(3) {
            let outcome = add(writer, [number * 10 + age as u64], 1);
            assert_eq!(outcome.is_ok(), age == 0, "{outcome:?}");
        }
        expected.push(number * 10);
        writers[number as usize].merge_until_idle().unwrap();
        assert_eq!(contents(&writers[number as usize].current()), expected);
    }
}
