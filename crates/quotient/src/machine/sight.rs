//! Reading a block whose bytes were looked for only once.
//!
//! A lookup reads a block half a dozen times. Each time to ask whether the bytes are there would be a quarter of its
//! instructions, and how many lookups the processor has under way is a matter of how many instructions each is.

#![allow(unsafe_code, reason = "reads in a block that was checked to be there")]

use core::marker::PhantomData;

use super::processor::prefetch_at;
use crate::Key;
use crate::blocks::{BOOKKEEPING, Head, OFFSET, RUNENDS};

/// A block and the one after it. Slots are counted from the first one's first.
#[derive(Clone, Copy)]
pub(crate) struct Sight<'a, K> {
    start: *const u8,
    slot_bits: u32,
    bytes: PhantomData<(&'a [u8], K)>,
}

// SAFETY: it only reads bytes, which are borrowed as a slice would borrow them.
unsafe impl<K> Send for Sight<'_, K> {}
// SAFETY: as above.
unsafe impl<K> Sync for Sight<'_, K> {}

impl<'a, K: Key> Sight<'a, K> {
    /// The block that begins at a byte; `None` where too little follows or slots are too wide to be read at once.
    #[inline(always)]
    pub(crate) fn new(bytes: &'a [u8], at: usize, slot_bits: u32) -> Option<Self> {
        // Two blocks; a number that begins in the last slot may end behind them.
        let reach = 16 * slot_bits as usize + 2 * BOOKKEEPING + size_of::<K>();
        if slot_bits > K::NARROW || at > bytes.len().checked_sub(reach)? {
            return None;
        }
        // SAFETY: `at + reach` is at most the length, as just checked.
        let start = unsafe { bytes.as_ptr().add(at) };
        Some(Self { start, slot_bits, bytes: PhantomData })
    }

    /// Asks for the memory of a slot of the first block.
    #[inline(always)]
    pub(crate) fn prefetch(&self, slot: u32) {
        prefetch_at(self.start.wrapping_add(((slot & 127) * self.slot_bits / 8) as usize));
    }

    /// What the first block says of its slots.
    #[inline(always)]
    pub(crate) fn head(&self) -> Head {
        // SAFETY: after its slots, which are `8 * slot_bits` bytes, a block has `BOOKKEEPING` bytes, and `new` checked
        // that two blocks are there. No alignment is asked for, and every number is allowed.
        unsafe {
            let bitmaps = self.start.add(8 * self.slot_bits as usize);
            let occupieds = u64::from_le(bitmaps.cast::<u64>().read_unaligned());
            let runends = u64::from_le(bitmaps.add(RUNENDS).cast::<u64>().read_unaligned());
            Head { occupieds, runends, offset: u32::from(bitmaps.add(OFFSET).read()) }
        }
    }

    /// The run ends of the second block.
    #[inline(always)]
    pub(crate) fn next_runends(&self) -> u64 {
        // SAFETY: as above; before the second block's bitmaps are the first block and the second's slots.
        let at = unsafe { self.start.add(16 * self.slot_bits as usize + BOOKKEEPING + RUNENDS) };
        // SAFETY: as above.
        u64::from_le(unsafe { at.cast::<u64>().read_unaligned() })
    }

    /// What is in a slot of the first block, 0 to 63. From 64 to 127 it is what lies after the slots.
    #[inline(always)]
    pub(crate) fn slot(&self, slot: u32) -> K {
        self.number((slot & 127) * self.slot_bits, 0)
    }

    /// What is in a slot of one of the two blocks, 0 to 127.
    #[inline(always)]
    pub(crate) fn slot_of_both(&self, slot: u32) -> K {
        self.number((slot & 127) * self.slot_bits, (slot as usize / 64 % 2) * BOOKKEEPING)
    }

    /// The slot that begins at a bit, at most `127 * slot_bits`, after at most `BOOKKEEPING` bytes.
    #[inline(always)]
    fn number(&self, bit: u32, skipped: usize) -> K {
        let byte = (bit / 8) as usize + skipped;
        // SAFETY: the byte is below `16 * slot_bits + BOOKKEEPING` (both callers keep to the limits above), and from
        // there on there are as many bytes as `K` has, which `new` checked. No alignment is asked for. `Key` is only
        // implemented for `u64` and `u128`, for which every sequence of bits is a number.
        let number = unsafe { self.start.add(byte).cast::<K>().read_unaligned() };
        K::from_little_endian(number) >> (bit % 8) & K::MAX >> (K::BITS - self.slot_bits)
    }
}
