//! Memory that a filter owns, on huge pages where it is large.
//!
//! A filter is read at random. On pages of 4 KiB one of a few megabytes needs more entries than the processor
//! keeps of its page tables, so that each lookup waits for two or three of those besides what it asks for; in a
//! virtual machine for more, and for how many is a matter of which pages happened to be free. So large memory is
//! taken from the operating system, which is asked for pages of 2 MiB.

#![allow(unsafe_code, reason = "bytes that are reached without asking whom they belong to")]

use core::fmt;
use core::ptr::NonNull;
use std::io::{self, Write};

#[cfg(not(miri))]
use memmap2::{MmapMut, MmapOptions};

use crate::Error;

/// A huge page of the processors we know, and what is worth asking for one.
#[cfg(not(miri))]
const HUGE_PAGE: usize = 2 << 20;

/// Bytes that a filter owns: what [`QuotientFilter::new`](crate::QuotientFilter::new) and the builders make.
///
/// From 2 MiB on it comes from the operating system and, on Linux, lies on huge pages if these are to be had
/// (`/sys/kernel/mm/transparent_hugepage/enabled` says `madvise` or `always`); no huge page is asked for that
/// would not be filled. It never moves. Anything written goes behind what is there, until the room is used up.
pub struct Memory {
    /// Of the room the first `length` bytes are in use; the rest has no other value than 0.
    start: NonNull<u8>,
    length: usize,
    room: usize,
    /// Not touched but to be dropped.
    _owner: Owner,
}

enum Owner {
    Heap {
        _bytes: Vec<u8>,
    },
    #[cfg(not(miri))]
    Pages {
        _map: MmapMut,
    },
}

// SAFETY: the bytes belong to this value alone, like those of a vector: whoever shares it can only read them.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    /// So many zeros.
    pub(crate) fn zeroed(bytes: usize) -> Result<Self, Error> {
        let empty = Self::with_room(bytes)?;
        Ok(Self { length: bytes, ..empty })
    }

    /// Nothing yet, and room for so many bytes.
    pub(crate) fn with_room(room: usize) -> Result<Self, Error> {
        #[cfg(not(miri))]
        if let Some(pages) = Self::pages(room) {
            return Ok(pages);
        }
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(room).map_err(|_| Error::OutOfMemory { bytes: room as u64 })?;
        bytes.resize(room, 0);
        Ok(Self { length: 0, ..Self::from(bytes) })
    }

    /// Memory straight from the operating system; `None` if it is not worth it or not to be had.
    #[cfg(not(miri))]
    fn pages(room: usize) -> Option<Self> {
        if room < HUGE_PAGE {
            return None;
        }
        // The first huge page begins within the first 2 MiB of what is mapped. What is never touched costs nothing.
        let mut map = MmapOptions::new().len(room.checked_add(HUGE_PAGE)?).map_anon().ok()?;
        let before = map.as_ptr().align_offset(HUGE_PAGE);
        if before >= HUGE_PAGE {
            return None;
        }
        // SAFETY: the map is longer than `HUGE_PAGE`.
        let start = unsafe { NonNull::new(map.as_mut_ptr().add(before))? };
        #[cfg(target_os = "linux")]
        // Where it is refused, everything works on smaller pages.
        let _ = map.advise_range(memmap2::Advice::HugePage, before, room / HUGE_PAGE * HUGE_PAGE);
        // `room` bytes from `start` on are in the map: `before` is below `HUGE_PAGE`. They are 0.
        Some(Self { start, length: 0, room, _owner: Owner::Pages { _map: map } })
    }

    /// The first byte. What owns the memory has no other reference to it than those made from here.
    pub(super) fn start(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    pub(super) fn length(&self) -> usize {
        self.length
    }
}

/// As it is, wherever it lies.
impl From<Vec<u8>> for Memory {
    fn from(mut bytes: Vec<u8>) -> Self {
        let length = bytes.len();
        // SAFETY: a vector's pointer is never null.
        let start = unsafe { NonNull::new_unchecked(bytes.as_mut_ptr()) };
        Self { start, length, room: length, _owner: Owner::Heap { _bytes: bytes } }
    }
}

impl AsRef<[u8]> for Memory {
    #[inline(always)]
    fn as_ref(&self) -> &[u8] {
        // SAFETY: so many bytes of the room are initialised, since all of it was 0 when it was made; they belong to
        // `self`, whose owner does not touch or move them, and are borrowed as it is.
        unsafe { core::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl AsMut<[u8]> for Memory {
    #[inline(always)]
    fn as_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above; `self` is borrowed exclusively.
        unsafe { core::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

impl core::ops::Deref for Memory {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        self.as_ref()
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (from, length) = (self.length, bytes.len().min(self.room - self.length));
        self.length += length;
        self.as_mut()[from..].copy_from_slice(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The same bytes, in memory of their own.
///
/// # Panics
/// If there is not enough memory, like the clone of a vector.
impl Clone for Memory {
    fn clone(&self) -> Self {
        #[cfg(not(miri))]
        if let Some(mut pages) = Self::pages(self.length) {
            pages.length = self.length;
            pages.as_mut().copy_from_slice(self);
            return pages;
        }
        Self::from(self.to_vec())
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Memory").field("length", &self.length).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_and_small_memory_is_zero_and_keeps_what_is_written() {
        for bytes in [0, 1, 100, (2 << 20) - 1, 2 << 20, (5 << 20) + 3] {
            let mut memory = Memory::zeroed(bytes).expect("small");
            assert_eq!(memory.len(), bytes);
            assert!(memory.iter().all(|byte| *byte == 0));
            if let Some(last) = memory.as_mut().last_mut() {
                *last = 7;
                let copy = memory.clone();
                drop(memory);
                assert_eq!((copy.len(), copy.last()), (bytes, Some(&7)));
            }
        }
        assert!(Memory::zeroed(usize::MAX).is_err());
    }

    #[test]
    fn writing_stops_where_the_room_ends() {
        let mut memory = Memory::with_room(3 << 20).expect("small");
        assert!(memory.is_empty());
        memory.write_all(&[1, 2, 3]).expect("room");
        assert_eq!(&*memory, [1, 2, 3]);
        memory.write_all(&vec![4; (3 << 20) - 3]).expect("room");
        assert!(memory.write_all(&[5]).is_err());
        assert_eq!((memory.len(), memory.last()), (3 << 20, Some(&4)));
    }
}
