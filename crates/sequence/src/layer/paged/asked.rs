//! What was asked of the storage before it is touched.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use stroma_hybrid::pages::PAGE_BYTES;

/// A bit of a word for each.
const SMALL_IN_LARGE: usize = 64;

/// Which stretches of a mapped section were asked of the storage. Left to itself the system reads as much around a
/// page as it does for files that are read from front to back: megabytes, on some machines.
///
/// First some pages around each one touched are asked for. When half of the section was, or is going to be, the rest
/// is asked for in large stretches, which costs less than page after page.
#[derive(Debug)]
pub(super) struct Asked {
    /// A bit for each small stretch. Which of two threads sets it first makes no difference to anybody.
    words: Vec<AtomicU64>,
    /// Small stretches that were asked for.
    count: AtomicUsize,
}

impl Asked {
    pub(super) const SMALL: usize = 4 * PAGE_BYTES;
    pub(super) const LARGE: usize = SMALL_IN_LARGE * Self::SMALL;
    const LARGE_AT_ONCE: usize = 16;

    /// For so many bytes, none of which was asked for.
    pub(super) fn new(bytes: usize) -> Self {
        let words = (0..bytes.div_ceil(Self::LARGE)).map(|_| AtomicU64::new(0)).collect();
        Asked { words, count: AtomicUsize::new(0) }
    }

    /// So many small stretches, and then large ones.
    fn most_small(&self) -> usize {
        self.words.len() * SMALL_IN_LARGE / 2
    }

    /// The stretch to ask for before a byte is touched; none where it was asked for. It may reach beyond the end.
    pub(super) fn ask(&self, at: usize) -> Option<Range<usize>> {
        let word = self.words.get(at / Self::LARGE)?;
        let bit = 1 << (at % Self::LARGE / Self::SMALL);
        if word.load(Ordering::Relaxed) & bit != 0 {
            return None;
        }
        if self.count.fetch_add(1, Ordering::Relaxed) < self.most_small() {
            word.fetch_or(bit, Ordering::Relaxed);
            let start = at / Self::SMALL * Self::SMALL;
            return Some(start..start + Self::SMALL);
        }
        let first = at / Self::LARGE;
        Some(self.ask_large(first..(first + Self::LARGE_AT_ONCE).min(self.words.len())))
    }

    /// All there is, where somebody is going to touch so many small stretches that it is better asked for at once;
    /// none where it was, or large stretches are asked for already.
    pub(super) fn expect(&self, small: usize) -> Option<Range<usize>> {
        let most = self.most_small();
        let is_new = small >= most && self.count.fetch_max(most, Ordering::Relaxed) < most;
        is_new.then(|| self.ask_large(0..self.words.len()))
    }

    fn ask_large(&self, words: Range<usize>) -> Range<usize> {
        self.words[words.clone()].iter().for_each(|word| word.store(u64::MAX, Ordering::Relaxed));
        words.start * Self::LARGE..words.end * Self::LARGE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_asked_for_at_first_and_nothing_twice() {
        let asked = Asked::new(20 * Asked::LARGE - 5);
        assert_eq!(asked.ask(Asked::SMALL + 5), Some(Asked::SMALL..2 * Asked::SMALL));
        assert_eq!(asked.ask(2 * Asked::SMALL - 1), None);
        assert_eq!(asked.ask(20 * Asked::LARGE), None, "nothing is there");
        let small = (2..641).filter(|number| asked.ask(number * Asked::SMALL).is_some()).count();
        assert_eq!(small, 639);
        let large = asked.ask(11 * Asked::LARGE + 3 * Asked::SMALL);
        assert_eq!(large, Some(11 * Asked::LARGE..20 * Asked::LARGE));
        assert_eq!(asked.ask(19 * Asked::LARGE), None);
        assert_eq!(asked.ask(10 * Asked::LARGE + Asked::SMALL), Some(10 * Asked::LARGE..20 * Asked::LARGE));
        assert_eq!(asked.expect(usize::MAX), None, "it is asked for in large stretches");
    }

    #[test]
    fn all_is_asked_for_where_half_is_going_to_be() {
        let asked = Asked::new(2 * Asked::LARGE);
        assert!(asked.ask(0).is_some());
        assert_eq!(asked.expect(63), None);
        assert_eq!(asked.expect(64), Some(0..2 * Asked::LARGE));
        assert_eq!(asked.expect(64), None);
        assert!((0..128).all(|number| asked.ask(number * Asked::SMALL).is_none()));
        assert_eq!(Asked::new(0).expect(5), None);
    }
}
