//! Many threads at once: transfers keep their sum, write skew is refused, group commit loses nobody, and a scan that
//! nobody moves does not stop writers.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test may use threads and the file system"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use stroma_lsm::{Database, Durability, Error, Keyspace, Options};
use stroma_strata::storage::MemoryStorage;

fn small(background_threads: usize) -> Options {
    Options { memory_bytes: 256 << 10, background_threads, block_bytes: 512, ..Options::default() }
}

fn in_memory(options: Options) -> Database {
    Database::open_storage(Arc::new(MemoryStorage::new()), options).unwrap()
}

fn number(bytes: &[u8]) -> i64 {
    i64::from_le_bytes(bytes[..8].try_into().unwrap())
}

/// A value of some length, so that memtables fill.
fn value(number: i64) -> Vec<u8> {
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.resize(120, 0);
    bytes
}

const ACCOUNTS: i64 = 40;
const START: i64 = 1000;

fn transfer(database: &Database, accounts: &Keyspace, from: u32, to: u32) -> Result<(), Error> {
    let mut transaction = database.transaction();
    let (from, to) = (from.to_be_bytes(), to.to_be_bytes());
    let source = number(&transaction.get(accounts, from)?.unwrap());
    let target = number(&transaction.get(accounts, to)?.unwrap());
    transaction.put(accounts, from, value(source - 1))?;
    transaction.put(accounts, to, value(target + 1))?;
    transaction.commit().map(drop)
}

#[test]
fn transfers_keep_the_sum_in_every_snapshot() {
    let database = in_memory(small(1));
    let accounts = database.keyspace("accounts").unwrap();
    for account in 0..ACCOUNTS as u32 {
        accounts.put(account.to_be_bytes(), value(START)).unwrap();
    }
    let done = AtomicBool::new(false);
    let transferred = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|reader| {
                let (database, accounts, done) = (&database, &accounts, &done);
                scope.spawn(move || {
                    let mut looks = 0;
                    while !done.load(Ordering::Relaxed) || looks == 0 {
                        let snapshot = database.snapshot();
                        let range = snapshot.range(accounts, ..=(u32::MAX).to_be_bytes());
                        let sum: i64 = if reader == 0 {
                            range.map(|entry| number(&entry.unwrap().1)).sum()
                        } else {
                            range.rev().map(|entry| number(&entry.unwrap().1)).sum()
                        };
                        assert_eq!(sum, ACCOUNTS * START);
                        let single = |account: u32| snapshot.get(accounts, account.to_be_bytes()).unwrap();
                        let sum: i64 =
                            (0..ACCOUNTS as u32).map(|account| number(&single(account).unwrap())).sum();
                        assert_eq!(sum, ACCOUNTS * START);
                        looks += 1;
                    }
                })
            })
            .collect();
        let writers: Vec<_> = (0..4_u32)
            .map(|writer| {
                let (database, accounts, transferred) = (&database, &accounts, &transferred);
                scope.spawn(move || {
                    let mut made = 0;
                    let mut turn = writer;
                    while made < 700 {
                        turn = turn.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        let (from, to) = (turn >> 8 & 0xff, turn >> 16 & 0xff);
                        let (from, to) = (from % ACCOUNTS as u32, to % ACCOUNTS as u32);
                        match transfer(database, accounts, from, if from == to { (to + 1) % 40 } else { to })
                        {
                            Ok(()) => made += 1,
                            Err(Error::Conflict { .. }) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                    transferred.fetch_add(made, Ordering::Relaxed);
                })
            })
            .collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::Relaxed);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
    let statistics = database.statistics();
    assert!(
        statistics.flushes + statistics.absorbed_memtables > 3,
        "the memory was meant to be too small: {statistics:?}"
    );
    assert_eq!(statistics.readers, 0);
}

#[test]
fn write_skew_is_refused() {
    let database = in_memory(small(0));
    let doctors = database.keyspace("on call").unwrap();
    for round in 0..50_u32 {
        doctors.put("alice", "on").unwrap();
        doctors.put("bob", "on").unwrap();
        // Each goes off call if somebody else stays; one of them by a scan.
        let mut first = database.transaction();
        let mut second = database.transaction();
        assert_eq!(
            first.range::<&str>(&doctors, ..).filter(|entry| *entry.as_ref().unwrap().1 == *b"on").count(),
            2
        );
        assert_eq!(second.get(&doctors, "alice").unwrap().unwrap(), b"on");
        first.put(&doctors, "alice", "off").unwrap();
        second.put(&doctors, "bob", "off").unwrap();
        let (early, late) = if round % 2 == 0 { (first, second) } else { (second, first) };
        if round % 3 == 0 {
            database.flush().unwrap();
        }
        early.commit().unwrap();
        if round % 5 == 0 {
            // The change has reached a table when the other one is checked.
            database.flush().unwrap();
        }
        assert!(matches!(late.commit(), Err(Error::Conflict { .. })));
        let on = doctors.iter().filter(|entry| *entry.as_ref().unwrap().1 == *b"on").count();
        assert_eq!(on, 1);
    }
    assert_eq!(database.statistics().conflicts, 50);
}

#[test]
fn a_phantom_is_refused_and_an_unread_neighbour_is_not() {
    let database = in_memory(small(0));
    let keyspace = database.keyspace("all").unwrap();
    for key in ["b", "d", "f"] {
        keyspace.put(key, "x").unwrap();
    }
    let read_two = || {
        let mut transaction = database.transaction();
        assert_eq!(transaction.range(&keyspace, "a"..="z").take(2).count(), 2);
        transaction.put(&keyspace, "result", "2").unwrap();
        transaction
    };
    let transaction = read_two();
    keyspace.put("c", "phantom").unwrap();
    assert!(matches!(transaction.commit(), Err(Error::Conflict { .. })));
    keyspace.delete("c").unwrap();
    let transaction = read_two();
    keyspace.put("e", "behind what was read").unwrap();
    transaction.commit().unwrap();
    let transaction = read_two();
    keyspace.delete_range("a".."b").unwrap();
    assert!(matches!(transaction.commit(), Err(Error::Conflict { .. })));
}

#[test]
fn synced_commits_of_many_threads_share_syncs_and_are_all_there_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(folder.path(), small(1)).unwrap();
    let keyspace = database.keyspace("all").unwrap();
    std::thread::scope(|scope| {
        for writer in 0..6_u32 {
            let (database, keyspace) = (&database, &keyspace);
            scope.spawn(move || {
                for number in 0..60_u32 {
                    let mut batch = database.batch();
                    batch.put(keyspace, [writer.to_be_bytes(), number.to_be_bytes()].concat(), "x");
                    let token = batch.commit_with(Durability::Synced).unwrap();
                    assert!(database.snapshot().sequence() >= token.sequence);
                }
            });
        }
    });
    let statistics = database.statistics();
    assert_eq!(statistics.commits, 6 * 60 + 1);
    assert!(statistics.commit_groups <= statistics.commits);
    assert!(statistics.syncs <= statistics.commit_groups);
    drop((keyspace, database));
    let database = Database::open(folder.path(), small(1)).unwrap();
    assert_eq!(database.keyspace("all").unwrap().iter().count(), 6 * 60);
}

#[test]
fn memory_is_kept_while_writers_outrun_the_flush() {
    let options = small(1);
    let budget = options.memory_bytes;
    let database = in_memory(options);
    let keyspace = database.keyspace("all").unwrap();
    let most = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for writer in 0..3_u32 {
            let (database, keyspace, most) = (&database, &keyspace, &most);
            scope.spawn(move || {
                for number in 0..400_u32 {
                    let key = [writer.to_be_bytes(), number.wrapping_mul(0x9e37_79b9).to_be_bytes()].concat();
                    keyspace.put(key, vec![7; (number % 5000) as usize]).unwrap();
                    most.fetch_max(database.statistics().memory_used as u64, Ordering::Relaxed);
                }
            });
        }
    });
    assert!(most.into_inner() <= budget as u64);
    assert_eq!(keyspace.iter().count(), 1200);
}

#[test]
fn a_scan_nobody_moves_holds_no_memory_and_sees_no_change() {
    for background_threads in [0, 1] {
        let database = in_memory(small(background_threads));
        let keyspace = database.keyspace("all").unwrap();
        for number in 0..100_u32 {
            keyspace.put(number.to_be_bytes(), [1; 500]).unwrap();
        }
        let mut scan = keyspace.iter();
        let (mut front, mut back) = (0, 100);
        // Far more than the memory holds, in the thread that holds the scan.
        for round in 0..2000_u32 {
            keyspace.put((round % 200).to_be_bytes(), [2; 500]).unwrap();
            if round % 50 == 0 {
                let (key, value) = scan.next().unwrap().unwrap();
                assert_eq!(
                    (key.as_slice(), &*value),
                    (u32::to_be_bytes(front).as_slice(), [1; 500].as_slice())
                );
                front += 1;
                back -= 1;
                let (key, value) = scan.next_back().unwrap().unwrap();
                assert_eq!(
                    (key.as_slice(), &*value),
                    (u32::to_be_bytes(back).as_slice(), [1; 500].as_slice())
                );
            }
        }
        assert_eq!(scan.count(), (back - front) as usize);
    }
}

#[test]
fn a_batch_that_can_never_fit_is_refused_and_others_go_on() {
    let database = in_memory(Options { memory_bytes: 512 << 10, ..small(0) });
    let keyspace = database.keyspace("all").unwrap();
    let mut batch = database.batch();
    batch.put(&keyspace, "big", vec![0; 128 << 10]);
    assert!(matches!(batch.commit(), Err(Error::TooLarge { .. })));
    assert!(matches!(keyspace.put(vec![0; 65_536], "x"), Err(Error::TooLarge { .. })));
    keyspace.put(vec![255; 65_535], "longest key").unwrap();
    keyspace.put("fits", vec![1; 120 << 10]).unwrap();
    for _ in 0..20 {
        keyspace.put("fits", vec![1; 120 << 10]).unwrap();
    }
    assert_eq!(keyspace.get("fits").unwrap().unwrap().len(), 120 << 10);
    assert_eq!(keyspace.last().unwrap().unwrap().1, b"longest key");
}

#[test]
fn handles_say_what_became_of_their_keyspace_or_database() {
    let database = in_memory(small(0));
    let keyspace = database.keyspace("gone").unwrap();
    keyspace.put("x", "y").unwrap();
    assert!(database.drop_keyspace("gone").unwrap());
    assert!(!database.drop_keyspace("gone").unwrap());
    assert!(matches!(keyspace.put("x", "y"), Err(Error::KeyspaceDropped { .. })));
    assert!(database.keyspace("gone").unwrap().get("x").unwrap().is_none());
    assert!(matches!(database.keyspace(""), Err(Error::InvalidName { .. })));
    let other = in_memory(small(0));
    let foreign = other.keyspace("other").unwrap();
    assert!(matches!(database.snapshot().get(&foreign, "x"), Err(Error::ForeignKeyspace { .. })));
    let mut batch = database.batch();
    batch.put(&foreign, "x", "y");
    assert!(matches!(batch.commit(), Err(Error::ForeignKeyspace { .. })));
    let kept = database.keyspace("kept").unwrap();
    database.close().unwrap();
    assert!(matches!(kept.put("x", "y"), Err(Error::Closed)));
}
