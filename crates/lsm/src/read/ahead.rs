//! What a scan has read and not yet handed out: keys and values one behind the other, read in one go.

use std::cell::Cell;
use std::ops::Range;

use crate::entry::KeyBound;
use crate::merging::Taker;

/// The fewest and the most entries that are read in one go: a scan that goes on reads three times as many each time.
const FEWEST: usize = 4;
const MOST: usize = 128;
/// So many bytes end it, too.
const MOST_BYTES: usize = 16 << 10;

thread_local! {
    /// What the scan that ended last in this thread had to read to: short scans spend much of their time on memory.
    static SPARE: Cell<Option<(Vec<u8>, Vec<Place>)>> = const { Cell::new(None) };
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct ReadAhead {
    /// The key before all that was read, and then keys and values.
    bytes: Vec<u8>,
    /// Where the key ends that was read last.
    last_key: Range<usize>,
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

    /// Forgets all entries, and makes room for more than there were before.
    pub(super) fn begin(&mut self) {
        if self.bytes.capacity() == 0
            && let Some(spare) = SPARE.try_with(Cell::take).ok().flatten()
        {
            (self.bytes, self.entries) = spare;
        }
        self.forget();
        self.wanted = (3 * self.wanted).clamp(FEWEST, MOST);
    }

    /// Whether nothing was taken.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes what comes next of the keys below `end`.
    pub(super) fn up_to<'a>(&'a mut self, end: &'a [u8]) -> ReadUpTo<'a> {
        ReadUpTo { ahead: self, end: KeyBound::new(end) }
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
        self.last_key = key.clone();
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

    /// Key and value of the entry that was gone on to last, if any was since more was read.
    #[inline]
    pub(super) fn present(&self) -> Option<(&[u8], &[u8])> {
        let place = &self.entries[self.next.checked_sub(1)?];
        Some((&self.bytes[place.key.clone()], &self.bytes[place.key.end..place.value_end]))
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        if (1..=2 * MOST_BYTES).contains(&self.bytes.capacity()) {
            let spare = (std::mem::take(&mut self.bytes), std::mem::take(&mut self.entries));
            // While the thread ends there is no place for it any more.
            let _ = SPARE.try_with(|place| place.set(Some(spare)));
        }
    }
}

/// Fills what is read ahead with the entries of keys below another.
#[derive(Debug)]
pub(super) struct ReadUpTo<'a> {
    ahead: &'a mut ReadAhead,
    end: KeyBound<'a>,
}

impl Taker for ReadUpTo<'_> {
    fn begin(&mut self, key: &[u8]) {
        let ahead = &mut *self.ahead;
        ahead.begin();
        ahead.bytes.extend_from_slice(key);
        ahead.last_key = 0..key.len();
    }

    #[inline]
    fn last_key(&self) -> &[u8] {
        &self.ahead.bytes[self.ahead.last_key.clone()]
    }

    #[inline]
    fn take(&mut self, key: &[u8], value: &[u8]) -> bool {
        self.end.compare(key).is_lt() && self.ahead.take(key, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gives_what_it_took_and_takes_no_more_than_its_limits() {
        let mut ahead = ReadAhead::default();
        assert_eq!(ahead.present(), None);
        for expected in [4, 12, 36, 108, 128, 128] {
            let mut reader = ahead.up_to(&[210]);
            reader.begin(b"before");
            assert_eq!(reader.last_key(), b"before");
            let taken = (0..200_u8).take_while(|number| reader.take(&[*number; 3], &[*number])).count();
            assert_eq!(reader.last_key(), &[taken as u8 - 1; 3]);
            assert_eq!(taken, expected);
            assert_eq!(ahead.present(), None);
            for number in 0..taken as u8 {
                assert!(!ahead.advance(|_| false));
                assert!(ahead.advance(|key| key == [number; 3]));
                assert_eq!(ahead.present(), Some((&[number; 3][..], &[number][..])));
            }
            assert!(!ahead.advance(|_| true));
        }
        let mut reader = ahead.up_to(b"l");
        reader.begin(b"");
        assert!(!reader.take(b"key", &[0; MOST_BYTES]));
        assert!(!reader.take(b"l", b"") && reader.take(b"", b"") && reader.take(b"kz", b""));
    }
}
