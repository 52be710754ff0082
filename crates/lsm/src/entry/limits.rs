//! The longest keys and values that the formats of this crate can hold.

/// The longest key that a table holds, in bytes: a user key of 65,535 bytes after the four of its keyspace.
pub(crate) const MAX_KEY_BYTES: usize = 65_535 + 4;

/// The longest bound of a range of keys, in bytes: the successor of a longest key, which has a zero more.
pub(crate) const MAX_BOUND_BYTES: usize = MAX_KEY_BYTES + 1;

/// The longest value, in bytes. A block holds at least one entry and measures itself in 32 bits; the last
/// mebibyte of that is left for the key and the block's own fields.
pub(crate) const MAX_VALUE_BYTES: usize = (u32::MAX - (1 << 20)) as usize;

/// The most bytes that stand in front of a marked value.
pub(crate) const MAX_MARK_BYTES: usize = 11;
