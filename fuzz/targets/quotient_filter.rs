//! Bytes as a serialised counting quotient filter, or as changes to one that is whole under right checksums;
//! then every call that reads it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stroma_quotient::{CountingFilter, Key, Memory, QuotientFilter, StoredMap, WideCountingFilter};

#[path = "../../crates/quotient/tests/shared/forge.rs"]
mod forge;

fuzz_target!(|bytes: &[u8]| {
    open(bytes);
    if let Some((shape, changes)) = bytes.split_first() {
        let (remainder_bits, value_bits) =
            [(1, 0), (9, 0), (9, 3), (42, 0), (40, 18)][usize::from(shape % 5)];
        let mut forged = forge::sample(remainder_bits, value_bits).to_bytes();
        let length = forged.len();
        // Two bytes say where, one how.
        for change in changes.chunks_exact(3) {
            forged[usize::from(u16::from_le_bytes([change[0], change[1]])) % length] ^= change[2];
        }
        forge::reseal(&mut forged);
        open(&forged);
    }
});

fn open(bytes: &[u8]) {
    if let Ok(map) = StoredMap::open(bytes) {
        read(&map, 7_u64);
    }
    if let Ok(map) = StoredMap::open(bytes) {
        read(&map, 7_u128);
    }
    if let Ok(filter) = CountingFilter::open(Memory::from(bytes.to_vec())) {
        try_everything(filter, 7);
    }
    if let Ok(filter) = WideCountingFilter::open(Memory::from(bytes.to_vec())) {
        try_everything(filter, 7);
    }
}

fn read<K: Key>(map: &StoredMap<'_, K>, probe: K) {
    let keys: Vec<K> = map.walk().take(1000).map(|(key, _)| key).collect();
    assert!(keys.len() as u64 <= map.len() && keys.is_sorted());
    map.get_each(&keys, |key, value| assert!(map.get(key) == value));
    let _ = (map.get(probe), map.verify());
}

fn try_everything<K: Key>(mut filter: QuotientFilter<K>, probe: K) {
    let entries: Vec<_> = filter.iter().take(1000).collect();
    for entry in &entries {
        assert!(filter.get(entry.key) == entry.counted());
    }
    assert_eq!(filter.iter_parts(3).into_iter().flatten().count() as u64, filter.distinct());
    let _ = filter.get(probe);
    let _ = filter.insert(probe);
    for entry in &entries {
        filter.set(entry.key, 0).expect("removal always succeeds");
    }
}
