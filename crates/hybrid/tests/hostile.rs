//! Damaged and forged bytes: an error or a right answer, never a panic.

use stroma_hybrid::{CostModelPolicy, Error, ForcePolicy, Index, IndexRef, LayerKind};
use xxhash_rust::xxh3::xxh3_64;

fn sample(kind: LayerKind) -> (Vec<u64>, Vec<u8>) {
    let keys: Vec<u64> = (0..700).map(|i| i * i * i % 50_021 * 977).collect();
    let mut keys = keys;
    keys.sort_unstable();
    let bytes = Index::build(&keys, &ForcePolicy(kind)).expect("sorted").to_bytes();
    (keys, bytes)
}

#[test]
fn every_flipped_byte_and_every_cut_is_noticed() {
    for kind in LayerKind::ALL {
        let (keys, bytes) = sample(kind);
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            assert!(IndexRef::<u64>::open(&damaged, keys.len()).is_err(), "byte {at}");
            assert!(IndexRef::<u64>::open(&bytes[..at], keys.len()).is_err(), "cut to {at}");
            assert!(IndexRef::<u64>::open_unverified(&bytes[..at], keys.len()).is_err(), "cut to {at}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(matches!(IndexRef::<u64>::open(&longer, keys.len()), Err(Error::TrailingBytes { .. })));
    }
}

#[test]
fn wrong_use_is_told_apart() {
    let (keys, bytes) = sample(LayerKind::Linear);
    assert!(matches!(IndexRef::<i64>::open(&bytes, keys.len()), Err(Error::WrongKeyType { .. })));
    assert!(matches!(IndexRef::<u64>::open(&bytes, keys.len() + 1), Err(Error::WrongKeyCount { .. })));
    assert!(matches!(IndexRef::<u64>::open(b"not an index", 0), Err(Error::BadMagic { .. })));
    assert!(matches!(IndexRef::<u64>::open(&[], 0), Err(Error::Truncated { .. })));
    let mut later = bytes;
    later[8] = 9;
    let error = IndexRef::<u64>::open(&later, keys.len()).expect_err("version 9");
    assert_eq!(error, Error::UnsupportedVersion { found: 9, supported: 3 });
}

/// With the checksum made right again, a forged index is refused or only slow.
#[test]
fn forged_bytes_never_give_a_wrong_answer() {
    for kind in LayerKind::ALL {
        let (keys, bytes) = sample(kind);
        let (mut opened, mut refused) = (0, 0);
        for at in (0..bytes.len() - 8).flat_map(|at| [(at, 0), (at, 0xff), (at, bytes[at] ^ 0x10)]) {
            let mut forged = bytes.clone();
            forged[at.0] = at.1;
            let body = forged.len() - 8;
            let checksum = xxh3_64(&forged[..body]).to_le_bytes();
            forged[body..].copy_from_slice(&checksum);
            let Ok(index) = IndexRef::<u64>::open(&forged, keys.len()) else {
                refused += 1;
                continue;
            };
            opened += 1;
            for probe in keys.iter().step_by(41).flat_map(|key| [*key, key + 1]).chain([0, u64::MAX]) {
                assert_eq!(index.lower_bound(&keys, probe), keys.partition_point(|key| *key < probe));
            }
        }
        assert!(opened > 0 && refused > 0, "{opened} {refused}");
    }
}

#[test]
fn small_sizes_survive_a_round_trip() {
    for n in 0..40u64 {
        let keys: Vec<u64> = (0..n).collect();
        let bytes = Index::build(&keys, &CostModelPolicy::default()).expect("sorted").to_bytes();
        let index = IndexRef::<u64>::open(&bytes, keys.len()).expect("just written");
        assert_eq!(index.lower_bound(&keys, n / 2), (n / 2) as usize);
    }
}
