//! Databases in one file: everything that is seen goes in, comes out at any crash wholly or not at all, and no changed
//! byte goes unnoticed.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use what it likes")]

#[path = "shared/append.rs"]
mod append;
#[path = "shared/random.rs"]
mod random;
#[path = "shared/small.rs"]
mod small;

use std::collections::BTreeMap;
use std::sync::Arc;

use append::Append;
use random::{Random, fill};
use small::small;
use stroma_lsm::{Compression, Database, Error, IfExists, KeyspaceOptions, Options};
use stroma_strata::storage::{
    Blob, LogStorage, MemoryStorage, PackedStorage, PackedWriter, Storage as _, StorageError,
};

type Contents = BTreeMap<String, BTreeMap<Vec<u8>, Vec<u8>>>;

fn options() -> Options {
    Options { memory_bytes: 256 << 10, block_bytes: 256, value_threshold: 300, ..small(8 << 10) }
}

/// Everything, by scans, by looking each key up, and by looking up many at once.
fn contents(database: &Database) -> Result<Contents, Error> {
    let mut all = Contents::new();
    for name in database.keyspaces() {
        let keyspace = database.keyspace(&name)?;
        let mut map = BTreeMap::new();
        for entry in keyspace.iter() {
            let (key, value) = entry?;
            map.insert(key, value.into_vec());
        }
        let backward: Result<Vec<_>, Error> = keyspace.iter().rev().map(|entry| Ok(entry?.0)).collect();
        assert!(backward?.iter().rev().eq(map.keys()));
        for (key, value) in &map {
            assert_eq!(keyspace.get(key)?.as_deref(), Some(value.as_slice()));
        }
        let many = keyspace.get_many(map.keys())?;
        assert!(
            many.iter().map(|value| value.as_deref()).eq(map.values().map(|value| Some(value.as_slice())))
        );
        assert!(keyspace.get("absent")?.is_none());
        all.insert(name, map);
    }
    Ok(all)
}

/// A database with all that an engine can hold, half of it in memory.
fn filled(storage: &MemoryStorage) -> Database {
    let database = Database::open_storage(Arc::new(storage.clone()), options()).unwrap();
    let mut random = Random(3);
    for name in ["a", "b", "dropped", "empty"] {
        database.keyspace(name).unwrap();
    }
    for round in 0..6 {
        for name in ["a", "b", "dropped"] {
            let keyspace = database.keyspace(name).unwrap();
            for _ in 0..120 {
                let key = random.below(400).to_be_bytes();
                let mut value = vec![0; [20, 60, 200, 700][random.below(4) as usize]];
                fill(&mut value, random.next());
                match random.below(9) {
                    0 => drop(keyspace.delete(key).unwrap()),
                    1 => drop(keyspace.put(key, "").unwrap()),
                    _ => drop(keyspace.put(key, value).unwrap()),
                }
            }
            let from = random.below(390);
            keyspace.delete_range(&from.to_be_bytes()[..]..&(from + 10).to_be_bytes()[..]).unwrap();
        }
        if round == 3 {
            database.flush().unwrap();
        }
    }
    let a = database.keyspace("a").unwrap();
    a.put("", "of the empty key").unwrap();
    a.put_stream("streamed", &[9; 150_000][..]).unwrap();
    database.drop_keyspace("dropped").unwrap();
    database
}

fn export(database: &Database, storage: &MemoryStorage) -> Arc<dyn Blob> {
    let file = PackedWriter::new(storage.create("file").unwrap(), "the file").unwrap();
    database.export_into_storage(&file).unwrap();
    file.finish().unwrap();
    storage.open("file").unwrap()
}

fn open(file: Arc<dyn Blob>) -> Result<Database, Error> {
    Database::open_storage_read_only(Arc::new(PackedStorage::open(file)?), options())
}

fn bytes_as_file(bytes: &[u8]) -> Arc<dyn Blob> {
    let memory = MemoryStorage::new();
    memory.put_if_absent("file", bytes).unwrap();
    memory.open("file").unwrap()
}

#[test]
fn what_is_seen_is_in_the_file_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("it.stroma");
    let database = filled(&MemoryStorage::new());
    let before = contents(&database).unwrap();
    let report = database.export_into(&path, IfExists::Refuse).unwrap();
    assert!(report.tables > 3 && report.value_files == 1);
    let refused = database.export_into(&path, IfExists::Refuse);
    assert!(matches!(refused, Err(Error::Storage(StorageError::AlreadyExists { .. }))), "{refused:?}");
    database.keyspace("a").unwrap().put("later", "1").unwrap();

    let shipped = Database::open_file(&path, options()).unwrap();
    assert_eq!(contents(&shipped).unwrap(), before);
    assert_eq!(shipped.recovery_report().last_sequence, report.sequence);
    assert!(shipped.check().is_sound(), "{:?}", shipped.check());
    assert!(matches!(shipped.keyspace("a").unwrap().put("x", "y"), Err(Error::ReadOnly)));
    assert_eq!(shipped.statistics().levels.len(), 1);
    let entries: u64 = shipped.tables().iter().map(|table| table.entries).sum();
    assert_eq!(entries, report.entries, "no deletes, no old versions");
    let keys: usize = before.values().map(BTreeMap::len).sum();
    assert_eq!(entries as usize, keys + before.len() + 1, "with the catalog");

    database.export_into(&path, IfExists::Replace).unwrap();
    // The file that was there is open still.
    assert_eq!(contents(&shipped).unwrap(), before);
    let newer = Database::open_file(&path, options()).unwrap();
    assert_eq!(newer.keyspace("a").unwrap().get("later").unwrap().as_deref(), Some(&b"1"[..]));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(matches!(
        Database::open_file(folder.path().join("none"), options()),
        Err(Error::Storage(StorageError::NotFound { .. }))
    ));
}

#[test]
fn exports_of_readers_of_exports_and_into_folders_are_the_same() {
    let storage = MemoryStorage::new();
    let database = filled(&storage);
    let expected = contents(&database).unwrap();
    let reader = Database::open_storage_read_only(
        Arc::new(storage.clone()),
        Options { memory_bytes: 4 << 20, ..options() },
    );
    let once = export(&reader.unwrap(), &MemoryStorage::new());
    let twice = export(&open(once.clone()).unwrap(), &MemoryStorage::new());
    assert_eq!(contents(&open(twice).unwrap()).unwrap(), expected);

    let folder = MemoryStorage::new();
    open(once).unwrap().export_into_storage(&folder).unwrap();
    let again = database.export_into_storage(&folder);
    assert!(matches!(again, Err(Error::NotEmpty { .. })));
    let writable = Database::open_storage(Arc::new(folder), options()).unwrap();
    assert_eq!(contents(&writable).unwrap(), expected);
    let a = writable.keyspace("a").unwrap();
    for number in 0..2000_u64 {
        a.put(number.to_be_bytes(), [1; 400]).unwrap();
    }
    writable.compact().unwrap();
    assert_eq!(a.iter().count(), 2002);
    assert!(writable.check().is_sound());
}

/// Found by the simulator: a table ended between an operand and its value, and who read the key saw the operand alone.
#[test]
fn operands_stay_with_what_they_apply_to_wherever_a_table_ends() {
    let storage = MemoryStorage::new();
    let options = options().with_keyspace("joined", KeyspaceOptions::default().merging(Append::APART));
    let database = Database::open_storage(Arc::new(storage.clone()), options.clone()).unwrap();
    let joined = database.keyspace("joined").unwrap();
    for part in ["first", "second", "third"] {
        for number in 0..500_u32 {
            let value = format!("{part} of {number}, ").repeat(3);
            match part {
                "first" => joined.put(number.to_be_bytes(), &value).unwrap(),
                _ => joined.merge(number.to_be_bytes(), &value).unwrap(),
            };
        }
        database.flush().unwrap();
    }
    let wanted = contents(&database).unwrap();
    let folder = MemoryStorage::new();
    assert!(database.export_into_storage(&folder).unwrap().tables > 5);
    let exported = Database::open_storage(Arc::new(folder), options.clone()).unwrap();
    assert!(contents(&exported).unwrap() == wanted);
    let repaired = MemoryStorage::new();
    Database::repair_storage(Arc::new(storage.kill()), &repaired, options.clone()).unwrap();
    let repaired = Database::open_storage(Arc::new(repaired), options).unwrap();
    assert!(contents(&repaired).unwrap() == wanted);
}

#[test]
fn an_empty_database_and_every_compression() {
    let empty = Database::open_storage(Arc::new(MemoryStorage::new()), options()).unwrap();
    let file = open(export(&empty, &MemoryStorage::new())).unwrap();
    assert!(file.keyspaces().is_empty() && file.check().is_sound());
    for compression in [
        Compression::None,
        #[cfg(feature = "lz4")]
        Compression::Lz4,
        #[cfg(feature = "zstd")]
        Compression::Zstd { level: 3 },
    ] {
        let storage: Arc<dyn LogStorage> = Arc::new(MemoryStorage::new());
        let database = Database::open_storage(storage, Options { compression, ..options() }).unwrap();
        let all = database.keyspace("all").unwrap();
        for number in 0..3000_u64 {
            all.put(number.to_be_bytes(), format!("a value with a number in it: {number}")).unwrap();
        }
        let file = open(export(&database, &MemoryStorage::new())).unwrap();
        assert_eq!(contents(&file).unwrap(), contents(&database).unwrap());
    }
}

#[test]
fn at_every_crash_the_file_is_there_wholly_or_not_at_all() {
    let database = filled(&MemoryStorage::new());
    let expected = contents(&database).unwrap();
    let storage = MemoryStorage::new();
    storage.watch(1, 0);
    export(&database, &storage);
    let mut moments = storage.take_moments();
    assert!(!moments.is_empty());
    let mut there = 0;
    for (seed, moment) in moments.drain(..).enumerate() {
        if let Ok(file) = moment.storage.crash(seed as u64).open("file") {
            assert_eq!(contents(&open(file).unwrap()).unwrap(), expected);
            there += 1;
        }
    }
    assert!(there <= 1, "it is published last");
    let file = storage.crash(1).open("file").unwrap();
    assert_eq!(contents(&open(file).unwrap()).unwrap(), expected);
}

#[test]
fn a_changed_byte_is_found_and_never_is_anything_wrong_answered() {
    let database = filled(&MemoryStorage::new());
    let expected = contents(&database).unwrap();
    let whole = export(&database, &MemoryStorage::new()).read_all().unwrap();
    let mut random = Random(8);
    let mut silent = 0;
    for _ in 0..250 {
        let mut changed = whole.clone();
        let at = random.below(changed.len() as u64) as usize;
        changed[at] ^= 1 << random.below(8);
        let Ok(database) = open(bytes_as_file(&changed)) else { continue };
        assert!(!database.check().is_sound(), "byte {at}");
        if let Ok(read) = contents(&database) {
            assert_eq!(read, expected, "byte {at}");
            silent += 1;
        }
    }
    assert!(silent < 120, "most of the file is read: {silent}");
    for _ in 0..100 {
        let end = random.below(whole.len() as u64) as usize;
        assert!(open(bytes_as_file(&whole[..end])).is_err());
    }
}

#[test]
fn a_table_is_opened_when_it_is_read() {
    let storage = MemoryStorage::new();
    let database = Database::open_storage(Arc::new(storage), options()).unwrap();
    let all = database.keyspace("all").unwrap();
    for number in 0..3000_u64 {
        all.put(number.to_be_bytes(), [5; 40]).unwrap();
    }
    let file = export(&database, &MemoryStorage::new());
    let packed = PackedStorage::open(file.clone()).unwrap();
    let layers = packed.list("layers").unwrap();
    assert!(layers.len() > 4);
    // Its footer, so that it cannot be opened.
    let last = packed.open(&layers.last().unwrap().name).unwrap().read_all().unwrap();
    let mut bytes = file.read_all().unwrap();
    let at = bytes.windows(last.len()).position(|window| window == last).unwrap() + last.len() - 20;
    bytes[at] ^= 1;
    let damaged = open(bytes_as_file(&bytes)).unwrap();
    let all = damaged.keyspace("all").unwrap();
    assert!(all.get(0_u64.to_be_bytes()).unwrap().is_some());
    assert!(all.range(&0_u64.to_be_bytes()[..]..&100_u64.to_be_bytes()[..]).all(|entry| entry.is_ok()));
    assert!(matches!(all.get(2999_u64.to_be_bytes()), Err(Error::Corrupt { .. })));
    assert!(matches!(all.iter().last(), Some(Err(Error::Corrupt { .. }))));
    assert!(all.iter().next_back().is_some_and(|entry| entry.is_err()));
    assert!(!damaged.check().is_sound());
}
