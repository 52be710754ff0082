//! A byte that changed in any file of a database is found: by opening it, by `check`, or by the read that comes upon
//! it. Never is anything wrong answered.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may use what it likes"
)]

#[path = "shared/random.rs"]
mod random;

use std::collections::BTreeMap;
use std::sync::Arc;

use random::{Random, fill};
use stroma_lsm::{
    Backups, Compression, DataKey, Database, Durability, Encryption, Error, FilterPolicy, IndexPolicy,
    KeyFile, Options, StaticKeys,
};
use stroma_strata::MergePolicy;
use stroma_strata::storage::{LogStorage as _, MemoryStorage, Storage as _};

/// Where a database has its files, but the log.
const FOLDERS: [&str; 3] = ["layers", "manifest", "values"];

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// Keys that are the same whenever they are asked for, or none.
fn keys(is_encrypted: bool) -> Option<Encryption> {
    let keys = StaticKeys::new("main", DataKey::from([7; 32])).unwrap();
    is_encrypted.then(|| Encryption::new(Arc::new(keys)))
}

fn options(is_encrypted: bool) -> Options {
    Options {
        encryption: keys(is_encrypted),
        memory_bytes: 64 << 10,
        background_threads: 0,
        block_bytes: 256,
        value_threshold: 50,
        merge_policy: MergePolicy::Tiered { fanout: 4 },
        ..Options::default()
    }
}

/// A database with a few tables, each with other options, a manifest of several edits, and a log; and what it holds
/// after each commit that only the log has, the last one first.
fn small_database(is_encrypted: bool) -> (MemoryStorage, Vec<Map>) {
    let storage = MemoryStorage::new();
    let mut random = Random(5);
    let mut map = Map::new();
    let settings = [
        (Compression::None, FilterPolicy::default(), IndexPolicy::CostModel),
        #[cfg(feature = "lz4")]
        (Compression::Lz4, FilterPolicy::None, IndexPolicy::Plain),
        #[cfg(feature = "zstd")]
        (Compression::Zstd { level: 1 }, FilterPolicy::default(), IndexPolicy::SPlus),
        #[cfg(feature = "zstd")]
        (Compression::ZstdTrained { level: 3 }, FilterPolicy::None, IndexPolicy::BTree),
        (Compression::None, FilterPolicy::None, IndexPolicy::RadixSpline),
    ];
    for (compression, filter, index) in settings {
        let options = Options { compression, filter, index, ..options(is_encrypted) };
        let database = Database::open_storage(Arc::new(storage.clone()), options).unwrap();
        let keyspace = database.keyspace("all").unwrap();
        for _ in 0..50 {
            let key = format!("key {:03}", random.below(200)).into_bytes();
            let mut value = vec![0; random.below(60) as usize];
            if random.below(2) == 0 {
                fill(&mut value, random.next());
            }
            keyspace.put(&key, &value).unwrap();
            map.insert(key, value);
        }
        keyspace.delete_range("key 050".."key 060").unwrap();
        map.retain(|key, _| !(b"key 050".as_slice()..b"key 060").contains(&key.as_slice()));
        database.close().unwrap();
    }
    let database = open(&storage, is_encrypted).unwrap();
    let keyspace = database.keyspace("all").unwrap();
    let mut states = vec![map.clone()];
    for number in 0..6_u8 {
        let mut batch = database.batch();
        batch.put(&keyspace, [number], [number; 20]);
        batch.commit_with(Durability::Synced).unwrap();
        map.insert(vec![number], vec![number; 20]);
        states.insert(0, map.clone());
    }
    (storage.kill(), states)
}

fn open(storage: &MemoryStorage, is_encrypted: bool) -> Result<Database, Error> {
    Database::open_storage(Arc::new(storage.clone()), options(is_encrypted))
}

/// Everything, by a scan, and each key by itself.
fn read(database: &Database, keys: &Map) -> Result<Map, Error> {
    let keyspace = database.keyspace("all")?;
    for key in keys.keys() {
        let found = keyspace.get(key)?;
        // Whether it is the right one, the scan tells, which sees the same state.
        drop(found);
    }
    keyspace.iter().map(|entry| entry.map(|(key, value)| (key, value.into_vec()))).collect()
}

/// What came of one changed byte.
#[derive(Debug, Default)]
struct Counts {
    refused: usize,
    reads_failed: usize,
    only_check: usize,
    cut: usize,
    harmless: usize,
}

/// Changes every `step`th byte of the file `name`, each by another bit, and looks at what is said.
fn change_bytes_of(
    storage: &MemoryStorage,
    states: &[Map],
    name: &str,
    step: usize,
    (mapped, is_encrypted): (bool, bool),
) -> Counts {
    let bytes = storage.contents(name).unwrap();
    let is_log = name.starts_with("log/");
    let mut counts = Counts::default();
    for at in (0..bytes.len()).step_by(step) {
        let damaged = storage.kill();
        damaged.set_mapped(mapped);
        assert!(damaged.flip_bit(name, at as u64 * 8 + at as u64 % 8));
        let context = format!("{name}, byte {at} of {}", bytes.len());
        let database = match open(&damaged, is_encrypted) {
            Ok(database) => database,
            Err(error) => {
                // A changed envelope may be one of another key.
                let is_told =
                    matches!(error, Error::Corrupt { .. } | Error::Unsupported { .. } | Error::Encryption(_));
                assert!(is_told, "{context}: {error}");
                counts.refused += 1;
                continue;
            }
        };
        let found = read(&database, &states[0]);
        let is_sound = database.check().is_sound();
        match found {
            Err(error) => {
                assert!(
                    matches!(error, Error::Corrupt { .. } | Error::Unsupported { .. }),
                    "{context}: {error}"
                );
                assert!(!is_sound, "{context}: a read failed and check found nothing");
                counts.reads_failed += 1;
            }
            Ok(found) if is_log => {
                // The end of a log that is damaged may be an end that was never written: it is cut, and that is told.
                let state = states.iter().position(|state| *state == found);
                let state = state.unwrap_or_else(|| panic!("{context}: a state that never was"));
                assert!(
                    state == 0 || database.recovery_report().log_cut.is_some(),
                    "{context}: cut in silence"
                );
                if state == 0 { counts.harmless += 1 } else { counts.cut += 1 }
            }
            Ok(found) => {
                assert!(found == states[0], "{context}: something wrong was read");
                assert!(!is_sound, "{context}: nobody noticed");
                counts.only_check += 1;
            }
        }
    }
    counts
}

fn change_bytes(step: usize, mapped: bool, is_encrypted: bool) {
    let (storage, states) = small_database(is_encrypted);
    let database = open(&storage.kill(), is_encrypted).unwrap();
    assert_eq!(read(&database, &states[0]).unwrap(), states[0]);
    drop(database);
    let mut names = Vec::new();
    for folder in FOLDERS {
        names.extend(storage.list(folder).unwrap().into_iter().map(|entry| entry.name));
    }
    names.extend(storage.list_logs("log").unwrap().into_iter().map(|entry| entry.name));
    assert!(names.len() > 5, "{names:?}");
    for name in names {
        let counts = change_bytes_of(&storage, &states, &name, step, (mapped, is_encrypted));
        println!("{name}: {counts:?}");
    }
}

#[test]
fn every_byte_of_every_file_counts() {
    change_bytes(1, true, false);
}

#[test]
fn bytes_that_are_read_instead_of_mapped_count_too() {
    change_bytes(7, false, false);
}

#[test]
fn bytes_of_encrypted_files_count_too() {
    change_bytes(5, true, true);
}

/// A changed byte is told as damage, or as no key that fits.
fn assert_told(error: &Error, context: &str) {
    let is_told = matches!(error, Error::Corrupt { .. } | Error::Unsupported { .. } | Error::Encryption(_));
    assert!(is_told, "{context}: {error}");
}

/// A backup of which a byte was changed cannot be listed and restored, or what is restored of it is found to be
/// damaged.
fn change_bytes_of_backups(is_encrypted: bool) {
    let (storage, states) = small_database(is_encrypted);
    let archive = MemoryStorage::new();
    let backups = |storage: &MemoryStorage| {
        let backups = Backups::open_storage(Arc::new(storage.clone()));
        keys(is_encrypted).into_iter().fold(backups, Backups::with_encryption)
    };
    let database = open(&storage, is_encrypted).unwrap();
    for _ in 0..2 {
        database.back_up(&backups(&archive)).unwrap();
        database.keyspace("all").unwrap().put("more", "of it").unwrap();
    }
    let restore = |archive: &MemoryStorage| {
        let restored = MemoryStorage::new();
        backups(archive).restore_into(1, &restored).map(|_| restored)
    };
    let whole = open(&restore(&archive).unwrap(), is_encrypted).unwrap();
    assert_eq!(read(&whole, &states[0]).unwrap(), states[0]);
    // The second one has a file of its own; the first has nothing to do with it.
    let names_of_second = archive.list("backups").unwrap().pop().unwrap().name;
    let mut changed = 0;
    for (folder, step) in [("backups", 1), ("layers", 31), ("values", 7)] {
        for entry in archive.list(folder).unwrap() {
            let bytes = archive.contents(&entry.name).unwrap().len();
            for at in (0..bytes).step_by(step) {
                let damaged = archive.kill();
                assert!(damaged.flip_bit(&entry.name, at as u64 * 8 + at as u64 % 8));
                let context = format!("{}, byte {at} of {bytes}", entry.name);
                changed += 1;
                if folder == "backups" {
                    assert_told(&backups(&damaged).list().unwrap_err(), &context);
                }
                let restored = match restore(&damaged) {
                    Ok(restored) => restored,
                    Err(error) => {
                        assert_told(&error, &context);
                        continue;
                    }
                };
                assert!(
                    folder != "backups" || entry.name == names_of_second,
                    "{context}: a list that is damaged"
                );
                match open(&restored, is_encrypted) {
                    Err(error) => assert_told(&error, &context),
                    Ok(database) => {
                        let is_sound = database.check().is_sound();
                        match read(&database, &states[0]) {
                            Err(error) => assert_told(&error, &context),
                            Ok(found) => assert_eq!(found, states[0], "{context}"),
                        }
                        // What only the second backup has is no part of the first.
                        let is_part = restored.contents(&entry.name).is_some();
                        assert!(!is_sound || !is_part, "{context}: nobody noticed");
                    }
                }
            }
        }
    }
    assert!(changed > 500, "{changed}");
}

#[test]
fn bytes_of_backups_count_too() {
    change_bytes_of_backups(false);
    change_bytes_of_backups(true);
}

#[test]
fn files_that_change_places_or_are_gone_are_found() {
    for is_encrypted in [false, true] {
        let (storage, states) = small_database(is_encrypted);
        let mut changed = 0;
        for folder in FOLDERS {
            let names: Vec<String> =
                storage.list(folder).unwrap().into_iter().map(|entry| entry.name).collect();
            for (number, name) in names.iter().enumerate() {
                let other = &names[(number + 1) % names.len()];
                let swapped = storage.kill();
                swapped.replace(name, storage.contents(other).unwrap());
                swapped.replace(other, storage.contents(name).unwrap());
                let gone = storage.kill();
                gone.delete(name).unwrap();
                let is_last_edit = folder == "manifest" && number + 1 == names.len();
                for (what, damaged) in [("gone", gone), (other.as_str(), swapped)] {
                    // The end of the chain of edits is where it ends; without the last one it was never made.
                    if what == *name || what == "gone" && is_last_edit {
                        continue;
                    }
                    let context = format!("{name}: {what}");
                    changed += 1;
                    let Ok(database) = open(&damaged, is_encrypted) else { continue };
                    let is_sound = database.check().is_sound();
                    match read(&database, &states[0]) {
                        Err(_) => assert!(!is_sound, "{context}: a read failed and check found nothing"),
                        Ok(found) => {
                            assert!(found == states[0], "{context}: something wrong was read");
                            assert!(!is_sound, "{context}: nobody noticed");
                        }
                    }
                }
            }
        }
        assert!(changed > 10, "{changed}");
    }
}

#[test]
fn bytes_of_key_files_count_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let text = format!("# For the archive.\nold {}\nmain {}\n", "3c".repeat(32), "a7".repeat(32));
    let open_with = |storage: MemoryStorage, keys: KeyFile| {
        let encryption = Some(Encryption::new(Arc::new(keys)));
        Database::open_storage(Arc::new(storage), Options { encryption, ..options(false) })
    };
    let storage = MemoryStorage::new();
    std::fs::write(&path, &text).unwrap();
    let database = open_with(storage.clone(), KeyFile::open(&path).unwrap()).unwrap();
    database.keyspace("all").unwrap().put("key", "value").unwrap();
    drop(database);
    let mut refused = 0;
    for at in 0..text.len() {
        for bit in 0..8 {
            let mut changed = text.clone().into_bytes();
            changed[at] ^= 1 << bit;
            std::fs::write(&path, &changed).unwrap();
            let Ok(keys) = KeyFile::open(&path) else {
                refused += 1;
                continue;
            };
            let found =
                open_with(storage.kill(), keys).and_then(|database| database.keyspace("all")?.get("key"));
            match found {
                // What nothing was encrypted with, a comment, or another way to write a digit.
                Ok(found) => assert_eq!(found.as_deref(), Some(&b"value"[..]), "byte {at}, bit {bit}"),
                Err(error) => {
                    assert!(matches!(error, Error::Encryption(_)), "byte {at}, bit {bit}: {error}");
                    refused += 1;
                }
            }
        }
    }
    // All of the line that counts, but for the case of letters.
    assert!(refused >= (5 + 64) * 8 - 32, "{refused}");
}
