//! Sections with a checksum for each page, each page verified when it is first touched: what is searched here and
//! there, and is too long to be read whole for that.
//!
//! A page that is damaged is handed out like any other, and the damage is remembered: who searched asks at the end
//! whether there was any ([`PagedSection::check_touched`]), and has no answer then. It is remembered for as long as
//! the layer is open, so that no thread can miss what it came upon.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use stroma_hybrid::pages::{PAGE_BYTES, SeenPages, check_page};
use stroma_strata::storage::Blob;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::LayerError;
use super::format::SectionPointer;
use super::packed::{Bytes, words};

/// Bytes of which each page is verified when it is first touched, unless all were before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paged<'a> {
    bytes: &'a [u8],
    /// Where they begin among those that `checks` is about.
    start: usize,
    checks: Option<&'a PageChecks>,
}

impl<'a> Paged<'a> {
    /// Bytes that need not be verified any more.
    pub(crate) fn verified(bytes: &'a [u8]) -> Self {
        Paged { bytes, start: 0, checks: None }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes before `at`, which must not be beyond the end, and those from there on.
    pub(crate) fn split_at(self, at: usize) -> (Self, Self) {
        let (before, behind) = self.bytes.split_at(at);
        (Paged { bytes: before, ..self }, Paged { bytes: behind, start: self.start + at, ..self })
    }

    /// A part of the bytes, not touched yet; none where it reaches beyond the end.
    pub(super) fn part(self, range: Range<usize>) -> Option<Self> {
        Some(Paged { start: self.start + range.start, bytes: self.bytes.get(range)?, ..self })
    }

    /// A part of the bytes, touched; none where it reaches beyond the end.
    #[inline]
    pub(super) fn get(&self, range: Range<usize>) -> Option<&'a [u8]> {
        let part = self.bytes.get(range.clone())?;
        self.touch(range);
        Some(part)
    }

    /// `N` bytes from `at` on; none where they reach beyond the end.
    #[inline]
    pub(crate) fn chunk<const N: usize>(&self, at: usize) -> Option<&'a [u8; N]> {
        let chunk = self.bytes.get(at..)?.first_chunk::<N>()?;
        self.touch(at..at + N);
        Some(chunk)
    }

    /// All bytes, which must have been [verified](Self::verified).
    pub(super) fn whole(&self) -> &'a [u8] {
        self.touch(0..self.bytes.len());
        self.bytes
    }

    #[inline]
    fn touch(&self, range: Range<usize>) {
        if let Some(checks) = self.checks {
            checks.touch(self.start + range.start..self.start + range.end);
        }
    }
}

impl Bytes for Paged<'_> {
    fn len(&self) -> usize {
        self.bytes.len()
    }

    #[inline]
    fn pair(&self, at: usize) -> [u64; 2] {
        // Touched first, so that the storage is asked before the system reads what it likes.
        self.touch(at..at + 16);
        self.bytes[at..at + 16].first_chunk::<16>().map_or([0; 2], words)
    }
}

/// What is known of the pages of a section in a mapped blob.
#[derive(Debug)]
struct PageChecks {
    blob: Arc<dyn Blob>,
    bytes: Range<usize>,
    table: Range<usize>,
    seen: SeenPages,
    asked: Asked,
    /// Where a damaged page begins that was touched, plus one; 0 where none was. Whoever touched it wrote it here
    /// itself before asking: no order between threads is needed.
    damaged: AtomicUsize,
}

impl PageChecks {
    #[inline]
    fn touch(&self, range: Range<usize>) {
        if !self.seen.all_seen(&range) {
            self.check(range);
        }
    }

    #[cold]
    #[inline(never)]
    fn check(&self, range: Range<usize>) {
        let blob = self.blob.mapped().unwrap_or_default();
        let part = |range: &Range<usize>| blob.get(range.clone()).unwrap_or_default();
        // Who reads much at once is served by the system as anybody is. A few bytes may reach into the next stretch.
        if range.len() <= Asked::SMALL {
            self.ask(range.start);
            self.ask(range.end.saturating_sub(1).max(range.start));
        }
        if let Err(page) = self.seen.check(part(&self.bytes), part(&self.table), range) {
            self.damaged.store(page.offset + 1, Ordering::Relaxed);
        }
    }

    /// Asks the storage for what lies around a byte that is going to be touched.
    fn ask(&self, at: usize) {
        let Some(stretch) = self.asked.ask(at) else { return };
        // In parts, as systems read only so much for one request.
        for start in stretch.clone().step_by(Asked::LARGE) {
            let end = (start + Asked::LARGE).min(stretch.end).min(self.bytes.len());
            let count = end.saturating_sub(start);
            self.blob.prefetch((self.bytes.start + start) as u64, count as u64);
        }
    }
}

/// Which stretches of a mapped section were asked of the storage. Left to itself the system reads as much around a
/// page as it does for files that are read from front to back: megabytes, on some machines.
///
/// First some pages around each one touched are asked for. When a sixteenth of the section was, the rest is likely
/// to be wanted, too, and is asked for in large stretches, which costs less than page after page.
#[derive(Debug)]
struct Asked {
    /// A bit for each small stretch. Which of two threads sets it first makes no difference to anybody.
    words: Vec<AtomicU64>,
    count: AtomicUsize,
}

impl Asked {
    const SMALL: usize = 4 * PAGE_BYTES;
    const LARGE: usize = 64 * Self::SMALL;
    const LARGE_AT_ONCE: usize = 16;

    /// For so many bytes, none of which was asked for.
    fn new(bytes: usize) -> Self {
        let words = (0..bytes.div_ceil(Self::LARGE)).map(|_| AtomicU64::new(0)).collect();
        Asked { words, count: AtomicUsize::new(0) }
    }

    /// The stretch to ask for before a byte is touched; none where it was asked for. It may reach beyond the end.
    fn ask(&self, at: usize) -> Option<Range<usize>> {
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

/// A section whose pages have checksums. Where the blob is mapped it is used in place, else it is read once and kept.
#[derive(Debug)]
pub(super) struct PagedSection {
    pointer: SectionPointer,
    opened: OnceLock<Opened>,
    /// Set once all pages were found whole.
    is_whole: OnceLock<()>,
}

#[derive(Debug)]
enum Opened {
    InPlace(PageChecks),
    /// Verified.
    Own(Vec<u8>),
}

impl PagedSection {
    /// `pointer` must lie, with its table, within the blob that is given to the other functions.
    pub(super) fn new(pointer: SectionPointer) -> Self {
        PagedSection { pointer, opened: OnceLock::new(), is_whole: OnceLock::new() }
    }

    /// The bytes, each page verified when it is touched. The first time the table of checksums is verified.
    pub(super) fn view<'a>(&'a self, blob: &'a Arc<dyn Blob>) -> Result<Paged<'a>, LayerError> {
        let opened = match self.opened.get() {
            Some(opened) => opened,
            None => {
                let opened = self.open(blob)?;
                self.opened.get_or_init(|| opened)
            }
        };
        Ok(match opened {
            Opened::Own(bytes) => Paged::verified(bytes),
            Opened::InPlace(checks) => {
                Paged { bytes: in_place(&**blob, &checks.bytes), start: 0, checks: Some(checks) }
            }
        })
    }

    /// The bytes, all of which are verified if they were not before: for who reads all of them.
    pub(super) fn whole<'a>(&'a self, blob: &'a Arc<dyn Blob>) -> Result<Paged<'a>, LayerError> {
        let view = self.view(blob)?;
        if self.is_whole.get().is_none() {
            view.touch(0..view.len());
            self.check_touched(&**blob)?;
            let _ = self.is_whole.set(());
        }
        Ok(Paged::verified(view.bytes))
    }

    /// Fails if a page was touched that is damaged.
    pub(super) fn check_touched(&self, blob: &dyn Blob) -> Result<(), LayerError> {
        let Some(Opened::InPlace(checks)) = self.opened.get() else { return Ok(()) };
        match checks.damaged.load(Ordering::Relaxed) {
            0 => Ok(()),
            page => Err(self.damaged_page(blob, page - 1)),
        }
    }

    /// Verifies all checksums now, whether that was done before or not.
    pub(super) fn verify(&self, blob: &dyn Blob) -> Result<(), LayerError> {
        if blob.mapped().is_none() {
            return self.read(blob).map(|_| ());
        }
        let (bytes, table) = self.ranges(blob)?;
        self.check_table(blob, in_place(blob, &table))?;
        self.check_pages(blob, in_place(blob, &bytes), in_place(blob, &table))
    }

    fn open(&self, blob: &Arc<dyn Blob>) -> Result<Opened, LayerError> {
        if blob.mapped().is_none() {
            return self.read(&**blob).map(Opened::Own);
        }
        let (bytes, table) = self.ranges(&**blob)?;
        blob.prefetch(table.start as u64, table.len() as u64);
        self.check_table(&**blob, in_place(&**blob, &table))?;
        let (blob, seen, asked) =
            (Arc::clone(blob), SeenPages::none(bytes.len(), 0), Asked::new(bytes.len()));
        Ok(Opened::InPlace(PageChecks { blob, bytes, table, seen, asked, damaged: AtomicUsize::new(0) }))
    }

    /// Reads the bytes into memory of their own, verified.
    fn read(&self, blob: &dyn Blob) -> Result<Vec<u8>, LayerError> {
        let (range, rows) = self.ranges(blob)?;
        let (mut bytes, mut table) = (vec![0; range.len()], vec![0; rows.len()]);
        blob.read_exact_at(range.start as u64, &mut bytes)?;
        blob.read_exact_at(rows.start as u64, &mut table)?;
        self.check_table(blob, &table)?;
        self.check_pages(blob, &bytes, &table)?;
        Ok(bytes)
    }

    /// Where bytes and table are in the blob.
    fn ranges(&self, blob: &dyn Blob) -> Result<(Range<usize>, Range<usize>), LayerError> {
        let end = self.pointer.paged_end().filter(|&end| end <= blob.len());
        let (end, bytes) = match (end.map(usize::try_from), self.pointer.end()) {
            (Some(Ok(end)), Some(bytes)) => (end, bytes as usize),
            _ => return Err(self.corrupt(blob, "the section lies outside the file")),
        };
        let (start, table) = (self.pointer.offset.get() as usize, table_bytes(self.pointer.bytes.get()));
        Ok((start..bytes, end - table as usize..end))
    }

    fn check_table(&self, blob: &dyn Blob, table: &[u8]) -> Result<(), LayerError> {
        if xxh3_64(table) == self.pointer.checksum.get() {
            return Ok(());
        }
        Err(self.corrupt(blob, "the checksum of the section's checksums does not match"))
    }

    fn check_pages(&self, blob: &dyn Blob, bytes: &[u8], table: &[u8]) -> Result<(), LayerError> {
        (0..bytes.len().div_ceil(PAGE_BYTES)).try_for_each(|page| {
            check_page(bytes, table, 0, page).map_err(|page| self.damaged_page(blob, page.offset))
        })
    }

    fn damaged_page(&self, blob: &dyn Blob, page: usize) -> LayerError {
        let offset = self.pointer.offset.get().saturating_add(page as u64);
        LayerError::Corrupt {
            place: blob.describe(),
            offset,
            what: "the checksum of the page does not match",
        }
    }

    pub(super) fn corrupt(&self, blob: &dyn Blob, what: &'static str) -> LayerError {
        LayerError::Corrupt { place: blob.describe(), offset: self.pointer.offset.get(), what }
    }
}

/// A part of a mapped blob, which lies within it.
fn in_place<'a>(blob: &'a dyn Blob, range: &Range<usize>) -> &'a [u8] {
    blob.mapped().and_then(|whole| whole.get(range.clone())).unwrap_or_default()
}

/// Bytes of the table for so many bytes.
pub(super) fn table_bytes(bytes: u64) -> u64 {
    bytes.div_ceil(PAGE_BYTES as u64) * size_of::<u64>() as u64
}

/// Takes the checksums of pages of bytes that come in parts.
#[derive(Default)]
pub(super) struct PageSums {
    page: Xxh3,
    /// Bytes of the page so far.
    filled: usize,
    table: Vec<u8>,
}

impl PageSums {
    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (own, rest) = bytes.split_at(bytes.len().min(PAGE_BYTES - self.filled));
            self.page.update(own);
            self.filled += own.len();
            bytes = rest;
            if self.filled == PAGE_BYTES {
                self.end_page();
            }
        }
    }

    fn end_page(&mut self) {
        self.table.extend_from_slice(&self.page.digest().to_le_bytes());
        self.page.reset();
        self.filled = 0;
    }

    /// The table.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.filled > 0 {
            self.end_page();
        }
        self.table
    }
}

#[cfg(test)]
mod tests {
    use stroma_hybrid::pages::page_sums;

    use super::*;

    #[test]
    fn sums_of_parts_are_those_of_the_whole() {
        let bytes: Vec<u8> = (0..3 * PAGE_BYTES + 17).map(|at| (at % 241) as u8).collect();
        for part in [1, 100, PAGE_BYTES - 1, PAGE_BYTES, PAGE_BYTES + 1, bytes.len()] {
            let mut sums = PageSums::default();
            bytes.chunks(part).for_each(|part| sums.update(part));
            let table = sums.finish();
            assert_eq!(
                (&table, table.len()),
                (&page_sums(&bytes), table_bytes(bytes.len() as u64) as usize),
                "part {part}"
            );
        }
        assert!(PageSums::default().finish().is_empty());
    }

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
