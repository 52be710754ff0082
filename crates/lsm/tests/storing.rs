//! Keyspaces whose entries are stored in their own way: where large values lie, how blocks are made; kept with the
//! keyspace, and nothing that readers would notice.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use what it likes")]

#[path = "shared/random.rs"]
mod random;
#[path = "shared/small.rs"]
mod small;

use std::collections::BTreeMap;
use std::sync::Arc;

use random::{Random, fill};
use small::{Map, small};
#[cfg(feature = "zstd")]
use stroma_lsm::Error;
use stroma_lsm::{Compression, Database, KeyspaceOptions, Options};
use stroma_strata::storage::{LogStorage, MemoryStorage};

fn options() -> Options {
    Options {
        memory_bytes: 512 << 10,
        block_bytes: 256,
        value_threshold: 250,
        value_compression: Compression::None,
        ..small(64 << 10)
    }
}

fn open(storage: &MemoryStorage, options: Options) -> Database {
    Database::open_storage(Arc::new(storage.clone()), options).unwrap()
}

fn value_bytes(database: &Database) -> u64 {
    database.statistics().live_value_bytes
}

#[test]
fn each_keyspace_has_its_own_threshold_and_keeps_it() {
    let storage = MemoryStorage::new();
    let told = options()
        .with_keyspace("apart", KeyspaceOptions::default().separating(100))
        .with_keyspace("inline", KeyspaceOptions::default().separating(usize::MAX));
    let mut kept = 0;
    // The second time nothing is said of them.
    for options in [told, options()] {
        let database = open(&storage, options);
        for (name, length, is_apart) in [
            ("apart", 99, false),
            ("apart", 100, true),
            ("inline", 5000, false),
            ("usual", 249, false),
            ("usual", 250, true),
        ] {
            let keyspace = database.keyspace(name).unwrap();
            keyspace.put(format!("{kept} {length}"), vec![7; length]).unwrap();
            keyspace
                .put_expiring(format!("{kept} {length} brief"), vec![8; length], std::time::Duration::MAX)
                .unwrap();
            database.flush().unwrap();
            let now = value_bytes(&database);
            assert_eq!(now > kept, is_apart, "{name} {length}");
            kept = now;
        }
        let described: BTreeMap<String, Option<u64>> = database
            .keyspace_descriptions()
            .into_iter()
            .map(|each| (each.name, each.value_threshold))
            .collect();
        let expected = [("apart", Some(100)), ("inline", Some(u64::MAX)), ("usual", None)];
        assert_eq!(described, BTreeMap::from(expected.map(|(name, bytes)| (name.to_owned(), bytes))));
        assert!(database.check().is_sound());
    }
    // Another word changes it, and merges bring what is stored in line.
    let database =
        open(&storage, options().with_keyspace("inline", KeyspaceOptions::default().separating(1000)));
    let inline = database.keyspace("inline").unwrap();
    database.compact().unwrap();
    assert!(value_bytes(&database) > kept + 9000);
    assert_eq!(inline.iter().count(), 4);
    assert!(inline.iter().all(|entry| entry.unwrap().1.len() == 5000));
    let copy = MemoryStorage::new();
    database.export_into_storage(&copy).unwrap();
    drop(database);
    let copy = open(&copy, options());
    assert_eq!(copy.keyspace("inline").unwrap().iter().count(), 4);
    assert_eq!(copy.keyspace_descriptions()[1].value_threshold, Some(1000));
    assert!(copy.check().is_sound());
}

#[cfg(feature = "lz4")]
#[test]
fn values_of_each_keyspace_are_compressed_in_its_own_way_and_that_is_kept() {
    let storage = MemoryStorage::new();
    let told = options()
        .with_keyspace("packed", KeyspaceOptions::default().packing_values(Compression::Lz4))
        .with_keyspace("plain", KeyspaceOptions::default().packing_values(Compression::None));
    let mut number = 0_u32;
    let packing = || Options { value_compression: Compression::Lz4, ..options() };
    // The second time nothing is said of them.
    for (options, usual_is_packed) in [(told, false), (packing(), true)] {
        let database = open(&storage, options);
        for (name, is_packed) in [("packed", true), ("plain", false), ("usual", usual_is_packed)] {
            let keyspace = database.keyspace(name).unwrap();
            let before = value_bytes(&database);
            number += 1;
            keyspace.put(number.to_be_bytes(), vec![7; 10_000]).unwrap();
            keyspace.put_stream([number as u8], &vec![8; 90_000][..]).unwrap();
            database.flush().unwrap();
            let taken = value_bytes(&database) - before;
            assert_eq!(taken < 3000, is_packed, "{name}: {taken}");
            assert!(is_packed || taken > 100_000, "{name}: {taken}");
        }
        let described: Vec<_> =
            database.keyspace_descriptions().into_iter().map(|each| each.value_compression).collect();
        assert_eq!(described, [Some(Compression::Lz4), Some(Compression::None), None]);
    }
    // Merged, exported, and collected they stay what they are.
    let database = open(&storage, options());
    database.compact().unwrap();
    let bytes = value_bytes(&database);
    let copy = MemoryStorage::new();
    database.export_into_storage(&copy).unwrap();
    drop(database);
    let copy = open(&copy, options());
    assert_eq!(value_bytes(&copy), bytes);
    for name in ["packed", "plain", "usual"] {
        let lengths = |length| {
            let keyspace = copy.keyspace(name).unwrap();
            keyspace.iter().filter(|entry| entry.as_ref().unwrap().1.len() == length).count()
        };
        assert_eq!((lengths(10_000), lengths(90_000)), (2, 2), "{name}");
    }
    assert!(copy.check().is_sound());
}

#[cfg(feature = "zstd")]
#[test]
fn values_have_no_dictionary() {
    let trained = Compression::ZstdTrained { level: 1 };
    let apart = KeyspaceOptions::default().packing_values(trained);
    for refused in [options().with_keyspace("a", apart), Options { value_compression: trained, ..options() }]
    {
        let storage = Arc::new(MemoryStorage::new());
        assert!(matches!(Database::open_storage(storage, refused), Err(Error::InvalidOptions { .. })));
    }
}

/// Half of each value can be compressed.
fn fill_keyspaces(database: &Database, names: &[&str]) -> BTreeMap<String, Map> {
    let mut random = Random(3);
    let mut expected: BTreeMap<String, Map> = BTreeMap::new();
    for number in 0..3000_u32 {
        let name = names[random.below(names.len() as u64) as usize];
        let mut value = vec![b'.'; 80];
        fill(&mut value[..40], random.next());
        database.keyspace(name).unwrap().put(number.to_be_bytes(), &value).unwrap();
        expected.entry(name.to_owned()).or_default().insert(number.to_be_bytes().to_vec(), value);
    }
    expected
}

fn assert_holds(database: &Database, expected: &BTreeMap<String, Map>) {
    for (name, map) in expected {
        let keyspace = database.keyspace(name).unwrap();
        let found: Map =
            keyspace.iter().map(|entry| entry.map(|(key, value)| (key, value.into_vec())).unwrap()).collect();
        assert!(found == *map, "{name}");
        for (key, value) in map.iter().step_by(7) {
            assert_eq!(keyspace.get(key).unwrap().as_deref(), Some(&value[..]));
        }
    }
    assert!(database.check().is_sound());
}

fn blocks(database: &Database) -> u64 {
    database.tables().iter().map(|table| table.blocks).sum()
}

#[test]
fn blocks_are_as_long_as_their_keyspace_says() {
    let names = ["a", "b", "c"];
    let usual = open(&MemoryStorage::new(), options());
    fill_keyspaces(&usual, &names);
    usual.compact().unwrap();
    let storage = MemoryStorage::new();
    let packing = KeyspaceOptions::default().packing(4096, Compression::None);
    let database = open(&storage, options().with_keyspace("b", packing));
    let expected = fill_keyspaces(&database, &names);
    database.compact().unwrap();
    let (usual, now) = (blocks(&usual), blocks(&database));
    assert!(now < usual * 3 / 4 && now > usual / 2, "{now} blocks, else {usual}");
    assert_holds(&database, &expected);
    drop(database);
    let again = open(&storage, options());
    again.compact().unwrap();
    assert_eq!(blocks(&again), now, "it is kept");
    assert_holds(&again, &expected);
}

#[cfg(feature = "lz4")]
#[test]
fn blocks_are_compressed_as_their_keyspace_says_at_all_levels() {
    let names = ["a", "b", "c"];
    let lz4 = KeyspaceOptions::default().packing(1024, Compression::Lz4);
    let database = open(&MemoryStorage::new(), options().with_keyspace("b", lz4));
    let expected = fill_keyspaces(&database, &names);
    for _ in 0..2 {
        assert_holds(&database, &expected);
        let tables = database.tables();
        let lz4: u64 = tables.iter().map(|table| table.compressed.lz4).sum();
        let plain: u64 = tables.iter().map(|table| table.compressed.plain).sum();
        // A thousand entries of a hundred bytes each.
        assert!((60..200).contains(&lz4), "{lz4} compressed, {plain} not");
        assert!(plain > 600, "{lz4} compressed, {plain} not");
        database.compact().unwrap();
    }
}

#[cfg(all(feature = "lz4", feature = "zstd"))]
#[test]
fn what_is_apart_waits_beside_blocks_that_get_a_dictionary() {
    let trained = Compression::ZstdTrained { level: 3 };
    assert!(matches!(
        Database::open_storage(
            Arc::new(MemoryStorage::new()),
            options().with_keyspace("a", KeyspaceOptions::default().packing(1024, trained))
        ),
        Err(Error::InvalidOptions { .. })
    ));
    let storage = MemoryStorage::new();
    let options = Options { compression: trained, ..options() }
        .with_keyspace("b", KeyspaceOptions::default().packing(512, Compression::Lz4))
        .with_keyspace("c", KeyspaceOptions::default().packing(512, Compression::None));
    let database = open(&storage, options.clone());
    let expected = fill_keyspaces(&database, &["a", "b", "c", "d"]);
    database.compact().unwrap();
    assert_holds(&database, &expected);
    let counts = |count: fn(&stroma_lsm::CompressedBlocks) -> u64| -> u64 {
        database.tables().iter().map(|table| count(&table.compressed)).sum()
    };
    let (lz4, plain) = (counts(|blocks| blocks.lz4), counts(|blocks| blocks.plain));
    let zstd = counts(|blocks| blocks.zstd + blocks.zstd_with_dictionary);
    assert!(lz4 > 100 && plain > 100 && zstd > 100, "{lz4} {plain} {zstd}");
    drop(database);
    assert_holds(&open(&storage, options), &expected);
}

#[test]
fn a_reader_heeds_its_own_options_and_keeps_nothing() {
    let storage = MemoryStorage::new();
    let writer = open(&storage, options());
    writer.keyspace("a").unwrap().put("key", "value").unwrap();
    let told = options().with_keyspace("a", KeyspaceOptions::default().separating(7));
    let shared: Arc<dyn LogStorage> = Arc::new(storage.clone());
    let reader = Database::open_storage_read_only(shared, told).unwrap();
    assert_eq!(reader.keyspace("a").unwrap().get("key").unwrap().as_deref(), Some(&b"value"[..]));
    assert!(reader.keyspace_descriptions()[0].is_usual());
    assert!(writer.keyspace_descriptions()[0].is_usual());
}
