//! Byte-string keys as 8-byte integers: the shared prefix stripped, the next eight bytes kept.

/// Where a byte string lies relative to the strings of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Head {
    /// Below every string that has the prefix.
    Below,
    /// It has the prefix; these are its next eight bytes, big-endian, filled up with zeros.
    Within(u64),
    /// Above every string that has the prefix.
    Above,
}

/// Turns the byte strings between two others into integers in the same order.
///
/// All strings between `first` and `last` share the prefix those two share. What tells them apart comes
/// after it, so the eight bytes behind the prefix are what an [`Index`](crate::Index)`<u64>` should be
/// built over. Order is kept but not always strictly: strings that differ later than that have equal
/// heads, and the caller compares whole strings between lower and upper bound.
///
/// ```
/// use stroma_hybrid::{Head, PrefixedHead};
///
/// let heads = PrefixedHead::new(b"user:aaron", b"user:zoe");
/// assert_eq!(heads.prefix(), b"user:");
/// assert_eq!(heads.head(b"user:b"), Head::Within(u64::from_be_bytes(*b"b\0\0\0\0\0\0\0")));
/// assert_eq!(heads.head(b"group:x"), Head::Below);
/// assert_eq!(heads.head(b"zebra"), Head::Above);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrefixedHead {
    prefix: Box<[u8]>,
}

impl PrefixedHead {
    /// For the strings from `first` to `last`, inclusive.
    pub fn new(first: &[u8], last: &[u8]) -> Self {
        let shared = first.iter().zip(last).take_while(|(a, b)| a == b).count();
        Self { prefix: first[..shared].into() }
    }

    /// For strings known to begin with `prefix`, such as one read from a file.
    pub fn with_prefix(prefix: &[u8]) -> Self {
        Self { prefix: prefix.into() }
    }

    /// The prefix that is stripped.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// The head of a string, in O(prefix). If `a <= b` then `head(a) <= head(b)`.
    #[inline]
    pub fn head(&self, key: &[u8]) -> Head {
        if let Some(rest) = key.strip_prefix(&*self.prefix) {
            let mut head = [0; 8];
            let taken = rest.len().min(8);
            head[..taken].copy_from_slice(&rest[..taken]);
            Head::Within(u64::from_be_bytes(head))
        } else if key < &*self.prefix {
            Head::Below
        } else {
            Head::Above
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 300,
            rng_seed: RngSeed::Fixed(1),
            failure_persistence: None,
            ..Default::default()
        })]

        #[test]
        fn keeps_order_and_keeps_all_between_within(
            mut keys in prop::collection::vec(prop::collection::vec(0u8..3, 0..6), 2..20)
        ) {
            keys.sort();
            let heads = PrefixedHead::new(&keys[3 % keys.len()], &keys[keys.len() - 1]);
            let all: Vec<Head> = keys.iter().map(|key| heads.head(key)).collect();
            prop_assert!(all.is_sorted(), "{:?} {:?}", keys, all);
            for head in &all[3 % keys.len()..] {
                prop_assert!(matches!(head, Head::Within(_)));
            }
        }
    }
}
