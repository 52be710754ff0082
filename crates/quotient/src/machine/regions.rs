//! Bytes shared by threads in regions of equal size, each under a lock of its own.
//!
//! Whoever holds the locks of neighbouring regions has their bytes as one slice. Locks are only ever waited
//! for in ascending order by one who already holds some, so threads cannot wait for each other in a circle.

#![allow(unsafe_code, reason = "a slice across several locked regions cannot be had without")]

use core::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Memory;

/// A lock alone on its cache line: neighbours would disturb each other.
#[repr(align(64))]
struct Lock<T>(Mutex<T>);

/// Bytes in regions, and something of type `T` for each region.
pub(crate) struct Regions<T> {
    locks: Box<[Lock<T>]>,
    /// Only reached through its pointer, never as a slice of all.
    memory: Memory,
    /// What of the bytes is divided into regions; nobody touches the rest.
    shared: Range<usize>,
    region_bytes: usize,
}

// SAFETY: bytes are only reached through a `Window`, which holds the locks of all regions it shows; so no two
// threads reach a byte at the same time, and what one wrote is seen by the next (the locks order them).
unsafe impl<T: Send> Sync for Regions<T> {}

impl<T: Default> Regions<T> {
    /// Divides the bytes in `shared` into regions of `region_bytes`, which is not 0; the last may be shorter.
    ///
    /// # Panics
    /// If there are fewer bytes than are shared.
    pub(crate) fn new(memory: Memory, shared: Range<usize>, region_bytes: usize) -> Self {
        assert!(shared.start <= shared.end && shared.end <= memory.length());
        let count = shared.len().div_ceil(region_bytes);
        let locks = (0..count).map(|_| Lock(Mutex::new(T::default()))).collect();
        Self { locks, memory, shared, region_bytes }
    }

    pub(crate) fn count(&self) -> usize {
        self.locks.len()
    }

    /// Waits for a region.
    #[inline]
    pub(crate) fn lock(&self, region: usize) -> Window<'_, T> {
        Window { regions: self, first: region, held: self.wait(region), more: Vec::new() }
    }

    #[inline]
    fn wait(&self, region: usize) -> MutexGuard<'_, T> {
        self.locks[region].0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the bytes back, and what belongs to each region.
    pub(crate) fn into_parts(self) -> (Memory, Vec<T>) {
        let parts =
            self.locks.into_iter().map(|lock| lock.0.into_inner().unwrap_or_else(PoisonError::into_inner));
        (self.memory, parts.collect())
    }
}

/// One or more neighbouring regions, locked.
pub(crate) struct Window<'a, T> {
    regions: &'a Regions<T>,
    first: usize,
    /// The first region's lock, and those of the regions after it.
    held: MutexGuard<'a, T>,
    more: Vec<MutexGuard<'a, T>>,
}

impl<T> Window<'_, T> {
    /// How many regions are held.
    pub(crate) fn count(&self) -> usize {
        1 + self.more.len()
    }

    /// The regions' bytes, and what belongs to one of them, counted from the first.
    #[inline]
    pub(crate) fn parts(&mut self, which: usize) -> (&mut [u8], &mut T) {
        let Regions { shared, region_bytes, .. } = self.regions;
        let from = shared.start + self.first * region_bytes;
        let to = (from + self.count() * region_bytes).min(shared.end);
        let from = from.min(to);
        // SAFETY: `from..to` lies within the memory: `to` is at most the end of what is shared, which `new` checked.
        // The locks of all regions in `from..to` are held by this window and given back only when it is dropped,
        // and the slice borrows the window exclusively: it is the only reference to these bytes while it lives, as
        // `Memory` makes none of its own while nobody asks for its slice.
        let bytes =
            unsafe { core::slice::from_raw_parts_mut(self.regions.memory.start().add(from), to - from) };
        let part = which.checked_sub(1).and_then(|later| self.more.get_mut(later));
        (bytes, part.unwrap_or(&mut self.held))
    }
}

impl<T: Default> Window<'_, T> {
    /// Waits for the region after the last; `false` if there is none.
    pub(crate) fn extend(&mut self) -> bool {
        let next = self.first + self.count();
        if next < self.regions.count() {
            self.more.push(self.regions.wait(next));
        }
        next < self.regions.count()
    }
}
