//! Values in value files, and values streamed past the memory: against a map, through merges that move them, and
//! through crashes. No file stays that nothing refers to.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use what it likes")]

#[path = "shared/encrypted.rs"]
mod encrypted;
#[path = "shared/random.rs"]
mod random;
#[path = "shared/small.rs"]
mod small;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;

use random::Random;
use small::small;
use stroma_lsm::{Batch, Compression, Database, Durability, Error, Keyspace, Options, Snapshot};
use stroma_strata::MergePolicy;
use stroma_strata::picker::Limits;
use stroma_strata::storage::{Fault, FaultPlan, MemoryStorage, Storage as _, StorageError};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

fn options(background_threads: usize) -> Options {
    Options {
        memory_bytes: 128 << 10,
        background_threads,
        value_threshold: 500,
        value_compression: Compression::None,
        block_bytes: 256,
        ..small(1 << 10)
    }
}

/// The same with values compressed, if this build has what is usual.
fn packing(background_threads: usize) -> Options {
    Options { value_compression: Options::default().value_compression, ..options(background_threads) }
}

/// Every other one can be compressed, but for its first half.
fn value(choices: &mut Random, length: usize) -> Vec<u8> {
    let mut value = vec![0; length];
    let noise = length / (1 + length % 2);
    random::fill(&mut value[..noise], choices.next());
    value
}

/// Puts a few changes into `batch` and `map`; now and then a streamed value that is longer than any batch may be.
fn change_some(
    choices: &mut Random,
    keyspace: &Keyspace,
    batch: &mut Batch,
    map: &mut Map,
) -> Result<(), Error> {
    for _ in 0..1 + choices.below(4) {
        let key = format!("key {:02}", choices.below(40)).into_bytes();
        match choices.below(24) {
            0 => {
                let end = format!("key {:02}", choices.below(40)).into_bytes();
                batch.delete_range(keyspace, key.as_slice()..end.as_slice());
                map.retain(|other, _| !(key <= *other && *other < end));
            }
            1..4 => {
                batch.delete(keyspace, &key);
                map.remove(&key);
            }
            4 => {
                let length = [0, 400, 65_536, 65_537, 200_000][choices.below(5) as usize];
                let value = value(choices, length);
                batch.put_stream(keyspace, &key, value.as_slice())?;
                map.insert(key, value);
            }
            kind => {
                let length = choices.below(if kind < 10 { 300 } else { 2500 }) as usize;
                let value = value(choices, length);
                batch.put(keyspace, &key, &value);
                map.insert(key, value);
            }
        }
    }
    Ok(())
}

fn entries(
    found: impl Iterator<Item = Result<(Vec<u8>, stroma_lsm::Value), Error>>,
) -> Vec<(Vec<u8>, Vec<u8>)> {
    found.map(|entry| entry.map(|(key, value)| (key, value.into_vec())).unwrap()).collect()
}

fn assert_same(snapshot: &Snapshot, keyspace: &Keyspace, map: &Map) {
    let expected: Vec<_> = map.clone().into_iter().collect();
    assert_eq!(entries(snapshot.range::<&[u8]>(keyspace, ..)), expected);
    let mut backwards = entries(snapshot.range::<&[u8]>(keyspace, ..).rev());
    backwards.reverse();
    assert_eq!(backwards, expected);
    for number in 0..40 {
        let key = format!("key {number:02}").into_bytes();
        assert_eq!(
            snapshot.get(keyspace, &key).unwrap().map(|value| value.into_vec()),
            map.get(&key).cloned()
        );
        let streamed = snapshot.reader(keyspace, &key).unwrap().map(|mut reader| {
            let mut value = Vec::new();
            reader.read_to_end(&mut value).unwrap();
            assert_eq!(value.len() as u64, reader.len());
            value
        });
        assert_eq!(streamed, map.get(&key).cloned());
    }
}

#[test]
fn any_sequence_of_changes_answers_as_a_map_does() {
    for seed in 0..24 {
        let storage = MemoryStorage::new();
        storage.set_mapped(seed % 3 == 0);
        let mut choices = Random(seed);
        let threads = seed as usize % 2;
        let options = || if seed % 4 < 2 { options(threads) } else { packing(threads) };
        let open = || Database::open_storage(Arc::new(storage.clone()), options()).unwrap();
        let mut database = open();
        let mut keyspace = database.keyspace("all").unwrap();
        let mut map = Map::new();
        let mut held: Vec<(Snapshot, Map)> = Vec::new();
        for _ in 0..120 {
            let mut batch = database.batch();
            let before = map.clone();
            change_some(&mut choices, &keyspace, &mut batch, &mut map).unwrap();
            match choices.below(30) {
                // Dropped: its streamed values go again.
                0 => {
                    map = before;
                    continue;
                }
                _ => batch.commit().unwrap(),
            };
            match choices.below(20) {
                0 => database.flush().unwrap(),
                1 => database.compact().unwrap(),
                2 | 3 => held.push((database.snapshot(), map.clone())),
                4 if !held.is_empty() => drop(held.swap_remove(choices.below(held.len() as u64) as usize)),
                5 => {
                    held.clear();
                    drop(keyspace);
                    drop(database);
                    database = open();
                    keyspace = database.keyspace("all").unwrap();
                }
                _ => {}
            }
        }
        assert_same(&database.snapshot(), &keyspace, &map);
        held.iter().for_each(|(snapshot, map)| assert_same(snapshot, &keyspace, map));
        held.clear();
        assert!(database.check().is_sound(), "{:?}", database.check());
        assert_nothing_is_left_over(&database, &storage, &map, seed % 4 < 2);
    }
}

/// After everything was merged, twice for what is moved only once it is counted as dead, files are at most as large
/// as what is in them, twice; and once nothing is there any more, no file is.
fn assert_nothing_is_left_over(database: &Database, storage: &MemoryStorage, map: &Map, is_plain: bool) {
    database.compact().unwrap();
    database.compact().unwrap();
    let in_files = |value: &Vec<u8>| if value.len() >= 500 { value.len() as u64 } else { 0 };
    let live: u64 = map.values().map(in_files).sum();
    let statistics = database.statistics();
    let frames = |bytes: u64| bytes / 40 + 200 * statistics.value_files as u64;
    assert!(statistics.live_value_bytes <= live + frames(live), "{live}, {statistics:?}");
    assert!(statistics.live_value_bytes >= live || !is_plain);
    let stored: u64 = storage.list("values").unwrap().iter().map(|entry| entry.bytes).sum();
    assert_eq!(stored, statistics.value_file_bytes);
    assert!(stored <= 2 * live + frames(live), "{stored} for {live}");
    let keyspace = database.keyspace("all").unwrap();
    keyspace.delete_range::<&[u8]>(..).unwrap();
    database.compact().unwrap();
    assert_eq!(storage.list("values").unwrap(), []);
    assert_eq!(database.statistics().live_value_bytes, 0);
}

#[test]
fn a_value_of_any_length_goes_in_and_out() {
    let storage = MemoryStorage::new();
    let database = Database::open_storage(Arc::new(storage.clone()), options(0)).unwrap();
    let keyspace = database.keyspace("all").unwrap();
    let length = 20 << 20;
    keyspace.put_stream("streamed", std::io::repeat(5).take(length)).unwrap();
    // A hundred and sixty times the memory budget.
    keyspace.put("put", vec![6; length as usize]).unwrap();
    let mut reader = keyspace.reader("streamed").unwrap().unwrap();
    keyspace.delete("streamed").unwrap();
    database.compact().unwrap();
    // It reads on, though nothing refers to its file any more.
    assert_eq!(reader.len(), length);
    assert_eq!(std::io::copy(&mut reader, &mut std::io::sink()).unwrap(), length);
    assert_eq!(storage.list("values").unwrap().len(), 2);
    drop(reader);
    assert_eq!(storage.list("values").unwrap().len(), 1);
    assert!(keyspace.get("put").unwrap().unwrap().iter().all(|byte| *byte == 6));
    // A batch is told that it takes too much, as ever.
    let mut batch = database.batch();
    batch.put(&keyspace, "in a batch", vec![0; 64 << 10]);
    assert!(matches!(batch.commit(), Err(Error::TooLarge { .. })));
}

/// Half of it can be compressed.
#[cfg(feature = "lz4")]
fn half(salt: u64) -> Vec<u8> {
    let mut value = vec![salt as u8; 100_000];
    random::fill(&mut value[..50_000], salt);
    value
}

#[cfg(feature = "lz4")]
#[test]
fn large_values_are_packed_before_they_are_logged_and_read_from_memory_as_they_were() {
    let storage = MemoryStorage::new();
    let options = || Options { memory_bytes: 1 << 20, ..packing(0) };
    let open = || Database::open_storage(Arc::new(storage.clone()), options()).unwrap();
    let database = open();
    let keyspace = database.keyspace("all").unwrap();
    keyspace.put("by itself", half(1)).unwrap();
    let mut batch = database.batch();
    batch.put(&keyspace, "in a batch", half(2)).put(&keyspace, "small", "value");
    batch.commit().unwrap();
    let mut transaction = database.transaction();
    transaction.put(&keyspace, "in a transaction", half(3)).unwrap();
    transaction.commit().unwrap();
    let statistics = database.statistics();
    assert!(statistics.log_bytes < 160_000 && statistics.user_bytes > 300_000, "{statistics:?}");
    // What nothing compresses: tried once, and as it was wherever it is.
    let mut noise = vec![0; 100_000];
    random::fill(&mut noise, 4);
    keyspace.put("noise", &noise).unwrap();
    let expected: Map = [("by itself", 1), ("in a batch", 2), ("in a transaction", 3)]
        .map(|(key, salt)| (key.as_bytes().to_vec(), half(salt)))
        .into_iter()
        .chain([(b"small".to_vec(), b"value".to_vec()), (b"noise".to_vec(), noise)])
        .collect();
    let assert_reads = |database: &Database| {
        let keyspace = database.keyspace("all").unwrap();
        let snapshot = database.snapshot();
        let all: Vec<_> = expected.clone().into_iter().collect();
        assert!(entries(keyspace.iter()) == all);
        let mut backwards = entries(snapshot.range::<&[u8]>(&keyspace, ..).rev());
        backwards.reverse();
        assert!(backwards == all);
        for (key, value) in &expected {
            assert!(keyspace.get(key).unwrap().as_deref() == Some(value));
            assert_eq!(snapshot.get_with(&keyspace, key, <[u8]>::len).unwrap(), Some(value.len()));
            let mut read = Vec::new();
            keyspace.reader(key).unwrap().unwrap().read_to_end(&mut read).unwrap();
            assert!(read == *value);
        }
        let many = keyspace.get_many(all.iter().map(|(key, _)| key)).unwrap();
        assert!(many.iter().zip(&all).all(|(found, (_, value))| found.as_deref() == Some(value)));
    };
    assert_reads(&database);
    assert_eq!(database.statistics().value_files, 0);
    // Dropped as by a kill: the log alone has them.
    drop((keyspace, database));
    let database = open();
    assert_reads(&database);
    assert_eq!(database.statistics().value_files, 0);
    database.flush().unwrap();
    assert_reads(&database);
    let statistics = database.statistics();
    assert!(statistics.live_value_bytes < 260_000 && statistics.value_files > 0, "{statistics:?}");
    // A batch is too large by what it was.
    let mut batch = database.batch();
    batch.put(&database.keyspace("all").unwrap(), "large", vec![0; 300 << 10]);
    assert!(matches!(batch.commit(), Err(Error::TooLarge { .. })));
    assert!(database.check().is_sound());
}

#[test]
fn merges_move_references_and_not_values() {
    let written = |value_threshold| {
        let mut choices = Random(5);
        let storage = Arc::new(MemoryStorage::new());
        let limits = Limits { level1_bytes: 2 << 20, table_bytes: 256 << 10, ..Limits::default() };
        let merge_policy = MergePolicy::TieredThenLevelled(limits);
        let options = Options { value_threshold, memory_bytes: 1 << 20, merge_policy, ..options(0) };
        let database = Database::open_storage(storage, options).unwrap();
        let keyspace = database.keyspace("all").unwrap();
        for _ in 0..4000 {
            let key = random::key(choices.below(1000));
            keyspace.put(key, value(&mut choices, 4000)).unwrap();
        }
        database.compact().unwrap();
        database.statistics().write_amplification()
    };
    let (inline, separated) = (written(usize::MAX), written(1000));
    // The log and the value files, and what is moved out of files that are mostly dead.
    assert!(separated < 3.2, "{separated}");
    assert!(inline > 1.5 * separated, "{inline} with values in tables, {separated} without");
}

/// Commits until something fails or all is done; answers the states after each, and how many must survive.
fn run(storage: &MemoryStorage, seed: u64, commits: usize) -> (Vec<Map>, usize) {
    let mut choices = Random(seed);
    let (mut states, mut synced) = (vec![Map::new()], 0);
    let Ok(database) = Database::open_storage(Arc::new(storage.clone()), packing(0)) else {
        return (states, synced);
    };
    let Ok(keyspace) = database.keyspace("all") else { return (states, synced) };
    for number in 1..=commits {
        let mut map = states[number - 1].clone();
        let mut batch = database.batch();
        if change_some(&mut choices, &keyspace, &mut batch, &mut map).is_err() {
            break;
        }
        batch.put(&keyspace, "count", (number as u64).to_le_bytes());
        map.insert(b"count".to_vec(), (number as u64).to_le_bytes().to_vec());
        states.push(map);
        let durability = if choices.below(3) == 0 { Durability::Synced } else { Durability::Buffered };
        if batch.commit_with(durability).is_err() {
            break;
        }
        let compacts = choices.below(30) == 0;
        if compacts && database.compact().is_err() {
            break;
        }
        if compacts || durability == Durability::Synced {
            synced = number;
        }
    }
    (states, synced)
}

fn assert_is_prefix(storage: &MemoryStorage, states: &[Map], least: usize, context: &str) {
    let database = Database::open_storage(Arc::new(storage.clone()), options(0)).unwrap();
    let keyspace = database.keyspace("all").unwrap();
    let found: Map = entries(keyspace.iter()).into_iter().collect();
    let count = found
        .get(b"count".as_slice())
        .map_or(0, |count| u64::from_le_bytes(count.as_slice().try_into().unwrap()) as usize);
    assert!(count >= least, "{context}: {least} were promised, {count} are there");
    assert!(found == states[count], "{context}: not the state after commit {count}");
    assert!(database.check().is_sound(), "{context}");
    // What the crash left behind is gone.
    let stored: u64 = storage.list("values").unwrap().iter().map(|entry| entry.bytes).sum();
    assert_eq!(stored, database.statistics().value_file_bytes, "{context}");
}

#[test]
fn a_crash_at_any_operation_leaves_a_prefix_with_its_values_and_no_other_files() {
    for seed in 0..3 {
        let whole = MemoryStorage::new();
        let (states, synced) = run(&whole, seed, 50);
        assert_is_prefix(&whole.crash_torn(seed), &states, synced, "whole");
        let operations = whole.operations();
        for fail_at in (0..operations).step_by(7) {
            let storage = MemoryStorage::new();
            storage.fail_after(fail_at, fail_at);
            let (states, synced) = run(&storage, seed, 50);
            storage.heal();
            let context = format!("seed {seed}, failing after {fail_at}");
            let image = storage.crash_torn(fail_at);
            // Once more while it recovers.
            image.fail_after(fail_at % 40, fail_at);
            drop(Database::open_storage(Arc::new(image.clone()), options(0)));
            image.heal();
            assert_is_prefix(&image.crash(fail_at), &states, synced, &context);
        }
    }
}

#[test]
fn a_streamed_value_whose_commit_found_the_device_full_goes_again() {
    let storage = MemoryStorage::new();
    let options = |threads| Options { durability: Durability::Synced, ..options(threads) };
    let database = Database::open_storage(Arc::new(storage.clone()), options(0)).unwrap();
    let keyspace = database.keyspace("all").unwrap();
    let stream = |key: &str| keyspace.put_stream(key, std::io::repeat(7).take(100_000));
    let before = storage.operations();
    stream("kept").unwrap();
    let operations = storage.operations() - before;
    // The last one syncs the log, which has the whole commit by then.
    storage.plan(FaultPlan::new().and(storage.operations() + operations - 1, Fault::Full));
    assert!(matches!(stream("refused"), Err(Error::Storage(StorageError::Full { .. }))));
    let files = || storage.list("values").unwrap().len();
    assert_eq!(files(), 2);
    assert!(keyspace.get("refused").unwrap().is_none());
    let refused_in = |image: MemoryStorage, later: bool| {
        let database = Database::open_storage(Arc::new(image), options(0)).unwrap();
        assert!(database.check().is_sound());
        let keyspace = database.keyspace("all").unwrap();
        assert_eq!(keyspace.get("kept").unwrap().unwrap().len(), 100_000);
        assert_eq!(keyspace.get("later").unwrap().is_some(), later);
        let found = keyspace.get("refused").unwrap();
        assert!(found.as_ref().is_none_or(|value| value.len() == 100_000));
        found.is_some()
    };
    // What of it is in the log counts until another commit is in a table.
    assert!(refused_in(storage.kill(), false), "the log has it");
    for seed in 0..20 {
        refused_in(storage.crash(seed), false);
    }
    keyspace.put("later", "x").unwrap();
    database.flush().unwrap();
    assert_eq!(files(), 1);
    let images = (0..20).map(|seed| storage.crash(seed)).chain([storage.kill()]);
    images.for_each(|image| assert!(!refused_in(image, true)));
}

#[test]
fn damage_in_a_value_file_is_found_by_the_read_that_touches_it_and_by_check() {
    let storage = MemoryStorage::new();
    let database = Database::open_storage(Arc::new(storage.clone()), options(0)).unwrap();
    let keyspace = database.keyspace("all").unwrap();
    keyspace.put("large", vec![1; 5000]).unwrap();
    keyspace.put("small", vec![1; 50]).unwrap();
    database.close().unwrap();
    let name = storage.list("values").unwrap()[0].name.clone();
    assert!(storage.flip_bit(&name, 8 * 1000));
    let database = Database::open_storage(Arc::new(storage.clone()), options(0)).unwrap();
    let keyspace = database.keyspace("all").unwrap();
    assert!(matches!(keyspace.get("large"), Err(Error::Corrupt { file, .. }) if file.contains(&name)));
    assert!(keyspace.get("small").unwrap().is_some());
    assert_eq!(database.check().damaged.len(), 1);
    drop((keyspace, database));
    // A table is nothing without its values.
    storage.delete(&name).unwrap();
    let error = Database::open_storage(Arc::new(storage.clone()), options(0)).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
}

/// A file that is mapped need not stay open: each read by a call would open it again.
#[test]
fn packed_values_of_a_mapped_file_are_read_without_calls_and_a_check_reads_many_blocks_at_once() {
    for encryption in [None, encrypted::with(&["a"])] {
        let storage = MemoryStorage::new();
        let options = Options { encryption, block_cache: false, memory_bytes: 8 << 20, ..packing(0) };
        let database = Database::open_storage(Arc::new(storage.clone()), options).unwrap();
        let keyspace = database.keyspace("all").unwrap();
        let value = b"easily packed ".repeat(30_000);
        keyspace.put("large", &value).unwrap();
        for number in 0..2000_u32 {
            let mut value = [0; 100];
            random::fill(&mut value, number.into());
            keyspace.put(number.to_be_bytes(), value).unwrap();
        }
        database.flush().unwrap();
        keyspace.get("large").unwrap();
        let before = storage.operations();
        assert_eq!(keyspace.get("large").unwrap().as_deref(), Some(&*value));
        assert_eq!(storage.operations(), before);
        assert!(database.check().is_sound());
        let reads = storage.operations() - before;
        // There are some 800 blocks.
        assert!(reads < 100, "{reads}");
    }
}
