//! Savepoints against a stack of maps, and locks: those who lock never run in vain, nobody waits in a circle, and
//! nobody waits longer than asked for.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use what it likes")]

#[path = "shared/random.rs"]
mod random;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use random::Random;
use stroma_lsm::{Database, Error, Keyspace, Options, Savepoint, Transaction};
use stroma_strata::runtime::ManualClock;
use stroma_strata::storage::MemoryStorage;

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

fn open(options: Options) -> (Database, Keyspace) {
    let options = Options { memory_bytes: 256 << 10, background_threads: 0, ..options };
    let database = Database::open_storage(Arc::new(MemoryStorage::new()), options).unwrap();
    let keyspace = database.keyspace("all").unwrap();
    (database, keyspace)
}

fn change(choices: &mut Random, transaction: &mut Transaction, keyspace: &Keyspace, map: &mut Map) {
    let key = vec![choices.below(30) as u8];
    match choices.below(6) {
        0 => {
            let end = vec![choices.below(30) as u8];
            transaction.delete_range(keyspace, key.as_slice()..end.as_slice()).unwrap();
            map.retain(|other, _| !(key <= *other && *other < end));
        }
        1 => {
            transaction.delete(keyspace, &key).unwrap();
            map.remove(&key);
        }
        _ => {
            let value = choices.next().to_le_bytes().to_vec();
            transaction.put(keyspace, &key, &value).unwrap();
            map.insert(key, value);
        }
    }
}

#[test]
fn going_back_to_a_savepoint_takes_back_what_came_after_it() {
    for (transaction_bytes, rounds) in [(0, 20), (700, 50), (usize::MAX, 200)] {
        go_back(Options { transaction_bytes, ..Options::default() }, rounds);
    }
}

fn go_back(options: Options, rounds: u64) {
    let (database, keyspace) = open(options);
    let mut choices = Random(1);
    let mut committed = Map::new();
    for _ in 0..rounds {
        let mut transaction = database.transaction();
        let mut map = committed.clone();
        let mut points: Vec<(Savepoint, Map)> = Vec::new();
        for _ in 0..choices.below(40) {
            match choices.below(10) {
                0 | 1 => points.push((transaction.savepoint(), map.clone())),
                2 if !points.is_empty() => {
                    let at = choices.below(points.len() as u64) as usize;
                    transaction.rollback_to(&points[at].0).unwrap();
                    map = points[at].1.clone();
                    for (gone, _) in points.drain(at + 1..) {
                        assert!(matches!(transaction.rollback_to(&gone), Err(Error::SavepointGone)));
                    }
                }
                3 if !points.is_empty() => {
                    let at = choices.below(points.len() as u64) as usize;
                    let mut gone = points.drain(at..).map(|(point, _)| point);
                    transaction.release(gone.next().unwrap()).unwrap();
                    gone.for_each(|point| assert!(transaction.release(point).is_err()));
                }
                _ => change(&mut choices, &mut transaction, &keyspace, &mut map),
            }
            let found: Map = transaction
                .range::<&[u8]>(&keyspace, ..)
                .map(|entry| entry.map(|(key, value)| (key, value.into_vec())).unwrap())
                .collect();
            assert_eq!(found, map);
        }
        let foreign = database.transaction().savepoint();
        assert!(matches!(transaction.rollback_to(&foreign), Err(Error::SavepointGone)));
        if choices.below(4) > 0 {
            transaction.commit().unwrap();
            committed = map;
        }
    }
}

#[test]
fn those_who_lock_what_they_read_never_run_in_vain() {
    let (database, keyspace) = open(Options::default());
    let refused = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let (database, keyspace, refused) = (&database, &keyspace, &refused);
            scope.spawn(move || {
                for turn in 0..200 {
                    let mut transaction = database.transaction();
                    // In the same order everywhere, so that nobody waits in a circle.
                    for key in [(thread + turn) % 3, 3] {
                        let found = transaction.get_for_update(keyspace, key.to_be_bytes()).unwrap();
                        let count =
                            found.map_or(0, |count| u64::from_le_bytes(count[..].try_into().unwrap()));
                        transaction.put(keyspace, key.to_be_bytes(), (count + 1).to_le_bytes()).unwrap();
                    }
                    refused.fetch_add(u64::from(transaction.commit().is_err()), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(refused.into_inner(), 0);
    let counts = keyspace.iter().map(|entry| u64::from_le_bytes(entry.unwrap().1[..].try_into().unwrap()));
    assert_eq!(counts.collect::<Vec<_>>().iter().sum::<u64>(), 2 * 4 * 200);
    assert_eq!(database.statistics().conflicts, 0);
}

#[test]
fn a_circle_of_waiting_is_told_to_the_one_who_would_close_it() {
    let (database, keyspace) = open(Options::default());
    for round in 0..20 {
        let deadlocks = AtomicU64::new(0);
        let barrier = std::sync::Barrier::new(3);
        std::thread::scope(|scope| {
            for own in 0..3_u8 {
                let (database, keyspace, deadlocks, barrier) = (&database, &keyspace, &deadlocks, &barrier);
                scope.spawn(move || {
                    let mut transaction = database.transaction();
                    transaction.get_for_update(keyspace, [own]).unwrap();
                    // Again is no wait.
                    transaction.get_for_update(keyspace, [own]).unwrap();
                    barrier.wait();
                    match transaction.get_for_update(keyspace, [(own + 1) % 3]) {
                        Ok(_) => transaction.put(keyspace, [own], [round]).unwrap(),
                        Err(Error::Deadlock { key }) => {
                            assert_eq!(key, format!("\\x{:02x}", (own + 1) % 3));
                            deadlocks.fetch_add(1, Ordering::Relaxed);
                            return;
                        }
                        Err(other) => panic!("{other}"),
                    }
                    transaction.commit().unwrap();
                });
            }
        });
        assert_eq!(deadlocks.into_inner(), 1, "one gives way, the others go on");
    }
}

#[test]
fn waiting_ends_when_the_clock_says_so() {
    let clock = Arc::new(ManualClock::new());
    let options =
        Options { lock_timeout: Duration::from_secs(60), clock: clock.clone(), ..Options::default() };
    let (database, keyspace) = open(options);
    let mut holder = database.transaction();
    holder.get_for_update(&keyspace, "key").unwrap();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| database.transaction().get_for_update(&keyspace, "key"));
        while !waiter.is_finished() {
            clock.advance(Duration::from_secs(1));
            std::thread::yield_now();
        }
        let outcome = waiter.join().unwrap();
        assert!(
            matches!(&outcome, Err(Error::LockTimeout { key, waited })
                if key == "key" && *waited >= Duration::from_secs(60)),
            "{outcome:?}"
        );
    });
    // Who does not ask for the lock is not kept out, and the commit notices.
    keyspace.put("key", "another's").unwrap();
    holder.put(&keyspace, "key", "the holder's").unwrap();
    assert!(matches!(holder.commit(), Err(Error::Conflict { .. })));
    let mut next = database.transaction();
    assert_eq!(next.get_for_update(&keyspace, "key").unwrap().unwrap(), b"another's");
}

#[test]
fn a_transaction_that_begins_anew_keeps_what_it_has_read_true() {
    let (database, keyspace) = open(Options::default());
    for (key, value) in [("a", "1"), ("b", "1"), ("c", "1"), ("d", "1")] {
        keyspace.put(key, value).unwrap();
    }
    // What it read is as it was: it goes on from now.
    let mut transaction = database.transaction();
    transaction.get(&keyspace, "a").unwrap();
    keyspace.put("b", "2").unwrap();
    assert_eq!(transaction.get_for_update(&keyspace, "b").unwrap().unwrap(), b"2");
    transaction.put(&keyspace, "b", "3").unwrap();
    transaction.commit().unwrap();
    // What it read was changed: it could never commit.
    let mut transaction = database.transaction();
    transaction.get(&keyspace, "a").unwrap();
    keyspace.put("a", "2").unwrap();
    keyspace.put("b", "4").unwrap();
    assert!(matches!(transaction.get_for_update(&keyspace, "b"), Err(Error::Conflict { .. })));
    // What an open scan has yet to read counts as well, since it reads what was.
    let mut transaction = database.transaction();
    let mut scan = transaction.range(&keyspace, "a".."z");
    scan.next().unwrap().unwrap();
    keyspace.put("c", "2").unwrap();
    keyspace.put("d", "2").unwrap();
    assert!(matches!(transaction.get_for_update(&keyspace, "d"), Err(Error::Conflict { .. })));
}
