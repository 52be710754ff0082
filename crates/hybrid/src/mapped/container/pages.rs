//! Pages and their checksums, checked when a page is first touched.

use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use xxhash_rust::xxh3::xxh3_64;

/// Bytes that share a checksum. Sections begin at multiples of it, which also aligns their contents.
pub(super) const PAGE_BYTES: usize = 4096;

/// A page whose bytes are not those that were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::mapped) struct BadPage {
    /// Where the page begins in the file.
    pub(super) offset: usize,
    pub(super) stored: u64,
    pub(super) computed: u64,
}

/// Remembers with a bit a page which pages were found whole.
#[derive(Debug)]
pub(super) struct SeenPages {
    /// Bit `n % 64` of word `n / 64` belongs to the page at `n * PAGE_BYTES` of the file. A bit is only ever set, and
    /// the bytes it speaks of do not change, so no order between threads is needed.
    words: Vec<AtomicU64>,
}

impl SeenPages {
    /// No page of a file of `file_bytes` has been seen: a bit for each.
    pub(super) fn none(file_bytes: usize) -> Self {
        let pages = file_bytes.div_ceil(PAGE_BYTES);
        Self { words: (0..pages.div_ceil(64)).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Whether the pages that hold `bytes` of the file were all found whole; also looks at the page of an empty
    /// range.
    #[inline(always)]
    pub(super) fn all_seen(&self, bytes: &Range<usize>) -> bool {
        let first = bytes.start / PAGE_BYTES;
        let last = (bytes.end.max(bytes.start + 1) - 1) / PAGE_BYTES;
        // What a lookup touches seldom lies on more than one page and hardly ever on more than two.
        self.is_seen(first) & self.is_seen(last) && (first + 1..last).all(|page| self.is_seen(page))
    }

    #[inline(always)]
    fn is_seen(&self, page: usize) -> bool {
        self.words.get(page / 64).is_some_and(|word| word.load(Ordering::Relaxed) >> (page % 64) & 1 == 1)
    }

    /// Checks the pages that hold `bytes` of the file, which lie within its sections.
    pub(super) fn check(&self, file: &[u8], table: &[u8], bytes: Range<usize>) -> Result<(), BadPage> {
        for page in bytes.start / PAGE_BYTES..bytes.end.div_ceil(PAGE_BYTES) {
            check_page(file, table, page)?;
            if let Some(word) = self.words.get(page / 64) {
                word.fetch_or(1 << (page % 64), Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

/// Where the checksums of the pages that hold `bytes` of the file lie in the table.
pub(super) fn rows(bytes: &Range<usize>) -> Range<usize> {
    let row = |page: usize| page.saturating_sub(1) * size_of::<u64>();
    row(bytes.start / PAGE_BYTES)..row(bytes.end.div_ceil(PAGE_BYTES))
}

/// Compares a page (counted from the start of the file) with its checksum; the header is page 0 and has none.
pub(super) fn check_page(file: &[u8], table: &[u8], page: usize) -> Result<(), BadPage> {
    let offset = page * PAGE_BYTES;
    let bytes = file.get(offset..offset + PAGE_BYTES).unwrap_or_default();
    let stored = page.checked_sub(1).and_then(|row| table.as_chunks::<8>().0.get(row));
    let (stored, computed) = (stored.map_or(0, |bytes| u64::from_le_bytes(*bytes)), xxh3_64(bytes));
    if stored == computed { Ok(()) } else { Err(BadPage { offset, stored, computed }) }
}
