//! Reads beside get and range: by prefix, many at once, and estimates; against a map.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use what it likes")]

#[path = "shared/random.rs"]
mod random;
#[path = "shared/small.rs"]
mod small;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use random::{Random, fill};
use small::small;
use stroma_lsm::{Compression, Database, Keyspace, Options, Snapshot};
use stroma_strata::storage::{LocalStorage, LogStorage, MemoryStorage};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

fn options() -> Options {
    Options {
        memory_bytes: 128 << 10,
        value_threshold: 600,
        value_compression: Compression::None,
        block_bytes: 512,
        ..small(8 << 10)
    }
}

/// Keys over few bytes, the greatest among them, so that prefixes have many ends.
fn key(choices: &mut Random) -> Vec<u8> {
    (0..choices.below(5)).map(|_| [0, 7, 254, 255][choices.below(4) as usize]).collect()
}

fn change(choices: &mut Random, keyspace: &Keyspace, map: &mut Map) {
    let key = key(choices);
    match choices.below(12) {
        0 => {
            let end = self::key(choices);
            keyspace.delete_range(key.as_slice()..end.as_slice()).unwrap();
            map.retain(|other, _| !(key <= *other && *other < end));
        }
        1 | 2 => {
            keyspace.delete(&key).unwrap();
            map.remove(&key);
        }
        _ => {
            let mut value = vec![0; choices.below(800) as usize];
            fill(&mut value, choices.next());
            keyspace.put(&key, &value).unwrap();
            map.insert(key, value);
        }
    }
}

/// Entries lent to a closure, which breaks with one key, are those of a map.
fn compare_lent(
    keyspace: &Keyspace,
    snapshot: &Snapshot,
    map: &Map,
    (start, end): (&Vec<u8>, &Vec<u8>),
    most: u64,
) {
    let within = map.iter().filter(|(key, _)| start <= *key && *key < end);
    let expected: Vec<_> = within.map(|(key, value)| (key.clone(), value.clone())).collect();
    let mut lent = Vec::new();
    let range = start.as_slice()..end.as_slice();
    let broke = snapshot.range_with(keyspace, range, |key, value| {
        lent.push((key.to_vec(), value.to_vec()));
        if lent.len() as u64 == most { ControlFlow::Break(key.to_vec()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(broke.unwrap().is_some(), most > 0 && lent.len() as u64 == most);
    assert!(expected.starts_with(&lent), "{lent:?} instead of {expected:?}");
    assert!(lent.len() == expected.len() || lent.len() as u64 == most);
}

#[test]
fn many_keys_at_once_and_prefixes_answer_as_a_map_does() {
    let folder = tempfile::tempdir().unwrap();
    let local = Arc::new(LocalStorage::open(folder.path()).unwrap());
    let storages: [Arc<dyn LogStorage>; 2] = [Arc::new(MemoryStorage::new()), local];
    for (seed, storage) in (0..).zip(storages) {
        let database = Database::open_storage(storage, options()).unwrap();
        // Beside others, whose keys are never seen.
        for name in ["before", "after"] {
            database.keyspace(name).unwrap().put([255; 3], "not to be seen").unwrap();
        }
        let keyspace = database.keyspace("all").unwrap();
        database.keyspace("last").unwrap().put([], "not to be seen").unwrap();
        let mut choices = Random(seed);
        let mut map = Map::new();
        for _ in 0..12 {
            let (snapshot, then) = (database.snapshot(), map.clone());
            (0..150).for_each(|_| change(&mut choices, &keyspace, &mut map));
            for _ in 0..10 {
                let keys: Vec<_> = (0..choices.below(60)).map(|_| key(&mut choices)).collect();
                let values = |map: &Map| keys.iter().map(|key| map.get(key).cloned()).collect::<Vec<_>>();
                let vectors = |found: Vec<Option<stroma_lsm::Value>>| {
                    found.into_iter().map(|value| value.map(Vec::from)).collect::<Vec<_>>()
                };
                assert_eq!(vectors(keyspace.get_many(&keys).unwrap()), values(&map));
                assert_eq!(vectors(snapshot.get_many(&keyspace, &keys).unwrap()), values(&then));
                for key in &keys {
                    let lent = snapshot.get_with(&keyspace, key, <[u8]>::to_vec).unwrap();
                    assert_eq!(lent.as_ref(), then.get(key));
                    let present = keyspace.get_with(key, |value| value.len()).unwrap();
                    assert_eq!(present, map.get(key).map(Vec::len));
                    assert_eq!(keyspace.contains(key).unwrap(), present.is_some());
                }
                let start = key(&mut choices);
                let begins = |map: &Map| -> Vec<Vec<u8>> {
                    map.keys().filter(|key| key.starts_with(&start)).cloned().collect()
                };
                let keys_of =
                    |range: stroma_lsm::Range| range.map(|entry| entry.unwrap().0).collect::<Vec<_>>();
                assert_eq!(keys_of(keyspace.prefix(&start)), begins(&map));
                assert_eq!(keys_of(snapshot.prefix(&keyspace, &start)), begins(&then));
                assert_eq!(keys_of(database.transaction().prefix(&keyspace, &start)), begins(&map));
                compare_lent(&keyspace, &snapshot, &then, (&start, &key(&mut choices)), choices.below(30));
                let mut backwards: Vec<_> =
                    keyspace.prefix(&start).rev().map(|entry| entry.unwrap().0).collect();
                backwards.reverse();
                assert_eq!(backwards, begins(&map));
            }
        }
    }
}

/// What tells keys from each other stands far behind what tables of a run, and entries of a block, have in common.
#[test]
fn keys_that_differ_late_are_found_among_tables_and_versions() {
    let folder = tempfile::tempdir().unwrap();
    let local = Arc::new(LocalStorage::open(folder.path()).unwrap());
    let storages: [Arc<dyn LogStorage>; 2] = [Arc::new(MemoryStorage::new()), local];
    for (seed, storage) in (7..).zip(storages) {
        let database = Database::open_storage(storage, options()).unwrap();
        let keyspace = database.keyspace("all").unwrap();
        let mut choices = Random(seed);
        let key = |number: u64| {
            let depth = if number.is_multiple_of(3) { 30 } else { 11 };
            [&vec![b'k'; depth][..], &vec![0; number as usize % 4], &number.to_be_bytes()[5..]].concat()
        };
        let mut moments = Vec::new();
        let mut map = Map::new();
        for turn in 0..6 {
            for _ in 0..400 {
                let key = key(choices.below(700));
                let value = choices.next().to_le_bytes()[..turn + 1].to_vec();
                keyspace.put(&key, &value).unwrap();
                map.insert(key, value);
            }
            moments.push((database.snapshot(), map.clone()));
            database.flush().unwrap();
            if turn % 2 == 1 {
                database.compact().unwrap();
            }
            for (snapshot, map) in &moments {
                for number in 0..750 {
                    let key = key(number);
                    let found = snapshot.get_with(&keyspace, &key, <[u8]>::to_vec).unwrap();
                    assert_eq!(found.as_ref(), map.get(&key), "{number} in turn {turn}");
                }
                let all: Map = snapshot
                    .range::<&[u8]>(&keyspace, ..)
                    .map(|entry| entry.unwrap())
                    .map(|(key, value)| (key, value.into_vec()))
                    .collect();
                assert!(all == *map);
            }
        }
    }
}

#[test]
fn estimates_are_near_what_is_there() {
    let database = Database::open_storage(Arc::new(MemoryStorage::new()), options()).unwrap();
    let keyspace = database.keyspace("all").unwrap();
    assert_eq!(keyspace.estimate::<&[u8]>(..).unwrap().entries, 0);
    let number = |number: u32| number.to_be_bytes();
    for each in 0..4000 {
        // Every other goes to a value file.
        keyspace.put(number(each), vec![1; if each % 2 == 0 { 100 } else { 700 }]).unwrap();
    }
    for merged in [false, true] {
        if merged {
            database.compact().unwrap();
        }
        for (start, end) in
            [(0, 4000), (0, 1000), (1234, 2345), (3000, 3200), (10, 15), (77, 77), (5000, 6000)]
        {
            let found = keyspace.estimate(number(start)..number(end)).unwrap();
            let entries = u64::from(4000_u32.min(end) - start.min(4000).min(end));
            let near = |found: u64, exact: u64, slack: u64| found.abs_diff(exact) <= exact / 10 + slack;
            assert!(near(found.entries, entries, 40), "{start}..{end}: {found:?}");
            assert!(near(found.bytes, entries * 408, 40 * 408), "{start}..{end}: {found:?}");
            if entries < 6 {
                assert_eq!(found.entries, entries, "few are counted");
            }
        }
    }
    keyspace.delete_range::<&[u8]>(..).unwrap();
    database.compact().unwrap();
    assert_eq!(keyspace.estimate::<&[u8]>(..).unwrap(), Default::default());
}
