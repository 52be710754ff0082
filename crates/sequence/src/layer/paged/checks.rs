//! Which pages of a mapped section were verified, and whether one was damaged.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use stroma_hybrid::pages::SeenPages;
use stroma_strata::storage::Blob;

use super::asked::Asked;

/// Tells one who looks things up that something was asked of the storage instead of being waited for: what came of
/// the look-up is to be dropped, and the look-up made again later. Then it waits, or comes one step further.
#[derive(Debug, Default)]
pub(crate) struct Awaited(AtomicBool);

impl Awaited {
    pub(crate) const fn nothing() -> Self {
        Awaited(AtomicBool::new(false))
    }

    /// Whether something was asked for since this was called last.
    #[inline]
    pub(crate) fn take(&self) -> bool {
        // Of one thread: it is atomic so that dictionaries can be shared.
        let was_set = self.0.load(Ordering::Relaxed);
        if was_set {
            self.0.store(false, Ordering::Relaxed);
        }
        was_set
    }
}

/// What is known of the pages of a section in a mapped blob.
#[derive(Debug)]
pub(super) struct PageChecks {
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
    /// Of bytes in a mapped blob, and the table of their checksums, which lie within it.
    pub(super) fn new(blob: &Arc<dyn Blob>, bytes: Range<usize>, table: Range<usize>) -> Self {
        let (seen, asked) = (SeenPages::none(bytes.len(), 0), Asked::new(bytes.len()));
        PageChecks { blob: Arc::clone(blob), bytes, table, seen, asked, damaged: AtomicUsize::new(0) }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        in_place(&*self.blob, &self.bytes)
    }

    /// Where a damaged page begins that was touched.
    pub(super) fn damaged(&self) -> Option<usize> {
        self.damaged.load(Ordering::Relaxed).checked_sub(1)
    }

    /// Verifies the pages of a range, unless they were before. Whether they may be looked at: always, but where
    /// somebody awaits what was not asked for.
    #[inline]
    pub(super) fn touch(&self, range: Range<usize>, awaited: Option<&Awaited>) -> bool {
        self.seen.all_seen(&range) || self.check(range, awaited)
    }

    #[cold]
    #[inline(never)]
    fn check(&self, range: Range<usize>, awaited: Option<&Awaited>) -> bool {
        // What follows from bytes that were left out makes no sense, and is not asked for.
        if awaited.is_some_and(|awaited| awaited.0.load(Ordering::Relaxed)) {
            return false;
        }
        // Who reads much at once is served by the system as anybody is. A few bytes may reach into the next stretch.
        if range.len() <= Asked::SMALL {
            let last = range.end.saturating_sub(1).max(range.start);
            let was_missing = self.ask(range.start) | self.ask(last);
            if let (true, Some(awaited)) = (was_missing, awaited) {
                awaited.0.store(true, Ordering::Relaxed);
                return false;
            }
        }
        let table = in_place(&*self.blob, &self.table);
        if let Err(page) = self.seen.check(self.bytes(), table, range) {
            self.damaged.store(page.offset + 1, Ordering::Relaxed);
        }
        true
    }

    /// Somebody is going to touch so many places, as far as can be told.
    pub(super) fn expect(&self, places: usize) {
        if let Some(all) = self.asked.expect(places) {
            self.prefetch(all);
        }
    }

    /// Asks the storage for what lies around a byte that is going to be touched, unless that was done before.
    fn ask(&self, at: usize) -> bool {
        let stretch = self.asked.ask(at);
        stretch.map(|stretch| self.prefetch(stretch)).is_some()
    }

    fn prefetch(&self, stretch: Range<usize>) {
        // In parts, as systems read only so much for one request.
        for start in stretch.clone().step_by(Asked::LARGE) {
            let end = (start + Asked::LARGE).min(stretch.end).min(self.bytes.len());
            let count = end.saturating_sub(start);
            self.blob.prefetch((self.bytes.start + start) as u64, count as u64);
        }
    }
}

/// A part of a mapped blob, which lies within it.
pub(super) fn in_place<'a>(blob: &'a dyn Blob, range: &Range<usize>) -> &'a [u8] {
    blob.mapped().and_then(|whole| whole.get(range.clone())).unwrap_or_default()
}
