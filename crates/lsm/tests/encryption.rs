//! An encrypted database: nothing of the user's in any file, typed errors for keys that do not do, a change of keys
//! under way, and copies that are as encrypted as it is.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may use what it likes"
)]

#[path = "shared/encrypted.rs"]
mod encrypted;

use std::sync::Arc;

use encrypted::{fill, leaks, open, options, read, with};
use stroma_lsm::{
    Backups, CipherAlgorithm, Compression, DataKey, Database, Encryption, EncryptionError, Error, KeyError,
    KeyUses, Options, StaticKeys,
};
use stroma_strata::storage::{MemoryStorage, Storage as _};

#[test]
fn nothing_of_the_users_is_in_any_file() {
    for encryption in
        [None, with(&["a"]), with(&["a"]).map(|keys| keys.with_algorithm(CipherAlgorithm::ChaCha20Poly1305))]
    {
        let storage = MemoryStorage::new();
        let is_encrypted = encryption.is_some();
        let database = open(&storage, encryption.clone()).unwrap();
        let map = fill(&database, 1);
        assert_eq!(read(&database), map);
        let (checkpoint, archive) = (MemoryStorage::new(), MemoryStorage::new());
        let killed = storage.kill();
        database.checkpoint_into(&checkpoint).unwrap();
        let mut backups = Backups::open_storage(Arc::new(archive.clone()));
        if let Some(encryption) = &encryption {
            backups = backups.with_encryption(encryption.clone());
        }
        database.back_up(&backups).unwrap();
        database.back_up(&backups).unwrap();
        assert_eq!(backups.list().unwrap().len(), 2);
        let restored = MemoryStorage::new();
        backups.restore_into(2, &restored).unwrap();
        for storage in [&storage, &killed, &checkpoint, &archive, &restored] {
            let (names, leaking) = leaks(storage);
            assert!(names.len() > 3, "{names:?}");
            assert_eq!(leaking == 0, is_encrypted, "{names:?}");
        }
        for storage in [&killed, &checkpoint, &restored] {
            let database = open(storage, encryption.clone()).unwrap();
            assert_eq!(read(&database), map);
            assert!(database.check().is_sound(), "{:?}", database.check());
            database.compact().unwrap();
            assert_eq!(read(&database), map);
            assert_eq!(leaks(storage).1 == 0, is_encrypted);
        }
    }
}

#[test]
fn compressed_blocks_are_encrypted_as_well() {
    for compression in [
        Compression::None,
        #[cfg(feature = "lz4")]
        Compression::Lz4,
        #[cfg(feature = "zstd")]
        Compression::ZstdTrained { level: 1 },
    ] {
        for mapped in [false, true] {
            let storage = MemoryStorage::new();
            storage.set_mapped(mapped);
            let options = Options { compression, ..options(with(&["a"])) };
            let database = Database::open_storage(Arc::new(storage.clone()), options).unwrap();
            let map = fill(&database, 3);
            database.compact().unwrap();
            assert_eq!(read(&database), map);
            assert!(database.check().is_sound());
            assert_eq!(leaks(&storage).1, 0);
        }
    }
}

#[test]
fn keys_that_do_not_do_are_typed_errors_and_change_nothing() {
    let storage = MemoryStorage::new();
    let database = open(&storage, with(&["a"])).unwrap();
    let map = fill(&database, 2);
    let encrypted = storage.kill();
    drop(database);
    let other = StaticKeys::new("a", DataKey::from([9; 32])).unwrap();
    let refused = |storage: &MemoryStorage, encryption| match open(storage, encryption).map(drop) {
        Err(Error::Encryption(error)) => error,
        outcome => panic!("{outcome:?}"),
    };
    let wrong = refused(&encrypted, Some(Encryption::new(Arc::new(other))));
    assert!(matches!(wrong, EncryptionError::Key { cause: KeyError::Wrong { .. }, .. }), "{wrong}");
    let missing = refused(&encrypted, with(&["b"]));
    assert!(matches!(missing, EncryptionError::Key { cause: KeyError::Missing { .. }, .. }), "{missing}");
    let none = refused(&encrypted, None);
    assert!(matches!(&none, EncryptionError::NoProvider { key_id, .. } if key_id == "a"), "{none}");
    assert_eq!(read(&open(&encrypted, with(&["a"])).unwrap()), map);

    let plain = MemoryStorage::new();
    let map = fill(&open(&plain, None).unwrap(), 2);
    let plain = plain.kill();
    let unexpected = refused(&plain, with(&["a"]));
    assert!(matches!(unexpected, EncryptionError::NotEncrypted { .. }), "{unexpected}");
    assert_eq!(read(&open(&plain.kill(), None).unwrap()), map);
    // Unless it is to become encrypted.
    let adopting = with(&["a"]).map(Encryption::adopting_plain_files);
    let database = open(&plain, adopting).unwrap();
    assert!(database.key_uses().unwrap().contains_key(&None));
    database.rotate_keys().unwrap();
    assert_eq!(read(&database), map);
    drop(database);
    assert_eq!(leaks(&plain).1, 0);
    assert_eq!(read(&open(&plain, with(&["a"])).unwrap()), map);
}

fn named(uses: &KeyUses) -> Vec<Option<&str>> {
    uses.keys().map(Option::as_deref).collect()
}

#[test]
fn keys_change_by_rotation_and_by_merges() {
    let storage = MemoryStorage::new();
    let database = open(&storage, with(&["a"])).unwrap();
    let mut map = fill(&database, 1);
    let uses = database.key_uses().unwrap();
    assert_eq!(named(&uses), [Some("a")]);
    let of_a = &uses[&Some("a".to_owned())];
    assert!(of_a.tables > 0 && of_a.value_files > 0 && of_a.log_segments > 0 && of_a.manifest_blobs > 0);
    drop(database);
    // With a new key present, files of the old one are read and stay.
    let database = open(&storage, with(&["a", "b"])).unwrap();
    assert_eq!(named(&database.key_uses().unwrap()), [Some("a"), Some("b")]);
    map.extend(fill(&database, 5));
    assert_eq!(read(&database), map);
    let snapshot = database.snapshot();
    database.rotate_keys().unwrap();
    drop(snapshot);
    database.rotate_keys().unwrap();
    assert_eq!(named(&database.key_uses().unwrap()), [Some("b")], "{:?}", database.key_uses());
    assert_eq!(read(&database), map);
    let tables: Vec<u64> = database.tables().iter().map(|table| table.id).collect();
    database.rotate_keys().unwrap();
    assert_eq!(database.tables().iter().map(|table| table.id).collect::<Vec<_>>(), tables, "nothing to do");
    drop(database);
    // The old key can go.
    let database = open(&storage, with(&["b"])).unwrap();
    assert_eq!(read(&database), map);
    assert!(database.check().is_sound());
    drop(database);
    // A merge of everything changes the key of tables as well.
    let database = open(&storage, with(&["b", "c"])).unwrap();
    database.compact().unwrap();
    assert!(database.tables().iter().all(|table| table.key_id.as_deref() == Some("c")));
    assert_eq!(read(&database), map);
}

#[test]
fn a_rotation_that_loses_power_anywhere_loses_nothing() {
    for life in 0..12 {
        let storage = MemoryStorage::new();
        let database = open(&storage, with(&["a"])).unwrap();
        let map = fill(&database, life);
        drop(database);
        let database = open(&storage, with(&["a", "b"])).unwrap();
        database.sync().unwrap();
        storage.fail_after(3 + 4 * life, life);
        let _ = database.rotate_keys();
        drop(database);
        let after = storage.crash(life);
        let database = open(&after, with(&["a", "b"])).unwrap();
        assert_eq!(read(&database), map, "life {life}");
        database.rotate_keys().unwrap();
        assert_eq!(named(&database.key_uses().unwrap()), [Some("b")]);
        assert_eq!(read(&database), map, "life {life}");
    }
}

#[test]
fn files_of_another_place_are_found_though_their_checksums_hold() {
    let storage = MemoryStorage::new();
    let database = open(&storage, with(&["a"])).unwrap();
    fill(&database, 1);
    database.close().unwrap();
    let tables = storage.list("layers").unwrap();
    assert!(tables.len() > 1);
    // An encrypted table as another one; the name is authenticated with everything in it.
    let bytes = storage.contents(&tables[0].name).unwrap();
    let twin = MemoryStorage::new();
    twin.put_if_absent(&tables[1].name, &bytes).unwrap();
    let blob = twin.open(&tables[1].name).unwrap();
    let told = stroma_lsm::describe_file_with(&blob, with(&["a"]).as_ref()).unwrap().unwrap();
    assert!(told.damage.as_deref().is_some_and(|damage| damage.contains("encrypted there")), "{told:?}");
    let blob = storage.open(&tables[0].name).unwrap();
    let told = stroma_lsm::describe_file_with(&blob, with(&["a"]).as_ref()).unwrap().unwrap();
    assert_eq!(told.damage, None);
    assert!(stroma_lsm::describe_file(&blob).unwrap().unwrap().damage.is_some());
}
