//! Memory straight from the operating system, whose pages can be handed back one by one.

use std::ptr::NonNull;

use memmap2::{MmapOptions, MmapRaw};

/// No page of a platform we know is larger, and only where it is known for sure is a smaller one assumed.
pub(super) const PAGE_BYTES: usize = if cfg!(target_arch = "x86_64") { 4096 } else { 64 << 10 };

/// An anonymous, private, writable mapping. Its pages are zero and become resident when first written.
#[derive(Debug)]
pub(super) struct Mapping {
    map: MmapRaw,
    /// Whether the system was asked for huge pages and agreed.
    huge_pages: bool,
}

impl Mapping {
    /// Maps `bytes`; `None` if the system refuses or `bytes` is absurd.
    pub(super) fn anonymous(bytes: usize) -> Option<Mapping> {
        let map = MmapOptions::new().len(bytes).no_reserve_swap().map_anon().ok()?;
        Some(Mapping { map: MmapRaw::from(map), huge_pages: false })
    }

    /// The same on huge pages, where the system has them to give.
    pub(super) fn on_huge_pages(bytes: usize) -> Option<Mapping> {
        let mut mapping = Mapping::anonymous(bytes)?;
        #[cfg(target_os = "linux")]
        {
            mapping.huge_pages = mapping.map.advise(memmap2::Advice::HugePage).is_ok();
        }
        Some(mapping)
    }

    /// Size in bytes.
    pub(super) fn size(&self) -> usize {
        self.map.len()
    }

    /// The byte at `offset`, which must be inside the mapping or its end; the start if it is not.
    pub(super) fn at(&self, offset: usize) -> NonNull<u8> {
        let offset = if offset <= self.size() { offset } else { 0 };
        // SAFETY: the offset is inside the mapping or one past its end, checked above; a mapping is never at
        // address zero, as null is what the system reports a failure with.
        unsafe { NonNull::new_unchecked(self.map.as_mut_ptr().add(offset)) }
    }

    /// Whether pieces of this size, one after the other from the start, consist of whole pages.
    pub(super) fn can_discard(piece_bytes: usize) -> bool {
        cfg!(unix) && piece_bytes.is_multiple_of(PAGE_BYTES)
    }

    /// Hands the pages of a range back to the system; they read as zeros afterwards. Whether it did so.
    ///
    /// # Safety
    /// Nobody may refer to a byte of the range or use it during the call, but by atomic accesses for which a
    /// zero is as good as what was there.
    pub(super) unsafe fn discard(&self, offset: usize, bytes: usize) -> bool {
        #[cfg(unix)]
        if Mapping::can_discard(offset) && Mapping::can_discard(bytes) && offset + bytes <= self.size() {
            // SAFETY: the range is inside the mapping and made of whole pages, so that no other byte is
            // touched; the caller guarantees that nobody uses it.
            let done =
                unsafe { self.map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, offset, bytes) };
            #[cfg(target_os = "linux")]
            if self.huge_pages {
                // Otherwise the system may fill the hole again, to make one huge page of what is around it.
                let _ = self.map.advise_range(memmap2::Advice::NoHugePage, offset, bytes);
            }
            return done.is_ok();
        }
        let _ = (offset, bytes);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_zeroed_memory_and_takes_pages_back() {
        let mapping = Mapping::anonymous(128 << 10).expect("a small mapping");
        let last = mapping.at((128 << 10) - 1);
        // SAFETY: the last byte of a mapping that nobody else knows.
        unsafe {
            assert_eq!(last.read(), 0);
            last.write(7);
            assert!(!mapping.discard(0, 1000), "no whole pages");
            assert!(!mapping.discard(64 << 10, 128 << 10), "beyond the end");
            assert_eq!(last.read(), 7);
            if mapping.discard(64 << 10, 64 << 10) {
                assert_eq!(last.read(), 0);
            }
        }
        assert!(Mapping::anonymous(usize::MAX).is_none());
    }
}
