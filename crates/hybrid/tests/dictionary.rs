//! Dictionaries in files against `BTreeMap`, for every type of key; locks, and files replaced while mapped.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test, which owns its files")]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use stroma_hybrid::mapped::{
    Dictionary, DictionaryBuilder, MappedError, MappedFile, MappedRegion, OpenOptions, Pod,
};
use stroma_hybrid::{ForcePolicy, Key, LayerKind, Policy};

/// Values of all entries with a key, in order.
type Model<K, V> = BTreeMap<K, Vec<V>>;

fn build<K: Key, V: Pod>(path: &Path, entries: &Model<K, V>, policy: impl Policy) {
    let mut builder = DictionaryBuilder::with_policy(path, policy).unwrap();
    for (key, values) in entries {
        values.iter().for_each(|value| builder.push(*key, *value).unwrap());
    }
    builder.finish().unwrap();
}

fn check<K: Key, V: Pod + Debug + PartialEq>(
    dictionary: &Dictionary<K, V>,
    model: &Model<K, V>,
    probes: &[K],
) {
    dictionary.verify().unwrap();
    let flat: Vec<(K, V)> =
        model.iter().flat_map(|(key, values)| values.iter().map(|value| (*key, *value))).collect();
    assert_eq!(dictionary.len(), flat.len());
    assert_eq!(dictionary.iter().collect::<Result<Vec<_>, _>>().unwrap(), flat);
    let backward: Vec<_> = dictionary.iter().rev().map(Result::unwrap).collect();
    assert!(backward.iter().eq(flat.iter().rev()));
    for &probe in probes {
        let expected = model.get(&probe).map(|values| values[0]);
        assert_eq!(dictionary.get(probe).unwrap(), expected);
        assert_eq!(dictionary.contains(probe).unwrap(), expected.is_some());
        let lower = flat.partition_point(|(key, _)| *key < probe);
        assert_eq!(dictionary.lower_bound(probe).unwrap(), lower);
        if lower < flat.len() {
            assert_eq!((dictionary.key_at(lower).unwrap(), dictionary.value_at(lower).unwrap()), flat[lower]);
        }
    }
    let (mut values, mut positions) = (vec![None; probes.len()], vec![0; probes.len()]);
    dictionary.get_batch(probes, &mut values).unwrap();
    dictionary.lower_bound_batch(probes, &mut positions).unwrap();
    for ((probe, value), position) in probes.iter().zip(values).zip(positions) {
        assert_eq!(value, dictionary.get(*probe).unwrap());
        assert_eq!(position, dictionary.lower_bound(*probe).unwrap());
    }
    for pair in probes.windows(2) {
        let (low, high) = (pair[0].min(pair[1]), pair[0].max(pair[1]));
        let found: Vec<_> = dictionary.range(low..high).unwrap().map(Result::unwrap).collect();
        let expected: Vec<_> = flat.iter().filter(|(key, _)| (low..high).contains(key)).copied().collect();
        assert_eq!(found, expected);
        let found: Vec<_> = dictionary.range(low..=high).unwrap().map(Result::unwrap).collect();
        let expected: Vec<_> = flat.iter().filter(|(key, _)| (low..=high).contains(key)).copied().collect();
        assert_eq!(found, expected);
    }
}

/// A dictionary of these keys, mapped and read, against the model.
fn round_trip<K: Key, V: Pod + Debug + PartialEq>(keys: &[K], probes: &[K], value: impl Fn(usize) -> V) {
    let mut model = Model::<K, V>::new();
    for (number, key) in keys.iter().enumerate() {
        model.entry(*key).or_default().push(value(number));
    }
    let mut all = keys.to_vec();
    all.extend_from_slice(probes);
    all.extend(keys.iter().filter_map(|key| key.successor()));
    all.truncate(60);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dictionary");
    // Each build waits for the disk, so a set of keys is tried with one kind of layer only.
    let kind = [LayerKind::BTree, LayerKind::Linear, LayerKind::SPlus][keys.len() % 3];
    build(&path, &model, ForcePolicy(kind));
    // SAFETY: nobody else knows the temporary folder.
    let mapped = unsafe { Dictionary::<K, V>::open(&path) }.unwrap();
    let alone = OpenOptions { random_access: true, ..OpenOptions::default() };
    // SAFETY: as above.
    let alone = unsafe { alone.open::<K, V>(&path) }.unwrap();
    check(&mapped, &model, &all);
    check(&alone, &model, &all);
    let moved = Box::new(Dictionary::<K, V>::read(&path).unwrap());
    check(&moved, &model, &all);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 12,
        rng_seed: RngSeed::Fixed(32),
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn agrees_with_a_map_for_every_type_of_key(
        raw in prop::collection::vec(
            prop_oneof![any::<u128>(), (0u128..40), (0u128..40).prop_map(|n| u128::MAX - n)],
            0..500,
        ),
        probes in prop::collection::vec(any::<u128>(), 0..20),
    ) {
        let of = |keys: &[u128]| keys.to_vec();
        round_trip(&of(&raw), &of(&probes), |number| number as u64);
        let of = |keys: &[u128]| keys.iter().map(|key| *key as u64).collect::<Vec<_>>();
        round_trip(&of(&raw), &of(&probes), |number| [number as u8; 13]);
        let of = |keys: &[u128]| keys.iter().map(|key| *key as i64).collect::<Vec<_>>();
        round_trip(&of(&raw), &of(&probes), |number| number as f64);
        let of = |keys: &[u128]| keys.iter().map(|key| *key as u32).collect::<Vec<_>>();
        round_trip(&of(&raw), &of(&probes), |_| ());
        let of = |keys: &[u128]| keys.iter().map(|key| key.to_be_bytes()).collect::<Vec<[u8; 16]>>();
        round_trip(&of(&raw), &of(&probes), |number| number as u16);
        let of = |keys: &[u128]| {
            keys.iter().map(|key| [(*key >> 120) as u8, 0xff, *key as u8]).collect::<Vec<[u8; 3]>>()
        };
        round_trip(&of(&raw), &of(&probes), |number| [number as u32; 30]);
    }
}

#[test]
fn many_pages_in_many_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dictionary");
    let mut builder = DictionaryBuilder::<u64, [u8; 3]>::create(&path).unwrap();
    let value = |n: u64| [n as u8, (n >> 8) as u8, (n >> 16) as u8];
    for n in 0..400_000 {
        builder.push(n * 5, value(n)).unwrap();
    }
    assert_eq!(builder.finish().unwrap(), std::fs::metadata(&path).unwrap().len());
    // SAFETY: nobody else knows the temporary folder.
    let dictionary = unsafe { Dictionary::<u64, [u8; 3]>::open(&path) }.unwrap();
    for n in (0..400_000).step_by(7) {
        assert_eq!(dictionary.get(n * 5).unwrap(), Some(value(n)));
        assert_eq!(dictionary.get(n * 5 + 1).unwrap(), None);
    }
    dictionary.verify().unwrap();
    assert!(dictionary.explain().contains("400000 keys"), "{}", dictionary.explain());
}

#[test]
fn a_mapped_file_is_locked_against_writers_and_shared_by_readers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dictionary");
    build(&path, &Model::from([(1u64, vec![2u64])]), ForcePolicy(LayerKind::BTree));
    // SAFETY: nobody else knows the temporary folder.
    unsafe {
        let first = Dictionary::<u64, u64>::open(&path).unwrap();
        let second = Dictionary::<u64, u64>::open(&path).unwrap();
        assert!(matches!(MappedRegion::open(&path), Err(MappedError::Locked { .. })));
        assert!(matches!(MappedRegion::create(&path, 1), Err(MappedError::Locked { .. })));
        drop(first);
        assert_eq!(second.get(1).unwrap(), Some(2));
        drop(second);
        let writer = MappedRegion::open(&path).unwrap();
        assert!(matches!(Dictionary::<u64, u64>::open(&path), Err(MappedError::Locked { .. })));
        assert!(matches!(Dictionary::<u64, u64>::read(&path), Err(MappedError::Locked { .. })));
        assert!(matches!(MappedFile::open(&path), Err(MappedError::Locked { .. })));
        drop(writer);
        Dictionary::<u64, u64>::open(&path).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn building_anew_leaves_readers_what_they_have() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dictionary");
    build(&path, &Model::from([(1u64, vec![2u64])]), ForcePolicy(LayerKind::BTree));
    // SAFETY: nobody else knows the temporary folder.
    let old = unsafe { Dictionary::<u64, u64>::open(&path) }.unwrap();
    build(&path, &Model::from([(1u64, vec![3u64])]), ForcePolicy(LayerKind::Linear));
    // SAFETY: as above.
    let new = unsafe { Dictionary::<u64, u64>::open(&path) }.unwrap();
    assert_eq!((old.get(1).unwrap(), new.get(1).unwrap()), (Some(2), Some(3)));
    old.verify().unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!((old.get(1).unwrap(), new.get(1).unwrap()), (Some(2), Some(3)));
}

#[test]
fn threads_share_a_dictionary() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dictionary");
    let model: Model<u64, u64> = (0..5000).map(|n| (n * 3, vec![n])).collect();
    build(&path, &model, ForcePolicy(LayerKind::Linear));
    // SAFETY: nobody else knows the temporary folder.
    let dictionary = unsafe { Dictionary::<u64, u64>::open(&path) }.unwrap();
    std::thread::scope(|scope| {
        for start in 0..3 {
            let dictionary = &dictionary;
            scope.spawn(move || {
                for n in (start..5000).step_by(3) {
                    assert_eq!(dictionary.get(n * 3).unwrap(), Some(n));
                }
            });
        }
    });
}
