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

/// Makes `copy` the same as `key`, without a call where that is of a usual length and as long as the one before.
#[inline(always)]
pub(crate) fn copy_key(copy: &mut Vec<u8>, key: &[u8]) {
    if copy.len() == key.len() {
        copy_bytes(copy, key);
    } else {
        copy.clear();
        copy.extend_from_slice(key);
    }
}

/// Copies bytes to as many, without a call if they are from 4 to 32.
#[inline(always)]
pub(crate) fn copy_bytes(to: &mut [u8], from: &[u8]) {
    /// Two overlapping pieces make up to twice as many bytes.
    #[inline(always)]
    fn copy_ends<const N: usize>(to: &mut [u8], from: &[u8]) -> bool {
        let (Some(first), Some(last)) = (from.first_chunk::<N>(), from.last_chunk::<N>()) else {
            return false;
        };
        if let Some(place) = to.first_chunk_mut() {
            *place = *first;
        }
        if let Some(place) = to.last_chunk_mut() {
            *place = *last;
        }
        true
    }
    let is_copied = match from.len() {
        16..=32 => copy_ends::<16>(to, from),
        8..16 => copy_ends::<8>(to, from),
        4..8 => copy_ends::<4>(to, from),
        _ => false,
    };
    if !is_copied {
        to.copy_from_slice(from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_all_lengths_are_the_same() {
        let bytes: Vec<u8> = (0..100).collect();
        let mut copy = Vec::new();
        for length in (0..70).chain([3, 9, 40]) {
            for start in 0..3 {
                copy_key(&mut copy, &bytes[start..start + length]);
                assert_eq!(copy, bytes[start..start + length]);
            }
        }
    }

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
