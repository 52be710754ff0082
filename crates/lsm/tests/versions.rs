//! Many versions of few keys, each seen by a snapshot: in memory, in a table, merged, by lookups and by scans.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;

use stroma_lsm::{Database, Options, Snapshot};
use stroma_strata::storage::MemoryStorage;

#[test]
fn every_snapshot_finds_its_own_version_wherever_it_is() {
    let options =
        Options { memory_bytes: 1 << 20, background_threads: 0, block_bytes: 512, ..Options::default() };
    let database = Database::open_storage(Arc::new(MemoryStorage::new()), options).unwrap();
    let keyspace = database.keyspace("all").unwrap();
    let mut snapshots: Vec<(u32, Snapshot)> = Vec::new();
    let value = |key: u32, round: u32| [key.to_le_bytes(), round.to_le_bytes()].concat().repeat(15);
    let check = |snapshots: &[(u32, Snapshot)]| {
        for (round, snapshot) in snapshots {
            for key in 0..5_u32 {
                let found = snapshot.get(&keyspace, key.to_be_bytes()).unwrap();
                assert_eq!(found.as_deref(), Some(value(key, *round).as_slice()), "key {key} round {round}");
            }
            let all: Vec<_> = snapshot.range::<&[u8]>(&keyspace, ..).map(|entry| entry.unwrap().1).collect();
            assert!(all.iter().zip(0..).all(|(found, key)| **found == value(key, *round)) && all.len() == 5);
        }
    };
    for round in 0..200 {
        for key in 0..5_u32 {
            keyspace.put(key.to_be_bytes(), value(key, round)).unwrap();
        }
        snapshots.push((round, database.snapshot()));
        if round % 40 == 39 {
            check(&snapshots);
            database.flush().unwrap();
            check(&snapshots);
            snapshots.retain(|(round, _)| round % 3 != 0);
        }
    }
    database.compact().unwrap();
    check(&snapshots);
    assert!(database.check().is_sound());
}
