//! Who has tried in vain for a while to make values smaller tries seldom from then on.

use std::sync::atomic::{AtomicU8, Ordering};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::keyspace::number_of;

/// After so many values in a row of which none could be packed,
const MOST_IN_VAIN: u8 = 16;
/// only one of so many is tried, as key and value tell, until one can be packed.
const ONE_OF: u64 = 16;

/// Keyspaces share a place where there are more than these. A power of two.
const PLACES: usize = 64;

/// How many values in a row could not be packed, keyspace by keyspace. What is tried depends on that and on what is
/// put, not on clocks, so that the same writes in the same order by one thread are stored alike.
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
    pub(crate) fn is_worth(self, key: &[u8], value: &[u8]) -> bool {
        self.in_vain.load(Ordering::Relaxed) < MOST_IN_VAIN || is_drawn(key, value)
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

/// Whether a put is one of those that stand for all, as its key and the first bytes of its value tell: keys may be few,
/// or end alike.
fn is_drawn(key: &[u8], value: &[u8]) -> bool {
    let mut first = [0; 8];
    let bytes = &value[..value.len().min(first.len())];
    first[..bytes.len()].copy_from_slice(bytes);
    xxh3_64_with_seed(key, u64::from_le_bytes(first)).is_multiple_of(ONE_OF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_many_in_vain_few_are_tried_and_one_that_succeeds_makes_all_tried_again() {
        let attempts = PackingAttempts::default();
        let keys: Vec<String> = (0..4096).map(|number| format!("user{number:06}/profile")).collect();
        let tried = |number: u32| {
            let attempts = attempts.of(&number.to_be_bytes());
            keys.iter().filter(|key| attempts.is_worth(key.as_bytes(), b"the same")).count()
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
        // One key with ever other values, of any length.
        let values = (0..4096_u32).map(|number| number.to_le_bytes().repeat(1 + number as usize % 3));
        let drawn = values.filter(|value| is_drawn(b"one", value)).count();
        assert!((100..512).contains(&drawn), "{drawn}");
    }
}
