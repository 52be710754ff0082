//! One allocation that is written front to back while others read what is already written.
//!
//! The rule that makes it sound: bytes below `committed` are initialised and never change as long as the
//! chunk is shared; bytes at or above it are touched by nobody but the one writer that reserved them.
//! Going back to empty takes `&mut self`, which no reader can outlive.

use crate::sync::atomic::{AtomicUsize, Ordering};
use std::alloc::{Layout, alloc, dealloc};
use std::ptr::NonNull;

/// Malloc's own alignment: asking for more would make the system allocator waste a page per chunk.
const ALIGNMENT: usize = 16;

/// Owned, append-only memory of fixed size.
#[derive(Debug)]
pub(crate) struct Chunk {
    memory: NonNull<u8>,
    size: usize,
    /// Bytes that readers may see. Stored by the writer that owns the reservation, with `Release`.
    committed: AtomicUsize,
    /// Bytes taken by writers; equal to `committed` when no writer is at work.
    reserved: AtomicUsize,
}

// SAFETY: the chunk owns its memory exclusively, so that moving it to another thread moves the ownership.
unsafe impl Send for Chunk {}
// SAFETY: shared access reads only below `committed` (immutable, published with Release, read after Acquire)
// and writes only inside a range that the compare-exchange on `reserved` gave to one thread alone.
unsafe impl Sync for Chunk {}

impl Chunk {
    /// A chunk that owns nothing, left in the place of one that was moved out.
    pub(crate) fn empty() -> Chunk {
        Chunk {
            memory: NonNull::dangling(),
            size: 0,
            committed: AtomicUsize::new(0),
            reserved: AtomicUsize::new(0),
        }
    }

    /// Takes `size` bytes from the system allocator; `None` if it has none to give or `size` is absurd.
    /// The pages become resident only as they are written.
    pub(crate) fn allocate(size: usize) -> Option<Chunk> {
        if size == 0 {
            return Some(Chunk::empty());
        }
        let layout = Layout::from_size_align(size, ALIGNMENT).ok()?;
        // SAFETY: the layout's size is not zero, checked above.
        let memory = NonNull::new(unsafe { alloc(layout) })?;
        Some(Chunk { memory, size, committed: AtomicUsize::new(0), reserved: AtomicUsize::new(0) })
    }

    /// Size of the allocation in bytes.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Everything written so far.
    pub(crate) fn committed(&self) -> &[u8] {
        let length = self.committed.load(Ordering::Acquire);
        // SAFETY: `append` initialised the bytes below the watermark before it stored it with Release; they
        // are inside the allocation and nobody writes them while `self` is shared.
        unsafe { std::slice::from_raw_parts(self.memory.as_ptr(), length) }
    }

    /// Appends the parts one after the other; gives the offset of the first byte, or `None` if they do not
    /// fit. A second writer waits for the first by spinning, so callers serialise writers themselves.
    pub(crate) fn append(&self, parts: &[&[u8]]) -> Option<usize> {
        let total = parts.iter().try_fold(0_usize, |sum, part| sum.checked_add(part.len()))?;
        let start = loop {
            // Acquire: our own Release store must carry the earlier writers' bytes to the readers, too.
            let start = self.committed.load(Ordering::Acquire);
            if total > self.size - start {
                return None;
            }
            let taken =
                self.reserved.compare_exchange(start, start + total, Ordering::Acquire, Ordering::Relaxed);
            if taken.is_ok() {
                break start;
            }
            crate::sync::thread::spin();
        };
        let mut offset = start;
        for part in parts {
            // SAFETY: `start + total <= size`, so the target is inside the allocation; the range was given
            // to this call alone by the compare-exchange and lies above the watermark, so nobody reads it.
            // A part cannot overlap it: no reference to bytes above the watermark exists.
            unsafe {
                std::ptr::copy_nonoverlapping(part.as_ptr(), self.memory.as_ptr().add(offset), part.len());
            }
            offset += part.len();
        }
        self.committed.store(offset, Ordering::Release);
        Some(start)
    }

    /// Forgets the contents, so that the memory can serve anew.
    pub(crate) fn reset(&mut self) {
        *self.committed.get_mut() = 0;
        *self.reserved.get_mut() = 0;
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        if self.size > 0 {
            // The same layout was valid in `allocate`; a failure here could only leak.
            if let Ok(layout) = Layout::from_size_align(self.size, ALIGNMENT) {
                // SAFETY: `memory` came from `alloc` with this very layout and is freed only here.
                unsafe { dealloc(self.memory.as_ptr(), layout) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appends_until_full_and_starts_again() {
        let mut chunk = Chunk::allocate(10).expect("ten bytes");
        assert_eq!(chunk.append(&[b"abc", b"", b"de"]), Some(0));
        assert_eq!(chunk.append(&[b"fghijk"]), None, "six bytes do not fit in five");
        assert_eq!(chunk.append(&[b"fghij"]), Some(5));
        assert_eq!(chunk.append(&[]), Some(10), "nothing always fits");
        assert_eq!(chunk.committed(), b"abcdefghij");
        chunk.reset();
        assert_eq!(chunk.committed(), b"");
        assert_eq!(chunk.append(&[b"z"]), Some(0));
    }

    #[test]
    fn an_empty_chunk_takes_nothing() {
        let chunk = Chunk::empty();
        assert_eq!(chunk.append(&[b"a"]), None);
        assert_eq!(chunk.committed(), b"");
        assert!(Chunk::allocate(usize::MAX).is_none());
    }
}
