//! The layered set as its users see it: edits, versions, merges, reclamation, closing.

#![allow(clippy::unwrap_used, reason = "these are tests")]
#![allow(clippy::disallowed_methods, reason = "a test may look at files behind the storage's back")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::*;
use stroma_strata::runtime::{ManualClock, ThreadSpawner};
use stroma_strata::storage::{LocalStorage, MemoryStorage, Storage, StorageError};
use stroma_strata::{Error, LayeredSet, MergePolicy, SetOptions};

const TIERED: MergePolicy = MergePolicy::Tiered { fanout: 3 };

#[test]
fn a_reader_keeps_its_version_and_its_layers() {
    let storage = MemoryStorage::new();
    let set = open(&storage, TIERED).unwrap();
    for step in 0..3 {
        add(&set, [step, step + 10], step + 1).unwrap();
    }
    let before = set.current();
    let report = set.merge_once().unwrap().unwrap();
    assert_eq!((report.inputs.len(), report.outputs.len(), report.target_level), (3, 1, 1));
    assert_eq!(contents(&before), contents(&set.current()));
    assert_eq!(storage.list("layers").unwrap().len(), 4);
    let statistics = set.statistics();
    assert_eq!((statistics.obsolete_layers, statistics.deleted_layers), (3, 0));
    drop(before);
    assert_eq!(storage.list("layers").unwrap().len(), 1);
    let statistics = set.statistics();
    assert_eq!((statistics.obsolete_layers, statistics.deleted_layers), (0, 3));
    assert!(statistics.write_amplification() > 1.5);
}

#[test]
fn an_edit_that_is_dropped_leaves_nothing() {
    let storage = MemoryStorage::new();
    let set = open(&storage, TIERED).unwrap();
    let mut edit = set.edit();
    edit.write_layer(0, 1, |writer| write(writer, &Numbers::from([(1, true)]))).unwrap();
    assert_eq!(storage.list("layers").unwrap().len(), 1);
    drop(edit);
    assert!(storage.list("layers").unwrap().is_empty());
    assert!(contents(&set.current()).is_empty());
}

#[test]
fn edits_that_would_confuse_readers_are_refused() {
    let storage = MemoryStorage::new();
    let set = open(&storage, MergePolicy::Tiered { fanout: 2 }).unwrap();
    let numbers = Numbers::from([(1, true), (5, true)]);
    let mut edit = set.edit();
    edit.write_layer(0, 7, |writer| write(writer, &numbers)).unwrap();
    edit.write_layer(0, 7, |writer| write(writer, &numbers)).unwrap();
    assert!(matches!(edit.commit(), Err(Error::Overlap { level: 0, .. })));
    let mut edit = set.edit();
    edit.remove(99);
    assert!(matches!(edit.commit(), Err(Error::UnknownLayer { id: 99 })));
    for recency in [8, 9] {
        let mut edit = set.edit();
        edit.write_layer(0, recency, |writer| write(writer, &numbers)).unwrap();
        edit.commit().unwrap();
    }
    set.merge_until_idle().unwrap();
    let mut edit = set.edit();
    edit.write_layer(0, 9, |writer| write(writer, &numbers)).unwrap();
    assert!(matches!(edit.commit(), Err(Error::OutOfOrder { recency: 9, merged: 9 })));
    assert!(set.next_recency() > 9);
    assert_eq!(storage.list("layers").unwrap().len(), 1, "refused layers are deleted");
}

#[test]
fn a_full_disk_refuses_the_edit_and_takes_the_next() {
    let storage = MemoryStorage::new();
    let set = open(&storage, TIERED).unwrap();
    add(&set, [1], 1).unwrap();
    storage.set_capacity(Some(storage.used_bytes() + 20));
    let error = add(&set, [2], 2).unwrap_err();
    assert!(matches!(error, Error::Storage(StorageError::Full { .. })), "{error}");
    storage.set_capacity(None);
    add(&set, [3], 2).unwrap();
    assert_eq!(contents(&set.current()), [1, 3]);
}

#[test]
fn an_edit_that_failed_before_it_had_a_name_harms_no_other() {
    let storage = MemoryStorage::new();
    let set = open(&storage, TIERED).unwrap();
    add(&set, [1], 1).unwrap();
    let mut edit = set.edit();
    edit.put_record("count", 2_u64.to_le_bytes());
    storage.fail_once_after(0, 0);
    assert!(matches!(edit.commit(), Err(Error::Storage(StorageError::Unpublished { .. }))));
    set.check().unwrap();
    add(&set, [2], 2).unwrap();
    assert_eq!(contents(&set.current()), [1, 2]);
}

#[test]
fn after_an_edit_of_unknown_outcome_no_other_is_taken() {
    for seed in 0..8 {
        let storage = MemoryStorage::new();
        let set = open(&storage, TIERED).unwrap();
        add(&set, [1], 1).unwrap();
        let mut edit = set.edit();
        edit.put_record("count", 2_u64.to_le_bytes());
        storage.fail_once_after(1, seed);
        assert!(matches!(edit.commit(), Err(Error::Storage(StorageError::Io { .. }))));
        assert!(matches!(add(&set, [2], 2), Err(Error::Poisoned { .. })));
        assert!(matches!(set.merge_once(), Err(Error::Poisoned { .. })));
        drop(set);
        let set = open(&storage, TIERED).unwrap();
        assert!([1, 2].contains(&count(&set.current())));
        add(&set, [2], 3).unwrap();
    }
}

#[test]
fn merges_in_the_background_catch_up_and_close_ends_them() {
    let storage = MemoryStorage::new();
    for policy in [TIERED, levelled()] {
        let storage = storage.crash(0);
        let set = open(&storage, policy).unwrap();
        set.start_background(&ThreadSpawner, 2).unwrap();
        let mut expected = Numbers::new();
        for step in 0..200 {
            // Adds some numbers and removes others, so that a merge in the wrong order would show.
            let sealed = Numbers::from([(step % 60, step % 3 > 0), (1000 + step % 7, step % 2 > 0)]);
            seal(&set, &sealed, step + 1).unwrap();
            expected.extend(&sealed);
            let version = set.current();
            check_version(&version);
            let there: Vec<u64> =
                expected.iter().filter(|(_, present)| **present).map(|(number, _)| *number).collect();
            assert_eq!(contents(&version), there);
        }
        let expected: Vec<u64> =
            expected.into_iter().filter(|(_, present)| *present).map(|(number, _)| number).collect();
        set.merge_until_idle().unwrap();
        let version = set.current();
        check_version(&version);
        assert_eq!(contents(&version), expected);
        assert!(set.pressure() < 1.0);
        set.close().unwrap();
        set.close().unwrap();
        assert!(matches!(add(&set, [1], 1), Err(Error::Closed)));
        assert_eq!(contents(&version), expected, "versions outlive the set");
        let again = open(&storage, TIERED).unwrap();
        assert_eq!(contents(&again.current()), expected);
    }
}

#[test]
fn a_failing_merge_is_told_and_tried_again_after_a_while() {
    let clock = Arc::new(ManualClock::new());
    let options = SetOptions { policy: TIERED, clock: clock.clone(), ..SetOptions::default() };
    let kind = NumbersKind { broken: Arc::new(AtomicBool::new(true)), ..NumbersKind::default() };
    let (broken, panicking) = (kind.broken.clone(), kind.panicking.clone());
    let (set, report) = LayeredSet::open(Arc::new(MemoryStorage::new()), kind, options).unwrap();
    assert!(report.created);
    set.start_background(&ThreadSpawner, 2).unwrap();
    let wait_for = |condition: &dyn Fn() -> bool| {
        while !condition() {
            std::thread::yield_now();
        }
    };
    for step in 0..3 {
        add(&set, [step], step + 1).unwrap();
    }
    wait_for(&|| set.statistics().failed_merges > 0);
    let failure = set.statistics().last_failure.unwrap();
    assert!(failure.message.contains("asked to fail"), "{}", failure.message);
    let failed = set.statistics().failed_merges;
    for _ in 0..20 {
        set.changed().notify();
        std::thread::yield_now();
    }
    assert_eq!(set.statistics().failed_merges, failed, "no hot loop");
    panicking.store(true, Ordering::SeqCst);
    clock.advance(Duration::from_secs(60));
    wait_for(&|| set.statistics().last_failure.unwrap().message.contains("asked to panic"));
    assert!(set.statistics().last_failure.unwrap().consecutive >= 2);
    panicking.store(false, Ordering::SeqCst);
    broken.store(false, Ordering::SeqCst);
    clock.advance(Duration::from_secs(60));
    wait_for(&|| set.statistics().merges == 1);
    assert_eq!(set.statistics().last_failure, None);
    assert_eq!(contents(&set.current()), [0, 1, 2]);
}

#[test]
fn a_pause_keeps_the_background_from_starting_merges() {
    let set = open(&MemoryStorage::new(), TIERED).unwrap();
    let pause = set.pause();
    set.start_background(&ThreadSpawner, 1).unwrap();
    for step in 0..3 {
        add(&set, [step], step + 1).unwrap();
    }
    assert_eq!(set.statistics().merges, 0);
    assert!((set.pressure() - 1.0).abs() < 1e-9);
    drop(pause);
    while set.statistics().merges == 0 {
        std::thread::yield_now();
    }
}

#[test]
fn everything_merges_into_one_run_without_tombstones() {
    for policy in [TIERED, levelled()] {
        let set = open(&MemoryStorage::new(), policy).unwrap();
        assert_eq!(set.merge_all().unwrap(), None);
        add(&set, 0..40, 1).unwrap();
        set.merge_until_idle().unwrap();
        seal(&set, &(0..39).map(|number| (number, false)).collect(), 2).unwrap();
        set.merge_all().unwrap().unwrap();
        assert_eq!(contents(&set.current()), [39]);
        let statistics = set.statistics();
        assert_eq!((statistics.levels.len(), statistics.levels[0].entries), (1, 1));
        add(&set, [7], 3).unwrap();
        assert_eq!(contents(&set.current()), [7, 39]);
        seal(&set, &[(7, false), (39, false)].into(), 4).unwrap();
        set.merge_all().unwrap().unwrap();
        assert_eq!(set.current().layers().count(), 0, "a merge may leave nothing");
    }
}

#[test]
fn a_layer_removed_by_an_edit_is_gone() {
    let set = open(&MemoryStorage::new(), TIERED).unwrap();
    let first = add(&set, [1], 1).unwrap();
    add(&set, [2], 2).unwrap();
    let mut edit = set.edit();
    edit.remove(first).delete_record("count");
    edit.commit().unwrap();
    assert_eq!((contents(&set.current()), count(&set.current())), (vec![2], 0));
}

#[test]
fn damage_to_a_layer_is_found_and_told_with_its_place() {
    let storage = MemoryStorage::new();
    let set = open(&storage, TIERED).unwrap();
    let id = add(&set, [1, 2, 3], 1).unwrap();
    add(&set, [4], 2).unwrap();
    assert!(set.verify().iter().all(|layer| layer.outcome.is_ok()));
    let name = format!("layers/{id:020}");
    let whole = storage.contents(&name).unwrap();
    assert!(storage.flip_bit(&name, 77));
    let found = set.verify();
    let damaged: Vec<_> = found.iter().filter(|layer| layer.outcome.is_err()).collect();
    assert_eq!((found.len(), damaged.len(), damaged[0].descriptor.id), (2, 1, id));
    drop(found);
    set.close().unwrap();
    drop(set);
    let error = open(&storage, TIERED).unwrap_err().to_string();
    assert!(error.contains(&name) && error.contains("checksum"), "{error}");
    storage.replace(&name, whole[1..].to_vec());
    assert!(matches!(open(&storage, TIERED), Err(Error::Corrupt { .. })));
    storage.delete(&name).unwrap();
    assert!(matches!(open(&storage, TIERED), Err(Error::LayerMissing { file }) if file.contains(&name)));
}

#[test]
fn a_directory_serves_as_well_as_memory() {
    let directory = tempfile::tempdir().unwrap();
    let storage = LocalStorage::open(directory.path()).unwrap();
    let set = open(&storage, levelled()).unwrap();
    assert!(matches!(open(&storage, TIERED), Err(Error::Storage(StorageError::Locked { .. }))));
    for step in 0..10 {
        add(&set, [step], step + 1).unwrap();
        set.merge_until_idle().unwrap();
    }
    let named = set.current().layers().count();
    drop(set);
    std::fs::write(directory.path().join("layers/00000000000000000005"), b"orphan").unwrap();
    std::fs::write(directory.path().join("layers/notes.txt"), b"not ours").unwrap();
    let (set, report) = LayeredSet::open(
        Arc::new(storage.clone()) as Arc<dyn Storage>,
        NumbersKind::default(),
        options(levelled()),
    )
    .unwrap();
    assert_eq!(
        (report.created, report.layers, report.orphans_deleted, report.orphan_bytes),
        (false, named, 1, 6)
    );
    assert_eq!(contents(&set.current()), (0..10).collect::<Vec<_>>());
    assert!(directory.path().join("layers/notes.txt").exists());
}

/// Every blob of a storage.
fn image(storage: &MemoryStorage) -> Vec<(String, Option<Vec<u8>>)> {
    let folders = ["manifest", "layers"];
    let names = folders.iter().flat_map(|folder| storage.list(folder).unwrap());
    names.map(|entry| (entry.name.clone(), storage.contents(&entry.name))).collect()
}

#[test]
fn what_is_not_ours_is_left_as_it_is() {
    let storage = MemoryStorage::new();
    let set = open(&storage, TIERED).unwrap();
    add(&set, [1], 1).unwrap();
    drop(set);
    storage.put_if_absent("layers/00000000000000000007", b"an orphan, if the manifest is ours").unwrap();
    let refuse = |storage: &MemoryStorage| {
        let before = image(storage);
        let error = open(storage, TIERED).unwrap_err();
        assert!(image(storage) == before, "nothing was changed");
        assert!(storage.lock().is_ok(), "the lock was given back");
        error
    };
    let last = "manifest/00000000000000000002";
    let bytes = storage.contents(last).unwrap();

    let newer = storage.crash(0);
    let mut changed = bytes.clone();
    changed[8] = 4;
    let checksum = xxhash_rust::xxh3::xxh3_64(&changed[..48]);
    changed[48..56].copy_from_slice(&checksum.to_le_bytes());
    newer.replace(last, changed);
    assert!(
        matches!(refuse(&newer), Error::NewerFormat { found: 4, supported: 3, file } if file.contains(last))
    );

    let damaged = storage.crash(0);
    damaged.flip_bit(last, 8 * 60);
    assert!(matches!(refuse(&damaged), Error::Corrupt { offset: 56, file, .. } if file.contains(last)));

    let bare = storage.crash(0);
    for number in [1, 2] {
        bare.delete(&format!("manifest/{number:020}")).unwrap();
    }
    assert!(matches!(refuse(&bare), Error::ManifestMissing { layers: 2, .. }));
}
