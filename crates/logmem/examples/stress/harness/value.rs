//! Keys and values that tell whose they are: `checksum, key, revision, body`, the checksum over the rest.

use xxhash_rust::xxh3::xxh3_64;

use super::Flaw;

/// Bytes of a value beside its body.
pub(crate) const VALUE_HEAD: usize = 24;

/// The bytes of key number `key`: eight, and up to sixteen more.
pub(crate) fn key_bytes(key: u64) -> Vec<u8> {
    let mut bytes = key.to_le_bytes().to_vec();
    bytes.resize(8 + (key % 17) as usize, key as u8);
    bytes
}

/// The number that [`key_bytes`] was given.
pub(crate) fn key_number(bytes: &[u8]) -> Result<u64, Flaw> {
    let number = bytes.first_chunk().map(|first| u64::from_le_bytes(*first));
    match number.filter(|number| key_bytes(*number) == bytes) {
        Some(number) => Ok(number),
        None => Err(Flaw(format!("a key that nobody wrote: {bytes:?}"))),
    }
}

/// Replaces `out` by the value of revision `revision` of `key`, `length` bytes long or a little longer.
pub(crate) fn write_value(key: u64, revision: u64, length: usize, out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&key.to_le_bytes());
    out.extend_from_slice(&revision.to_le_bytes());
    let mut word = key.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ revision;
    while out.len() < length.max(VALUE_HEAD) {
        word = word.wrapping_mul(0xd129_0d3c_9d2c_8b5d).wrapping_add(1);
        out.extend_from_slice(&word.to_le_bytes());
    }
    let checksum = xxh3_64(&out[8..]);
    out[..8].copy_from_slice(&checksum.to_le_bytes());
}

/// The revision of a value that was read for `key`.
pub(crate) fn revision_of(key: u64, value: &[u8]) -> Result<u64, Flaw> {
    let word = |at: usize| value.get(at..)?.first_chunk().map(|word| u64::from_le_bytes(*word));
    let (Some(checksum), Some(owner), Some(revision)) = (word(0), word(8), word(16)) else {
        return Err(Flaw(format!("key {key}: a value of {} bytes, shorter than any written", value.len())));
    };
    let whole = checksum == xxh3_64(&value[8..]);
    Flaw::unless(whole, || format!("key {key}: wrong bytes in a value of {} bytes", value.len()))?;
    Flaw::unless(owner == key, || format!("key {key}: the value of key {owner}"))?;
    Ok(revision)
}
