//! Whatever is made of an encrypted database, or looks at one from beside, is encrypted as it is and wants its keys:
//! checkpoints, backups, exports into a folder and into one file, followers, repairs and dumps; each with the right
//! key, a wrong one, one of another name, and none.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use what it likes")]

#[path = "shared/encrypted.rs"]
mod encrypted;

use std::sync::Arc;

use encrypted::{Map, fill, leaks, open, options, read, with};
use stroma_lsm::{
    Backups, DataKey, Database, Encryption, EncryptionError, Error, KeyError, Options, StaticKeys, dump_file,
};
use stroma_strata::DumpLine;
use stroma_strata::storage::{
    Blob, LogStorage as _, MemoryStorage, PackedStorage, PackedWriter, Storage as _,
};

/// A database encrypted with key `a`, some of it in the log alone, and what it holds.
fn filled() -> (MemoryStorage, Database, Map) {
    let storage = MemoryStorage::new();
    let database = open(&storage, with(&["a"])).unwrap();
    let map = fill(&database, 5);
    (storage, database, map)
}

/// Another key of the same name.
fn wrong() -> Option<Encryption> {
    let keys = StaticKeys::new("a", DataKey::from([9; 32])).unwrap();
    Some(Encryption::new(Arc::new(keys)))
}

/// `attempt` works with no keys but the right ones, and says what is wrong with others.
fn needs_the_key<T>(what: &str, attempt: impl Fn(Option<Encryption>) -> Result<T, Error>) -> T {
    let refused = |encryption| match attempt(encryption).map(drop) {
        Err(Error::Encryption(error)) => error,
        outcome => panic!("{what}: {outcome:?}"),
    };
    let told = refused(wrong());
    assert!(matches!(told, EncryptionError::Key { cause: KeyError::Wrong { .. }, .. }), "{what}: {told}");
    let told = refused(with(&["b"]));
    assert!(matches!(told, EncryptionError::Key { cause: KeyError::Missing { .. }, .. }), "{what}: {told}");
    let told = refused(None);
    assert!(matches!(&told, EncryptionError::NoProvider { key_id, .. } if key_id == "a"), "{what}: {told}");
    attempt(with(&["a", "b"])).unwrap();
    attempt(with(&["b", "a"])).unwrap_or_else(|error| panic!("{what}: {error}"))
}

fn reading(encryption: Option<Encryption>) -> Options {
    Options { memory_bytes: 4 << 20, ..options(encryption) }
}

fn assert_sound(database: &Database) {
    let report = database.check();
    assert!(report.is_sound(), "{report:?}");
}

#[test]
fn a_follower_needs_the_key_and_follows_over_a_change_of_keys() {
    let (storage, database, mut map) = filled();
    let follow =
        |encryption| Database::open_storage_read_only(Arc::new(storage.clone()), reading(encryption));
    let mut follower = needs_the_key("a follower", follow);
    assert_eq!(read(&follower), map);
    let mut behind = follow(with(&["a"])).unwrap();
    drop(database);
    // The writer goes on with another key, and the follower has it.
    let database = open(&storage, with(&["a", "b"])).unwrap();
    database.keyspace("SECRET-space").unwrap().put("SECRET-later", "SECRET").unwrap();
    database.rotate_keys().unwrap();
    map.insert(b"SECRET-later".to_vec(), b"SECRET".to_vec());
    assert!(follower.refresh().unwrap());
    assert_eq!(read(&follower), map);
    assert_sound(&follower);
    // Who has it not is told, and sees the moment before.
    match behind.refresh() {
        Err(Error::Encryption(EncryptionError::Key { cause: KeyError::Missing { .. }, .. })) => {}
        outcome => panic!("{outcome:?}"),
    }
    map.remove(&b"SECRET-later"[..]);
    assert_eq!(read(&behind), map);
}

#[test]
fn checkpoints_and_backups_are_encrypted_and_need_the_key() {
    let (_storage, database, map) = filled();
    let (checkpoint, archive) = (MemoryStorage::new(), MemoryStorage::new());
    database.checkpoint_into(&checkpoint).unwrap();
    let archive_of = |encryption: Option<Encryption>| {
        let backups = Backups::open_storage(Arc::new(archive.clone()));
        match encryption {
            Some(encryption) => backups.with_encryption(encryption),
            None => backups,
        }
    };
    database.back_up(&archive_of(with(&["a"]))).unwrap();
    assert_eq!((leaks(&checkpoint).1, leaks(&archive).1), (0, 0));
    let copy = needs_the_key("a checkpoint", |encryption| open(&checkpoint.kill(), encryption));
    assert_eq!(read(&copy), map);
    assert_sound(&copy);
    let restored = needs_the_key("a backup", |encryption| {
        let restored = MemoryStorage::new();
        archive_of(encryption.clone()).restore_into(1, &restored)?;
        open(&restored, encryption)
    });
    assert_eq!(read(&restored), map);
    assert_sound(&restored);
}

#[test]
fn exports_are_encrypted_and_need_the_key() {
    let (_storage, database, map) = filled();
    let (folder, disk) = (MemoryStorage::new(), MemoryStorage::new());
    database.export_into_storage(&folder).unwrap();
    assert_eq!(leaks(&folder).1, 0);
    let exported = needs_the_key("an export", |encryption| open(&folder.kill(), encryption));
    assert_eq!(read(&exported), map);
    let file = PackedWriter::new(disk.create("file").unwrap(), "the file").unwrap();
    database.export_into_storage(&file).unwrap();
    file.finish().unwrap();
    let bytes = disk.contents("file").unwrap();
    assert!(!bytes.windows(6).any(|window| window == b"SECRET"));
    let opened = needs_the_key("one file", |encryption| {
        let file = PackedStorage::open(disk.open("file").unwrap())?;
        Database::open_storage_read_only(Arc::new(file), reading(encryption))
    });
    assert_eq!(read(&opened), map);
    assert_sound(&opened);
    // An export of the file by who opens new files with another key.
    let file = PackedStorage::open(disk.open("file").unwrap()).unwrap();
    let other = Database::open_storage_read_only(Arc::new(file), reading(with(&["a", "b"]))).unwrap();
    let again = MemoryStorage::new();
    other.export_into_storage(&again).unwrap();
    drop(other);
    assert_eq!(read(&open(&again, with(&["b"])).unwrap()), map);
}

#[test]
fn a_repair_needs_the_key_and_mends_nothing_with_another() {
    let (storage, database, map) = filled();
    let damaged = storage.kill();
    drop(database);
    let repair = |encryption: Option<Encryption>| {
        let target = MemoryStorage::new();
        let report = Database::repair_storage(Arc::new(damaged.clone()), &target, reading(encryption));
        if report.is_err() {
            assert!(target.list("layers").unwrap().is_empty() && target.list("manifest").unwrap().is_empty());
        }
        Ok((report?, target))
    };
    let (report, target) = needs_the_key("a repair", repair);
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(leaks(&target).1, 0);
    let repaired = open(&target, with(&["a"])).unwrap();
    assert_eq!(read(&repaired), map);
    assert_sound(&repaired);

    // One block of a table is damaged, and the manifest as well: all other keys are there.
    let table = damaged.list("layers").unwrap().remove(0).name;
    let mut bytes = damaged.contents(&table).unwrap();
    // The first block has the names of keyspaces.
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    damaged.replace(&table, bytes);
    for entry in damaged.list("manifest").unwrap() {
        let mut bytes = damaged.contents(&entry.name).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        damaged.replace(&entry.name, bytes);
    }
    let (report, target) = needs_the_key("a repair of damage", repair);
    assert!(!report.is_whole() && !report.lost_parts.is_empty(), "{report:?}");
    let found = read(&open(&target, with(&["a"])).unwrap());
    assert!(found.len() + 20 > map.len(), "{} of {}", found.len(), map.len());
    assert_eq!(leaks(&target).1, 0);
}

/// Everything that is told of a file, as text.
fn dumped(blob: &Arc<dyn Blob>, encryption: Option<&Encryption>) -> (Vec<DumpLine>, String) {
    let mut lines = Vec::new();
    let mut sink = |line| {
        lines.push(line);
        true
    };
    dump_file(blob, encryption, &mut sink).unwrap();
    let text = format!("{lines:?}");
    (lines, text)
}

#[test]
fn a_dump_tells_entries_with_the_key_alone() {
    let (storage, database, _) = filled();
    let image = storage.kill();
    drop(database);
    let mut names: Vec<String> = ["layers", "values"]
        .iter()
        .flat_map(|folder| image.list(folder).unwrap())
        .map(|entry| entry.name)
        .collect();
    names.extend(image.list_logs("log").unwrap().into_iter().map(|entry| entry.name));
    let copies = MemoryStorage::new();
    for (number, name) in names.iter().enumerate() {
        // Tables and value files are told apart by their numbers as well.
        let copied = if name.starts_with("log") { format!("segments/{number}") } else { name.clone() };
        copies.put_if_absent(&copied, &image.contents(name).unwrap()).unwrap();
        let blob = copies.open(&copied).unwrap();
        let keys = with(&["a"]);
        let (lines, text) = dumped(&blob, keys.as_ref());
        assert!(!lines.is_empty() && !text.contains("damage"), "{name}: {text}");
        for encryption in [wrong(), with(&["b"]), None] {
            let (lines, text) = dumped(&blob, encryption.as_ref());
            assert!(lines.len() <= 2 && text.contains("damage"), "{name}: {text}");
        }
    }
    assert!(names.len() > 4, "{names:?}");
}
