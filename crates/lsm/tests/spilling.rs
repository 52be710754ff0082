//! Transactions whose writes outgrow memory: they read what they wrote, go back, commit at once or not at all, and
//! leave nothing behind.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use what it likes")]

#[path = "shared/random.rs"]
mod random;
#[path = "shared/small.rs"]
mod small;

use std::io::Read as _;
use std::sync::Arc;

use random::{Random, fill, mix};
use small::{Map, collect, small};
use stroma_lsm::{Database, Error, Keyspace, Options, Transaction};
use stroma_strata::storage::{LogStorage as _, MemoryStorage, PowerLoss, Storage as _, StorageError};

fn options(transaction_bytes: usize) -> Options {
    Options {
        memory_bytes: 64 << 10,
        block_bytes: 256,
        value_threshold: 300,
        transaction_bytes,
        ..small(16 << 10)
    }
}

fn open(storage: &MemoryStorage, options: Options) -> (Database, Keyspace) {
    let database = Database::open_storage(Arc::new(storage.clone()), options).unwrap();
    let keyspace = database.keyspace("all").unwrap();
    (database, keyspace)
}

fn contents(keyspace: &Keyspace) -> Map {
    collect(keyspace.iter()).unwrap()
}

fn scratch_files(storage: &MemoryStorage) -> usize {
    storage.list("scratch").unwrap().len()
}

/// A change that is made in the transaction and in the map.
fn change(choices: &mut Random, transaction: &mut Transaction, keyspace: &Keyspace, map: &mut Map) {
    let key = choices.below(300).to_be_bytes().to_vec();
    match choices.below(12) {
        0 => {
            let end = (u64::from(key[7]) + choices.below(40)).to_be_bytes().to_vec();
            transaction.delete_range(keyspace, key.as_slice()..end.as_slice()).unwrap();
            map.retain(|other, _| !(key <= *other && *other < end));
        }
        1..=3 => {
            transaction.delete(keyspace, &key).unwrap();
            map.remove(&key);
        }
        _ => {
            let mut value = vec![0; choices.below(400) as usize];
            fill(&mut value, choices.next());
            transaction.put(keyspace, &key, &value).unwrap();
            map.insert(key, value);
        }
    }
}

fn check(transaction: &Transaction, keyspace: &Keyspace, map: &Map, choices: &mut Random) {
    assert_eq!(collect(transaction.range::<&[u8]>(keyspace, ..)).unwrap(), *map);
    let back: Vec<Vec<u8>> =
        transaction.range::<&[u8]>(keyspace, ..).rev().map(|entry| entry.unwrap().0).collect();
    assert!(back.iter().rev().eq(map.keys()));
    for _ in 0..20 {
        let key = choices.below(300).to_be_bytes();
        let found = transaction.get(keyspace, key).unwrap();
        assert_eq!(found.as_deref(), map.get(key.as_slice()).map(Vec::as_slice));
    }
}

#[test]
fn what_was_spilled_is_read_gone_back_to_and_committed_like_anything_else() {
    for (transaction_bytes, seed) in [(0, 1), (500, 2), (3000, 3), (20_000, 4), (1 << 20, 5)] {
        let storage = MemoryStorage::new();
        let (database, keyspace) = open(&storage, options(transaction_bytes));
        let mut choices = Random(seed);
        let mut committed = Map::new();
        for round in 0..12 {
            let mut transaction = database.transaction();
            let mut map = committed.clone();
            let mut points = Vec::new();
            for _ in 0..choices.below(250) {
                match choices.below(40) {
                    0 => points.push((transaction.savepoint(), map.clone())),
                    1 if !points.is_empty() => {
                        let at = choices.below(points.len() as u64) as usize;
                        transaction.rollback_to(&points[at].0).unwrap();
                        map.clone_from(&points[at].1);
                        points.truncate(at + 1);
                    }
                    2 if !points.is_empty() => {
                        let at = choices.below(points.len() as u64) as usize;
                        transaction.release(points.drain(at..).next().unwrap().0).unwrap();
                    }
                    3 => check(&transaction, &keyspace, &map, &mut choices),
                    _ => change(&mut choices, &mut transaction, &keyspace, &mut map),
                }
            }
            check(&transaction, &keyspace, &map, &mut choices);
            assert!(scratch_files(&storage) < 40, "runs are merged");
            if round % 4 == 3 {
                drop(transaction);
            } else {
                transaction.commit().unwrap();
                committed = map;
            }
            assert_eq!(scratch_files(&storage), 0);
            assert_eq!(contents(&keyspace), committed);
        }
        assert!(database.check().is_sound());
        drop((keyspace, database));
        let (database, keyspace) = open(&storage.lose_power(PowerLoss::any(seed)), options(0));
        assert!(contents(&keyspace) == committed || transaction_bytes == 1 << 20);
        assert!(database.check().is_sound());
    }
}

/// Puts of 3 MiB, in no order, over what there is; deletes a part of it.
fn write_much(transaction: &mut Transaction, keyspace: &Keyspace, map: &mut Map) {
    for number in 0..6000_u64 {
        let mut value = vec![0; 500];
        fill(&mut value, number);
        let key = mix(number % 4000).to_be_bytes();
        transaction.put(keyspace, key, &value).unwrap();
        map.insert(key.to_vec(), value);
    }
    let (start, end) = ([0x40; 8], [0x60; 8]);
    transaction.delete_range(keyspace, start..end).unwrap();
    map.retain(|key, _| !(start.as_slice() <= &key[..] && &key[..] < end.as_slice()));
}

#[test]
fn a_transaction_fifty_times_as_large_as_memory_is_one_commit() {
    let storage = MemoryStorage::new();
    let (database, keyspace) = open(&storage, options(16 << 10));
    let mut map = Map::new();
    for number in 0..2000_u64 {
        let key = mix(number).to_be_bytes();
        keyspace.put(key, "old").unwrap();
        map.insert(key.to_vec(), b"old".to_vec());
    }
    let before = map.clone();
    let snapshot = database.snapshot();
    let mut transaction = database.transaction();
    write_much(&mut transaction, &keyspace, &mut map);
    assert_eq!(contents(&keyspace), before, "nobody else sees it");
    assert!(scratch_files(&storage) > 0);
    let commits = database.statistics().commits;
    let token = transaction.commit().unwrap();
    assert_eq!(database.snapshot().sequence(), token.sequence);
    assert_eq!(database.statistics().commits, commits + 1);
    assert_eq!(contents(&keyspace), map);
    assert_eq!(collect(snapshot.range::<&[u8]>(&keyspace, ..)).unwrap(), before);
    // The log goes on where the tables end.
    keyspace.put("more", "later").unwrap();
    map.insert(b"more".to_vec(), b"later".to_vec());
    database.sync().unwrap();
    let (again, keyspace) = open(&storage.lose_power(PowerLoss::any(1)), options(0));
    assert_eq!(contents(&keyspace), map);
    assert!(again.recovery_report().log_cut.is_none(), "{:?}", again.recovery_report());
}

#[test]
fn whatever_changed_meanwhile_is_noticed_on_both_sides() {
    let storage = MemoryStorage::new();
    let (database, keyspace) = open(&storage, options(100));
    let large = |transaction: &mut Transaction, first: u64| {
        for number in first..first + 50 {
            transaction.put(&keyspace, number.to_be_bytes(), [7; 400]).unwrap();
        }
    };
    // The large one read what another changed.
    let mut transaction = database.transaction();
    transaction.get(&keyspace, "read").unwrap();
    large(&mut transaction, 0);
    keyspace.put("read", "changed").unwrap();
    assert!(matches!(transaction.commit(), Err(Error::Conflict { .. })));
    assert_eq!(contents(&keyspace).len(), 1);
    assert_eq!(scratch_files(&storage), 0);
    // Another read what the large one changed, by key and by range, or nothing of it.
    let readers: Vec<Transaction> = (0..3).map(|_| database.transaction()).collect();
    readers[0].get(&keyspace, 7_u64.to_be_bytes()).unwrap();
    assert_eq!(readers[1].range(&keyspace, [0; 8].as_slice()..&[1; 8]).count(), 0);
    readers[2].get(&keyspace, "unconcerned").unwrap();
    let mut transaction = database.transaction();
    large(&mut transaction, 0);
    transaction.commit().unwrap();
    let outcomes: Vec<bool> = readers
        .into_iter()
        .map(|mut reader| {
            reader.put(&keyspace, "own", "write").unwrap();
            reader.commit().is_ok()
        })
        .collect();
    assert_eq!(outcomes, [false, false, true]);
    // Two large ones that wrote the same: the later one stands.
    let (mut one, mut other) = (database.transaction(), database.transaction());
    large(&mut one, 100);
    large(&mut other, 120);
    other.commit().unwrap();
    one.put(&keyspace, 130_u64.to_be_bytes(), "last").unwrap();
    one.commit().unwrap();
    assert_eq!(keyspace.get(130_u64.to_be_bytes()).unwrap().unwrap(), b"last");
    assert_eq!(contents(&keyspace).len(), 1 + 50 + 70 + 1);
}

#[test]
fn a_scan_that_goes_on_while_its_transaction_spills_sees_what_it_saw() {
    let storage = MemoryStorage::new();
    let (database, keyspace) = open(&storage, options(2000));
    let mut transaction = database.transaction();
    for number in 0..100_u64 {
        transaction.put(&keyspace, number.to_be_bytes(), [1; 100]).unwrap();
    }
    let mut scan = transaction.range::<&[u8]>(&keyspace, ..);
    for _ in 0..10 {
        scan.next().unwrap().unwrap();
    }
    for number in 0..100_u64 {
        transaction.put(&keyspace, number.to_be_bytes(), [2; 100]).unwrap();
    }
    transaction.commit().unwrap();
    assert!(scratch_files(&storage) > 0, "kept for the scan");
    let rest: Vec<_> = scan.map(|entry| entry.unwrap().1).collect();
    assert!(rest.len() == 90 && rest.iter().all(|value| value[..] == [1; 100]));
    assert_eq!(scratch_files(&storage), 0);
}

#[test]
fn streams_are_read_taken_back_and_committed_in_transactions_of_any_size() {
    for transaction_bytes in [0, 1 << 20] {
        let storage = MemoryStorage::new();
        let (database, keyspace) = open(&storage, options(transaction_bytes));
        let long = |byte: u8| std::io::repeat(byte).take(200_000);
        let mut transaction = database.transaction();
        transaction.put_stream(&keyspace, "kept", long(1)).unwrap();
        transaction.put_stream(&keyspace, "short", &b"short"[..]).unwrap();
        let point = transaction.savepoint();
        transaction.put_stream(&keyspace, "kept", long(2)).unwrap();
        transaction.put_stream(&keyspace, "gone", long(3)).unwrap();
        assert_eq!(transaction.get(&keyspace, "kept").unwrap().unwrap()[..], [2; 200_000]);
        transaction.rollback_to(&point).unwrap();
        transaction.put_stream(&keyspace, "deleted", long(4)).unwrap();
        transaction.delete(&keyspace, "deleted").unwrap();
        let mut reader = transaction.reader(&keyspace, "kept").unwrap().unwrap();
        let mut start = [0; 10];
        reader.read_exact(&mut start).unwrap();
        assert_eq!((reader.len(), start), (200_000, [1; 10]));
        let found = collect(transaction.range::<&[u8]>(&keyspace, ..)).unwrap();
        let wanted: Map =
            [(b"kept".to_vec(), vec![1; 200_000]), (b"short".to_vec(), b"short".to_vec())].into();
        assert_eq!(found, wanted);
        assert!(contents(&keyspace).is_empty());
        transaction.commit().unwrap();
        drop(reader);
        assert_eq!(contents(&keyspace), wanted);
        database.flush().unwrap();
        assert_eq!(storage.list("values").unwrap().len(), 1, "files of what was taken back go");
        let mut undone = database.transaction();
        undone.put_stream(&keyspace, "undone", long(5)).unwrap();
        drop(undone);
        assert_eq!(storage.list("values").unwrap().len(), 1);
        assert!(database.check().is_sound());
        drop((keyspace, database));
        let (_database, keyspace) = open(&storage, options(0));
        assert_eq!(contents(&keyspace), wanted);
    }
}

/// What there is before, and what a transaction that spills makes of it.
fn before_and_after(storage: &MemoryStorage) -> (Map, Map, Result<(), Error>) {
    let opened = Database::open_storage(Arc::new(storage.clone()), options(1000));
    let mut before = Map::new();
    let run = |before: &mut Map, after: &mut Map| -> Result<(), Error> {
        let database = opened?;
        let keyspace = database.keyspace("all")?;
        for number in 0..60_u64 {
            // Told first: of one that fails nobody knows.
            before.insert(number.to_be_bytes().to_vec(), vec![1; 50]);
            keyspace.put(number.to_be_bytes(), [1; 50])?;
            after.clone_from(before);
        }
        database.sync()?;
        let mut transaction = database.transaction();
        for number in 30..90_u64 {
            transaction.put(&keyspace, number.to_be_bytes(), [2; 400])?;
            after.insert(number.to_be_bytes().to_vec(), vec![2; 400]);
        }
        transaction.delete_range(&keyspace, [0; 8].as_slice()..&10_u64.to_be_bytes())?;
        for number in 0..10_u64 {
            after.remove(number.to_be_bytes().as_slice());
        }
        transaction.commit().map(drop)
    };
    let mut after = Map::new();
    let outcome = run(&mut before, &mut after);
    (before, after, outcome)
}

#[test]
fn power_lost_at_any_operation_leaves_all_of_it_or_nothing_and_no_scratch_files() {
    let storage = MemoryStorage::new();
    storage.watch(1, 0);
    let (before, after, outcome) = before_and_after(&storage);
    outcome.unwrap();
    let moments = storage.take_moments();
    let (mut none, mut all) = (0, 0);
    for moment in &moments {
        for turn in 0..2 {
            let image = moment.storage.lose_power(PowerLoss::any(moment.operation * 2 + turn));
            let had_scratch = scratch_files(&image) > 0;
            let (database, keyspace) = open(&image, options(0));
            let found = contents(&keyspace);
            let is_prefix =
                found.len() <= before.len() && found.iter().all(|(key, value)| before[key] == *value);
            assert!(found == after || is_prefix, "before operation {} ({})", moment.operation, moment.name);
            none += u32::from(had_scratch && is_prefix);
            all += u32::from(found == after);
            assert_eq!(scratch_files(&image), 0);
            assert!(database.check().is_sound());
        }
    }
    assert!(none > 20 && all > 0, "{none} {all}");
    let (_database, keyspace) = open(&storage.lose_power(PowerLoss::any(7)), options(0));
    assert_eq!(contents(&keyspace), after);
}

#[test]
fn an_operation_that_fails_or_finds_the_device_full_leaves_all_of_it_or_nothing() {
    let counted = MemoryStorage::new();
    before_and_after(&counted).2.unwrap();
    for operation in 0..counted.operations() {
        // Each operation meets one of both.
        let is_full = operation % 2 == 0;
        let storage = MemoryStorage::new();
        if is_full {
            let fault = stroma_strata::storage::Fault::Full;
            storage.plan(stroma_strata::storage::FaultPlan::new().and(operation, fault));
        } else {
            storage.fail_once_after(operation, operation);
        }
        let (before, after, outcome) = before_and_after(&storage);
        storage.heal();
        let image = storage.kill();
        drop(storage);
        let (database, keyspace) = open(&image, options(0));
        let found = contents(&keyspace);
        let context = format!("operation {operation}, full {is_full}: {outcome:?}");
        match &outcome {
            Ok(()) => assert_eq!(found, after, "{context}"),
            // Nobody knows, as of any commit that poisons.
            Err(Error::Poisoned { .. } | Error::Storage(StorageError::Full { .. })) => {
                let is_prefix = found.iter().all(|(key, value)| before.get(key) == Some(value));
                assert!(found == after || is_prefix, "{context}");
            }
            Err(_) => {
                let is_prefix = found.iter().all(|(key, value)| {
                    value.len() == 50 && u64::from_be_bytes(key[..].try_into().unwrap()) < 60
                });
                assert!(is_prefix, "{context}");
            }
        }
        assert!(database.check().is_sound(), "{context}");
        assert!(image.list_logs("log").is_ok());
    }
}

#[test]
fn a_device_that_was_full_takes_the_transaction_again() {
    let storage = MemoryStorage::new();
    let (database, keyspace) = open(&storage, options(4000));
    keyspace.put("a", "1").unwrap();
    let mut transaction = database.transaction();
    storage.set_capacity(Some(storage.used_bytes() + 3000));
    let mut outcome = Ok(());
    let mut written = 0_u64;
    while outcome.is_ok() && written < 100 {
        outcome = transaction.put(&keyspace, written.to_be_bytes(), [9; 300]);
        written += u64::from(outcome.is_ok());
    }
    assert!(matches!(outcome, Err(Error::Storage(StorageError::Full { .. }))), "{outcome:?}");
    assert_eq!(transaction.range::<&[u8]>(&keyspace, ..).count() as u64, written + 1, "it is as it was");
    storage.set_capacity(None);
    for number in written..100 {
        transaction.put(&keyspace, number.to_be_bytes(), [9; 300]).unwrap();
    }
    transaction.commit().unwrap();
    assert_eq!(contents(&keyspace).len(), 101);
}
