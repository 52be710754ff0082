//! The data of the suite: random keys of 16 bytes, values of 100 bytes of which half can be compressed.

use super::engine::Pair;
use crate::random::mix;

/// A key and its value.
pub(super) type Entry = ([u8; 16], [u8; 100]);

/// The entries as engines take them.
pub(super) fn pairs(entries: &[Entry]) -> Vec<Pair<'_>> {
    entries.iter().map(|(key, value)| (key.as_slice(), value.as_slice())).collect()
}

/// The key with this number. Numbers from the count of entries on are keys that are not there.
pub(super) fn key(seed: u64, number: u64) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&mix(seed ^ number).to_be_bytes());
    key[8..].copy_from_slice(&mix(!number).to_be_bytes());
    key
}

/// The entry with this number.
pub(super) fn entry(seed: u64, number: u64) -> Entry {
    let mut value = [0; 100];
    fill_half(&mut value, number);
    (key(seed, number), value)
}

/// A value of any size: bytes that belong to the number in its first half, zeros in the second.
pub(super) fn fill_half(value: &mut [u8], number: u64) {
    let half = value.len() / 2;
    for (place, chunk) in value[..half].chunks_mut(8).enumerate() {
        let bytes = mix(number.wrapping_mul(7) + place as u64).to_le_bytes();
        chunk.copy_from_slice(&bytes[..chunk.len()]);
    }
    value[half..].fill(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_never_repeat_and_half_a_value_is_zero() {
        let keys: std::collections::BTreeSet<_> = (0..1000).map(|number| key(42, number)).collect();
        assert_eq!(keys.len(), 1000);
        let (_, value) = entry(42, 5);
        assert!(value[50..].iter().all(|byte| *byte == 0) && value[..50].iter().any(|byte| *byte != 0));
    }
}
