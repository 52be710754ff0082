//! What is at the edges: nothing at all, keys and values of the least and the greatest length, thousands of keyspaces,
//! and things that are dropped or closed while others work with them.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use what it likes")]

use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use stroma_lsm::{Backups, Compression, Database, Durability, Error, Keyspace, Options};
use stroma_strata::storage::{Fault, FaultPlan, MemoryStorage, Storage as _};

fn small(background_threads: usize) -> Options {
    Options {
        memory_bytes: 1 << 20,
        background_threads,
        block_bytes: 512,
        transaction_bytes: 10_000,
        ..Options::default()
    }
}

fn open(storage: &MemoryStorage, background_threads: usize) -> Database {
    Database::open_storage(Arc::new(storage.clone()), small(background_threads)).unwrap()
}

#[test]
fn nothing_is_as_good_as_anything() {
    let storage = MemoryStorage::new();
    let database = open(&storage, 0);
    let keyspace = database.keyspace("all").unwrap();
    let before = database.sequence();
    for durability in [Durability::None, Durability::Buffered, Durability::Synced] {
        assert_eq!(database.batch().commit_with(durability).unwrap().sequence, before);
        assert_eq!(database.transaction().commit_with(durability).unwrap().sequence, before);
    }
    let mut batch = database.batch();
    batch.delete_range(&keyspace, "b".."a").delete_range(&keyspace, "a".."a");
    assert!(batch.is_empty());
    batch.commit().unwrap();
    let mut transaction = database.transaction();
    transaction.delete_range(&keyspace, "b".."a").unwrap();
    let point = transaction.savepoint();
    transaction.rollback_to(&point).unwrap();
    transaction.release(point).unwrap();
    assert_eq!(transaction.range(&keyspace, "a".."a").count(), 0);
    transaction.commit().unwrap();
    assert_eq!(database.sequence(), before, "nothing was changed");

    database.flush().unwrap();
    database.compact().unwrap();
    database.compact_range(&keyspace, "b".."a").unwrap();
    database.compact_range::<&[u8]>(&keyspace, ..).unwrap();
    database.sync().unwrap();
    assert!(keyspace.first().unwrap().is_none() && keyspace.last().unwrap().is_none());
    assert!(keyspace.get_many(std::iter::empty::<&[u8]>()).unwrap().is_empty());
    assert_eq!(keyspace.prefix("").count() + keyspace.prefix([0xff; 9]).rev().count(), 0);
    assert_eq!(keyspace.range("z".."a").rev().count(), 0);
    let estimate = keyspace.estimate::<&[u8]>(..).unwrap();
    assert_eq!(keyspace.estimate("b".."a").unwrap().entries, 0);
    assert_eq!(estimate.entries, 0);
    assert!(database.check().is_sound());

    let (copy, archive) = (MemoryStorage::new(), MemoryStorage::new());
    database.checkpoint_into(&copy).unwrap();
    let backups = Backups::open_storage(Arc::new(archive));
    database.back_up(&backups).unwrap();
    let restored = MemoryStorage::new();
    backups.restore_into(1, &restored).unwrap();
    for place in [copy, restored] {
        let database = open(&place, 0);
        assert_eq!(database.keyspaces(), ["all"]);
        assert!(database.keyspace("all").unwrap().first().unwrap().is_none());
    }
    database.close().unwrap();
    assert_eq!(open(&storage, 0).keyspaces(), ["all"]);
}

/// The least and the greatest keys, and those right beside them, in order.
fn extreme_keys() -> Vec<Vec<u8>> {
    let mut keys = vec![Vec::new(), vec![0], vec![0, 0], vec![1], vec![0xff]];
    keys.push(vec![0xff; 65_534]);
    keys.push([vec![0xff; 65_534], vec![0]].concat());
    keys.push(vec![0xff; 65_535]);
    assert!(keys.is_sorted());
    keys
}

fn check_extremes(keyspace: &Keyspace, keys: &[Vec<u8>]) {
    let value = |key: &[u8]| vec![7; key.len() % 3 * 100];
    for key in keys {
        assert_eq!(keyspace.get(key).unwrap().as_deref(), Some(value(key).as_slice()));
        let from = keyspace.range(key.as_slice()..).next().unwrap().unwrap();
        assert_eq!((&from.0, &from.1[..]), (key, &value(key)[..]));
        let until = keyspace.range(..=key.as_slice()).next_back().unwrap().unwrap();
        assert_eq!(until.0, *key);
        let after = keyspace.range::<&[u8]>((Bound::Excluded(key.as_slice()), Bound::Unbounded)).next();
        let position = keys.iter().position(|other| other == key).unwrap();
        assert_eq!(after.map(|entry| entry.unwrap().0), keys.get(position + 1).cloned());
    }
    assert_eq!(keyspace.prefix([0xff; 65_535]).count(), usize::from(keys.contains(&vec![0xff; 65_535])));
    assert_eq!(keyspace.prefix("").count(), keys.len());
    let found: Vec<Vec<u8>> = keyspace.iter().rev().map(|entry| entry.unwrap().0).collect();
    assert!(found.iter().rev().eq(keys));
}

#[test]
fn keys_and_values_of_the_least_and_the_greatest_length_are_like_others() {
    for way in 0..3 {
        let storage = MemoryStorage::new();
        let database = open(&storage, 0);
        let keyspace = database.keyspace("all").unwrap();
        let neighbour = database.keyspace("neighbour").unwrap();
        neighbour.put("", "").unwrap();
        let mut keys = extreme_keys();
        let value = |key: &[u8]| vec![7; key.len() % 3 * 100];
        let mut transaction = database.transaction();
        for key in &keys {
            match way {
                0 => drop(keyspace.put(key, value(key)).unwrap()),
                1 => drop(keyspace.put_stream(key, value(key).as_slice()).unwrap()),
                _ => transaction.put(&keyspace, key, value(key)).unwrap(),
            }
        }
        transaction.commit().unwrap();
        check_extremes(&keyspace, &keys);
        database.flush().unwrap();
        check_extremes(&keyspace, &keys);
        // Up to and with the last key there can be; the neighbour's first is the next.
        let last = keys.pop().unwrap();
        keyspace.delete_range(last.as_slice()..=last.as_slice()).unwrap();
        check_extremes(&keyspace, &keys);
        database.compact().unwrap();
        check_extremes(&keyspace, &keys);
        let mut transaction = database.transaction();
        let behind = (Bound::Excluded(keys[5].as_slice()), Bound::Unbounded);
        transaction.delete_range::<&[u8]>(&keyspace, behind).unwrap();
        transaction.put(&keyspace, "", value(b"")).unwrap();
        transaction.commit().unwrap();
        keys.truncate(6);
        drop((keyspace, neighbour, database));
        let database = open(&storage, 0);
        check_extremes(&database.keyspace("all").unwrap(), &keys);
        assert_eq!(database.keyspace("neighbour").unwrap().get("").unwrap().unwrap(), b"");
        assert!(database.check().is_sound());
    }
}

#[test]
fn what_is_longer_is_refused_and_changes_nothing() {
    let database = open(&MemoryStorage::new(), 0);
    let keyspace = database.keyspace("all").unwrap();
    let long = vec![1; 65_536];
    let is_too_large =
        |outcome: Result<(), Error>| matches!(outcome, Err(Error::TooLarge { what: "key", .. }));
    // In the user's own terms.
    let told = |outcome: Result<(), Error>| outcome.unwrap_err().to_string();
    assert_eq!(
        told(keyspace.put(&long, "").map(drop)),
        "key of 65536 bytes is over the limit of 65535 bytes"
    );
    assert_eq!(
        told(keyspace.delete_range(long.as_slice()..=long.as_slice()).map(drop)),
        "bound of a range of 65537 bytes is over the limit of 65536 bytes"
    );
    assert!(is_too_large(keyspace.ingest().unwrap().add(&long, "")));
    assert!(is_too_large(keyspace.put(&long, "").map(drop)));
    assert!(is_too_large(keyspace.put_stream(&long, &b""[..]).map(drop)));
    assert!(is_too_large(keyspace.delete(&long).map(drop)));
    let mut batch = database.batch();
    batch.put(&keyspace, "well", "").put(&keyspace, &long, "");
    assert!(is_too_large(batch.commit().map(drop)));
    let mut transaction = database.transaction();
    assert!(is_too_large(transaction.put(&keyspace, &long, "")));
    assert!(is_too_large(transaction.delete(&keyspace, &long)));
    assert!(is_too_large(transaction.get_for_update(&keyspace, &long).map(drop)));
    transaction.put(&keyspace, "well", "").unwrap();
    transaction.commit().unwrap();
    // What cannot be there is not there.
    assert!(keyspace.get(&long).unwrap().is_none());
    assert_eq!(keyspace.range(long.as_slice()..).count(), 1);
    assert_eq!(keyspace.iter().count(), 1);
    for name in ["", &"n".repeat(256)] {
        assert!(matches!(database.keyspace(name), Err(Error::InvalidName { .. })));
    }
    assert!(database.keyspace(&"n".repeat(255)).is_ok());
}

#[test]
fn thousands_of_keyspaces_keep_to_themselves() {
    const COUNT: usize = 3000;
    let storage = MemoryStorage::new();
    let database = open(&storage, 0);
    let name = |number: usize| format!("keyspace {number:05}");
    for number in 0..COUNT {
        let keyspace = database.keyspace(&name(number)).unwrap();
        keyspace.put("key", number.to_le_bytes()).unwrap();
        keyspace.put("", "").unwrap();
    }
    for number in (0..COUNT).step_by(3) {
        assert!(database.drop_keyspace(&name(number)).unwrap());
    }
    database.compact().unwrap();
    drop(database);
    let database = open(&storage, 0);
    let names = database.keyspaces();
    assert_eq!(names.len(), COUNT - COUNT / 3);
    for number in (0..COUNT).filter(|number| number % 3 > 0) {
        let keyspace = database.keyspace(&name(number)).unwrap();
        assert_eq!(keyspace.get("key").unwrap().unwrap(), number.to_le_bytes().to_vec());
        assert_eq!(keyspace.iter().rev().count(), 2);
    }
    assert_eq!(database.keyspaces(), names, "none was made");
    assert!(database.keyspace(&name(0)).unwrap().first().unwrap().is_none(), "one of an old name is new");
}

#[test]
fn what_was_collected_for_a_keyspace_is_refused_once_that_is_dropped() {
    let database = open(&MemoryStorage::new(), 0);
    let other = database.keyspace("other").unwrap();
    for is_large in [false, true] {
        let keyspace = database.keyspace("all").unwrap();
        keyspace.put("key", "1").unwrap();
        let (mut batch, mut transaction) = (database.batch(), database.transaction());
        batch.put(&other, "lost", "").put(&keyspace, "key", "2");
        let mut deleting = database.batch();
        deleting.delete(&keyspace, "key").put(&other, "kept", "");
        for number in 0..if is_large { 3000_u32 } else { 1 } {
            transaction.put(&keyspace, number.to_be_bytes(), [1; 50]).unwrap();
        }
        let (snapshot, mut scan) = (database.snapshot(), keyspace.iter());
        assert!(database.drop_keyspace("all").unwrap());
        let is_refused = |outcome: Result<_, Error>| {
            let name = match outcome {
                Err(Error::KeyspaceDropped { name }) => name,
                _ => return false,
            };
            name == "all"
        };
        assert!(is_refused(batch.commit()));
        assert!(is_refused(transaction.commit()));
        assert!(is_refused(keyspace.put("key", "3")));
        assert!(is_refused(keyspace.put_stream("key", &b"3"[..])));
        deleting.commit().unwrap();
        assert!(!database.drop_keyspace("all").unwrap());
        // Who began before sees it as it was.
        database.compact().unwrap();
        assert_eq!(snapshot.get(&keyspace, "key").unwrap().unwrap(), b"1");
        assert_eq!(scan.next().unwrap().unwrap().1, b"1");
        assert!(scan.next().is_none());
        assert!(keyspace.get("key").unwrap().is_none());
        assert!(database.keyspace("all").unwrap().first().unwrap().is_none());
        assert!(other.get("lost").unwrap().is_none() && other.get("kept").unwrap().is_some());
    }
}

/// Works with a database until it is told to end, or refused because it was closed.
fn work(turn: usize, database: &Database, is_over: &AtomicBool) -> Result<(), Error> {
    let keyspace = database.keyspace("shared")?;
    let mut number = turn as u64;
    while !is_over.load(Ordering::Relaxed) {
        number += 1;
        match turn {
            0 => {
                let own = database.keyspace("coming and going")?;
                for key in 0..50_u64 {
                    match own.put(key.to_be_bytes(), [1; 200]) {
                        Err(Error::KeyspaceDropped { .. }) => break,
                        outcome => drop(outcome?),
                    }
                }
            }
            1 => drop(database.drop_keyspace("coming and going")?),
            2 => {
                let mut transaction = database.transaction();
                for key in 0..200_u64 {
                    transaction.put(&keyspace, (number * 1000 + key).to_be_bytes(), [2; 100])?;
                }
                transaction.commit()?;
            }
            3 => drop(database.back_up(&Backups::open_storage(Arc::new(MemoryStorage::new())))?),
            4 => {
                let seen: Result<Vec<_>, Error> = keyspace.iter().collect();
                // What was committed together is seen together.
                assert_eq!(seen?.iter().filter(|(_, value)| value[0] == 2).count() % 200, 0);
            }
            5 => database.compact()?,
            _ => {
                keyspace.put((number % 100).to_be_bytes(), [1; 300])?;
                keyspace.delete_range((number % 90).to_be_bytes()..(number % 90 + 3).to_be_bytes())?;
            }
        }
    }
    Ok(())
}

#[test]
fn a_database_that_is_closed_while_all_work_with_it_ends_them_in_order() {
    for round in 0..3_u64 {
        let storage = MemoryStorage::new();
        let database = open(&storage, 1 + round as usize % 2);
        let is_over = AtomicBool::new(false);
        let mut held = None;
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..7)
                .map(|turn| {
                    let (database, is_over) = (database.clone(), &is_over);
                    scope.spawn(move || work(turn, &database, is_over))
                })
                .collect();
            while database.statistics().flushes < 2 + round {
                std::thread::yield_now();
            }
            let mut transaction = database.transaction();
            let keyspace = database.keyspace("shared").unwrap();
            for key in 0..500_u64 {
                transaction.put(&keyspace, key.to_be_bytes(), [9; 100]).unwrap();
            }
            held = Some((transaction, keyspace));
            let outcome = database.close();
            assert!(outcome.is_ok() || matches!(outcome, Err(Error::Closed)), "{outcome:?}");
            is_over.store(true, Ordering::Relaxed);
            for worker in workers {
                let outcome = worker.join().unwrap();
                let is_in_order = matches!(
                    outcome,
                    Ok(()) | Err(Error::Closed | Error::Tables(_) | Error::Conflict { .. })
                );
                assert!(is_in_order, "{outcome:?}");
            }
        });
        // One that outlives the database: it reads what it wrote, and is refused.
        let (mut transaction, keyspace) = held.unwrap();
        assert_eq!(transaction.get(&keyspace, 7_u64.to_be_bytes()).unwrap().unwrap()[..], [9; 100]);
        let refused =
            (0..300_u64).find_map(|key| transaction.put(&keyspace, key.to_be_bytes(), [9; 100]).err());
        assert!(matches!(refused, Some(Error::Closed)), "{refused:?}");
        let next = open(&storage, 0);
        assert!(next.check().is_sound());
        let mut other = next.transaction();
        let own = next.keyspace("shared").unwrap();
        for key in 0..500_u64 {
            other.put(&own, key.to_be_bytes(), [8; 100]).unwrap();
        }
        assert!(matches!(transaction.commit(), Err(Error::Closed)));
        other.commit().unwrap();
        assert_eq!(own.get(7_u64.to_be_bytes()).unwrap().unwrap()[..], [8; 100]);
        assert!(storage.list("scratch").unwrap().is_empty());
    }
}

/// The system lends no more files, say: the log that follows is made, and its folder cannot be synced.
#[test]
fn a_log_that_could_be_made_by_half_only_keeps_nobody_from_making_another() {
    let storage = MemoryStorage::new();
    let database = open(&storage, 0);
    let keyspace = database.keyspace("all").unwrap();
    for step in 0..2_u8 {
        keyspace.put([step], "x").unwrap();
        for _ in 0..3 {
            storage.plan(FaultPlan::new().and(storage.operations() + u64::from(step), Fault::Fail));
            assert!(matches!(database.flush(), Err(Error::Storage(_))), "step {step}");
            keyspace.put([step, step], "x").unwrap();
        }
        database.flush().unwrap();
    }
    drop((keyspace, database));
    for image in [storage.kill(), storage.crash(1)] {
        let database = open(&image, 0);
        assert_eq!(database.keyspace("all").unwrap().iter().count(), 4);
        assert!(database.check().is_sound());
    }
}

#[test]
fn tables_of_short_entries_end_where_their_keys_would_take_much_memory() {
    let database = open(&MemoryStorage::new(), 0);
    let keyspace = database.keyspace("all").unwrap();
    for number in 0..200_000_u32 {
        keyspace.put(number.wrapping_mul(2_654_435_761).to_be_bytes(), "").unwrap();
    }
    database.compact().unwrap();
    let tables = database.tables();
    // 512 KiB of hashes of eight bytes.
    assert!(tables.iter().all(|table| table.entries <= (512 << 10) / 8 + 1), "{tables:?}");
    assert_eq!(tables.len(), 4);
    assert_eq!(keyspace.iter().count(), 200_000);
}

#[test]
fn a_log_that_was_written_with_more_memory_says_so() {
    let storage = MemoryStorage::new();
    let plain = Options { value_compression: Compression::None, ..small(0) };
    let database = Database::open_storage(Arc::new(storage.clone()), plain).unwrap();
    let large = vec![7; 200_000];
    database.keyspace("all").unwrap().put("large", &large).unwrap();
    let image = storage.kill();
    let less = Options { memory_bytes: 64 << 10, ..small(0) };
    let told = Database::open_storage(Arc::new(image.clone()), less).map(drop).unwrap_err().to_string();
    assert!(told.contains("what the log holds") && told.contains("raise memory_bytes"), "{told}");
    let whole = open(&image, 0);
    assert_eq!(whole.keyspace("all").unwrap().get("large").unwrap().as_deref(), Some(&large[..]));
}
