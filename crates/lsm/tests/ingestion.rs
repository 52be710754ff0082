//! Bulk ingestion: what it promises of order, visibility, conflicts and of what it leaves behind.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use what it likes")]

use std::sync::Arc;

use stroma_lsm::{Database, Error, Keyspace, Options};
use stroma_strata::MergePolicy;
use stroma_strata::picker::Limits;
use stroma_strata::storage::{Fault, FaultPlan, MemoryStorage, Storage as _};

fn options() -> Options {
    Options {
        memory_bytes: 256 << 10,
        background_threads: 0,
        block_bytes: 512,
        value_threshold: 1000,
        merge_policy: MergePolicy::TieredThenLevelled(Limits {
            level0_runs: 4,
            level1_bytes: 64 << 10,
            multiplier: 4,
            deepest_level: 4,
            table_bytes: 16 << 10,
        }),
        ..Options::default()
    }
}

fn open(storage: &MemoryStorage) -> (Database, Keyspace) {
    let database = Database::open_storage(Arc::new(storage.clone()), options()).unwrap();
    let keyspace = database.keyspace("all").unwrap();
    (database, keyspace)
}

fn key(number: u32) -> String {
    format!("key {number:06}")
}

fn ingest(keyspace: &Keyspace, numbers: impl Iterator<Item = u32>, value: &str) {
    let mut ingestion = keyspace.ingest().unwrap();
    for number in numbers {
        ingestion.add(key(number), value).unwrap();
    }
    ingestion.finish().unwrap();
}

#[test]
fn nothing_goes_through_the_log_and_nothing_is_merged() {
    let storage = MemoryStorage::new();
    let (database, keyspace) = open(&storage);
    let log_bytes = database.statistics().log_bytes;
    ingest(&keyspace, 0..10_000, "a value");
    let statistics = database.statistics();
    assert!(statistics.log_bytes - log_bytes < 100, "{}", statistics.log_bytes - log_bytes);
    assert_eq!((statistics.merges, statistics.ingestions), (0, 1));
    // In the deepest level, in tables of the usual size; the catalog is still in memory.
    let levels: Vec<u32> = statistics.levels.iter().map(|level| level.level).collect();
    assert_eq!(levels, [4]);
    assert!(database.tables().len() > 5);
    assert_eq!(keyspace.iter().count(), 10_000);
    assert_eq!(keyspace.iter().rev().count(), 10_000);
    assert_eq!(keyspace.get(key(777)).unwrap().as_deref(), Some(&b"a value"[..]));
    assert!(database.check().is_sound());
    drop((keyspace, database));
    let (database, keyspace) = open(&storage);
    assert_eq!(keyspace.iter().count(), 10_000);
    database.compact().unwrap();
    assert_eq!(keyspace.iter().count(), 10_000);
}

#[test]
fn later_ingestions_go_above_what_they_overlap_and_beside_what_they_do_not() {
    let (database, keyspace) = open(&MemoryStorage::new());
    ingest(&keyspace, 0..1000, "first");
    ingest(&keyspace, 2000..3000, "first");
    ingest(&keyspace, 500..2500, "second");
    let mut levels: Vec<u32> = database.statistics().levels.iter().map(|level| level.level).collect();
    levels.sort_unstable();
    assert_eq!(levels, [3, 4]);
    for (number, expected) in
        [(0, "first"), (499, "first"), (500, "second"), (2499, "second"), (2500, "first")]
    {
        assert_eq!(keyspace.get(key(number)).unwrap().as_deref(), Some(expected.as_bytes()), "{number}");
    }
    assert_eq!(keyspace.iter().count(), 3000);
}

#[test]
fn what_is_in_memory_is_older_and_what_comes_later_newer() {
    let (database, keyspace) = open(&MemoryStorage::new());
    for number in 0..100 {
        keyspace.put(key(number), "put before").unwrap();
    }
    keyspace.delete_range(key(50)..key(60)).unwrap();
    let before = database.snapshot();
    let mut ingestion = keyspace.ingest().unwrap();
    keyspace.put(key(10), "put meanwhile").unwrap();
    for number in (0..100).step_by(2) {
        ingestion.add(key(number), "ingested").unwrap();
    }
    keyspace.put(key(12), "put meanwhile").unwrap();
    keyspace.put(key(13), "put meanwhile").unwrap();
    assert_eq!(keyspace.get(key(12)).unwrap().as_deref(), Some(&b"put meanwhile"[..]));
    let token = ingestion.finish().unwrap();
    assert!(token.sequence > before.sequence());
    let value = |number| keyspace.get(key(number)).unwrap().map(|value| value.into_vec());
    assert_eq!(value(10), Some(b"ingested".to_vec()));
    assert_eq!(value(12), Some(b"ingested".to_vec()));
    assert_eq!(value(13), Some(b"put meanwhile".to_vec()));
    assert_eq!(value(52), Some(b"ingested".to_vec()));
    assert_eq!(value(53), None);
    assert_eq!(before.get(&keyspace, key(12)).unwrap().as_deref(), Some(&b"put before"[..]));
    assert_eq!(before.get(&keyspace, key(52)).unwrap(), None);
    assert_eq!(before.range::<&str>(&keyspace, ..).count(), 90);
    keyspace.put(key(12), "put after").unwrap();
    keyspace.delete(key(14)).unwrap();
    assert_eq!((value(12), value(14)), (Some(b"put after".to_vec()), None));
    // Merged with all of it the snapshot still sees what it saw.
    database.compact().unwrap();
    assert_eq!(before.get(&keyspace, key(12)).unwrap().as_deref(), Some(&b"put before"[..]));
    assert_eq!(before.range::<&str>(&keyspace, ..).count(), 90);
    assert_eq!(
        (value(12), value(14), value(16)),
        (Some(b"put after".to_vec()), None, Some(b"ingested".to_vec()))
    );
}

#[test]
fn keys_that_do_not_ascend_or_are_too_long_are_left_out() {
    let (_database, keyspace) = open(&MemoryStorage::new());
    let mut ingestion = keyspace.ingest().unwrap();
    ingestion.add("b", "1").unwrap();
    for key in ["b", "a", ""] {
        match ingestion.add(key, "2") {
            Err(Error::Unsorted { key: told, before }) => {
                assert_eq!((told, before), (key.to_owned(), "b".to_owned()))
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(ingestion.add(vec![b'c'; 65_536], ""), Err(Error::TooLarge { what: "key", .. })));
    ingestion.add(vec![b'c'; 65_535], "").unwrap();
    assert_eq!(ingestion.len(), 2);
    ingestion.finish().unwrap();
    assert_eq!(keyspace.get("b").unwrap().as_deref(), Some(&b"1"[..]));
    assert_eq!(keyspace.get(vec![b'c'; 65_535]).unwrap().as_deref(), Some(&b""[..]));
}

#[test]
fn one_that_is_dropped_or_empty_leaves_nothing() {
    let storage = MemoryStorage::new();
    let (database, keyspace) = open(&storage);
    let mut ingestion = keyspace.ingest().unwrap();
    for number in 0..5000 {
        ingestion.add(key(number), [number as u8; 1100]).unwrap();
    }
    assert!(!storage.list("layers").unwrap().is_empty());
    drop(ingestion);
    assert!(storage.list("layers").unwrap().is_empty());
    assert!(storage.list("values").unwrap().is_empty());
    assert!(keyspace.first().unwrap().is_none());
    let before = database.statistics().last_sequence;
    assert_eq!(keyspace.ingest().unwrap().finish().unwrap().sequence, before);
    assert_eq!(database.statistics().ingestions, 0);
}

/// Each operation of an ingestion's end fails once. Where it is certain that the tables were not named, nothing of it
/// is there, nothing stays behind, and others go on.
#[test]
fn an_edit_that_was_not_named_fails_alone() {
    let (mut alone, mut poisoned) = (Vec::new(), Vec::new());
    for step in 0.. {
        let storage = MemoryStorage::new();
        let (database, keyspace) = open(&storage);
        ingest(&keyspace, 0..10, "first");
        let files = |folder| storage.list(folder).unwrap().len();
        let before = (files("layers"), files("values"));
        let mut ingestion = keyspace.ingest().unwrap();
        for number in 0..30 {
            ingestion.add(key(number), vec![1; 1100]).unwrap();
        }
        storage.plan(FaultPlan::new().and(storage.operations() + step, Fault::Fail));
        let outcome = ingestion.finish();
        let has_struck = storage.faults_struck() > 0;
        storage.heal();
        match outcome {
            Ok(_) if has_struck => continue,
            Ok(_) => break,
            Err(error @ Error::Poisoned { .. }) => {
                poisoned.push(error.to_string());
                drop((keyspace, database));
                let (database, keyspace) = open(&storage);
                assert!([10, 30].contains(&keyspace.iter().count()), "{poisoned:?}");
                assert!(database.check().is_sound());
                continue;
            }
            Err(error) => alone.push(error.to_string()),
        }
        assert_eq!((files("layers"), files("values")), before, "{alone:?}");
        assert_eq!(keyspace.iter().count(), 10);
        keyspace.put(key(7), "second").unwrap();
        ingest(&keyspace, 5..20, "third");
        database.flush().unwrap();
        assert_eq!(keyspace.iter().count(), 20);
        drop((keyspace, database));
        let (database, keyspace) = open(&storage);
        for (number, value) in [(0, "first"), (7, "third"), (19, "third")] {
            assert_eq!(&*keyspace.get(key(number)).unwrap().unwrap(), value.as_bytes());
        }
        assert!(database.check().is_sound());
    }
    assert!(alone.iter().any(|told| told.contains("manifest/")), "{alone:?}");
    // Of the log nobody knows after a failure, and of the edit once it may have its name.
    assert!((2..=4).contains(&poisoned.len()), "{poisoned:?}");
}

#[test]
fn large_values_go_to_value_files() {
    let storage = MemoryStorage::new();
    let (database, keyspace) = open(&storage);
    let mut ingestion = keyspace.ingest().unwrap();
    for number in 0..50 {
        ingestion.add(key(number), vec![number as u8; 5000]).unwrap();
    }
    ingestion.finish().unwrap();
    assert_eq!(database.statistics().value_files, 1);
    drop((keyspace, database));
    let (database, keyspace) = open(&storage);
    for number in 0..50 {
        assert_eq!(keyspace.get(key(number)).unwrap().as_deref(), Some(&vec![number as u8; 5000][..]));
    }
    assert!(database.check().is_sound());
}

#[test]
fn a_transaction_that_read_in_its_range_conflicts() {
    let (database, keyspace) = open(&MemoryStorage::new());
    for flushes in [false, true] {
        for (read, conflicts) in [(10, true), (15, true), (40, false)] {
            let mut transaction = database.transaction();
            transaction.get(&keyspace, key(read)).unwrap();
            transaction.put(&keyspace, "elsewhere", "x").unwrap();
            ingest(&keyspace, (0..30).step_by(5), "ingested");
            if flushes {
                database.flush().unwrap();
            }
            let outcome = transaction.commit();
            match outcome {
                // Looked up in tables, one can tell which keys were ingested.
                Ok(_) => assert!(!conflicts, "{read}, {flushes}"),
                Err(Error::Conflict { .. }) => assert!(conflicts, "{read}, {flushes}"),
                Err(other) => panic!("{other}"),
            }
        }
    }
}

#[test]
fn a_stretch_that_was_found_empty_is_looked_at_again() {
    let (_database, keyspace) = open(&MemoryStorage::new());
    for number in 0..500 {
        keyspace.put(key(number), "").unwrap();
    }
    keyspace.delete_range(key(0)..key(400)).unwrap();
    for _ in 0..3 {
        assert_eq!(keyspace.range(key(0)..key(400)).count(), 0);
    }
    ingest(&keyspace, (100..300).step_by(50), "there");
    assert_eq!(keyspace.range(key(0)..key(400)).count(), 4);
    assert_eq!(keyspace.range(key(0)..key(400)).rev().count(), 4);
}

#[test]
fn a_dropped_keyspace_and_a_closed_database_take_none() {
    let (database, keyspace) = open(&MemoryStorage::new());
    let mut ingestion = keyspace.ingest().unwrap();
    ingestion.add("a", "b").unwrap();
    database.drop_keyspace("all").unwrap();
    assert!(matches!(ingestion.finish(), Err(Error::KeyspaceDropped { .. })));
    assert!(matches!(keyspace.ingest(), Err(Error::KeyspaceDropped { .. })));
    let again = database.keyspace("all").unwrap();
    assert!(again.first().unwrap().is_none());
    let mut ingestion = again.ingest().unwrap();
    ingestion.add("a", "b").unwrap();
    database.close().unwrap();
    assert!(matches!(ingestion.finish(), Err(Error::Closed)));
}

#[test]
fn a_checkpoint_holds_an_ingestion_with_all_that_came_before() {
    let (database, keyspace) = open(&MemoryStorage::new());
    keyspace.put("a", "before").unwrap();
    ingest(&keyspace, 0..100, "ingested");
    let copy = MemoryStorage::new();
    database.checkpoint_into(&copy).unwrap();
    let (copied, there) = open(&copy);
    assert_eq!(there.iter().count(), 101);
    // Sequences go on after the ingestion's.
    there.put(key(3), "after").unwrap();
    assert_eq!(there.get(key(3)).unwrap().as_deref(), Some(&b"after"[..]));
    assert!(copied.check().is_sound());
}

#[test]
fn writers_merges_and_ingestions_side_by_side_agree() {
    let options = Options { background_threads: 2, ..options() };
    let database = Database::open_storage(Arc::new(MemoryStorage::new()), options).unwrap();
    let keyspace = database.keyspace("all").unwrap();
    std::thread::scope(|scope| {
        for writer in 0..2_u32 {
            let keyspace = keyspace.clone();
            scope.spawn(move || {
                for number in 0..4000_u32 {
                    keyspace.put(key(2 * (number * 7919 % 3000) + writer), [number as u8; 50]).unwrap();
                }
            });
        }
        let (database, keyspace) = (database.clone(), keyspace.clone());
        scope.spawn(move || {
            for round in 0..20_u32 {
                let value = format!("round {round:02}");
                ingest(&keyspace, (100_000..101_000).chain(200_000 + round..200_100), &value);
                // All of a round, or none.
                let snapshot = database.snapshot();
                let found = snapshot.range(&keyspace, key(100_000)..);
                let rounds: Vec<_> = found.map(|entry| entry.unwrap().1.into_vec()).collect();
                assert_eq!(rounds.len(), 1100);
                assert!(rounds[..1000].iter().all(|found| *found == value.as_bytes()));
            }
        });
    });
    assert_eq!(keyspace.iter().count(), 6000 + 1100);
    assert!(database.check().is_sound());
}
