//! A key that many others are compared with: told by the first sixteen bytes as a number, mostly.

use std::cmp::Ordering;

use stroma_strata::key_head;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyBound<'k> {
    key: &'k [u8],
    head: u128,
}

impl<'k> KeyBound<'k> {
    pub(crate) fn new(key: &'k [u8]) -> Self {
        KeyBound { key, head: key_head(key) }
    }

    /// How `key` stands to the bound.
    #[inline]
    pub(crate) fn compare(&self, key: &[u8]) -> Ordering {
        // Heads are filled up with zeros, so that only equal ones leave anything open.
        match key_head(key).cmp(&self.head) {
            Ordering::Equal => key.cmp(self.key),
            unequal => unequal,
        }
    }
}

/// Whether two keys are equal; where they are neighbours in an order and differ, it is mostly at their ends.
#[inline]
pub(crate) fn is_same_key(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.last_chunk::<8>() == other.last_chunk::<8>() && one == other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_to_a_bound_as_to_its_key() {
        let mut keys: Vec<Vec<u8>> = vec![Vec::new()];
        for length in [1, 3, 7, 8, 15, 16, 17, 20] {
            for last in [0, 1, 0x7f, 0xff] {
                for fill in [0, 9, 0xff] {
                    let mut key = vec![fill; length];
                    key[length - 1] = last;
                    keys.push(key);
                }
            }
        }
        for one in &keys {
            for other in &keys {
                assert_eq!(KeyBound::new(other).compare(one), one.cmp(other), "{one:?} {other:?}");
                assert_eq!(is_same_key(one, other), one == other, "{one:?} {other:?}");
            }
        }
    }
}
