//! An encrypted database for tests: what is in it, with which keys, and whether anything of it can be read without.
#![allow(dead_code, reason = "who includes this uses a part of it")]

use std::collections::BTreeMap;
use std::sync::Arc;

use stroma_lsm::{DataKey, Database, Durability, Encryption, Error, Options, StaticKeys};
use stroma_strata::MergePolicy;
use stroma_strata::storage::{LogStorage as _, MemoryStorage, Storage as _};

pub(crate) type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// A key of this name; always the same for the same name.
pub(crate) fn key(name: &str) -> DataKey {
    DataKey::from([name.as_bytes()[0]; 32])
}

pub(crate) fn keys(names: &[&str]) -> StaticKeys {
    let first = StaticKeys::new(names[0], key(names[0])).unwrap();
    names[1..].iter().fold(first, |keys, name| keys.with_current(name, key(name)).unwrap())
}

pub(crate) fn with(names: &[&str]) -> Option<Encryption> {
    Some(Encryption::new(Arc::new(keys(names))))
}

pub(crate) fn options(encryption: Option<Encryption>) -> Options {
    Options {
        memory_bytes: 64 << 10,
        background_threads: 0,
        block_bytes: 256,
        value_threshold: 100,
        merge_policy: MergePolicy::Tiered { fanout: 4 },
        encryption,
        ..Options::default()
    }
}

pub(crate) fn open(storage: &MemoryStorage, encryption: Option<Encryption>) -> Result<Database, Error> {
    Database::open_storage(Arc::new(storage.clone()), options(encryption))
}

/// Puts, deletes and range deletes, some of which are in tables, some in the log alone; and what there is then.
pub(crate) fn fill(database: &Database, seed: u64) -> Map {
    let mut map = Map::new();
    let keyspace = database.keyspace("SECRET-space").unwrap();
    for number in 0..400_u64 {
        let key = format!("SECRET-key-{:03}", (number * 7 + seed) % 300).into_bytes();
        let length = if number % 5 == 0 { 150 } else { 20 };
        let value = format!("SECRET-value-{number}-{seed}").into_bytes();
        let value: Vec<u8> = value.into_iter().cycle().take(length).collect();
        keyspace.put(&key, &value).unwrap();
        map.insert(key, value);
        if number % 100 == 50 {
            database.flush().unwrap();
        }
    }
    keyspace.delete_range("SECRET-key-100".."SECRET-key-120").unwrap();
    map.retain(|key, _| !(b"SECRET-key-100".as_slice()..b"SECRET-key-120").contains(&key.as_slice()));
    let stream = [b"SECRET-stream-".as_slice(); 9_000].concat();
    keyspace.put_stream("SECRET-streamed", &mut stream.as_slice()).unwrap();
    map.insert(b"SECRET-streamed".to_vec(), stream);
    let mut ingestion = keyspace.ingest().unwrap();
    for number in 100..150 {
        let (key, value) = (format!("SECRET-sorted-{number}"), format!("SECRET-ingested-{number}-{seed}"));
        ingestion.add(&key, &value).unwrap();
        map.insert(key.into_bytes(), value.into_bytes());
    }
    ingestion.finish().unwrap();
    let mut batch = database.batch();
    batch.put(&keyspace, "SECRET-last", "SECRET-synced");
    batch.commit_with(Durability::Synced).unwrap();
    map.insert(b"SECRET-last".to_vec(), b"SECRET-synced".to_vec());
    map
}

pub(crate) fn read(database: &Database) -> Map {
    let keyspace = database.keyspace("SECRET-space").unwrap();
    let entries = keyspace.iter().map(|entry| entry.map(|(key, value)| (key, value.into_vec())));
    let map: Map = entries.collect::<Result<_, Error>>().unwrap();
    for (key, value) in &map {
        assert_eq!(keyspace.get(key).unwrap().as_deref(), Some(&value[..]));
    }
    map
}

/// The names of all files, and how many of them hold `SECRET`.
pub(crate) fn leaks(storage: &MemoryStorage) -> (Vec<String>, usize) {
    let mut names = Vec::new();
    for folder in ["layers", "manifest", "values", "backups"] {
        names.extend(storage.list(folder).unwrap().into_iter().map(|entry| entry.name));
    }
    names.extend(storage.list_logs("log").unwrap().into_iter().map(|entry| entry.name));
    let leaking = names.iter().filter(|name| {
        let bytes = storage.contents(name).unwrap();
        bytes.windows(6).any(|window| window == b"SECRET")
    });
    let count = leaking.count();
    (names, count)
}
