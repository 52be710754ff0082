//! A place in the order of entries, with the head of its key taken off once for many comparisons.

use std::cmp::Ordering;

/// The first twelve bytes of a key, padded with zeros, as numbers that order as the bytes do. Whoever keeps heads
/// beside locations decides most comparisons without a look at the entries themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Head {
    /// Bytes 0 to 7.
    pub(crate) first: u64,
    /// Bytes 8 to 11.
    pub(crate) rest: u32,
}

impl Head {
    /// Bytes of a key that its head holds.
    pub(crate) const BYTES: usize = 12;

    /// Both parts as one number.
    #[inline]
    pub(crate) fn to_number(self) -> u128 {
        u128::from(self.first) << 32 | u128::from(self.rest)
    }

    /// The head of `key`.
    #[inline]
    pub(crate) fn of(key: &[u8]) -> Head {
        if let Some((first, behind)) = key.split_first_chunk::<8>()
            && let Some(rest) = behind.first_chunk::<4>()
        {
            return Head { first: u64::from_be_bytes(*first), rest: u32::from_be_bytes(*rest) };
        }
        let mut padded = [0; 16];
        padded[..key.len()].copy_from_slice(key);
        let number = u128::from_be_bytes(padded);
        Head { first: (number >> 64) as u64, rest: (number >> 32) as u32 }
    }
}

/// A key and a sequence to look for. Entries are in the order of their keys, and of one key the newest comes first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    head: Head,
    key: &'a [u8],
    sequence: u64,
}

impl<'a> Target<'a> {
    /// The place of `(key, sequence)`.
    #[inline]
    pub(crate) fn new(key: &'a [u8], sequence: u64) -> Self {
        Target { head: Head::of(key), key, sequence }
    }

    /// The head of its key.
    #[inline]
    pub(crate) fn head(&self) -> Head {
        self.head
    }

    /// How an entry stands to it, whose key has this head. The entry's key and sequence are asked for only if the
    /// heads are alike.
    #[inline]
    pub(crate) fn compare<'k>(&self, head: Head, entry: impl FnOnce() -> (&'k [u8], u64)) -> Ordering {
        head.cmp(&self.head).then_with(|| {
            let (key, sequence) = entry();
            key.cmp(self.key).then_with(|| self.sequence.cmp(&sequence))
        })
    }

    /// Whether an entry has its key; the entry's is asked for only if the heads are alike.
    #[inline]
    pub(crate) fn has_key<'k>(&self, head: Head, key: impl FnOnce() -> &'k [u8]) -> bool {
        head == self.head && key() == self.key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_order_as_their_keys_do() {
        let keys: [&[u8]; 8] =
            [b"", b"\0\0", b"a", b"a longer", b"a longer b", b"a longer key", b"a longer key2", b"b"];
        for pair in keys.windows(2) {
            assert!(Head::of(pair[0]) <= Head::of(pair[1]), "{pair:?}");
        }
        assert_eq!(Head::of(keys[5]), Head::of(keys[6]));
        assert_eq!(
            Head::of(b"\x01\0\0\0\0\0\0\x02\x03\0\0\x04"),
            Head { first: 1 << 56 | 2, rest: 3 << 24 | 4 }
        );
    }

    #[test]
    fn newer_versions_of_a_key_come_first() {
        let target = Target::new(b"key", 7);
        let stands = |key: &'static [u8], sequence| target.compare(Head::of(key), || (key, sequence));
        assert_eq!(stands(b"key", 8), Ordering::Less);
        assert_eq!(stands(b"key", 7), Ordering::Equal);
        assert_eq!(stands(b"key", 6), Ordering::Greater);
        assert_eq!(stands(b"kex", 1), Ordering::Less);
        // Heads of these are alike.
        assert_eq!(stands(b"key\0", 9), Ordering::Greater);
    }
}
