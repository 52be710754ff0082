//! What is known of one segment: where it lies, whose it is, how far it is written; and the way to its bytes.
//!
//! The rule that makes it sound: bytes below `committed` are initialised and never change as long as the
//! segment belongs to someone; bytes at or above it are touched by nobody but the one writer that reserved
//! them. A segment starts anew only through the one [`Chunk`](super::Chunk) that stands for it, which exists
//! only while the segment belongs to nobody and no reader is left.

use std::marker::PhantomData;

use crate::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// One place of the segment table. All atomics, so that anybody may look at any time.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct Cell {
    /// Who holds the segment: an [`Owner`](super::Owner)'s word. Readers of the owner's check it first.
    pub(super) owner: AtomicU64,
    /// Where the segment's bytes are; changed only while a `Chunk` stands for the segment.
    pub(super) memory: AtomicPtr<u8>,
    /// Bytes there; changed only while a `Chunk` stands for the segment.
    pub(super) size: AtomicUsize,
    /// Bytes that readers may see. Stored by the writer that owns the reservation, with `Release`.
    pub(super) committed: AtomicUsize,
    /// Bytes taken by writers; equal to `committed` when no writer is at work.
    pub(super) reserved: AtomicUsize,
    /// How many of the committed bytes the owner has declared dead.
    pub(super) dead: AtomicUsize,
    /// When the content was first written, by the owner's clock.
    pub(super) born: AtomicU64,
    /// The next older segment in its owner's list, 0 for none.
    pub(super) next: AtomicU32,
    /// What the owner does with it, by the owner's own numbering; 0 when taken.
    pub(super) state: AtomicU8,
}

/// A segment, borrowed from its owner: its bytes and its books.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    cell: &'a Cell,
    number: u32,
    _bytes: PhantomData<&'a [u8]>,
}

impl<'a> View<'a> {
    /// # Safety
    /// For all of `'a` the segment must neither start anew nor lose its memory.
    pub(super) unsafe fn new(cell: &'a Cell, number: u32) -> View<'a> {
        View { cell, number, _bytes: PhantomData }
    }

    /// The segment's place in the table.
    pub(crate) fn number(self) -> u32 {
        self.number
    }

    /// Bytes that the segment takes from the budget.
    pub(crate) fn size(self) -> usize {
        self.cell.size.load(Ordering::Relaxed)
    }

    /// Everything written so far.
    pub(crate) fn committed(self) -> &'a [u8] {
        let length = self.cell.committed.load(Ordering::Acquire);
        let memory = self.cell.memory.load(Ordering::Relaxed);
        // SAFETY: `append` initialised the bytes below the watermark before it stored it with Release, and
        // nobody writes them again before the segment starts anew, which `new`'s caller excludes for `'a`.
        // The memory was stored before the segment got its owner, which whoever made this view has read with
        // Acquire, so that it is that of this life of the segment.
        unsafe { std::slice::from_raw_parts(memory, length) }
    }

    /// Bytes written so far.
    pub(crate) fn written(self) -> usize {
        self.cell.committed.load(Ordering::Acquire)
    }

    /// Appends the parts one after the other; gives the offset of the first byte, or `None` if they do not
    /// fit. A second writer waits for the first by spinning, so callers serialise writers themselves.
    pub(crate) fn append(self, parts: &[&[u8]]) -> Option<usize> {
        let total = parts.iter().try_fold(0_usize, |sum, part| sum.checked_add(part.len()))?;
        let (size, memory) = (self.size(), self.cell.memory.load(Ordering::Relaxed));
        let start = loop {
            // Acquire: our own Release store must carry the earlier writers' bytes to the readers, too.
            let start = self.cell.committed.load(Ordering::Acquire);
            if total > size - start {
                return None;
            }
            let taken = self.cell.reserved.compare_exchange(
                start,
                start + total,
                Ordering::Acquire,
                Ordering::Relaxed,
            );
            if taken.is_ok() {
                break start;
            }
            crate::sync::thread::spin();
        };
        let mut offset = start;
        for part in parts {
            // SAFETY: `start + total <= size`, so the target is inside the segment; the range was given to
            // this call alone by the compare-exchange and lies above the watermark, so nobody reads it. A
            // part cannot overlap it: no reference to bytes above the watermark exists. The segment keeps
            // its memory for `'a` (`new`).
            unsafe { std::ptr::copy_nonoverlapping(part.as_ptr(), memory.add(offset), part.len()) }
            offset += part.len();
        }
        self.cell.committed.store(offset, Ordering::Release);
        Some(start)
    }

    /// The segment's books.
    pub(crate) fn cell(self) -> &'a Cell {
        self.cell
    }
}

/// The books: none of this touches the bytes, nor does anything that does rely on it.
impl Cell {
    /// Written bytes that nobody has declared dead.
    pub(crate) fn live(&self) -> usize {
        // Dead bytes first: they were written before they died.
        let dead = self.dead.load(Ordering::Acquire);
        self.committed.load(Ordering::Acquire).saturating_sub(dead)
    }

    /// Declares bytes dead; gives how many were before.
    pub(crate) fn add_dead(&self, bytes: usize) -> usize {
        self.dead.fetch_add(bytes, Ordering::AcqRel)
    }

    /// Bytes written so far.
    pub(crate) fn written(&self) -> usize {
        self.committed.load(Ordering::Acquire)
    }

    /// Bytes of the segment.
    pub(crate) fn size(&self) -> usize {
        self.size.load(Ordering::Relaxed)
    }

    pub(crate) fn state(&self) -> u8 {
        self.state.load(Ordering::Acquire)
    }

    pub(crate) fn set_state(&self, state: u8) {
        self.state.store(state, Ordering::Release);
    }

    pub(crate) fn born(&self) -> u64 {
        self.born.load(Ordering::Relaxed)
    }

    pub(crate) fn set_born(&self, time: u64) {
        self.born.store(time, Ordering::Relaxed);
    }

    /// Forgets the contents. Called only for a `Chunk`, before its segment gets an owner.
    pub(super) fn start_anew(&self) {
        self.committed.store(0, Ordering::Relaxed);
        self.reserved.store(0, Ordering::Relaxed);
        self.dead.store(0, Ordering::Relaxed);
        self.born.store(0, Ordering::Relaxed);
        self.next.store(0, Ordering::Relaxed);
        self.state.store(0, Ordering::Relaxed);
    }
}
