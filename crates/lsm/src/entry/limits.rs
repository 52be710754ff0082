//! The longest keys and values that the formats of this crate can hold.

use crate::Error;
use crate::keyspace::PREFIX_BYTES;

/// The longest key that a table holds, in bytes: a user key of 65,535 bytes after its keyspace.
pub(crate) const MAX_KEY_BYTES: usize = 65_535 + PREFIX_BYTES;

/// The longest bound of a range of keys, in bytes: the successor of a longest key, which has a zero more.
pub(crate) const MAX_BOUND_BYTES: usize = MAX_KEY_BYTES + 1;

/// The longest value, in bytes. A block holds at least one entry and measures itself in 32 bits; the last
/// mebibyte of that is left for the key and the block's own fields.
pub(crate) const MAX_VALUE_BYTES: usize = (u32::MAX - (1 << 20)) as usize;

/// The most bytes that stand in front of a marked value.
pub(crate) const MAX_MARK_BYTES: usize = 11;

/// Refuses a stored key that is so long if that is too long. What is told leaves out its keyspace, which its user does
/// not know of.
pub(crate) fn check_key(stored_bytes: usize) -> Result<(), Error> {
    check("key", stored_bytes.saturating_sub(PREFIX_BYTES), MAX_KEY_BYTES - PREFIX_BYTES)
}

/// The same for the range between two stored bounds.
pub(crate) fn check_bounds(start: &[u8], end: &[u8]) -> Result<(), Error> {
    let longest = start.len().max(end.len());
    check("bound of a range", longest.saturating_sub(PREFIX_BYTES), MAX_BOUND_BYTES - PREFIX_BYTES)
}

/// Refuses a value that is too long.
pub(crate) fn check_value(bytes: usize) -> Result<(), Error> {
    check("value", bytes, MAX_VALUE_BYTES)
}

fn check(what: &'static str, bytes: usize, limit: usize) -> Result<(), Error> {
    if bytes > limit {
        return Err(Error::TooLarge { what, bytes: bytes as u64, limit: limit as u64 });
    }
    Ok(())
}
