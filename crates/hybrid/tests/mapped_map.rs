//! The map in a file: what was synced comes back, what was not is refused, and hostile files give errors.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests own their files")]

use std::collections::BTreeMap;
use std::path::Path;

use bytemuck::Pod;
use stroma_hybrid::Key;
use stroma_hybrid::map::{AlwaysLearned, Config, MapFileError, MappedMap, Standard};
use stroma_hybrid::mapped::{MappedError, MappedRegion};
use xxhash_rust::xxh3::xxh3_64;

#[path = "shared/key_sets.rs"]
mod key_sets;
use key_sets::next;

type Map = MappedMap<Standard<u64, u64>>;

fn region(path: &Path, create: bool) -> Result<MappedRegion, MappedError> {
    // SAFETY: each test has a folder of its own, and nothing else knows of it.
    unsafe { if create { MappedRegion::create(path, 0) } else { MappedRegion::open(path) } }
}

fn create<C: Config<Key: Pod, Value: Pod>>(path: &Path) -> MappedMap<C> {
    MappedMap::create(region(path, true).unwrap()).unwrap()
}

fn open<C: Config<Key: Pod, Value: Pod>>(path: &Path) -> Result<MappedMap<C>, MapFileError> {
    MappedMap::open(region(path, false)?)
}

/// Keys that crowd here and there, ascend here and there, and reach both ends of the type.
fn keys(count: u64, seed: u64) -> Vec<u64> {
    let mut state = seed;
    let key = |i: u64| match next(&mut state) % 4 {
        0 => next(&mut state),
        1 => (1 << 60) + i,
        2 => next(&mut state) % 1000,
        _ => u64::MAX - (1u64 << (i % 50)),
    };
    (0..count).map(key).collect()
}

fn comes_back<K: Key + Pod>(convert: impl Fn(u64) -> K) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("map");
    let keys: Vec<K> = keys(6000, 5).into_iter().map(convert).collect();
    let mut model = BTreeMap::new();
    drop(create::<Standard<K, u32>>(&path));
    for (round, keys) in keys.chunks(1500).enumerate() {
        let mut map = open::<Standard<K, u32>>(&path).unwrap();
        assert!(map.iter().eq(model.iter().map(|(key, value)| (*key, *value))), "round {round}");
        for (at, key) in keys.iter().enumerate() {
            assert_eq!(map.insert(*key, at as u32).unwrap(), model.insert(*key, at as u32));
            assert_eq!(map.get(*key), Some(at as u32));
        }
        assert_eq!(map.update(keys[7], |value| *value += 9).unwrap(), model.contains_key(&keys[7]));
        model.entry(keys[7]).and_modify(|value| *value += 9);
        map.update_range(keys[1]..=keys[1], |_, value| value.set(value.get() ^ 1)).unwrap();
        model.entry(keys[1]).and_modify(|value| *value ^= 1);
        map.sync().unwrap();
        assert_eq!(map.len(), model.len());
    }
    let map = open::<Standard<K, u32>>(&path).unwrap();
    assert!(map.iter().eq(model.iter().map(|(key, value)| (*key, *value))));
    for key in &keys {
        let successor = key.successor().unwrap_or(*key);
        let expected = model.range(successor..).next().map(|(key, value)| (*key, *value));
        assert_eq!(map.lower_bound(successor), expected);
    }
}

#[test]
fn what_was_synced_comes_back() {
    comes_back(|key| key);
    comes_back(|key| key as u32);
    comes_back(|key| key as i64);
    comes_back(|key| u128::from(key) << 50);
    comes_back(|key| key.rotate_left(20).to_be_bytes());
}

#[test]
fn what_was_not_synced_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("map");
    let mut map = create::<Standard<u64, u64>>(&path);
    map.insert(1, 2).unwrap();
    drop(map);
    assert!(matches!(open::<Standard<u64, u64>>(&path), Err(MapFileError::NotSynced { .. })));
    let mut map = create::<Standard<u64, u64>>(&path);
    assert!(map.is_empty());
    map.insert(1, 2).unwrap();
    map.sync().unwrap();
    assert!(matches!(region(&path, false), Err(MappedError::Locked { .. })));
    map.sync().unwrap();
    drop(map);
    let map = open::<Standard<u64, u64>>(&path).unwrap();
    assert_eq!((map.get(1), map.len(), map.explain().contains("level 0")), (Some(2), 1, true));
    drop(map);
    // Looking changes nothing; changing does, whatever way.
    let mut map = open::<Standard<u64, u64>>(&path).unwrap();
    assert!(!map.update(7, |_| ()).unwrap() && map.update(1, |value| *value = 3).unwrap());
    drop(map);
    assert!(matches!(open::<Standard<u64, u64>>(&path), Err(MapFileError::NotSynced { .. })));
}

#[test]
fn a_file_of_other_types_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("map");
    drop(create::<Standard<u64, u64>>(&path));
    assert!(matches!(open::<Standard<i64, u64>>(&path), Err(MapFileError::WrongShape { .. })));
    assert!(matches!(open::<Standard<u64, u32>>(&path), Err(MapFileError::WrongShape { .. })));
    std::fs::write(&path, b"something else").unwrap();
    assert!(matches!(open::<Standard<u64, u64>>(&path), Err(MapFileError::NotAMap { .. })));
    std::fs::write(&path, b"").unwrap();
    assert!(matches!(open::<Standard<u64, u64>>(&path), Err(MapFileError::NotAMap { .. })));
}

const PAGE: usize = 4096;
const LEAF: usize = 2048;
const ROW: usize = 48;

/// A file of a map, and the entries in it.
struct Sample {
    folder: tempfile::TempDir,
    bytes: Vec<u8>,
    entries: Vec<(u64, u64)>,
}

impl Sample {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map");
        let mut map = create::<Standard<u64, u64, AlwaysLearned>>(&path);
        for (at, key) in keys(1500, 9).into_iter().enumerate() {
            map.insert(key, at as u64).unwrap();
        }
        map.sync().unwrap();
        let entries = map.iter().collect();
        drop(map);
        Self { bytes: std::fs::read(&path).unwrap(), folder, entries }
    }

    fn leaves(&self) -> usize {
        u64::from_le_bytes(self.bytes[32..40].try_into().unwrap()) as usize
    }

    fn table(&self) -> core::ops::Range<usize> {
        let start = PAGE + self.leaves() * LEAF;
        start..start + self.leaves() * ROW
    }

    fn open(&self, bytes: &[u8]) -> Result<Map, MapFileError> {
        let path = self.folder.path().join("hostile");
        std::fs::write(&path, bytes).unwrap();
        open(&path)
    }

    /// Opens bytes that somebody changed and gave the right checksums again.
    fn forge(&self, change: impl FnOnce(&mut [u8])) -> Result<Map, MapFileError> {
        let mut bytes = self.bytes.clone();
        change(&mut bytes);
        for row in self.table().step_by(ROW) {
            let leaf = u32::from_le_bytes(bytes[row..row + 4].try_into().unwrap()) as usize % self.leaves();
            let checksum = xxh3_64(&bytes[PAGE + leaf * LEAF..][..LEAF]);
            bytes[row + 8..row + 16].copy_from_slice(&checksum.to_le_bytes());
        }
        let table = xxh3_64(&bytes[self.table()]);
        bytes[48..56].copy_from_slice(&table.to_le_bytes());
        let header = xxh3_64(&bytes[..64]);
        bytes[64..72].copy_from_slice(&header.to_le_bytes());
        self.open(&bytes)
    }
}

#[test]
fn damage_is_found() {
    let sample = Sample::new();
    let end = sample.table().end;
    let mut state = 3;
    let some = (0..300).map(|_| next(&mut state) as usize % sample.bytes.len());
    for at in (0..80).chain(sample.table().step_by(7)).chain(some) {
        let mut bytes = sample.bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        match sample.open(&bytes) {
            Ok(map) => {
                assert!((72..PAGE).contains(&at) || at >= end || map.iter().eq(sample.entries.clone()))
            }
            Err(error) => assert!(error.to_string().contains("hostile"), "{error}"),
        }
        assert!(sample.open(&bytes).is_err() || (72..PAGE).contains(&at) || at >= end, "at {at}");
    }
    for length in (0..end).step_by(501).chain([PAGE - 1, PAGE, end - 1]) {
        assert!(sample.open(&sample.bytes[..length]).is_err(), "cut to {length}");
    }
    assert!(sample.open(&sample.bytes[..end]).is_ok());
}

#[test]
fn forged_files_give_errors() {
    let sample = Sample::new();
    let table = sample.table().start;
    assert!(sample.forge(|_| ()).is_ok());
    let refused = |change: &dyn Fn(&mut [u8])| {
        assert!(matches!(sample.forge(change), Err(MapFileError::Inconsistent { .. })));
    };
    refused(&|bytes| bytes.copy_within(table..table + 4, table + ROW)); // a leaf twice
    refused(&|bytes| bytes[table..table + 4].fill(0xff)); // a leaf that is not there
    refused(&|bytes| bytes[table + 4..table + 6].fill(0xff)); // too many entries
    refused(&|bytes| bytes[table + 4..table + 6].fill(0)); // none
    refused(&|bytes| bytes[table + 6] = 9); // no kind
    refused(&|bytes| bytes[40] ^= 1); // another number of entries
    refused(&|bytes| bytes[PAGE..PAGE + 8].fill(0xff)); // keys that descend
    refused(&|bytes| bytes[PAGE..PAGE + LEAF / 2].fill(0)); // one key only
    refused(&|bytes| bytes[28] = 7); // no state
    for leaves in [u64::MAX, 1 << 40, 1 << 29] {
        assert!(sample.forge(|bytes| bytes[32..40].copy_from_slice(&leaves.to_le_bytes())).is_err());
    }
    assert!(sample.forge(|bytes| bytes[32..40].fill(0)).is_err());
    // Two leaves in the wrong order.
    refused(&|bytes| {
        let (first, second) = bytes[table..table + 2 * ROW].split_at_mut(ROW);
        first.swap_with_slice(second);
    });
}

#[test]
fn forged_lines_do_no_harm() {
    let sample = Sample::new();
    for seed in 0..20 {
        let mut state = seed;
        let table = sample.table();
        let forged = sample.forge(|bytes| {
            for row in table.clone().step_by(ROW) {
                bytes[row + 16..row + ROW].iter_mut().for_each(|byte| *byte = next(&mut state) as u8);
            }
        });
        let mut map = forged.unwrap();
        let mut model: BTreeMap<u64, u64> = sample.entries.iter().copied().collect();
        for key in keys(1500, seed + 100) {
            assert_eq!(map.insert(key, 1).unwrap(), model.insert(key, 1));
        }
        assert!(map.iter().eq(model));
    }
}
