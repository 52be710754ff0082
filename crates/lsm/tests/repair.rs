//! Damaged databases: what is whole is kept, what is not is named, and the damaged one is left as it is.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use what it likes")]

#[path = "shared/random.rs"]
mod random;
#[path = "shared/small.rs"]
mod small;

use std::collections::BTreeMap;
use std::sync::Arc;

use random::{Random, fill};
use small::{Map, contents};
use stroma_lsm::{Database, Error, Options, RepairReport};
use stroma_strata::MergePolicy;
use stroma_strata::storage::{LogStorage as _, MemoryStorage, Storage as _, StorageError};

type Contents = BTreeMap<String, Map>;

fn options() -> Options {
    Options {
        memory_bytes: 1 << 20,
        background_threads: 0,
        block_bytes: 256,
        value_threshold: 300,
        // Nothing is merged unless it is asked for, so that it is known what is in which table.
        merge_policy: MergePolicy::Tiered { fanout: 100 },
        ..Options::default()
    }
}

fn open(storage: &MemoryStorage) -> Result<Database, Error> {
    Database::open_storage(Arc::new(storage.clone()), options())
}

fn key(number: u64) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

/// Three tables (the second hides some of the first, by versions, deletes and a range delete), a value file each, and a
/// log; closed by a kill.
fn filled() -> (MemoryStorage, Contents) {
    let storage = MemoryStorage::new();
    let database = open(&storage).unwrap();
    let (a, b) = (database.keyspace("a").unwrap(), database.keyspace("b").unwrap());
    let mut random = Random(1);
    for table in 0..3_u64 {
        for number in 0..400 {
            let mut value = vec![0; if number % 50 == 7 { 1000 } else { 30 }];
            fill(&mut value, random.next());
            a.put(key(number * 3 + table), &value).unwrap();
        }
        b.put(key(table), "in b").unwrap();
        match table {
            1 => {
                a.delete(key(30)).unwrap();
                a.delete_range(key(60)..key(90)).unwrap();
                a.put(key(0), "newer").unwrap();
            }
            2 => drop(a.put_stream("streamed", &[4; 100_000][..]).unwrap()),
            _ => {}
        }
        database.flush().unwrap();
    }
    for number in 0..50 {
        a.put(format!("log {number:02}"), "in the log").unwrap();
        if number == 25 {
            database.sync().unwrap();
        }
    }
    database.sync().unwrap();
    let expected = contents(&database).unwrap();
    drop((a, b));
    (storage.kill(), expected)
}

/// Repairs into a new storage; the damaged one stays as it was, and the new one is whole.
fn repair(damaged: &MemoryStorage) -> (Contents, RepairReport) {
    let names = |storage: &MemoryStorage| -> Vec<(String, Vec<u8>)> {
        let folders = ["manifest", "layers", "values", "log"];
        let blobs = folders.iter().flat_map(|folder| {
            let (blobs, logs) = (storage.list(folder).unwrap(), storage.list_logs(folder).unwrap());
            blobs.into_iter().chain(logs)
        });
        blobs.map(|entry| (entry.name.clone(), storage.contents(&entry.name).unwrap())).collect()
    };
    let before = names(damaged);
    let target = MemoryStorage::new();
    let report = Database::repair_storage(Arc::new(damaged.clone()), &target, options()).unwrap();
    assert_eq!(names(damaged), before);
    let database = open(&target).unwrap();
    assert!(database.check().is_sound());
    assert_eq!(database.statistics().levels.len(), 1);
    let found = contents(&database).unwrap();
    database.keyspace("later").unwrap().put("x", "y").unwrap();
    (found, report)
}

fn first_of(storage: &MemoryStorage, folder: &str, at: usize) -> (String, Vec<u8>) {
    let name = storage.list(folder).unwrap()[at].name.clone();
    let bytes = storage.contents(&name).unwrap();
    (name, bytes)
}

#[test]
fn a_whole_database_is_kept_whole() {
    let (storage, expected) = filled();
    let (found, report) = repair(&storage);
    assert_eq!(found, expected);
    assert!(report.is_whole() && !report.may_have_gone_back(), "{report:?}");
    assert_eq!((report.tables, report.log_records), (3, 50));

    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (folder.path().join("here"), folder.path().join("there"));
    assert!(matches!(Database::repair(&here, &there, options()), Err(Error::NoDatabase { .. })));
    let database = Database::open(&here, options()).unwrap();
    database.keyspace("a").unwrap().put("x", "y").unwrap();
    let locked = Database::repair(&here, &there, options());
    assert!(matches!(locked, Err(Error::Storage(StorageError::Locked { .. }))), "{locked:?}");
    drop(database);
    assert!(Database::repair(&here, &there, options()).unwrap().is_whole());
    assert!(matches!(Database::repair(&here, &there, options()), Err(Error::NotEmpty { .. })));
    let repaired = Database::open(&there, options()).unwrap();
    assert!(repaired.keyspace("a").unwrap().get("x").unwrap().is_some());
}

#[test]
fn damaged_blocks_are_named_and_all_others_kept() {
    let (storage, expected) = filled();
    let (name, whole) = first_of(&storage, "layers", 2);
    let mut random = Random(9);
    for _ in 0..40 {
        let mut bytes = whole.clone();
        // Among the blocks.
        bytes[(20 + random.below(whole.len() as u64 / 2)) as usize] ^= 0x40;
        storage.replace(&name, bytes);
        let (found, report) = repair(&storage);
        assert_eq!(report.lost_parts.len(), 1, "{report:?}");
        assert!(report.may_have_gone_back() && !report.is_whole());
        let part = &report.lost_parts[0];
        let inside = |key: &Vec<u8>| {
            let stored = [&1_u32.to_be_bytes()[..], key].concat();
            part.after.as_ref().is_none_or(|after| *after < stored)
                && part.before.as_ref().is_none_or(|before| stored < *before)
        };
        let gone: Vec<_> = expected["a"].keys().filter(|key| !found["a"].contains_key(*key)).collect();
        assert!(gone.len() < 20 && gone.iter().all(|key| inside(key)), "{} gone", gone.len());
        for (key, value) in &found["a"] {
            assert!(expected["a"].get(key) == Some(value) || inside(key));
        }
        assert_eq!(found["b"], expected["b"]);
    }
}

#[test]
fn a_table_without_its_end_is_lost_and_told_with_its_keys() {
    let (storage, expected) = filled();
    let (name, mut bytes) = first_of(&storage, "layers", 2);
    bytes.truncate(bytes.len() - 9);
    storage.replace(&name, bytes);
    let (found, report) = repair(&storage);
    let [lost] = &report.lost_tables[..] else { panic!("{report:?}") };
    assert!(lost.file.contains(&name) && lost.entries > Some(400) && lost.keys.is_some());
    assert!(found["a"].contains_key(&key(0)) && !found["a"].contains_key(&key(3 * 100 + 2)));
    assert_eq!(found["a"].keys().filter(|key| key.starts_with(b"log")).count(), 50);
    assert!(found["a"].iter().all(|(key, value)| expected["a"].get(key) == Some(value)));

    storage.delete(&name).unwrap();
    let (again, report) = repair(&storage);
    assert_eq!(again, found);
    assert!(report.lost_tables[0].what.contains("missing"));
}

#[test]
fn a_damaged_or_missing_manifest_is_done_without() {
    let (storage, expected) = filled();
    for kept in 0..storage.list("manifest").unwrap().len() {
        let damaged = filled().0;
        for entry in damaged.list("manifest").unwrap().into_iter().skip(kept) {
            let mut bytes = damaged.contents(&entry.name).unwrap();
            bytes[60] ^= 1;
            damaged.replace(&entry.name, bytes);
        }
        let (found, report) = repair(&damaged);
        assert_eq!(found, expected, "{kept} kept");
        assert!(!report.manifest.is_empty() && report.lost_tables.is_empty(), "{report:?}");
    }
    for entry in storage.list("manifest").unwrap() {
        storage.delete(&entry.name).unwrap();
    }
    let (found, report) = repair(&storage);
    assert_eq!(found, expected);
    assert!(report.may_have_gone_back());
    assert!(matches!(
        Database::repair_storage(Arc::new(MemoryStorage::new()), &MemoryStorage::new(), options()),
        Err(Error::NoDatabase { .. })
    ));
}

#[test]
fn a_damaged_value_costs_its_key_and_a_missing_file_all_of_its() {
    let (storage, expected) = filled();
    let (name, mut bytes) = first_of(&storage, "values", 0);
    let length = bytes.len();
    bytes[length / 2] ^= 1;
    storage.replace(&name, bytes);
    let (found, report) = repair(&storage);
    let [lost] = &report.lost_values[..] else { panic!("{report:?}") };
    let lost_key = lost.key[4..].to_vec();
    let mut without = expected.clone();
    without.get_mut("a").unwrap().remove(&lost_key).unwrap();
    assert_eq!(found, without);
    storage.delete(&name).unwrap();
    let (found, report) = repair(&storage);
    assert!(
        report.lost_values.len() > 3 && report.lost_values.iter().all(|lost| lost.what.contains("missing"))
    );
    assert_eq!(found["a"].len() + report.lost_values.len(), expected["a"].len());
}

#[test]
fn the_log_is_kept_up_to_its_damage_and_a_later_segment_too() {
    let (storage, expected) = filled();
    let log = storage.list_logs("log").unwrap().pop().unwrap().name;
    let whole = storage.contents(&log).unwrap();
    for at in [3, 100, whole.len() / 2, whole.len() - 2] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        storage.replace(&log, bytes);
        let (found, report) = repair(&storage);
        let [lost] = &report.lost_log[..] else { panic!("{report:?}") };
        assert!(lost.file.contains(&log) && lost.offset as usize <= at && lost.bytes > 0);
        let kept = found["a"].keys().filter(|key| key.starts_with(b"log")).count();
        assert_eq!(kept as u64, report.log_records);
        assert!((0..kept).all(|number| found["a"].contains_key(format!("log {number:02}").as_bytes())));
        assert_eq!(found["b"], expected["b"]);
    }
}

#[test]
fn keyspaces_whose_names_are_lost_get_others() {
    let storage = MemoryStorage::new();
    let database = open(&storage).unwrap();
    for name in ["first", "second"] {
        database.keyspace(name).unwrap();
    }
    database.flush().unwrap();
    database.keyspace("second").unwrap().put("x", "y").unwrap();
    database.flush().unwrap();
    drop(database);
    let storage = storage.kill();
    let (name, _) = first_of(&storage, "layers", 0);
    storage.delete(&name).unwrap();
    let (found, report) = repair(&storage);
    let [renamed] = &report.renamed_keyspaces[..] else { panic!("{report:?}") };
    assert_eq!((renamed.number, renamed.name.as_str()), (2, "recovered-2"));
    assert_eq!(found["recovered-2"][&b"x".to_vec()], b"y");
}

#[test]
fn hostile_bytes_anywhere_are_survived() {
    let (storage, expected) = filled();
    let mut names: Vec<String> = Vec::new();
    for folder in ["manifest", "layers", "values"] {
        names.extend(storage.list(folder).unwrap().into_iter().map(|entry| entry.name));
    }
    names.extend(storage.list_logs("log").unwrap().into_iter().map(|entry| entry.name));
    let mut random = Random(77);
    for _ in 0..60 {
        let (storage, _) = filled();
        for _ in 0..1 + random.below(3) {
            let name = &names[random.below(names.len() as u64) as usize];
            let mut bytes = storage.contents(name).unwrap();
            if random.below(3) == 0 {
                bytes.truncate(random.below(bytes.len() as u64 + 1) as usize);
            } else if !bytes.is_empty() {
                let at = random.below(bytes.len() as u64) as usize;
                let end = (at + 1 + random.below(40) as usize).min(bytes.len());
                fill(&mut bytes[at..end], random.next());
            }
            storage.replace(name, bytes);
        }
        let target = MemoryStorage::new();
        match Database::repair_storage(Arc::new(storage), &target, options()) {
            Ok(report) => {
                let found = contents(&open(&target).unwrap()).unwrap();
                assert!(!report.is_whole() || found == expected, "{report:?}");
            }
            Err(Error::Unsupported { .. } | Error::Storage(_)) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn a_lost_name_comes_back_if_the_caller_knows_it_and_it_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let (damaged, repaired) = (folder.path().join("damaged"), folder.path().join("repaired"));
    let database = Database::open(&damaged, options()).unwrap();
    for name in ["first", "second", "third"] {
        database.keyspace(name).unwrap();
    }
    database.flush().unwrap();
    for name in ["first", "second", "third"] {
        database.keyspace(name).unwrap().put("in", name).unwrap();
    }
    database.flush().unwrap();
    // Its entry survives, under a name that the caller believes to be that of another.
    database.keyspace("fourth").unwrap().put("in", "fourth").unwrap();
    database.close().unwrap();
    let mut tables: Vec<_> = std::fs::read_dir(damaged.join("layers")).unwrap().flatten().collect();
    tables.sort_by_key(std::fs::DirEntry::file_name);
    std::fs::remove_file(tables[0].path()).unwrap();
    let known = [(1, "first"), (2, "fourth"), (9, "nowhere")];
    let known = known.into_iter().map(|(number, name)| (number, name.to_owned())).collect();
    let report = Database::repair_knowing(&damaged, &repaired, options(), &known).unwrap();
    let renamed: Vec<_> =
        report.renamed_keyspaces.iter().map(|each| (each.number, each.name.as_str())).collect();
    assert_eq!(renamed, [(1, "first"), (2, "recovered-2"), (3, "recovered-3")]);
    let database = Database::open(&repaired, options()).unwrap();
    for (name, holds) in [("first", "first"), ("recovered-2", "second"), ("fourth", "fourth")] {
        let value = database.keyspace(name).unwrap().get("in").unwrap().unwrap();
        assert_eq!(&value[..], holds.as_bytes());
    }
}
