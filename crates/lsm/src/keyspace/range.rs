//! Ranges of a keyspace's keys as half-open ranges of stored keys.

use std::ops::{Bound, RangeBounds};

/// Bytes in front of every key that number its keyspace.
pub(crate) const PREFIX_BYTES: usize = 4;

/// What stands in front of the keys of keyspace `id`.
pub(crate) fn prefix(id: u32) -> [u8; PREFIX_BYTES] {
    id.to_be_bytes()
}

/// The number of the keyspace of a stored key.
#[inline]
pub(crate) fn number_of(key: &[u8]) -> Option<u32> {
    key.first_chunk().map(|prefix| u32::from_be_bytes(*prefix))
}

/// Keys up to this length, prefix included, are looked up without an allocation.
const SHORT_KEY_BYTES: usize = 64;

/// Hands `key` as keyspace `id` stores it to `read`. A short one, as most are, is joined with its prefix without an
/// allocation.
#[inline]
pub(crate) fn with_stored_key<R>(id: u32, key: &[u8], read: impl FnOnce(&[u8]) -> R) -> R {
    let mut short = [0; SHORT_KEY_BYTES];
    match short.get_mut(..PREFIX_BYTES + key.len()) {
        Some(stored) => {
            stored[..PREFIX_BYTES].copy_from_slice(&prefix(id));
            stored[PREFIX_BYTES..].copy_from_slice(key);
            read(stored)
        }
        None => read(&join(id, key, false)),
    }
}

/// Stored keys from `start` up to, not including, `end`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyRange {
    pub(crate) start: Vec<u8>,
    pub(crate) end: Vec<u8>,
}

impl KeyRange {
    /// The keys of keyspace `id` within `bounds`. The last number is never given to a keyspace, so that every
    /// keyspace has an end.
    pub(crate) fn new<K: AsRef<[u8]>>(id: u32, bounds: &impl RangeBounds<K>) -> Self {
        let start = match bounds.start_bound() {
            Bound::Unbounded => prefix(id).to_vec(),
            Bound::Included(key) => join(id, key.as_ref(), false),
            Bound::Excluded(key) => join(id, key.as_ref(), true),
        };
        let end = match bounds.end_bound() {
            Bound::Unbounded => prefix(id.saturating_add(1)).to_vec(),
            Bound::Included(key) => join(id, key.as_ref(), true),
            Bound::Excluded(key) => join(id, key.as_ref(), false),
        };
        KeyRange { start, end }
    }

    /// Every stored key there can be.
    pub(crate) fn whole() -> Self {
        KeyRange { start: Vec::new(), end: prefix(u32::MAX).to_vec() }
    }

    /// The keys of keyspace `id` that begin with `start`.
    pub(crate) fn of_prefix(id: u32, start: &[u8]) -> Self {
        let start = join(id, start, false);
        // The first key after them ends where a byte can be raised. Of the keyspace's number one always can.
        let kept = start.iter().rposition(|byte| *byte < u8::MAX).map_or(0, |last| last + 1);
        let mut end = start[..kept].to_vec();
        if let Some(last) = end.last_mut() {
            *last += 1;
        }
        KeyRange { start, end }
    }

    /// Whether no key is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.start >= self.end
    }
}

/// The stored key, or the one right after it.
fn join(id: u32, key: &[u8], successor: bool) -> Vec<u8> {
    let mut joined = Vec::with_capacity(PREFIX_BYTES + key.len() + 1);
    joined.extend_from_slice(&prefix(id));
    joined.extend_from_slice(key);
    if successor {
        joined.push(0);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_become_half_open_and_stay_in_their_keyspace() {
        let all = KeyRange::new::<&[u8]>(7, &..);
        assert_eq!((all.start, all.end), (vec![0, 0, 0, 7], vec![0, 0, 0, 8]));
        let closed = KeyRange::new(255, &("a"..="b"));
        assert_eq!((closed.start, closed.end), (vec![0, 0, 0, 255, b'a'], vec![0, 0, 0, 255, b'b', 0]));
        let open = KeyRange::new::<&str>(1, &(Bound::Excluded("a"), Bound::Excluded("b")));
        assert_eq!((open.start, open.end), (vec![0, 0, 0, 1, b'a', 0], vec![0, 0, 0, 1, b'b']));
        assert!(KeyRange::new(1, &("b".."a")).is_empty());
    }
}
