//! Checkpoints and backups: each is the database as it was, whatever became of it, and whatever fails on the way.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test may use what it likes")]

#[path = "shared/random.rs"]
mod random;
#[path = "shared/small.rs"]
mod small;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use random::{Random, fill};
use small::small;
use stroma_lsm::{Backups, Database, Error, Keyspace, Options};
use stroma_strata::storage::{LogStorage, MemoryStorage, Storage};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

fn options(background_threads: usize) -> Options {
    Options {
        memory_bytes: 128 << 10,
        background_threads,
        value_threshold: 600,
        block_bytes: 512,
        ..small(8 << 10)
    }
}

fn change_some(choices: &mut Random, keyspace: &Keyspace, map: &mut Map) {
    for _ in 0..150 {
        // Some over and over, so that a part of what is in memory stays there.
        let keys = if choices.below(3) == 0 { 400 } else { 6 };
        let key = choices.below(keys).to_be_bytes().to_vec();
        if choices.below(9) == 0 {
            keyspace.delete(&key).unwrap();
            map.remove(&key);
        } else {
            let mut value = vec![0; choices.below(900) as usize];
            fill(&mut value, choices.next());
            keyspace.put(&key, &value).unwrap();
            map.insert(key, value);
        }
    }
}

fn assert_holds(storage: &Arc<dyn LogStorage>, expected: &Map) {
    let database = Database::open_storage(storage.clone(), options(0)).unwrap();
    assert!(!database.recovery_report().created);
    assert!(database.check().is_sound());
    let keyspace = database.keyspace("all").unwrap();
    let found: Map =
        keyspace.iter().map(|entry| entry.map(|(key, value)| (key, value.into_vec())).unwrap()).collect();
    assert!(found == *expected);
    // It is a database like any other.
    keyspace.put("more", vec![1; 5000]).unwrap();
    database.compact().unwrap();
    database.close().unwrap();
}

#[test]
fn checkpoints_and_backups_hold_what_was_there_when_they_were_made() {
    let own = MemoryStorage::new();
    let database = Database::open_storage(Arc::new(own), options(0)).unwrap();
    let keyspace = database.keyspace("all").unwrap();
    let archive = MemoryStorage::new();
    let backups = Backups::open_storage(Arc::new(archive.clone()));
    let (mut choices, mut map) = (Random(3), Map::new());
    let (mut checkpoints, mut made) = (Vec::new(), Vec::new());
    for round in 0..8 {
        change_some(&mut choices, &keyspace, &mut map);
        let checkpoint: Arc<dyn LogStorage> = Arc::new(MemoryStorage::new());
        let report = database.checkpoint_into(&*checkpoint).unwrap();
        checkpoints.push((checkpoint, map.clone()));
        let backup = database.back_up(&backups).unwrap();
        assert_eq!((backup.number, backup.sequence), (round + 1, report.sequence));
        assert_eq!(backup.copied_files + backup.shared_files, report.files);
        made.push((backup, map.clone()));
        if round == 4 {
            database.compact().unwrap();
        }
    }
    assert!(made.iter().skip(1).any(|(backup, _)| backup.shared_files > 0));
    let again = database.back_up(&backups).unwrap();
    assert_eq!((again.copied_files, again.copied_bytes), (0, 0), "nothing is new");
    database.close().unwrap();
    checkpoints.iter().for_each(|(storage, map)| assert_holds(storage, map));

    assert_eq!(backups.list().unwrap().len(), 9);
    for number in [9, 1, 4] {
        backups.delete(number).unwrap();
        assert!(matches!(backups.delete(number), Err(Error::NoSuchBackup { .. })));
    }
    for (backup, map) in &made {
        let restored: Arc<dyn LogStorage> = Arc::new(MemoryStorage::new());
        match backups.restore_into(backup.number, &*restored) {
            Ok(_) => assert_holds(&restored, map),
            Err(error) => assert!(matches!(error, Error::NoSuchBackup { number: 1 | 4 })),
        }
    }
    for number in [2, 3, 5, 6, 7, 8] {
        backups.delete(number).unwrap();
    }
    assert!(archive.list("layers").unwrap().is_empty() && archive.list("values").unwrap().is_empty());
}

#[test]
fn in_directories_files_are_shared_and_what_is_there_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let database = Database::open(path("own"), options(1)).unwrap();
    let keyspace = database.keyspace("all").unwrap();
    keyspace.put("large", vec![7; 100_000]).unwrap();
    keyspace.put("small", "x").unwrap();
    database.checkpoint(path("checkpoint")).unwrap();
    for refused in [path("checkpoint"), path("own")] {
        let error = database.checkpoint(refused).unwrap_err();
        assert!(matches!(error, Error::NotEmpty { .. } | Error::Storage(_)), "{error}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let file = std::fs::read_dir(path("checkpoint/values")).unwrap().next().unwrap().unwrap();
        assert_eq!(file.metadata().unwrap().nlink(), 2);
    }
    let backups = Backups::open(path("backups")).unwrap();
    database.back_up(&backups).unwrap();
    keyspace.delete_range::<&[u8]>(..).unwrap();
    database.compact().unwrap();
    database.close().unwrap();
    std::fs::remove_dir_all(path("own")).unwrap();
    backups.restore(1, path("restored")).unwrap();
    assert!(matches!(backups.restore(1, path("restored")), Err(Error::NotEmpty { .. })));
    assert!(matches!(backups.restore(2, path("nowhere")), Err(Error::NoSuchBackup { number: 2 })));
    assert!(!path("nowhere").exists());
    for name in ["checkpoint", "restored"] {
        let database = Database::open(path(name), options(1)).unwrap();
        assert_eq!(database.keyspace("all").unwrap().get("large").unwrap().unwrap(), vec![7; 100_000]);
        assert!(database.check().is_sound());
    }
    // Another database's tables are told from this one's.
    let other = Database::open(path("other"), options(1)).unwrap();
    other.keyspace("of its own").unwrap().put("x", "y").unwrap();
    assert!(matches!(other.back_up(&backups), Err(Error::OtherDatabase { .. })));
}

#[test]
fn a_backup_that_fails_harms_no_other_and_the_next_one_is_whole() {
    for fail_at in (0..60).step_by(3) {
        let database = Database::open_storage(Arc::new(MemoryStorage::new()), options(0)).unwrap();
        let keyspace = database.keyspace("all").unwrap();
        let archive = MemoryStorage::new();
        let backups = Backups::open_storage(Arc::new(archive.clone()));
        let (mut choices, mut map) = (Random(9), Map::new());
        change_some(&mut choices, &keyspace, &mut map);
        database.back_up(&backups).unwrap();
        let first = map.clone();
        change_some(&mut choices, &keyspace, &mut map);
        archive.fail_after(fail_at, fail_at);
        let failed = database.back_up(&backups).is_err();
        archive.heal();
        let survivors = Backups::open_storage(Arc::new(archive.crash_torn(fail_at)));
        let restored: Arc<dyn LogStorage> = Arc::new(MemoryStorage::new());
        survivors.restore_into(1, &*restored).unwrap();
        assert_holds(&restored, &first);
        // With what the crash left lying about.
        let last = database.back_up(&survivors).unwrap();
        assert!(failed || last.copied_files == 0 || last.number == 2, "{fail_at}: {last:?}");
        let restored: Arc<dyn LogStorage> = Arc::new(MemoryStorage::new());
        survivors.restore_into(last.number, &*restored).unwrap();
        assert_holds(&restored, &map);
        // A restore that fails leaves no database, or a whole one.
        let target = MemoryStorage::new();
        target.fail_after(fail_at, 1);
        let restored = survivors.restore_into(last.number, &target);
        target.heal();
        if target.list("manifest").unwrap().is_empty() {
            assert!(restored.is_err());
        } else {
            let target: Arc<dyn LogStorage> = Arc::new(target.kill());
            assert_holds(&target, &map);
        }
    }
}

#[test]
fn a_backup_whose_list_of_files_is_damaged_harms_no_other() {
    let database = Database::open_storage(Arc::new(MemoryStorage::new()), options(0)).unwrap();
    let keyspace = database.keyspace("all").unwrap();
    let archive = MemoryStorage::new();
    let backups = Backups::open_storage(Arc::new(archive.clone()));
    let (mut choices, mut map) = (Random(11), Map::new());
    let mut back_up = || {
        change_some(&mut choices, &keyspace, &mut map);
        database.back_up(&backups).map(|made| (made.number, map.clone()))
    };
    let made: Vec<(u64, Map)> = (0..3).map(|_| back_up().unwrap()).collect();
    assert!(archive.flip_bit("backups/00000000000000000002", 300));
    let is_damage = |error: Error| matches!(error, Error::Corrupt { .. } | Error::Tables(_));
    assert!(is_damage(backups.list().unwrap_err()));
    assert!(is_damage(back_up().unwrap_err()));
    assert!(is_damage(backups.restore_into(2, &MemoryStorage::new()).unwrap_err()));
    // Nobody can tell which files the damaged one has.
    assert!(is_damage(backups.delete(1).unwrap_err()));
    let assert_restores = |(number, map): &(u64, Map)| {
        let target = Arc::new(MemoryStorage::new());
        backups.restore_into(*number, &*target).unwrap();
        assert_holds(&(target as Arc<dyn LogStorage>), map);
    };
    [&made[0], &made[2]].into_iter().for_each(assert_restores);
    backups.delete(2).unwrap();
    let last = back_up().unwrap();
    [&made[0], &made[2], &last].into_iter().for_each(assert_restores);
    assert_eq!(backups.list().unwrap().len(), 3);
    // Two that are damaged go one after the other.
    let damaged = made[2].0..=last.0;
    damaged.clone().for_each(|number| assert!(archive.flip_bit(&format!("backups/{number:020}"), 300)));
    assert!(is_damage(backups.delete(1).unwrap_err()));
    damaged.for_each(|number| backups.delete(number).unwrap());
    assert_restores(&made[0]);
    assert_eq!(backups.list().unwrap().len(), 1);
}

#[test]
fn while_others_write_a_copy_is_of_one_moment() {
    let database = Database::open_storage(Arc::new(MemoryStorage::new()), options(1)).unwrap();
    let keyspace = database.keyspace("all").unwrap();
    let done = AtomicBool::new(false);
    let write = |number: u64| {
        // Both or neither, and the values go different ways.
        let mut batch = database.batch();
        let long = [number.to_be_bytes().as_slice(), &[0; 700]].concat();
        batch.put(&keyspace, "one", number.to_be_bytes()).put(&keyspace, "other", long);
        batch.put(&keyspace, number.to_be_bytes(), "");
        batch.commit().unwrap();
    };
    write(1);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 2;
            while !done.load(Ordering::Relaxed) && number < 20_000 {
                write(number);
                number += 1;
            }
        });
        for _ in 0..30 {
            let before = keyspace.get("one").unwrap().unwrap();
            let copy: Arc<dyn LogStorage> = Arc::new(MemoryStorage::new());
            database.checkpoint_into(&*copy).unwrap();
            let copied = Database::open_storage(copy, options(0)).unwrap();
            let keyspace = copied.keyspace("all").unwrap();
            let (one, other) =
                (keyspace.get("one").unwrap().unwrap(), keyspace.get("other").unwrap().unwrap());
            assert!(*one >= *before && *one == other[..8]);
            let count = u64::from_be_bytes((*one).try_into().unwrap());
            assert_eq!(keyspace.iter().count() as u64, count + 2, "every commit before it, and none after");
        }
        done.store(true, Ordering::Relaxed);
    });
}
