//! What a killed process leaves in the log is handed out from memory, and is on the device before anything new is
//! promised.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use what it likes")]

#[path = "shared/random.rs"]
mod random;

use std::collections::BTreeMap;
use std::sync::Arc;

use random::{Random, key};
use stroma_lsm::{Database, Durability, Keyspace, Options, RecoveryMode};
use stroma_strata::storage::{LogStorage as _, MemoryStorage, PowerLoss};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

fn options(memory_bytes: usize) -> Options {
    Options { memory_bytes, background_threads: 0, ..Options::default() }
}

fn open(storage: &MemoryStorage, memory_bytes: usize) -> (Database, [Keyspace; 2]) {
    let database = Database::open_storage(Arc::new(storage.clone()), options(memory_bytes)).unwrap();
    let keyspaces = ["one", "another"].map(|name| database.keyspace(name).unwrap());
    (database, keyspaces)
}

/// Puts, overwrites, deletes and range deletes, in batches of all sizes; nothing of it is synced.
fn write(database: &Database, keyspaces: &[Keyspace; 2], commits: u64, maps: &mut [Map; 2], seed: u64) {
    let mut choices = Random(seed);
    for _ in 0..commits {
        let mut batch = database.batch();
        for _ in 0..1 + choices.below(4) * choices.below(8) {
            let at = choices.below(2) as usize;
            let (keyspace, map) = (&keyspaces[at], &mut maps[at]);
            let number = choices.below(400);
            // Some keys are short, and some begin alike.
            let key = match number % 3 {
                0 => key(number).to_vec(),
                1 => format!("keys that begin alike {number}").into_bytes(),
                _ => vec![number as u8; number as usize % 14],
            };
            match choices.below(20) {
                0..16 => {
                    let value = choices.next().to_le_bytes().repeat(choices.below(12) as usize);
                    batch.put(keyspace, &key, &value);
                    map.insert(key, value);
                }
                16..19 => {
                    batch.delete(keyspace, &key);
                    map.remove(&key);
                }
                _ => {
                    let end = [key.as_slice(), &[choices.below(4) as u8]].concat();
                    batch.delete_range(keyspace, key.as_slice()..end.as_slice());
                    map.retain(|stored, _| !(key <= *stored && *stored < end));
                }
            }
        }
        batch.commit().unwrap();
    }
}

fn check(keyspaces: &[Keyspace; 2], maps: &[Map; 2]) {
    for (keyspace, map) in keyspaces.iter().zip(maps) {
        assert_eq!(&contents(keyspace), map);
        assert_eq!(keyspace.iter().rev().count(), map.len());
        for (key, value) in map {
            assert_eq!(keyspace.get(key).unwrap().unwrap(), *value);
        }
        assert_eq!(keyspace.get("keys that begin alike, but none is this").unwrap(), None);
    }
}

#[test]
fn what_was_recovered_is_read_from_memory_until_a_commit_promises_something() {
    for seed in 0..8 {
        let (storage, mut maps) = (MemoryStorage::new(), [Map::new(), Map::new()]);
        let (database, keyspaces) = open(&storage, 1 << 20);
        write(&database, &keyspaces, 100, &mut maps, seed);
        drop((database, keyspaces));
        // Once more on top of what was recovered, not synced either.
        for turn in 1..3 {
            let killed = storage.kill();
            let (database, keyspaces) = open(&killed, 1 << 20);
            assert_eq!(database.tables().len(), 0);
            assert!(database.recovery_report().log_cut.is_none());
            check(&keyspaces, &maps);
            // What is written lies over it.
            let mut more = maps.clone();
            write(&database, &keyspaces, 1, &mut more, 100 * turn + seed);
            check(&keyspaces, &more);
        }
        let killed = storage.kill();
        let (database, keyspaces) = open(&killed, 1 << 20);
        let mut batch = database.batch();
        batch.put(&keyspaces[0], "promised", "value");
        maps[0].insert(b"promised".to_vec(), b"value".to_vec());
        batch.commit_with(Durability::Synced).unwrap();
        assert!(!database.tables().is_empty());
        drop((database, keyspaces));
        let left = killed.lose_power(PowerLoss::any(seed));
        check(&open(&left, 1 << 20).1, &maps);
    }
}

/// What a memtable takes is in the log alone when the process dies: nothing of it was flushed before, and opening, also
/// with half the memory, does not flush it either.
#[test]
fn what_fits_a_memtable_is_recovered_from_the_log_and_nothing_is_flushed() {
    for threads in [0, 1] {
        let options = |memory_bytes| Options { background_threads: threads, ..options(memory_bytes) };
        let storage = MemoryStorage::new();
        let database = Database::open_storage(Arc::new(storage.clone()), options(8 << 20)).unwrap();
        let keyspace = database.keyspace("one").unwrap();
        for number in 0..10_000 {
            keyspace.put(key(number), [7; 100]).unwrap();
        }
        assert_eq!(database.statistics().flushes, 0);
        let killed = storage.kill();
        let database = Database::open_storage(Arc::new(killed), options(4 << 20)).unwrap();
        let report = database.recovery_report();
        // The keyspace is a commit, too.
        assert_eq!((report.replayed_commits, report.log_segments), (10_001, 1));
        if threads == 0 {
            assert_eq!((database.statistics().flushes, database.tables().len()), (0, 0));
        }
        assert_eq!(database.keyspace("one").unwrap().iter().count(), 10_000);
    }
}

#[test]
fn it_is_flushed_by_the_first_commit_where_no_thread_does_it_and_then_the_log_goes() {
    let (storage, mut maps) = (MemoryStorage::new(), [Map::new(), Map::new()]);
    let (database, keyspaces) = open(&storage, 1 << 20);
    write(&database, &keyspaces, 100, &mut maps, 1);
    drop((database, keyspaces));
    let killed = storage.kill();
    let (database, keyspaces) = open(&killed, 1 << 20);
    assert_eq!((database.tables().len(), killed.list_logs("log").unwrap().len()), (0, 2));
    write(&database, &keyspaces, 1, &mut maps, 2);
    assert_eq!((database.tables().len(), killed.list_logs("log").unwrap().len()), (1, 1));
    check(&keyspaces, &maps);
}

#[test]
fn less_memory_than_before_takes_it_all_in_and_keeps_its_budget() {
    let (storage, mut maps) = (MemoryStorage::new(), [Map::new(), Map::new()]);
    let (database, keyspaces) = open(&storage, 4 << 20);
    write(&database, &keyspaces, 1500, &mut maps, 3);
    let tables = database.tables().len();
    drop((database, keyspaces));
    for memory_bytes in [64 << 10, 100 << 10, 256 << 10, 1 << 20, 16 << 20] {
        let killed = storage.kill();
        let database = Database::open_storage(Arc::new(killed.clone()), options(memory_bytes)).unwrap();
        assert!(database.statistics().memory_used <= memory_bytes);
        match memory_bytes >> 10 {
            64 => assert!(database.tables().len() > tables),
            16_384 => assert_eq!(database.tables().len(), tables),
            _ => {}
        }
        let keyspaces = ["one", "another"].map(|name| database.keyspace(name).unwrap());
        check(&keyspaces, &maps);
        let mut more = maps.clone();
        write(&database, &keyspaces, 300, &mut more, 4);
        check(&keyspaces, &more);
        database.close().unwrap();
        check(&open(&killed, memory_bytes).1, &more);
    }
}

/// The same with a crew of so many threads, and whatever of the log can be kept.
fn open_with(storage: &MemoryStorage, threads: usize) -> (Database, [Keyspace; 2]) {
    let options = Options {
        background_threads: threads,
        recovery: RecoveryMode::KeepPrefix,
        memory_bytes: 128 << 20,
        // Else the log is short.
        memory_cleaning: false,
        ..Options::default()
    };
    let database = Database::open_storage(Arc::new(storage.clone()), options).unwrap();
    let keyspaces = ["one", "another"].map(|name| database.keyspace(name).unwrap());
    (database, keyspaces)
}

#[test]
fn a_long_log_is_recovered_alike_by_any_number_of_threads_whole_or_damaged() {
    const COMMITS: u64 = 12_000;
    let (storage, mut maps) = (MemoryStorage::new(), [Map::new(), Map::new()]);
    let (database, keyspaces) = open_with(&storage, 0);
    write(&database, &keyspaces, COMMITS, &mut maps, 5);
    drop((database, keyspaces));
    let log = storage.list_logs("log").unwrap().pop().unwrap();
    assert!(log.bytes > 8 * (256 << 10), "several stretches: {}", log.bytes);
    let whole = storage.contents(&log.name).unwrap();
    let mut choices = Random(6);
    for turn in 0..4 {
        let at = choices.below(log.bytes) as usize;
        let left = match turn {
            0 => whole.clone(),
            1 => whole[..at].to_vec(),
            2 => [&whole[..at], &[0; 100_000]].concat(),
            _ => {
                let mut damaged = whole.clone();
                damaged[at] ^= 0x10;
                damaged
            }
        };
        let mut expected: Option<([Map; 2], u64)> = None;
        for threads in [0, 1, 3] {
            let killed = storage.kill();
            killed.replace(&log.name, left.clone());
            let (database, keyspaces) = open_with(&killed, threads);
            let (report, found) = (database.recovery_report(), keyspaces.each_ref().map(contents));
            assert!(turn != 0 || report.log_cut.is_none());
            assert!(turn != 3 || report.log_cut.is_some());
            let replayed = report.replayed_commits;
            let (maps, commits) = expected.get_or_insert_with(|| match turn {
                0 => (maps.clone(), COMMITS + KEYSPACE_COMMITS),
                _ => (after(replayed - KEYSPACE_COMMITS), replayed),
            });
            assert_eq!((&found, replayed), (&*maps, *commits), "turn {turn}, {threads} threads");
            database.close().unwrap();
        }
    }
}

/// To make a keyspace is a commit.
const KEYSPACE_COMMITS: u64 = 2;

/// What the first commits of the test before this leave.
fn after(commits: u64) -> [Map; 2] {
    let (storage, mut maps) = (MemoryStorage::new(), [Map::new(), Map::new()]);
    let (database, keyspaces) = open_with(&storage, 0);
    write(&database, &keyspaces, commits, &mut maps, 5);
    maps
}

fn contents(keyspace: &Keyspace) -> Map {
    keyspace.iter().map(|entry| entry.map(|(key, value)| (key, value.into_vec())).unwrap()).collect()
}
