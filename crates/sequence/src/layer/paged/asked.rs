//! What was asked of the storage before it is touched.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use stroma_hybrid::pages::PAGE_BYTES;

/// Which stretches of a mapped section were asked of the storage. Left to itself the system reads as much around a
/// page as it does for files that are read from front to back: megabytes, on some machines.
///
/// First some pages around each one touched are asked for. When a sixteenth of the section was, the rest is likely
/// to be wanted, too, and is asked for in large stretches, which costs less than page after page.
#[derive(Debug)]
pub(super) struct Asked {
    /// A bit for each small stretch. Which of two threads sets it first makes no difference to anybody.
    words: Vec<AtomicU64>,
    count: AtomicUsize,
}

impl Asked {
    pub(super) const SMALL: usize = 4 * PAGE_BYTES;
    pub(super) const LARGE: usize = 64 * Self::SMALL;
    const LARGE_AT_ONCE: usize = 16;

    /// For so many bytes, none of which was asked for.
    pub(super) fn new(bytes: usize) -> Self {
        let words = (0..bytes.div_ceil(Self::LARGE)).map(|_| AtomicU64::new(0)).collect();
        Asked { words, count: AtomicUsize::new(0) }
    }

    /// The stretch to ask for before a byte is touched; none where it was asked for. It may reach beyond the end.
    pub(super) fn ask(&self, at: usize) -> Option<Range<usize>> {
        let word = self.words.get(at / Self::LARGE)?;
        let bit = 1 << (at % Self::LARGE / Self::SMALL);
        if word.load(Ordering::Relaxed) & bit != 0 {
            return None;
        }
        if self.count.fetch_add(1, Ordering::Relaxed) < 4 * self.words.len() {
            word.fetch_or(bit, Ordering::Relaxed);
            let start = at / Self::SMALL * Self::SMALL;
            return Some(start..start + Self::SMALL);
        }
        let first = at / Self::LARGE;
        self.words[first..]
            .iter()
            .take(Self::LARGE_AT_ONCE)
            .for_each(|word| word.store(u64::MAX, Ordering::Relaxed));
        Some(first * Self::LARGE..(first + Self::LARGE_AT_ONCE) * Self::LARGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_asked_for_at_first_and_nothing_twice() {
        let asked = Asked::new(10 * Asked::LARGE + 5);
        assert_eq!(asked.ask(Asked::SMALL + 5), Some(Asked::SMALL..2 * Asked::SMALL));
        assert_eq!(asked.ask(2 * Asked::SMALL - 1), None);
        assert_eq!(asked.ask(11 * Asked::LARGE), None, "nothing is there");
        let small = (2..45).filter(|number| asked.ask(number * Asked::SMALL).is_some()).count();
        assert_eq!(small, 43);
        let large = asked.ask(3 * Asked::LARGE + 3 * Asked::SMALL);
        assert_eq!(large, Some(3 * Asked::LARGE..19 * Asked::LARGE));
        assert_eq!(asked.ask(9 * Asked::LARGE), None);
        assert!(asked.ask(2 * Asked::LARGE).is_some());
    }
}
