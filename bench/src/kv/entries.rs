//! The data of the suite: random keys of 16 bytes, values of 100 bytes of which half can be compressed.

use super::engine::Entry;
use crate::random::mix;

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
    for (place, chunk) in value[..50].chunks_mut(8).enumerate() {
        let bytes = mix(number.wrapping_mul(7) + place as u64).to_le_bytes();
        chunk.copy_from_slice(&bytes[..chunk.len()]);
    }
    (key(seed, number), value)
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
