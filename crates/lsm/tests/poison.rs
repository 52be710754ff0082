//! After a write or sync of the log failed, nothing more is acknowledged and the error says what to do; reads go on,
//! and opening the database again brings back what was acknowledged.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use what it likes")]

use std::sync::Arc;

use stroma_lsm::{Database, Durability, Error, Options};
use stroma_strata::storage::{Fault, FaultPlan, MemoryStorage};

fn open(storage: &MemoryStorage, background_threads: usize) -> Database {
    let options = Options { memory_bytes: 128 << 10, background_threads, ..Options::default() };
    Database::open_storage(Arc::new(storage.clone()), options).unwrap()
}

/// Commits with `durability` while the storage fails at the `step`th operation of that commit.
fn poison(step: u64, durability: Durability, background_threads: usize) {
    let storage = MemoryStorage::new();
    let database = open(&storage, background_threads);
    let keyspace = database.keyspace("all").unwrap();
    keyspace.put("before", "x").unwrap();
    database.sync().unwrap();
    let snapshot = database.snapshot();
    storage.plan(FaultPlan::new().and(storage.operations() + step, Fault::Fail));
    let mut batch = database.batch();
    batch.put(&keyspace, "lost", "x");
    let error = batch.commit_with(durability).unwrap_err();
    assert!(matches!(error, Error::Poisoned { .. }), "{error}");

    // What to do, and why.
    let told = keyspace.put("later", "x").unwrap_err().to_string();
    for part in ["reopen the database", "nothing more is accepted", "log/", "a fault was injected"] {
        assert!(told.contains(part), "{part:?} is not in: {told}");
    }
    // Whatever would acknowledge something is refused, though the device is well again.
    let is_poisoned = |outcome: Result<(), Error>| matches!(outcome, Err(Error::Poisoned { .. }));
    assert!(is_poisoned(database.sync()));
    assert!(is_poisoned(keyspace.delete("before").map(drop)));
    assert!(is_poisoned(keyspace.delete_range("a".."z").map(drop)));
    assert!(is_poisoned(database.batch().commit().map(drop)));
    assert!(is_poisoned(database.keyspace("another").map(drop)));
    assert!(is_poisoned(database.drop_keyspace("all").map(drop)));
    let mut transaction = database.transaction();
    transaction.put(&keyspace, "later", "x").unwrap();
    assert!(is_poisoned(transaction.commit().map(drop)));
    assert!(is_poisoned(database.flush()));
    assert!(is_poisoned(database.compact()));

    // Reads go on.
    assert_eq!(keyspace.get("before").unwrap().as_deref(), Some(b"x".as_slice()));
    assert!(keyspace.get("lost").unwrap().is_none());
    assert_eq!(keyspace.iter().count(), 1);
    assert_eq!(snapshot.range::<&[u8]>(&keyspace, ..).count(), 1);
    assert_eq!(database.transaction().range::<&[u8]>(&keyspace, ..).count(), 1);
    assert!(database.check().is_sound());

    assert!(is_poisoned(database.close()));
    drop((keyspace, snapshot));
    for image in [storage.kill(), storage.crash(1), storage.crash_torn(2)] {
        let database = open(&image, background_threads);
        let keyspace = database.keyspace("all").unwrap();
        assert!(keyspace.get("before").unwrap().is_some());
        assert!(keyspace.get("later").unwrap().is_none());
        keyspace.put("later", "x").unwrap();
        database.close().unwrap();
    }
}

#[test]
fn a_failed_write_or_sync_of_the_log_poisons() {
    for background_threads in [0, 1] {
        poison(0, Durability::Buffered, background_threads);
        // The write, and then the sync.
        poison(0, Durability::Synced, background_threads);
        poison(1, Durability::Synced, background_threads);
    }
}
