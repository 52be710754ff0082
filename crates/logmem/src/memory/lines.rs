//! Cache lines of eight atomic words, all zero at first, of which only those ever touched take memory.
//!
//! The lines are one mapping, reserved at once and made resident by the operating system page by page, so
//! that a table can grow at its end without moving anything and give its end back. Miri and the model checker
//! know no such mappings: under them the lines are an ordinary allocation.

#[cfg(not(any(miri, shuttle)))]
use super::mapping::Mapping;
use crate::sync::atomic::AtomicU64;

/// Words in a line.
pub(crate) const LINE_WORDS: usize = 8;

/// Lines are given back in pieces of so many bytes.
pub(crate) const PIECE_BYTES: usize = super::mapping::PAGE_BYTES;

/// A cache line of words.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct Line(pub(crate) [AtomicU64; LINE_WORDS]);

/// Lines by number.
#[derive(Debug)]
pub(crate) struct Lines {
    #[cfg(not(any(miri, shuttle)))]
    mapping: Mapping,
    #[cfg(not(any(miri, shuttle)))]
    count: usize,
    #[cfg(any(miri, shuttle))]
    lines: Box<[Line]>,
}

#[cfg(not(any(miri, shuttle)))]
impl Lines {
    /// Reserves addresses for so many lines (at least one); `None` if the system has none to give.
    pub(crate) fn reserve(count: usize, huge_pages: bool) -> Option<Lines> {
        let count = count.max(1);
        let bytes = count.checked_mul(size_of::<Line>())?.checked_next_multiple_of(PIECE_BYTES)?;
        let map = if huge_pages { Mapping::on_huge_pages } else { Mapping::anonymous };
        Some(Lines { mapping: map(bytes)?, count })
    }

    /// All lines.
    pub(crate) fn all(&self) -> &[Line] {
        // SAFETY: the mapping is private, anonymous, readable and writable, lives as long as `self`, holds at
        // least `count` lines (see `reserve`) and starts at a page, so that lines are aligned. Any bytes are
        // valid for atomic words, and the memory is only ever accessed through them: giving pages back turns
        // words to zero as a concurrent store would.
        unsafe { std::slice::from_raw_parts(self.mapping.at(0).as_ptr().cast::<Line>(), self.count) }
    }

    /// Gives back the memory of the lines from `first` on, a multiple of [`PIECE_BYTES`], to `end` exclusive.
    /// They read as zero afterwards; the caller knows that nothing in them is needed. Memory that the system
    /// refuses to take stays as it is.
    pub(crate) fn give_back(&self, first: usize, end: usize) {
        let (from, to) = (first * size_of::<Line>(), end.min(self.count) * size_of::<Line>());
        if from < to {
            // SAFETY: lines are only ever accessed as atomic words, and for those this is one more concurrent
            // store of zero. What is not whole pages is refused.
            unsafe { self.mapping.discard(from, to - from) };
        }
    }
}

#[cfg(any(miri, shuttle))]
impl Lines {
    /// What the model checker's lines are at most: each of its words is an allocation of its own.
    const MOST: usize = if cfg!(shuttle) { 64 } else { 1 << 16 };

    /// Makes so many lines, at least one and not more than a checker can bear.
    pub(crate) fn reserve(count: usize, _huge_pages: bool) -> Option<Lines> {
        let lines = std::iter::repeat_with(Line::default).take(count.clamp(1, Lines::MOST)).collect();
        Some(Lines { lines })
    }

    /// All lines.
    pub(crate) fn all(&self) -> &[Line] {
        &self.lines
    }

    /// Zeroes the lines from `first` to `end` exclusive.
    pub(crate) fn give_back(&self, first: usize, end: usize) {
        let end = end.min(self.lines.len());
        let words = self.lines[first.min(end)..end].iter().flat_map(|line| &line.0);
        words.for_each(|word| word.store(0, crate::sync::atomic::Ordering::Relaxed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::atomic::Ordering;

    #[test]
    fn lines_keep_words_and_read_as_zero_when_given_back() {
        let piece = PIECE_BYTES / size_of::<Line>();
        let lines = Lines::reserve(3 * piece, false).expect("little memory");
        for line in lines.all() {
            assert!(line.0.iter().all(|word| word.load(Ordering::Relaxed) == 0));
            line.0[7].store(9, Ordering::Relaxed);
        }
        lines.give_back(piece, 2 * piece);
        let nines = lines.all().iter().filter(|line| line.0[7].load(Ordering::Relaxed) == 9).count();
        assert_eq!(nines, 2 * piece);
        assert_eq!(lines.all()[piece].0[7].load(Ordering::Relaxed), 0);
    }
}
