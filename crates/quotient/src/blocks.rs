//! The slots: blocks of 64 with their remainders and bitmaps, seen in any bytes that hold them.
//!
//! Two bits say what a slot is:
//! - `occupieds[q]`: some key has quotient `q` (it speaks of the home slot, not of what lies in it);
//! - `runends[s]`: a run, the slots of all keys of one quotient, ends in slot `s`.
//!
//! Runs lie in the order of their quotients, each at its home slot or, if that is taken, right after the
//! run before. So the n-th set bit of `occupieds` belongs to the n-th set bit of `runends`. To find a run
//! without counting from the beginning, each block has an offset: how many of its first slots are taken by
//! runs whose home is in a block before. Everything else follows by rank and select within the block.
//!
//! A block is its 64 slots packed to the bit, then 17 bytes: `occupieds`, `runends`, the offset. The slots
//! come first so that a number is read with one load of eight bytes which never leaves its block.

use crate::Key;
use crate::key::{move_down, move_up, open_bits, set_word, word};
use crate::machine::{Sight, prefetch};
use crate::shape::Division;

/// Bytes of a block after its slots.
pub(crate) const BOOKKEEPING: usize = 17;
pub(crate) const RUNENDS: usize = 8;
pub(crate) const OFFSET: usize = 16;

/// An offset that its byte cannot say: this or more. The true one is found from an earlier block.
pub(crate) const SATURATED: u8 = u8::MAX;

/// Bytes of a block of slots of so many bits.
pub(crate) fn block_bytes(slot_bits: u32) -> usize {
    8 * slot_bits as usize + BOOKKEEPING
}

/// What a block says of its slots, read at once.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    pub(crate) occupieds: u64,
    pub(crate) runends: u64,
    pub(crate) offset: u32,
}

/// Blocks of a filter that follow each other: all, or a window of them. Slots and quotients are numbered
/// from the first slot of the first block.
#[derive(Clone, Copy)]
pub(crate) struct Blocks<B> {
    bytes: B,
    slot_bits: u32,
    block_bytes: usize,
    count: usize,
    /// Whether nothing follows the last block.
    pub(crate) to_the_end: bool,
}

impl<B: AsRef<[u8]>> Blocks<B> {
    /// A view of `count` blocks, which `bytes` are exactly.
    #[inline(always)]
    pub(crate) fn new(bytes: B, division: &Division, count: usize, to_the_end: bool) -> Self {
        let slot_bits = division.slot_bits;
        Self { bytes, slot_bits, block_bytes: block_bytes(slot_bits), count, to_the_end }
    }

    #[inline(always)]
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    #[inline(always)]
    pub(crate) fn slot_bits(&self) -> u32 {
        self.slot_bits
    }

    #[inline(always)]
    pub(crate) fn slots(&self) -> usize {
        self.count * 64
    }

    #[inline(always)]
    pub(super) fn at(&self, block: usize) -> usize {
        block * self.block_bytes
    }

    #[inline(always)]
    fn bitmaps_at(&self, block: usize) -> usize {
        block * self.block_bytes + 8 * self.slot_bits as usize
    }

    #[inline(always)]
    pub(crate) fn occupieds(&self, block: usize) -> u64 {
        word(self.bytes.as_ref(), self.bitmaps_at(block))
    }

    #[inline(always)]
    pub(crate) fn runends(&self, block: usize) -> u64 {
        word(self.bytes.as_ref(), self.bitmaps_at(block) + RUNENDS)
    }

    #[inline(always)]
    pub(crate) fn offset_byte(&self, block: usize) -> u8 {
        self.bytes.as_ref()[self.bitmaps_at(block) + OFFSET]
    }

    #[inline(always)]
    pub(crate) fn is_occupied(&self, quotient: usize) -> bool {
        self.occupieds(quotient / 64) >> (quotient % 64) & 1 == 1
    }

    #[inline(always)]
    pub(crate) fn is_runend(&self, slot: usize) -> bool {
        self.runends(slot / 64) >> (slot % 64) & 1 == 1
    }

    /// What a slot holds: a remainder and its value, or a part of a count.
    #[inline(always)]
    pub(crate) fn slot<K: Key>(&self, slot: usize) -> K {
        self.slot_of(slot / 64, (slot % 64) as u32)
    }

    /// What is in a slot counted from the block's first. From 64 on it is what lies after the slots.
    #[inline(always)]
    pub(crate) fn slot_of<K: Key>(&self, block: usize, slot: u32) -> K {
        let at = self.at(block) * 8 + (slot * self.slot_bits) as usize;
        K::read(self.bytes.as_ref(), at, self.slot_bits)
    }

    /// The same blocks, to be read.
    #[inline(always)]
    pub(crate) fn reading(&self) -> Blocks<&[u8]> {
        let Self { slot_bits, block_bytes, count, to_the_end, .. } = *self;
        Blocks { bytes: self.bytes.as_ref(), slot_bits, block_bytes, count, to_the_end }
    }

    /// One block, to be read in haste. `None` for the last blocks of a window and for very wide slots.
    #[inline(always)]
    pub(crate) fn one<K: Key>(&self, block: usize) -> Option<Sight<'_, K>> {
        Sight::new(self.bytes.as_ref(), self.at(block), self.slot_bits)
    }

    /// Asks for the cache lines that a search for a quotient will touch: bitmaps, and where its run would be
    /// if it were pushed a little.
    #[inline(always)]
    pub(crate) fn prefetch(&self, quotient: usize) {
        let (bytes, block) = (self.bytes.as_ref(), quotient / 64);
        // The bitmaps are not aligned: a quarter of them lies on two lines.
        prefetch(bytes, self.bitmaps_at(block));
        prefetch(bytes, self.bitmaps_at(block) + OFFSET);
        self.prefetch_slots(quotient);
    }

    /// Asks for the slots only, where the bitmaps are read right now.
    #[inline(always)]
    pub(crate) fn prefetch_slots(&self, quotient: usize) {
        let (block, width) = (quotient / 64, self.slot_bits as usize);
        prefetch(self.bytes.as_ref(), self.at(block) + (quotient % 64 + 4) * width / 8);
    }

    /// Asks for the line after, for what is going to move slots.
    #[inline(always)]
    pub(crate) fn prefetch_more(&self, quotient: usize) {
        let (bytes, block, width) = (self.bytes.as_ref(), quotient / 64, self.slot_bits as usize);
        prefetch(bytes, self.at(block) + (quotient % 64 + 4) * width / 8 + 64);
    }
}

impl<'a> Blocks<&'a [u8]> {
    /// As [`one`](Self::one), for as long as the bytes are there.
    #[inline(always)]
    pub(crate) fn one_for_long<K: Key>(&self, block: usize) -> Option<Sight<'a, K>> {
        Sight::new(self.bytes, self.at(block), self.slot_bits)
    }
}

impl Blocks<&mut [u8]> {
    /// The same blocks, to be written.
    #[inline(always)]
    pub(crate) fn writing(&mut self) -> Blocks<&mut [u8]> {
        let Self { slot_bits, block_bytes, count, to_the_end, .. } = *self;
        Blocks { bytes: self.bytes, slot_bits, block_bytes, count, to_the_end }
    }

    #[inline(always)]
    fn set_bit(&mut self, at: usize, bit: usize, value: bool) {
        let old = word(self.bytes, at) & !(1 << bit);
        set_word(self.bytes, at, old | u64::from(value) << bit);
    }

    #[inline(always)]
    pub(crate) fn set_occupied(&mut self, quotient: usize, value: bool) {
        self.set_bit(self.bitmaps_at(quotient / 64), quotient % 64, value);
    }

    #[inline(always)]
    pub(crate) fn set_runend(&mut self, slot: usize, value: bool) {
        self.set_bit(self.bitmaps_at(slot / 64) + RUNENDS, slot % 64, value);
    }

    #[inline(always)]
    pub(crate) fn set_offset_byte(&mut self, block: usize, offset: u8) {
        let at = self.bitmaps_at(block) + OFFSET;
        self.bytes[at] = offset;
    }

    #[inline(always)]
    pub(crate) fn set_slot<K: Key>(&mut self, slot: usize, content: K) {
        let at = self.at(slot / 64) * 8 + slot % 64 * self.slot_bits as usize;
        K::write(self.bytes, at, self.slot_bits, content);
    }

    #[inline(always)]
    pub(crate) fn set_bitmaps(&mut self, block: usize, occupieds: u64, runends: u64) {
        let at = self.bitmaps_at(block);
        let bytes = &mut self.bytes[at..at + BOOKKEEPING];
        set_word(bytes, 0, occupieds);
        set_word(bytes, RUNENDS, runends);
    }

    /// Moves what slots `from..to` of a block hold up by one, and writes slot `from`.
    #[inline(always)]
    pub(crate) fn open_slot<K: Key>(&mut self, block: usize, from: u32, to: u32, content: K) {
        let (width, first) = (self.slot_bits as usize, self.at(block) * 8);
        let (from, to) = (first + from as usize * width, first + to as usize * width);
        if K::BITS > 64 || !open_bits(self.bytes, from, to, self.slot_bits, content.low()) {
            move_up(self.bytes, from, to, width);
            K::write(self.bytes, from, self.slot_bits, content);
        }
    }

    /// Moves everything in slots `from..to` up by one; slot `to` must be free. Slot `from` keeps its bits.
    pub(crate) fn shift_up<K: Key>(&mut self, from: usize, to: usize) {
        let width = self.slot_bits as usize;
        for block in (from / 64..=to / 64).rev() {
            let low = from.max(block * 64) - block * 64;
            let high = to.min(block * 64 + 63) - block * 64;
            // Bits `low` to `high` of the ends.
            let moving = u64::MAX << low & u64::MAX >> (63 - high);
            let ends = self.runends(block);
            let moved = ends & !moving | (ends & moving) << 1 & moving | ends & 1 << low;
            let (ends_at, slots_at) = (self.bitmaps_at(block) + RUNENDS, self.at(block) * 8);
            set_word(self.bytes, ends_at, moved);
            move_up(self.bytes, slots_at + low * width, slots_at + high * width, width);
            if block > from / 64 {
                self.copy_slot::<K>(block * 64 - 1, block * 64);
            }
        }
    }

    /// Moves what slots `from..to` of a block hold down by one and clears the last of them; `from` is not 0.
    #[inline(always)]
    pub(crate) fn close_slot<K: Key>(&mut self, block: usize, from: u32, to: u32) {
        let (width, first) = (self.slot_bits as usize, self.at(block) * 8);
        move_down(self.bytes, first + from as usize * width, first + to as usize * width, width);
        K::write(self.bytes, first + (to as usize - 1) * width, self.slot_bits, K::ZERO);
    }

    /// Moves everything in slots `from..to` down by one and clears slot `to - 1`; `from` is not 0.
    pub(crate) fn shift_down<K: Key>(&mut self, from: usize, to: usize) {
        let (width, last) = (self.slot_bits as usize, to - 1);
        if from <= last {
            for block in from / 64..=last / 64 {
                let mut low = from.max(block * 64) - block * 64;
                let high = last.min(block * 64 + 63) - block * 64;
                if low == 0 {
                    self.copy_slot::<K>(block * 64, block * 64 - 1);
                    low = 1;
                }
                if low > high {
                    continue;
                }
                let moving = u64::MAX << low & u64::MAX >> (63 - high);
                let ends = self.runends(block);
                let moved = ends & !(moving >> 1) | (ends & moving) >> 1;
                let (ends_at, slots_at) = (self.bitmaps_at(block) + RUNENDS, self.at(block) * 8);
                set_word(self.bytes, ends_at, moved);
                move_down(self.bytes, slots_at + low * width, slots_at + (high + 1) * width, width);
            }
        }
        self.set_slot(last, K::ZERO);
        self.set_runend(last, false);
    }

    fn copy_slot<K: Key>(&mut self, from: usize, to: usize) {
        self.set_slot(to, self.slot::<K>(from));
        self.set_runend(to, self.is_runend(from));
    }
}
