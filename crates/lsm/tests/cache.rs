//! The cache of blocks: what is read through it is what is read without, whatever is written, merged and lost
//! meanwhile; memory keeps its budget, and the boundary between the cache and the memtables moves both ways.
#![cfg(feature = "lz4")]
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use threads")]

#[path = "shared/random.rs"]
mod random;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use random::Random;
use stroma_lsm::{Compression, Database, Keyspace, Options};
use stroma_strata::MergePolicy;
use stroma_strata::picker::Limits;
use stroma_strata::storage::MemoryStorage;

const KEYS: u64 = 400;

fn options(block_cache: bool, memory_bytes: usize, background_threads: usize) -> Options {
    Options {
        memory_bytes,
        block_cache,
        background_threads,
        block_bytes: 256,
        compression: Compression::Lz4,
        merge_policy: MergePolicy::TieredThenLevelled(Limits {
            level0_runs: 2,
            level1_bytes: 64 << 10,
            multiplier: 2,
            deepest_level: 3,
            table_bytes: 16 << 10,
        }),
        ..Options::default()
    }
}

/// Storage whose blobs cannot be read in place, so that every block is one for the cache.
fn unmapped() -> MemoryStorage {
    let storage = MemoryStorage::new();
    storage.set_mapped(false);
    storage
}

fn check_budget(database: &Database) {
    let map = database.memory_map();
    assert!(
        map.used_bytes <= map.budget_bytes,
        "{} of {}: {:?}",
        map.used_bytes,
        map.budget_bytes,
        map.parts
    );
}

/// The same changes to a database with the cache and to one without.
struct Pair {
    storages: [MemoryStorage; 2],
    databases: Vec<(Database, Keyspace)>,
    hits: u64,
}

impl Pair {
    fn new(mapped: bool) -> Pair {
        let storages = [MemoryStorage::new(), MemoryStorage::new()];
        storages.iter().for_each(|storage| storage.set_mapped(mapped));
        let mut pair = Pair { storages, databases: Vec::new(), hits: 0 };
        pair.open();
        pair
    }

    fn open(&mut self) {
        let open = |(storage, with_cache): (&MemoryStorage, bool)| {
            let storage = Arc::new(storage.clone());
            let database = Database::open_storage(storage, options(with_cache, 128 << 10, 0)).unwrap();
            let keyspace = database.keyspace("k").unwrap();
            (database, keyspace)
        };
        self.databases = self.storages.iter().zip([true, false]).map(open).collect();
    }

    /// Ends the process of both, without a word; everything committed is there again.
    fn kill(&mut self) {
        self.hits += self.databases[0].0.statistics().cache.hits;
        self.storages = [self.storages[0].kill(), self.storages[1].kill()];
        self.databases.clear();
        self.open();
    }

    fn change(&self, choices: &mut Random) {
        let choice = choices.below(100);
        let (key, other) = (choices.below(KEYS), choices.below(KEYS));
        let value = vec![choices.below(256) as u8; choices.below(300) as usize];
        for (database, keyspace) in &self.databases {
            let (from, to) = (key.min(other).to_be_bytes(), key.max(other).to_be_bytes());
            match choice {
                0..80 => keyspace.put(key.to_be_bytes(), &value).map(|_| ()).unwrap(),
                80..94 => keyspace.delete(key.to_be_bytes()).map(|_| ()).unwrap(),
                94 => keyspace.delete_range(from..to).map(|_| ()).unwrap(),
                95..98 => database.flush().unwrap(),
                _ => database.compact().unwrap(),
            }
        }
    }

    fn compare(&self, choices: &mut Random) {
        let [(_, cached), (_, plain)] = &self.databases[..] else { unreachable!("two") };
        for _ in 0..20 {
            let key = choices.below(KEYS).to_be_bytes();
            assert_eq!(cached.get(key).unwrap().as_deref(), plain.get(key).unwrap().as_deref());
        }
        let from = choices.below(KEYS).to_be_bytes();
        let walk = |keyspace: &Keyspace, back: bool| -> Vec<(Vec<u8>, Vec<u8>)> {
            let range = keyspace.range(&from[..]..);
            let own = |entry: Result<(Vec<u8>, stroma_lsm::Value), _>| {
                let (key, value) = entry.unwrap();
                (key, value.to_vec())
            };
            if back { range.rev().take(60).map(own).collect() } else { range.take(60).map(own).collect() }
        };
        for back in [false, true] {
            assert_eq!(walk(cached, back), walk(plain, back));
        }
        check_budget(&self.databases[0].0);
    }
}

#[test]
fn what_is_read_through_the_cache_is_what_is_read_without() {
    for (seed, mapped) in [(1, true), (2, false), (3, true)] {
        let mut choices = Random(seed);
        let mut pair = Pair::new(mapped);
        for step in 0..1500 {
            pair.change(&mut choices);
            if step % 8 == 0 {
                pair.compare(&mut choices);
            }
            if step % 500 == 499 {
                pair.kill();
            }
        }
        assert!(pair.hits > 100, "{} hits: the cache was not what was tested", pair.hits);
    }
}

#[test]
fn readers_beside_writers_and_merges_never_see_an_older_value() {
    let database = Database::open_storage(Arc::new(unmapped()), options(true, 256 << 10, 1)).unwrap();
    let keyspace = database.keyspace("k").unwrap();
    let value = |key: u64, round: u64| [key.to_le_bytes(), round.to_le_bytes()].concat().repeat(6);
    let round_of = |key: u64, value: &[u8]| {
        assert_eq!(value[..8], key.to_le_bytes());
        u64::from_le_bytes(value[8..16].try_into().unwrap())
    };
    (0..KEYS).for_each(|key| keyspace.put(key.to_be_bytes(), value(key, 0)).map(|_| ()).unwrap());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|reader| {
                let (database, keyspace, done) = (&database, &keyspace, &done);
                scope.spawn(move || {
                    let mut choices = Random(reader);
                    let mut newest = vec![0; KEYS as usize];
                    while !done.load(Ordering::Relaxed) {
                        let snapshot = database.snapshot();
                        let key = choices.below(KEYS);
                        let seen =
                            round_of(key, &snapshot.get(keyspace, key.to_be_bytes()).unwrap().unwrap());
                        assert!(seen >= newest[key as usize], "key {key}: {seen} after {newest:?}");
                        newest[key as usize] = seen;
                        let (_, next) =
                            snapshot.range(keyspace, key.to_be_bytes()..).next().unwrap().unwrap();
                        assert_eq!(round_of(key, &next), seen, "a snapshot stays as it is");
                        check_budget(database);
                    }
                })
            })
            .collect();
        for round in 1..40 {
            for key in 0..KEYS {
                keyspace.put(key.to_be_bytes(), value(key, round)).unwrap();
            }
        }
        done.store(true, Ordering::Relaxed);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
    for key in 0..KEYS {
        assert_eq!(round_of(key, &keyspace.get(key.to_be_bytes()).unwrap().unwrap()), 39);
    }
    database.flush().unwrap();
    (0..2 * KEYS).for_each(|key| drop(keyspace.get((key % KEYS).to_be_bytes()).unwrap()));
    assert!(database.statistics().cache.hits > 0);
}

#[test]
fn the_boundary_between_cache_and_memtables_moves_with_the_load() {
    let memory_bytes = 2 << 20;
    let database = Database::open_storage(Arc::new(unmapped()), options(true, memory_bytes, 0)).unwrap();
    let keyspace = database.keyspace("k").unwrap();
    let mut choices = Random(7);
    let mut value = || {
        let mut bytes = Vec::with_capacity(200);
        (0..25).for_each(|_| bytes.extend_from_slice(&choices.below(u64::MAX).to_le_bytes()));
        bytes
    };
    let keys = 12_000_u64;
    (0..keys).for_each(|key| keyspace.put(key.to_be_bytes(), value()).map(|_| ()).unwrap());
    database.compact().unwrap();
    let read = || (0..keys).for_each(|key| assert!(keyspace.contains(key.to_be_bytes()).unwrap()));

    read();
    let reading = database.statistics().cache;
    assert!(reading.bytes > memory_bytes / 2, "nobody else wants it: {reading:?}");
    check_budget(&database);

    let mut least = usize::MAX;
    for key in keys..keys + 6_000 {
        keyspace.put(key.to_be_bytes(), value()).unwrap();
        if key.is_multiple_of(100) {
            least = least.min(database.statistics().cache.bytes);
            check_budget(&database);
        }
    }
    assert!(least < reading.bytes, "memtables took from the cache: {least} of {}", reading.bytes);

    database.flush().unwrap();
    read();
    let again = database.statistics().cache;
    assert!(again.bytes > memory_bytes / 2, "{again:?}");
    assert!(again.hit_ratio() > 0.0);
    check_budget(&database);
}
