//! An attack on the file of a map, told by bytes: what a fuzzer feeds, and what a test draws from a seed.

use std::collections::BTreeMap;
use std::path::Path;

use stroma_hybrid::map::{Config, MapCostPolicy, MapFileError, MappedMap, NodeRef};
use stroma_hybrid::mapped::{MappedError, MappedRegion};
use xxhash_rust::xxh3::xxh3_64;

const PAGE: usize = 4096;
const LEAF: usize = 16 * 16;
const ROW: usize = 48;

/// Small leaves, so that a small file has many.
enum Small {}

impl Config for Small {
    type Key = u64;
    type Value = u64;
    type LeafKeys = [u64; 16];
    type LeafValues = [u64; 16];
    type BranchKeys = [u64; 24];
    type BranchRefs = [NodeRef; 24];
    type RouteKeys = [u64; 40];
    type RouteRefs = [NodeRef; 40];
    type RouteHints = [u16; 32];
    type Policy = MapCostPolicy;
}

type Map = MappedMap<Small>;

fn region(path: &Path, create: bool) -> Result<MappedRegion, MappedError> {
    // SAFETY: whoever attacks has named a path that nobody else uses.
    unsafe { if create { MappedRegion::create(path, 0) } else { MappedRegion::open(path) } }
}

fn open(path: &Path) -> Result<Map, MapFileError> {
    Map::open(region(path, false)?)
}

/// A whole file, with leaves of both kinds, out of order.
pub(crate) fn sample(path: &Path) -> Vec<u8> {
    let mut map =
        region(path, true).map_err(MapFileError::from).and_then(Map::create).expect("room on the disk");
    for at in 0..400u64 {
        let key = if at % 3 == 0 { at << 40 } else { (1 << 50) + (1 << (at % 50)) + at };
        map.insert(key, at).expect("room on the disk");
    }
    map.sync().expect("room on the disk");
    drop(map);
    std::fs::read(path).expect("just written")
}

/// Makes the checksums of a file right again, as far as its own fields say where they are.
fn forge_checksums(file: &mut [u8]) {
    let number = |file: &[u8], at: usize| u64::from_le_bytes(file[at..at + 8].try_into().expect("eight"));
    let leaves = number(file, 32) as usize;
    let Some(table) = leaves.checked_mul(LEAF).and_then(|bytes| bytes.checked_add(PAGE)) else { return };
    let Some(end) = leaves.checked_mul(ROW).and_then(|bytes| bytes.checked_add(table)) else { return };
    if end <= file.len() {
        for row in (table..end).step_by(ROW) {
            let leaf = u32::from_le_bytes(file[row..row + 4].try_into().expect("four")) as usize;
            if leaf < leaves {
                let checksum = xxh3_64(&file[PAGE + leaf * LEAF..][..LEAF]);
                file[row + 8..row + 16].copy_from_slice(&checksum.to_le_bytes());
            }
        }
        let checksum = xxh3_64(&file[table..end]);
        file[48..56].copy_from_slice(&checksum.to_le_bytes());
    }
    let checksum = xxh3_64(&file[..64]);
    file[64..72].copy_from_slice(&checksum.to_le_bytes());
}

/// One change: a flipped bit, another byte, two fields swapped, a run copied elsewhere, or an end cut off.
fn change(file: &mut Vec<u8>, how: [u8; 6]) {
    let length = file.len();
    if length < 16 {
        return;
    }
    let place = |low: u8, high: u8| {
        let wanted = usize::from(u16::from_le_bytes([low, high]));
        // What lies between the header and the first leaf says nothing.
        let spoken = length.saturating_sub(PAGE) + 72;
        let at = wanted % spoken;
        (if at < 72 { at } else { at - 72 + PAGE }).min(length - 1)
    };
    let (first, second) = (place(how[1], how[2]), place(how[3], how[4]));
    match how[0] % 5 {
        0 => file[first] ^= 1 << (how[5] % 8),
        1 => file[first] = how[5],
        2 => {
            let width = [4, 8, 48, 256][usize::from(how[5] % 4)].min(length / 4);
            let (low, high) = (first.min(second), first.max(second));
            if low + width <= high && high + width <= length {
                let (left, right) = file.split_at_mut(high);
                left[low..low + width].swap_with_slice(&mut right[..width]);
            }
        }
        3 => {
            let width = usize::from(how[5]).min(length - first).min(length - second);
            file.copy_within(first..first + width, second);
        }
        _ if how[5].is_multiple_of(8) => file.truncate(first),
        _ => file[first..].iter_mut().take(8).for_each(|byte| *byte = how[5]),
    }
}

/// What came of an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The file was refused.
    Refused,
    /// It was opened, and the map was sound.
    Opened,
}

/// Opens what the bytes make of a file at a path, and sees that a map that opens is a sound one: that it answers as
/// its own entries say, and takes inserts.
///
/// The first byte says how: bit 0, whether the rest is a whole file or a list of changes, six bytes each, to `sample`;
/// bit 1, whether checksums are made right; bits 2 and 3, whether inserts are tried.
pub(crate) fn attack(path: &Path, sample: &[u8], bytes: &[u8]) -> Outcome {
    let Some((mode, bytes)) = bytes.split_first() else { return Outcome::Refused };
    let mut file = sample.to_vec();
    if mode & 1 != 0 {
        file = bytes.to_vec();
    } else {
        bytes.as_chunks().0.iter().for_each(|how| change(&mut file, *how));
    }
    if mode & 2 != 0 && file.len() >= PAGE {
        forge_checksums(&mut file);
    }
    std::fs::write(path, &file).expect("room on the disk");
    let Ok(mut map) = open(path) else { return Outcome::Refused };
    assert!(map.len() <= file.len() / 16, "no more entries than fit");
    let mut model: BTreeMap<u64, u64> = map.iter().collect();
    assert_eq!(map.len(), model.len());
    for key in model.keys().copied().chain([0, 1, 1 << 50, u64::MAX]) {
        assert_eq!(map.get(key), model.get(&key).copied());
        let above = key.wrapping_add(1);
        assert_eq!(map.lower_bound(above), model.range(above..).next().map(|(key, value)| (*key, *value)));
    }
    if mode & 12 == 12 {
        for at in 0..200u64 {
            let key = if at % 2 == 0 { at << 41 } else { (1 << 50) + (1 << (at % 50)) + at / 3 };
            assert_eq!(map.insert(key, at).expect("room on the disk"), model.insert(key, at));
        }
        assert!(map.iter().eq(model));
    }
    Outcome::Opened
}
