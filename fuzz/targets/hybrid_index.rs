//! Bytes as a serialised hybrid index, or as changes to one that is whole under a right checksum; then look-ups in what
//! it claims to be.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stroma_hybrid::{CostModelPolicy, ForcePolicy, Index, IndexRef, LayerKind};
use xxhash_rust::xxh3::xxh3_64;

const KINDS: [LayerKind; 4] = [LayerKind::BTree, LayerKind::Linear, LayerKind::SPlus, LayerKind::RadixSpline];

fuzz_target!(|bytes: &[u8]| {
    // Steep here and flat there, so that lines and splines have many pieces.
    let keys: Vec<u64> = (0..1000u64).map(|key| (key * key) << (key / 100)).collect();
    attack(&keys, bytes);
    if let Some((which, changes)) = bytes.split_first() {
        attack(&keys, &changed(&keys, *which, changes));
    }
});

/// An index over the keys, of a kind that `which` chooses, with some of its bytes changed: two bytes of `changes` say
/// where, one how.
fn changed(keys: &[u64], which: u8, changes: &[u8]) -> Vec<u8> {
    let index = match KINDS.get(usize::from(which % 5)) {
        Some(kind) => Index::build(keys, &ForcePolicy(*kind)),
        None => Index::build(keys, &CostModelPolicy::default()),
    };
    let mut stored = index.expect("keys ascend").to_bytes();
    let body = stored.len() - 8;
    for change in changes.chunks_exact(3) {
        stored[usize::from(u16::from_le_bytes([change[0], change[1]])) % body] ^= change[2];
    }
    let checksum = xxh3_64(&stored[..body]);
    stored[body..].copy_from_slice(&checksum.to_le_bytes());
    stored
}

fn attack(keys: &[u64], stored: &[u8]) {
    let Ok(index) = IndexRef::<u64>::open(stored, keys.len()) else { return };
    let searched = [0, 1, 1500, 99 * 99, 1 << 29, u64::MAX];
    let mut together = [0; 6];
    index.lower_bound_batch(keys, &searched, &mut together);
    for (key, together) in searched.into_iter().zip(together) {
        let position = keys.partition_point(|candidate| *candidate < key);
        assert_eq!(index.lower_bound(keys, key), position);
        assert_eq!(together, position);
    }
}
