//! Short values that are made smaller before they are logged: against a map, wherever they come from and go, beside
//! values that stay as they are, operands, and other options in each life.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use what it likes")]
#![cfg(feature = "lz4")]

#[path = "shared/append.rs"]
mod append;
#[path = "shared/random.rs"]
mod random;
#[path = "shared/small.rs"]
mod small;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use append::Append;
use random::{Random, fill};
use small::{Map, collect, small};
use stroma_lsm::{Compression, Database, IfExists, Keyspace, KeyspaceOptions, Options, Snapshot};
use stroma_strata::storage::{MemoryStorage, PackedStorage, PackedWriter, Storage as _};

const KEYSPACES: [&str; 4] = ["plain", "appended", "apart", "compressed blocks"];
const KEYS: u64 = 60;

fn options() -> Options {
    Options { memory_bytes: 64 << 10, block_bytes: 512, transaction_bytes: 4000, ..small(4 << 10) }
        .with_keyspace("appended", KeyspaceOptions::default().merging(Append::COMBINED.keeping(700)))
        .with_keyspace("apart", KeyspaceOptions::default().separating(200))
        .with_keyspace("compressed blocks", KeyspaceOptions::default().packing(512, Compression::Lz4))
}

/// Around the lengths at which it is decided otherwise, and nothing, half or all of it noise.
fn value(choices: &mut Random) -> Vec<u8> {
    let around = [0, 47, 50, 100, 140, 200, 256, 1000, 1030, 1500][choices.below(10) as usize];
    let mut value = vec![choices.next() as u8; around + choices.below(8) as usize];
    let noise = [0, value.len() / 2, value.len()][choices.below(3) as usize];
    fill(&mut value[..noise], choices.next());
    value
}

fn key(choices: &mut Random) -> Vec<u8> {
    format!("key {:02}", choices.below(KEYS)).into_bytes()
}

/// A database that was opened, what is in it, and what was in it when snapshots were taken.
struct Scene {
    storage: MemoryStorage,
    database: Database,
    maps: BTreeMap<&'static str, Map>,
    held: Vec<(Snapshot, BTreeMap<&'static str, Map>)>,
}

impl Scene {
    fn new(seed: u64) -> Scene {
        let storage = MemoryStorage::new();
        storage.set_mapped(seed.is_multiple_of(2));
        let database = Database::open_storage(Arc::new(storage.clone()), options()).unwrap();
        let maps = KEYSPACES.map(|name| (name, Map::new())).into();
        Scene { storage, database, maps, held: Vec::new() }
    }

    fn keyspace(&self, name: &str) -> Keyspace {
        self.database.keyspace(name).unwrap()
    }

    /// Some changes, in one of the ways there are.
    fn change(&mut self, choices: &mut Random) {
        let name = KEYSPACES[choices.below(4) as usize];
        let keyspace = self.keyspace(name);
        let map = self.maps.get_mut(name).unwrap();
        match choices.below(9) {
            0 => {
                let (start, end) = (key(choices), key(choices));
                keyspace.delete_range(start.as_slice()..end.as_slice()).unwrap();
                map.retain(|key, _| !(start <= *key && *key < end));
            }
            1 => {
                let key = key(choices);
                keyspace.delete(&key).unwrap();
                map.remove(&key);
            }
            2 if name == "appended" => {
                let (key, operand) = (key(choices), value(choices));
                keyspace.merge(&key, &operand).unwrap();
                let appended =
                    Append::COMBINED.keeping(700).appended(map.get(&key).map(Vec::as_slice), &[&operand]);
                map.insert(key, appended);
            }
            2 => {
                let mut ingestion = keyspace.ingest().unwrap();
                let first = choices.below(KEYS);
                for number in first..(first + 8).min(KEYS) {
                    let (key, value) = (format!("key {number:02}").into_bytes(), value(choices));
                    ingestion.add(&key, &value).unwrap();
                    map.insert(key, value);
                }
                ingestion.finish().unwrap();
            }
            // Now and then so many that they spill.
            3 => {
                let mut transaction = self.database.transaction();
                for _ in 0..choices.below(20) {
                    let (key, value) = (key(choices), value(choices));
                    transaction.put(&keyspace, &key, &value).unwrap();
                    assert_eq!(transaction.get(&keyspace, &key).unwrap().as_deref(), Some(&value[..]));
                    map.insert(key, value);
                }
                assert_eq!(collect(transaction.range::<&[u8]>(&keyspace, ..)).unwrap(), *map);
                transaction.commit().unwrap();
            }
            4 => {
                let mut batch = self.database.batch();
                for _ in 0..choices.below(10) {
                    let (key, value) = (key(choices), value(choices));
                    batch.put(&keyspace, &key, &value);
                    map.insert(key, value);
                }
                batch.commit().unwrap();
            }
            _ => {
                let (key, value) = (key(choices), value(choices));
                keyspace.put(&key, &value).unwrap();
                map.insert(key, value);
            }
        }
    }

    /// Opened anew, perhaps so that values are stored in another way from now on.
    fn reopen(mut self, choices: &mut Random) -> Scene {
        self.held.clear();
        let value_compression = [Compression::None, Compression::Lz4][choices.below(2) as usize];
        let value_threshold = [90, 1 << 10, usize::MAX][choices.below(3) as usize];
        let options = Options { value_compression, value_threshold, ..options() };
        let Scene { storage, database, maps, held } = self;
        drop(database);
        let database = Database::open_storage(Arc::new(storage.clone()), options).unwrap();
        Scene { storage, database, maps, held }
    }

    fn check(&self) {
        let present = (self.database.snapshot(), self.maps.clone());
        for (snapshot, maps) in self.held.iter().chain([&present]) {
            for (name, map) in maps {
                assert_reads(snapshot, &self.keyspace(name), map);
            }
        }
        assert!(self.database.check().is_sound(), "{:?}", self.database.check());
    }
}

/// Everything, read in every way there is.
fn assert_reads(snapshot: &Snapshot, keyspace: &Keyspace, map: &Map) {
    assert_eq!(collect(snapshot.range::<&[u8]>(keyspace, ..)).unwrap(), *map);
    let mut range = snapshot.range::<&[u8]>(keyspace, ..);
    for (key, value) in map.iter().rev() {
        assert_eq!(range.next_entry_back().unwrap(), Some((&key[..], &value[..])));
    }
    assert_eq!(range.next_entry_back().unwrap(), None);
    let mut found = Map::new();
    let broke: Option<()> = snapshot
        .range_with::<&[u8], _>(keyspace, .., |key, value| {
            found.insert(key.to_vec(), value.to_vec());
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(broke.is_none() && found == *map);
    let keys: Vec<Vec<u8>> = (0..KEYS).map(|number| format!("key {number:02}").into_bytes()).collect();
    let many = snapshot.get_many(keyspace, &keys).unwrap();
    for (key, found) in keys.iter().zip(many) {
        let expected = map.get(key).map(Vec::as_slice);
        assert_eq!(found.as_deref(), expected);
        assert_eq!(snapshot.get(keyspace, key).unwrap().as_deref(), expected);
        let lent = snapshot.get_with(keyspace, key, <[u8]>::to_vec).unwrap();
        assert_eq!(lent.as_deref(), expected);
    }
}

#[test]
fn any_sequence_of_changes_answers_as_a_map_does() {
    for seed in 0..20 {
        let mut choices = Random(seed);
        let mut scene = Scene::new(seed);
        for round in 0..240 {
            scene.change(&mut choices);
            match choices.below(40) {
                0 => scene.database.flush().unwrap(),
                1 => scene.database.compact().unwrap(),
                2 if scene.held.len() < 3 => {
                    scene.held.push((scene.database.snapshot(), scene.maps.clone()));
                }
                3 => scene = scene.reopen(&mut choices),
                _ => {}
            }
            if round % 16 == 0 {
                scene.check();
            }
        }
        scene.database.compact().unwrap();
        scene.check();
        let file = PackedWriter::new(scene.storage.create("file").unwrap(), "the file").unwrap();
        scene.database.export_into_storage(&file).unwrap();
        file.finish().unwrap();
        let file = PackedStorage::open(scene.storage.open("file").unwrap()).unwrap();
        scene.database = Database::open_storage_read_only(Arc::new(file), options()).unwrap();
        scene.held.clear();
        scene.check();
    }
}

#[test]
fn what_repeats_within_values_is_neither_logged_nor_stored_nor_exported() {
    let folder = tempfile::tempdir().unwrap();
    let value = |number: u64| {
        let mut value = vec![0; 100];
        fill(&mut value[..50], number);
        value
    };
    let bytes = |value_compression, ingests| {
        let options = Options { value_compression, background_threads: 0, ..Options::default() };
        let storage = MemoryStorage::new();
        let database = Database::open_storage(Arc::new(storage), options).unwrap();
        let keyspace = database.keyspace("all").unwrap();
        if ingests {
            let mut ingestion = keyspace.ingest().unwrap();
            (0..1000_u64).for_each(|number| ingestion.add(number.to_be_bytes(), value(number)).unwrap());
            ingestion.finish().unwrap();
        } else {
            (0..1000_u64).for_each(|number| {
                keyspace.put(number.to_be_bytes(), value(number)).unwrap();
            });
        }
        let log = database.statistics().log_bytes;
        let user = database.statistics().user_bytes;
        database.flush().unwrap();
        let path = folder.path().join(format!("{ingests}"));
        database.export_into(&path, IfExists::Replace).unwrap();
        let file = std::fs::metadata(&path).unwrap().len();
        let tables: u64 = database.tables().iter().map(|table| table.bytes).sum();
        let read = Database::open_file(&path, Options::default()).unwrap();
        let found = collect(read.keyspace("all").unwrap().iter()).unwrap();
        assert!(found.iter().zip(0..).all(|((_, found), number)| *found == value(number)));
        assert_eq!(found.len(), 1000);
        (log, tables, file, user)
    };
    for ingests in [false, true] {
        let (log, tables, file, user) = bytes(Compression::Lz4, ingests);
        let (plain_log, plain_tables, plain_file, plain_user) = bytes(Compression::None, ingests);
        assert_eq!(user, plain_user);
        assert!(ingests || log + 40_000 < plain_log, "{log} of {plain_log}");
        assert!(tables + 40_000 < plain_tables, "{tables} of {plain_tables}");
        assert!(file + 40_000 < plain_file, "{file} of {plain_file}");
    }
}
