//! An entry's bytes in log-structured memory: the length of its key (four bytes, little-endian), key, value.

/// Bytes of the key length in front of an entry.
pub(super) const KEY_LENGTH_BYTES: usize = 4;

/// An entry's key and value.
#[inline]
pub(crate) fn split_entry(entry: &[u8]) -> (&[u8], &[u8]) {
    let Some((length, rest)) = entry.split_first_chunk::<KEY_LENGTH_BYTES>() else {
        return (&[], &[]);
    };
    rest.split_at_checked(u32::from_le_bytes(*length) as usize).unwrap_or_default()
}
