//! What a scan has read and not yet handed out: keys and values one behind the other, read in one go.

use std::ops::Range;

/// The fewest and the most entries that are read in one go: a scan that goes on reads twice as many each time.
const FEWEST: usize = 4;
const MOST: usize = 64;
/// So many bytes end it, too.
const MOST_BYTES: usize = 16 << 10;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct ReadAhead {
    bytes: Vec<u8>,
    entries: Vec<Place>,
    /// Those before were handed out.
    next: usize,
    /// How many are to be read next, at most.
    wanted: usize,
}

/// Where a key ends and its value begins, and where that ends.
#[derive(Debug, Clone)]
struct Place {
    key: Range<usize>,
    value_end: usize,
}

impl ReadAhead {
    /// Forgets all entries.
    pub(super) fn forget(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.next = 0;
    }

    /// Forgets all entries, and makes ready for what comes next.
    pub(super) fn begin(&mut self) {
        self.forget();
        self.wanted = (2 * self.wanted).clamp(FEWEST, MOST);
    }

    /// Adds an entry; answers whether that was possible.
    #[inline]
    pub(super) fn take(&mut self, key: &[u8], value: &[u8]) -> bool {
        if self.entries.len() == self.wanted || self.bytes.len() + key.len() + value.len() > MOST_BYTES {
            return false;
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        let key = start..self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.entries.push(Place { key, value_end: self.bytes.len() });
        true
    }

    /// Goes on to the next entry, if there is one and `within` is true of its key.
    #[inline]
    pub(super) fn advance(&mut self, within: impl FnOnce(&[u8]) -> bool) -> bool {
        let goes_on = self.entries.get(self.next).is_some_and(|place| within(&self.bytes[place.key.clone()]));
        self.next += usize::from(goes_on);
        goes_on
    }

    /// Key and value of the entry that was gone on to last, if any was since [`ReadAhead::begin`].
    #[inline]
    pub(super) fn present(&self) -> Option<(&[u8], &[u8])> {
        let place = &self.entries[self.next.checked_sub(1)?];
        Some((&self.bytes[place.key.clone()], &self.bytes[place.key.end..place.value_end]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gives_what_it_took_and_takes_no_more_than_its_limits() {
        let mut ahead = ReadAhead::default();
        assert_eq!(ahead.present(), None);
        for expected in [4, 8, 16, 32, 64, 64] {
            ahead.begin();
            let taken = (0..100_u8).take_while(|number| ahead.take(&[*number; 3], &[*number])).count();
            assert_eq!(taken, expected);
            assert_eq!(ahead.present(), None);
            for number in 0..taken as u8 {
                assert!(!ahead.advance(|_| false));
                assert!(ahead.advance(|key| key == [number; 3]));
                assert_eq!(ahead.present(), Some((&[number; 3][..], &[number][..])));
            }
            assert!(!ahead.advance(|_| true));
        }
        ahead.begin();
        assert!(!ahead.take(b"key", &[0; MOST_BYTES]));
        assert!(ahead.take(b"", b""));
    }
}
