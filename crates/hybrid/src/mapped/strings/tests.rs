//! Dictionaries of byte strings against a map; targets beside the prefix; damaged and forged files.

#![allow(clippy::disallowed_methods, reason = "tests own their files")]

use std::collections::BTreeMap;
use std::fs;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use xxhash_rust::xxh3::xxh3_64;

use super::{StringDictionary, StringDictionaryBuilder};
use crate::mapped::container::ROOM;
use crate::mapped::{Dictionary, MappedError, OpenOptions};

fn build<'k>(entries: impl IntoIterator<Item = (&'k [u8], u32)>) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d");
    let mut builder = StringDictionaryBuilder::create(&path).unwrap();
    for (key, value) in entries {
        builder.push(key, value).unwrap();
    }
    let length = builder.finish().unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let bytes = fs::read(path).unwrap();
    assert_eq!(bytes.len() as u64, length);
    bytes
}

fn words(count: u32) -> Vec<Vec<u8>> {
    let word = |n: u32| format!("https://example.org/{}/item-{n:05}", n / 40 * 40).into_bytes();
    (0..count).map(word).collect()
}

fn sample() -> &'static [u8] {
    static SAMPLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut words = words(600);
        words.sort();
        build(words.iter().zip(0..).map(|(word, n)| (&word[..], n)))
    });
    &SAMPLE
}

fn check(model: &BTreeMap<Vec<u8>, Vec<u32>>, probes: &[Vec<u8>]) {
    let flat: Vec<(Vec<u8>, u32)> =
        model.iter().flat_map(|(key, values)| values.iter().map(|value| (key.clone(), *value))).collect();
    let bytes = build(flat.iter().map(|(key, value)| (&key[..], *value)));
    let dictionary = StringDictionary::<u32>::from_bytes(bytes).unwrap();
    dictionary.verify().unwrap();
    assert_eq!(dictionary.iter().collect::<Result<Vec<_>, _>>().unwrap(), flat);
    assert!(dictionary.iter().rev().map(Result::unwrap).eq(flat.iter().rev().cloned()));
    for probe in probes {
        let expected = model.get(probe).map(|values| values[0]);
        assert_eq!(dictionary.get(probe).unwrap(), expected, "{probe:?}");
        assert_eq!(dictionary.contains(probe).unwrap(), expected.is_some());
        let lower = flat.partition_point(|(key, _)| key < probe);
        let upper = flat.partition_point(|(key, _)| key <= probe);
        assert_eq!(dictionary.lower_bound(probe).unwrap(), lower, "{probe:?}");
        assert_eq!(dictionary.upper_bound(probe).unwrap(), upper, "{probe:?}");
        assert_eq!(dictionary.range(&probe[..]..=&probe[..]).unwrap().positions(), lower..upper);
        assert_eq!(dictionary.range(..&probe[..]).unwrap().positions(), 0..lower);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        rng_seed: RngSeed::Fixed(8),
        failure_persistence: None,
        ..Default::default()
    })]

    /// Few letters, zeros among them, so that keys share much and differ in what fills a head.
    #[test]
    fn agrees_with_a_map(
        prefix in prop::collection::vec(any::<u8>(), 0..12),
        rests in prop::collection::vec(prop::collection::vec(0u8..3, 0..14), 0..200),
        more in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..14), 0..30),
    ) {
        let mut model = BTreeMap::<Vec<u8>, Vec<u32>>::new();
        for (rest, number) in rests.iter().zip(0..) {
            model.entry([&prefix[..], rest].concat()).or_default().push(number);
        }
        let mut probes: Vec<Vec<u8>> = model.keys().take(40).cloned().collect();
        for length in 0..=prefix.len() {
            probes.push(prefix[..length].to_vec());
            probes.push([&prefix[..length], &[0]].concat());
            probes.push([&prefix[..length], &[255]].concat());
        }
        for probe in &more {
            probes.push(probe.clone());
            probes.push([&prefix[..], probe].concat());
        }
        check(&model, &probes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        rng_seed: RngSeed::Fixed(9),
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn a_forged_file_is_an_error_or_answers_but_never_panics(
        edits in prop::collection::vec((prop_oneof![0usize..150, 0usize..40_000], any::<u8>()), 1..6),
        check_pages in any::<bool>(),
        probe in prop::collection::vec(any::<u8>(), 0..30),
    ) {
        let mut forged = sample().to_vec();
        let length = forged.len();
        for (at, byte) in edits {
            forged[at % length] = byte;
        }
        let checksum = xxh3_64(&forged[..4088]).to_le_bytes();
        forged[4088..4096].copy_from_slice(&checksum);
        let options = OpenOptions { check_pages, ..OpenOptions::default() };
        if let Ok(dictionary) = options.strings_from_bytes::<u32>(forged) {
            for key in [&probe[..], b"", b"https://example.org/400/item-00405", b"https://example.org/5"] {
                prop_assert!(dictionary.lower_bound(key).map_or(0, |found| found) <= dictionary.len());
                let _ = dictionary.get(key);
            }
            prop_assert!(dictionary.range(&probe[..]..).map_or(0, Iterator::count) <= dictionary.len());
            let _ = dictionary.verify();
        }
    }
}

#[test]
fn every_flipped_bit_is_found_by_verify_and_never_gives_a_wrong_answer() {
    let mut all = words(600);
    all.sort();
    let (mut refused, mut errors, mut right) = (0, 0, 0);
    for at in 0..sample().len() {
        let mut damaged = sample().to_vec();
        damaged[at] ^= 1 << (at % 8);
        let Ok(dictionary) = StringDictionary::<u32>::from_bytes(damaged) else {
            refused += 1;
            continue;
        };
        assert!(dictionary.verify().is_err(), "byte {at}");
        for number in (0..600).step_by(120) {
            match dictionary.get(&all[number]) {
                Ok(found) => {
                    assert_eq!(found, Some(number as u32), "byte {at}");
                    right += 1;
                }
                Err(MappedError::Damaged { .. }) => errors += 1,
                Err(other) => panic!("byte {at}: {other}"),
            }
        }
    }
    assert!(refused > 4096 && errors > 0 && right > 0, "{refused} {errors} {right}");
}

#[test]
fn the_prefix_is_stored_once_and_cuts_are_noticed() {
    let dictionary = StringDictionary::<u32>::from_bytes(sample().to_vec()).unwrap();
    assert_eq!(dictionary.prefix(), b"https://example.org/");
    let mut key = b"something".to_vec();
    dictionary.key_at(0, &mut key).unwrap();
    assert_eq!(key, b"https://example.org/0/item-00000");
    assert_eq!(dictionary.rest_at(0).unwrap(), b"0/item-00000");
    for length in (0..sample().len()).step_by(7) {
        assert!(StringDictionary::<u32>::from_bytes(sample()[..length].to_vec()).is_err());
    }
    let other = Dictionary::<u64, u32>::from_bytes(sample().to_vec()).unwrap_err();
    assert!(matches!(other, MappedError::WrongType { .. }), "{other}");
    let other = StringDictionary::<u64>::from_bytes(sample().to_vec()).unwrap_err();
    assert!(matches!(other, MappedError::WrongType { .. }), "{other}");
}

#[test]
fn a_builder_refuses_a_smaller_key_and_leaves_nothing_when_the_disk_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d");
    for room in (0..30_000).step_by(1999) {
        ROOM.set(room);
        let mut builder = StringDictionaryBuilder::<u32>::create(&path);
        ROOM.set(u64::MAX);
        if let Ok(builder) = &mut builder {
            words(40).iter().for_each(|word| builder.push(word, 1).unwrap());
            assert!(matches!(builder.push(b"a", 2), Err(MappedError::Build { .. })));
            assert_eq!(builder.len(), 40);
        }
        let outcome = builder.and_then(StringDictionaryBuilder::finish);
        assert!(matches!(outcome, Err(MappedError::Io { .. })) || room > 20_000, "{room} {outcome:?}");
        assert!(outcome.is_ok() || fs::read_dir(folder.path()).unwrap().next().is_none());
        let _ = fs::remove_file(&path);
    }
}
