//! The order of entries: user keys ascending, and of one key the newest first.

use std::cmp::Ordering;

use super::Kind;

/// The number of a write. Every write of a database has its own, larger than that of all writes before it,
/// also within one batch. Zero is before the first write.
pub type Sequence = u64;

/// The largest sequence: tables and logs keep it with the kind in one 64-bit word.
pub(crate) const MAX_SEQUENCE: Sequence = (1 << 56) - 1;

/// The first key after `key`: that key and a zero byte.
pub(crate) fn successor(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

/// An entry borrowed from where it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntryRef<'a> {
    /// The key as the sources know it (the keyspace's prefix included).
    pub(crate) user_key: &'a [u8],
    /// Which write this is.
    pub(crate) sequence: Sequence,
    /// What it did.
    pub(crate) kind: Kind,
    /// The value; empty for a delete.
    pub(crate) value: &'a [u8],
}

impl EntryRef<'_> {
    /// How this entry stands to the position `(key, sequence)` in the order of entries.
    pub(crate) fn compare_to(&self, key: &[u8], sequence: Sequence) -> Ordering {
        compare((self.user_key, self.sequence), (key, sequence))
    }
}

/// The order of entries: user key ascending, then sequence descending. `(key, snapshot)` is therefore the
/// position at or after which the newest version of `key` that the snapshot sees is found.
pub(crate) fn compare(left: (&[u8], Sequence), right: (&[u8], Sequence)) -> Ordering {
    left.0.cmp(right.0).then_with(|| right.1.cmp(&left.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_versions_of_a_key_come_first() {
        assert_eq!(compare((b"a", 7), (b"a", 3)), Ordering::Less);
        assert_eq!(compare((b"a", 3), (b"a", 7)), Ordering::Greater);
        assert_eq!(compare((b"a", 0), (b"b", 9)), Ordering::Less);
        assert_eq!(compare((b"", 0), (b"a", MAX_SEQUENCE)), Ordering::Less);
        assert_eq!(compare((b"ab", 5), (b"ab", 5)), Ordering::Equal);
    }
}
