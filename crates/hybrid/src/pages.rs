//! Bytes with a checksum for each page, each page checked when it is first touched.
//!
//! Whoever opens a large file cannot read all of it to see whether it is whole. Here a table has a checksum (XXH3-64)
//! for each page of 4096 bytes, and a bit for each page remembers that it was found whole: a look at bytes costs a
//! look at their bit.
//!
//! ```
//! use stroma_hybrid::pages::{BadPage, PAGE_BYTES, SeenPages, page_sums};
//!
//! let mut bytes = vec![7; 3 * PAGE_BYTES + 100];
//! let table = page_sums(&bytes);
//! bytes[PAGE_BYTES + 5] = 8;
//! let seen = SeenPages::none(bytes.len(), 0);
//! assert!(!seen.all_seen(&(0..10)));
//! seen.check(&bytes, &table, 0..10)?;
//! assert!(seen.all_seen(&(20..30)) && !seen.all_seen(&(4090..4100)));
//! assert_eq!(seen.check(&bytes, &table, 4090..4100).unwrap_err().offset, PAGE_BYTES);
//! seen.check(&bytes, &table, 3 * PAGE_BYTES..bytes.len())?;
//! # Ok::<(), BadPage>(())
//! ```

use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Bytes that share a checksum.
pub const PAGE_BYTES: usize = 4096;

/// A page whose bytes are not those that were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the page at byte {offset} has the checksum {computed:#018x} instead of {stored:#018x}")]
pub struct BadPage {
    /// Where the page begins, in bytes.
    pub offset: usize,
    /// Its checksum in the table; 0 where the table has none.
    pub stored: u64,
    /// The checksum of its bytes.
    pub computed: u64,
}

/// Remembers with a bit a page which pages were found whole.
#[derive(Debug)]
pub struct SeenPages {
    /// Bit `n % 64` of word `n / 64` belongs to the page at `n * PAGE_BYTES`. A bit is only ever set, and the bytes it
    /// speaks of do not change, so no order between threads is needed.
    words: Vec<AtomicU64>,
    /// Pages in front of the first one that the table has a checksum for.
    unchecked: usize,
}

impl SeenPages {
    /// No page of so many bytes has been seen: a bit for each. The first `unchecked` pages have no checksum in the
    /// table.
    pub fn none(bytes: usize, unchecked: usize) -> Self {
        let pages = bytes.div_ceil(PAGE_BYTES);
        Self { words: (0..pages.div_ceil(64)).map(|_| AtomicU64::new(0)).collect(), unchecked }
    }

    /// Whether the pages that hold `range` were all found whole; also looks at the page of an empty range.
    #[inline(always)]
    pub fn all_seen(&self, range: &Range<usize>) -> bool {
        let first = range.start / PAGE_BYTES;
        let last = (range.end.max(range.start + 1) - 1) / PAGE_BYTES;
        // What a lookup touches seldom lies on more than one page and hardly ever on more than two.
        self.is_seen(first) & self.is_seen(last) && (first + 1..last).all(|page| self.is_seen(page))
    }

    #[inline(always)]
    fn is_seen(&self, page: usize) -> bool {
        self.words.get(page / 64).is_some_and(|word| word.load(Ordering::Relaxed) >> (page % 64) & 1 == 1)
    }

    /// Checks the pages that hold `range` of `bytes`, and remembers those that are whole.
    ///
    /// # Errors
    /// The first one that is not.
    pub fn check(&self, bytes: &[u8], table: &[u8], range: Range<usize>) -> Result<(), BadPage> {
        for page in range.start / PAGE_BYTES..range.end.div_ceil(PAGE_BYTES) {
            check_page(bytes, table, self.unchecked, page)?;
            if let Some(word) = self.words.get(page / 64) {
                word.fetch_or(1 << (page % 64), Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// Where the checksums of the pages that hold `range` lie in the table, in bytes.
    pub fn rows(&self, range: &Range<usize>) -> Range<usize> {
        let row = |page: usize| page.saturating_sub(self.unchecked) * size_of::<u64>();
        row(range.start / PAGE_BYTES)..row(range.end.div_ceil(PAGE_BYTES))
    }
}

/// Compares a page with its checksum, whether that was done before or not. The first `unchecked` pages have none.
///
/// # Errors
/// It is another one, or there is none.
pub fn check_page(bytes: &[u8], table: &[u8], unchecked: usize, page: usize) -> Result<(), BadPage> {
    let offset = page.saturating_mul(PAGE_BYTES);
    let end = offset.saturating_add(PAGE_BYTES).min(bytes.len());
    let row = page.checked_sub(unchecked).and_then(|row| table.as_chunks::<8>().0.get(row));
    let stored = row.map(|row| u64::from_le_bytes(*row));
    let computed = xxh3_64(bytes.get(offset..end).unwrap_or_default());
    if stored == Some(computed) {
        return Ok(());
    }
    Err(BadPage { offset, stored: stored.unwrap_or(0), computed })
}

/// The table for some bytes: the checksum of each page, little-endian. The last page may be a short one.
pub fn page_sums(bytes: &[u8]) -> Vec<u8> {
    let mut sums = PageSums::default();
    sums.update(bytes);
    sums.finish()
}

/// Makes the [table](page_sums) for bytes that come in parts.
#[derive(Default)]
pub struct PageSums {
    /// Of the page that has begun.
    begun: Xxh3,
    /// Bytes of that page so far.
    filled: usize,
    table: Vec<u8>,
}

impl PageSums {
    /// Takes the next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (own, rest) = bytes.split_at(bytes.len().min(PAGE_BYTES - self.filled));
            bytes = rest;
            // A page that comes whole need not be put together.
            if own.len() == PAGE_BYTES {
                self.push(xxh3_64(own));
                continue;
            }
            self.begun.update(own);
            self.filled += own.len();
            if self.filled == PAGE_BYTES {
                self.end_page();
            }
        }
    }

    fn push(&mut self, checksum: u64) {
        self.table.extend_from_slice(&checksum.to_le_bytes());
    }

    fn end_page(&mut self) {
        self.push(self.begun.digest());
        self.begun.reset();
        self.filled = 0;
    }

    /// The table.
    pub fn finish(mut self) -> Vec<u8> {
        if self.filled > 0 {
            self.end_page();
        }
        self.table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_parts_are_those_of_the_whole() {
        let bytes: Vec<u8> = (0..3 * PAGE_BYTES + 17).map(|at| (at % 241) as u8).collect();
        let plain: Vec<u8> = bytes.chunks(PAGE_BYTES).flat_map(|page| xxh3_64(page).to_le_bytes()).collect();
        for part in [1, 100, PAGE_BYTES - 1, PAGE_BYTES, PAGE_BYTES + 1, bytes.len()] {
            let mut sums = PageSums::default();
            bytes.chunks(part).for_each(|part| sums.update(part));
            assert_eq!(sums.finish(), plain, "part {part}");
        }
        assert_eq!(page_sums(&bytes), plain);
        assert!(PageSums::default().finish().is_empty());
    }

    #[test]
    fn every_changed_byte_is_found_by_the_page_that_has_it_and_by_no_other() {
        let bytes: Vec<u8> = (0..2 * PAGE_BYTES + 9).map(|at| (at * 7 % 251) as u8).collect();
        let table = page_sums(&bytes);
        for at in (0..bytes.len()).step_by(97).chain([4095, 4096, 8191, 8192, 8200]) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            let seen = SeenPages::none(bytes.len(), 0);
            for page in 0..3 {
                let range = page * PAGE_BYTES..(page * PAGE_BYTES + 9);
                let outcome = seen.check(&damaged, &table, range.clone());
                assert_eq!(outcome.is_err(), at / PAGE_BYTES == page, "byte {at}");
                assert_eq!(seen.all_seen(&range), outcome.is_ok());
            }
        }
    }

    #[test]
    fn pages_and_rows_that_are_not_there_are_damage() {
        let bytes = vec![1; 2 * PAGE_BYTES];
        let table = page_sums(&bytes[PAGE_BYTES..]);
        let seen = SeenPages::none(bytes.len(), 1);
        assert_eq!(seen.rows(&(PAGE_BYTES..2 * PAGE_BYTES)), 0..8);
        assert!(seen.check(&bytes, &table, PAGE_BYTES..PAGE_BYTES + 1).is_ok());
        assert!(seen.check(&bytes, &table, 0..1).is_err(), "the first page has no row");
        assert!(seen.check(&bytes, &[], PAGE_BYTES..PAGE_BYTES + 1).is_err());
        assert!([0, 2, usize::MAX].iter().all(|&page| check_page(&bytes, &table, 1, page).is_err()));
        assert!(SeenPages::none(0, 0).check(&[], &[], 0..0).is_ok());
    }
}
