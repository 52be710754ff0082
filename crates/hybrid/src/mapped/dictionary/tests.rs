//! Hostile and damaged files, full disks, builds that end half way.

#![allow(clippy::disallowed_methods, reason = "tests own their files")]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use xxhash_rust::xxh3::xxh3_64;

use super::{Dictionary, DictionaryBuilder};
use crate::mapped::container::ROOM;
use crate::mapped::{MappedError, OpenOptions};
use crate::{ForcePolicy, LayerKind};

fn build(path: &Path, entries: impl IntoIterator<Item = (u64, u32)>) -> Result<u64, MappedError> {
    let mut builder = DictionaryBuilder::create(path)?;
    for (key, value) in entries {
        builder.push(key, value)?;
    }
    builder.finish()
}

fn sample(count: u64) -> impl Iterator<Item = (u64, u32)> {
    (0..count).map(|n| (n * n * 3, n as u32))
}

fn sample_bytes(count: u64) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d");
    let length = build(&path, sample(count)).unwrap();
    let bytes = fs::read(path).unwrap();
    assert_eq!(bytes.len() as u64, length);
    bytes
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_builder_dropped_half_way_leaves_nothing_but_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d");
    let mut builder = DictionaryBuilder::<u64, u32>::create(&path).unwrap();
    for (key, value) in sample(300_000) {
        builder.push(key, value).unwrap();
    }
    assert_eq!(names(folder.path()), [".d.building", ".d.building-1"]);
    drop(builder);
    assert!(names(folder.path()).is_empty());
    build(&path, sample(10)).unwrap();
    drop(DictionaryBuilder::<u64, u32>::create(&path).unwrap());
    assert_eq!(names(folder.path()), ["d"]);
    assert_eq!(Dictionary::<u64, u32>::read(&path).unwrap().len(), 10);
}

#[test]
fn a_full_disk_is_an_error_and_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d");
    let whole = build(&path, sample(1000)).unwrap();
    let old = fs::read(&path).unwrap();
    for room in (0..whole).step_by(997) {
        ROOM.set(room);
        let error = build(&path, sample(2000)).unwrap_err();
        ROOM.set(u64::MAX);
        assert!(matches!(error, MappedError::Io { action: "write", .. }), "{error}");
        assert_eq!(fs::read(&path).unwrap(), old);
        assert_eq!(names(folder.path()), ["d"]);
    }
}

#[test]
fn a_builder_whose_disk_was_full_publishes_nothing_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d");
    ROOM.set(1 << 20);
    let mut builder = DictionaryBuilder::<u64, [u64; 4]>::create(&path).unwrap();
    ROOM.set(u64::MAX);
    let failed = (0..1_000_000).find_map(|key| builder.push(key, [key; 4]).err()).unwrap();
    assert!(matches!(failed, MappedError::Io { .. }), "{failed}");
    assert!(matches!(builder.push(u64::MAX, [0; 4]), Err(MappedError::Abandoned { .. })));
    assert!(matches!(builder.finish(), Err(MappedError::Abandoned { .. })));
    assert!(names(folder.path()).is_empty());
}

#[test]
fn leftovers_of_a_killed_build_are_taken_over_but_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d");
    fs::write(folder.path().join(".d.building"), vec![1; 100_000]).unwrap();
    fs::write(folder.path().join(".d.building-1"), vec![1; 100_000]).unwrap();
    build(&path, sample(5)).unwrap();
    assert_eq!(names(folder.path()), ["d"]);
    Dictionary::<u64, u32>::read(&path).unwrap().verify().unwrap();
    #[cfg(unix)]
    {
        let other = folder.path().join("other");
        fs::write(&other, b"precious").unwrap();
        std::os::unix::fs::symlink(&other, folder.path().join(".d.building")).unwrap();
        assert!(matches!(build(&path, sample(5)), Err(MappedError::Io { .. })));
        assert_eq!(fs::read(&other).unwrap(), b"precious");
    }
    assert!(build(Path::new("/"), sample(5)).is_err());
    assert!(build(&folder.path().join("no/such/folder"), sample(5)).is_err());
}

#[test]
fn two_builds_of_one_target_do_not_meet() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d");
    let mut first = DictionaryBuilder::<u64, u32>::create(&path).unwrap();
    assert!(matches!(DictionaryBuilder::<u64, u32>::create(&path), Err(MappedError::Locked { .. })));
    first.push(7, 8).unwrap();
    first.finish().unwrap();
    assert_eq!(Dictionary::<u64, u32>::read(&path).unwrap().get(7).unwrap(), Some(8));
}

#[test]
fn every_flipped_bit_is_found_by_verify_and_never_gives_a_wrong_answer() {
    let bytes = sample_bytes(800);
    let (mut refused, mut errors, mut right) = (0, 0, 0);
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        let Ok(dictionary) = Dictionary::<u64, u32>::from_bytes(damaged) else {
            refused += 1;
            continue;
        };
        assert!(dictionary.verify().is_err(), "byte {at}");
        for (key, value) in sample(800).step_by(111) {
            for (key, expected) in [(key, Some(value)), (key + 1, None)] {
                match dictionary.get(key) {
                    Ok(found) => {
                        assert_eq!(found, expected, "byte {at}");
                        right += 1;
                    }
                    Err(MappedError::Damaged { .. }) => errors += 1,
                    Err(other) => panic!("byte {at}: {other}"),
                }
            }
        }
        let (keys, expected): (Vec<u64>, Vec<_>) =
            sample(800).step_by(111).map(|(key, value)| (key, Some(value))).unzip();
        let mut values = vec![None; keys.len()];
        assert!(dictionary.get_batch(&keys, &mut values).is_err() || values == expected, "byte {at}");
    }
    assert!(refused > 4096 && errors > 0 && right > 0, "{refused} {errors} {right}");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        rng_seed: RngSeed::Fixed(4),
        failure_persistence: None,
        ..Default::default()
    })]

    /// Changes anywhere, with the header's checksum made right again, and the pages' checksums not looked at.
    #[test]
    fn a_forged_file_is_an_error_or_answers_but_never_panics(
        edits in prop::collection::vec((prop_oneof![0usize..128, 0usize..30_000], any::<u8>()), 1..6),
        check_pages in any::<bool>(),
        probe in any::<u64>(),
    ) {
        static SAMPLE: LazyLock<Vec<u8>> = LazyLock::new(|| sample_bytes(800));
        let mut forged = SAMPLE.clone();
        let length = forged.len();
        for (at, byte) in edits {
            forged[at % length] = byte;
        }
        let checksum = xxh3_64(&forged[..4088]).to_le_bytes();
        forged[4088..4096].copy_from_slice(&checksum);
        let options = OpenOptions { check_pages, ..OpenOptions::default() };
        if let Ok(dictionary) = options.from_bytes::<u64, u32>(forged) {
            for key in [0, 3, 300, probe, probe % 2_000_000, u64::MAX] {
                prop_assert!(dictionary.lower_bound(key).map_or(0, |found| found) <= dictionary.len());
                let _ = dictionary.get(key);
            }
            prop_assert!(dictionary.range(probe / 2..probe).map_or(0, Iterator::count) <= dictionary.len());
            let _ = dictionary.verify();
            prop_assert!(!dictionary.explain().is_empty());
        }
    }
}

#[test]
fn every_cut_and_every_appended_byte_is_noticed() {
    let mut bytes = sample_bytes(700);
    for length in 0..bytes.len() {
        let error = Dictionary::<u64, u32>::from_bytes(bytes[..length].to_vec()).unwrap_err();
        assert!(matches!(error, MappedError::WrongLength { .. }), "{length}: {error}");
    }
    bytes.push(0);
    let error = Dictionary::<u64, u32>::from_bytes(bytes).unwrap_err();
    assert!(matches!(error, MappedError::WrongLength { .. }), "{error}");
}

#[test]
fn errors_name_the_file_the_place_and_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("squares.dict");
    build(&path, sample(2000)).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096 + 5000] ^= 1;
    fs::write(&path, bytes).unwrap();
    let dictionary = Dictionary::<u64, u32>::read(&path).unwrap();
    let failed: Vec<MappedError> = dictionary.iter().filter_map(Result::err).collect();
    let [MappedError::Damaged { offset: 8192, what: "a page of keys", .. }] = &failed[..] else {
        panic!("{failed:?}")
    };
    let text = failed[0].to_string();
    assert!(text.contains("squares.dict") && text.contains("offset 8192") && text.contains("build it again"));
    assert_eq!(dictionary.iter().count(), 512 + 1);
    assert!(matches!(dictionary.get(700 * 700 * 3), Err(MappedError::Damaged { offset: 8192, .. })));
    assert_eq!(dictionary.get(300).unwrap(), Some(10));
}

#[test]
fn unchecked_pages_give_what_is_there() {
    let mut bytes = sample_bytes(700);
    let values_at = bytes.len() - 8 * 3 - 4096 - 4096;
    assert_eq!(bytes[values_at + 4..values_at + 8], 1u32.to_le_bytes());
    bytes[values_at + 4] = 9;
    let trusting = OpenOptions { check_pages: false, ..OpenOptions::default() };
    let dictionary = trusting.from_bytes::<u64, u32>(bytes.clone()).unwrap();
    assert_eq!(dictionary.get(3).unwrap(), Some(9));
    assert!(dictionary.verify().is_err());
    let dictionary = Dictionary::<u64, u32>::from_bytes(bytes).unwrap();
    assert!(dictionary.get(3).is_err() && dictionary.contains(3).unwrap());
}

#[test]
fn other_types_are_told_apart() {
    let bytes = sample_bytes(30);
    let wrong = |outcome: MappedError| matches!(outcome, MappedError::WrongType { .. });
    assert!(wrong(Dictionary::<i64, u32>::from_bytes(bytes.clone()).unwrap_err()));
    assert!(wrong(Dictionary::<u32, u32>::from_bytes(bytes.clone()).unwrap_err()));
    assert!(wrong(Dictionary::<u64, u64>::from_bytes(bytes.clone()).unwrap_err()));
    assert!(wrong(Dictionary::<u64, ()>::from_bytes(bytes.clone()).unwrap_err()));
    Dictionary::<u64, f32>::from_bytes(bytes).unwrap();
    let nothing = Dictionary::<u64, u32>::from_bytes(b"something else".to_vec()).unwrap_err();
    assert!(matches!(nothing, MappedError::NotADictionary { .. }));
}

#[test]
fn keys_out_of_order_are_refused_and_the_builder_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d");
    let mut builder = DictionaryBuilder::with_policy(&path, ForcePolicy(LayerKind::BTree)).unwrap();
    builder.push(5u32, 1u8).unwrap();
    let error = builder.push(4, 2).unwrap_err();
    assert!(matches!(error, MappedError::Build { source: crate::Error::NotSorted { position: 1 }, .. }));
    builder.push(5, 3).unwrap();
    builder.push(6, 4).unwrap();
    assert_eq!(builder.len(), 3);
    builder.finish().unwrap();
    let dictionary = Dictionary::<u32, u8>::read(&path).unwrap();
    let entries: Vec<_> = dictionary.iter().map(Result::unwrap).collect();
    assert_eq!(entries, [(5, 1), (5, 3), (6, 4)]);
    assert_eq!((dictionary.get(5).unwrap(), dictionary.kind()), (Some(1), LayerKind::BTree));
}
