//! Who has tried in vain for a while to make values smaller tries seldom from then on.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::keyspace::number_of;

/// After so many values in a row of which none could be packed,
const MOST_IN_VAIN: u8 = 16;
/// only one of so many is tried, as their keys tell, until one can be packed. A power of two.
const ONE_OF: u64 = 16;

/// Keyspaces share a place where there are more than these. A power of two.
const PLACES: usize = 64;

/// How many values in a row could not be packed, keyspace by keyspace. What is tried depends on that and on keys, not
/// on threads or clocks, so that the same writes in the same order are stored alike.
#[derive(Debug)]
pub(crate) struct PackingAttempts([AtomicU8; PLACES]);

impl Default for PackingAttempts {
    fn default() -> Self {
        PackingAttempts([const { AtomicU8::new(0) }; PLACES])
    }
}

impl PackingAttempts {
    /// The attempts in the keyspace of a stored key, or of its prefix.
    #[inline]
    pub(super) fn of(&self, stored_key: &[u8]) -> Attempts<'_> {
        let number = number_of(stored_key).unwrap_or_default();
        Attempts { in_vain: &self.0[number as usize % PLACES] }
    }
}

/// The attempts in one keyspace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempts<'a> {
    in_vain: &'a AtomicU8,
}

impl Attempts<'_> {
    /// Whether the value of a key is to be tried.
    #[inline]
    pub(crate) fn is_worth(self, key: &[u8]) -> bool {
        self.in_vain.load(Ordering::Relaxed) < MOST_IN_VAIN || is_drawn(key)
    }

    /// Notes how one ended. The count may miss some where several threads write, and is written only where it changes.
    #[inline]
    pub(super) fn note(self, is_packed: bool) {
        let in_vain = self.in_vain.load(Ordering::Relaxed);
        let now = if is_packed { 0 } else { in_vain.saturating_add(1).min(MOST_IN_VAIN) };
        if now != in_vain {
            self.in_vain.store(now, Ordering::Relaxed);
        }
    }
}

/// Whether a key is one of those that stand for all.
fn is_drawn(key: &[u8]) -> bool {
    let mut last = [0; 8];
    let bytes = &key[key.len().saturating_sub(last.len())..];
    last[..bytes.len()].copy_from_slice(bytes);
    // The upper bits of a product depend on all of what is multiplied.
    u64::from_le_bytes(last).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - ONE_OF.trailing_zeros()) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_many_in_vain_few_are_tried_and_one_that_succeeds_makes_all_tried_again() {
        let attempts = PackingAttempts::default();
        let keys: Vec<[u8; 8]> = (0..4096_u64).map(u64::to_be_bytes).collect();
        let tried = |number: u32| {
            let attempts = attempts.of(&number.to_be_bytes());
            keys.iter().filter(|key| attempts.is_worth(*key)).count()
        };
        let of_first = attempts.of(&7_u32.to_be_bytes());
        for _ in 0..MOST_IN_VAIN - 1 {
            of_first.note(false);
            assert_eq!(tried(7), 4096);
        }
        of_first.note(false);
        assert!((128..512).contains(&tried(7)), "{}", tried(7));
        assert_eq!(tried(8), 4096, "another keyspace");
        (0..300).for_each(|_| of_first.note(false));
        of_first.note(true);
        assert_eq!(tried(7), 4096);
        // Keys of any length.
        assert!([&b""[..], b"a", b"abcdefghijkl"].into_iter().any(|key| !is_drawn(key)));
    }
}
