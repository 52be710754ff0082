//! The slots: blocks of 64 with their bitmaps and packed remainders, and finding runs among them.
//!
//! Three bits say what a slot is:
//! - `occupieds[q]`: some key has quotient `q` (it speaks of the home slot, not of what lies in it);
//! - `runends[s]`: a run, the slots of all keys of one quotient, ends in slot `s`;
//! - `extensions[s]`: slot `s` holds a digit of the count of the key before it.
//!
//! Runs lie in the order of their quotients, each at its home slot or, if that is taken, right after the
//! run before. So the n-th set bit of `occupieds` belongs to the n-th set bit of `runends`. To find a run
//! without counting from the beginning, each block has an offset: how many of its first slots are taken by
//! runs whose home is in a block before. Everything else follows by rank and select within the block.

use crate::bits;
use crate::{Error, Shape};

const OCCUPIEDS: usize = 0;
const RUNENDS: usize = 1;
const EXTENSIONS: usize = 2;
/// Words of a block before its remainders.
pub(crate) const BITMAPS: usize = 3;

/// An offset that does not fit its byte; the true one is found by walking from an earlier block.
const SATURATED: u8 = u8::MAX;

/// The slots of a filter.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Blocks {
    /// Per block: three bitmaps, then as many words as a remainder has bits.
    words: Vec<u64>,
    /// Per block: its offset, or [`SATURATED`].
    offsets: Vec<u8>,
    remainder_bits: usize,
}

impl Blocks {
    pub(crate) fn new(shape: Shape) -> Result<Self, Error> {
        let (count, remainder_bits) = (shape.blocks(), shape.remainder_bits as usize);
        let length = count * (BITMAPS + remainder_bits);
        let out_of_memory = |_| Error::OutOfMemory { bytes: (length * 8 + count) as u64 };
        let (mut words, mut offsets) = (Vec::new(), Vec::new());
        words.try_reserve_exact(length).map_err(out_of_memory)?;
        offsets.try_reserve_exact(count).map_err(out_of_memory)?;
        words.resize(length, 0);
        offsets.resize(count, 0);
        Ok(Self { words, offsets, remainder_bits })
    }

    pub(crate) fn count(&self) -> usize {
        self.offsets.len()
    }

    pub(crate) fn slots(&self) -> usize {
        self.count() * 64
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.words.len() * 8 + self.offsets.len()
    }

    pub(crate) fn clear(&mut self) {
        self.words.fill(0);
        self.offsets.fill(0);
    }

    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    pub(crate) fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }

    #[inline]
    fn base(&self, block: usize) -> usize {
        block * (BITMAPS + self.remainder_bits)
    }

    pub(crate) fn occupieds(&self, block: usize) -> u64 {
        self.words[self.base(block) + OCCUPIEDS]
    }

    pub(crate) fn runends(&self, block: usize) -> u64 {
        self.words[self.base(block) + RUNENDS]
    }

    #[inline]
    fn bit(&self, bitmap: usize, slot: usize) -> bool {
        self.words[self.base(slot / 64) + bitmap] >> (slot % 64) & 1 == 1
    }

    #[inline]
    fn set_bit(&mut self, bitmap: usize, slot: usize, value: bool) {
        let at = self.base(slot / 64) + bitmap;
        let mask = 1 << (slot % 64);
        if value {
            self.words[at] |= mask;
        } else {
            self.words[at] &= !mask;
        }
    }

    #[inline]
    pub(crate) fn is_occupied(&self, quotient: usize) -> bool {
        self.bit(OCCUPIEDS, quotient)
    }

    pub(crate) fn set_occupied(&mut self, quotient: usize, value: bool) {
        self.set_bit(OCCUPIEDS, quotient, value);
    }

    #[inline]
    pub(crate) fn is_runend(&self, slot: usize) -> bool {
        self.bit(RUNENDS, slot)
    }

    pub(crate) fn set_runend(&mut self, slot: usize, value: bool) {
        self.set_bit(RUNENDS, slot, value);
    }

    #[inline]
    pub(crate) fn is_extension(&self, slot: usize) -> bool {
        self.bit(EXTENSIONS, slot)
    }

    #[inline]
    pub(crate) fn remainder(&self, slot: usize) -> u64 {
        let (base, width) = (self.base(slot / 64) + BITMAPS, self.remainder_bits);
        bits::get(&self.words[base..base + width], slot % 64 * width, width)
    }

    #[inline]
    pub(crate) fn set_remainder(&mut self, slot: usize, value: u64) {
        let (base, width) = (self.base(slot / 64) + BITMAPS, self.remainder_bits);
        bits::set(&mut self.words[base..base + width], slot % 64 * width, width, value);
    }

    /// Writes all of a slot but its run-end bit.
    pub(crate) fn write(&mut self, slot: usize, remainder: u64, extension: bool) {
        self.set_remainder(slot, remainder);
        self.set_bit(EXTENSIONS, slot, extension);
    }

    /// How many slots from the block's first are taken by runs of earlier blocks.
    #[inline]
    fn offset(&self, block: usize) -> usize {
        match self.offsets[block] {
            SATURATED => self.walked_offset(block),
            offset => usize::from(offset),
        }
    }

    /// The offset found from the nearest block before whose own is known. Only clusters that reach 255
    /// slots into another block come here: at 95 % load of hashed keys practically none.
    #[cold]
    fn walked_offset(&self, block: usize) -> usize {
        let known = (0..block).rev().find(|&earlier| self.offsets[earlier] != SATURATED).unwrap_or(0);
        let first = usize::from(self.offsets[known]);
        (known..block).fold(first, |offset, earlier| self.next_offset(earlier, offset))
    }

    /// The offset of the block after `block`, whose own offset is given.
    fn next_offset(&self, block: usize, offset: usize) -> usize {
        let end = self.end_after(block * 64 + offset, self.occupieds(block).count_ones());
        end.saturating_sub((block + 1) * 64)
    }

    /// The slot after the `runs`-th run end at or after `start`; `start` itself for no runs.
    #[inline]
    fn end_after(&self, start: usize, runs: u32) -> usize {
        if runs == 0 {
            return start;
        }
        let (mut block, mut runs) = (start / 64, runs);
        let mut ends = self.runends(block) & u64::MAX << (start % 64);
        loop {
            let here = ends.count_ones();
            if runs <= here {
                return block * 64 + bits::select(ends, runs - 1) as usize + 1;
            }
            runs -= here;
            block += 1;
            ends = self.runends(block);
        }
    }

    /// The slot after the last one taken by runs of quotients up to `quotient`; never before the first
    /// slot of the quotient's block.
    #[inline]
    pub(crate) fn end_through(&self, quotient: usize) -> usize {
        let block = quotient / 64;
        let runs = (self.occupieds(block) & u64::MAX >> (63 - quotient % 64)).count_ones();
        self.end_after(block * 64 + self.offset(block), runs)
    }

    /// Where the run of `quotient` begins, or would begin.
    #[inline]
    pub(crate) fn run_start(&self, quotient: usize) -> usize {
        let block = quotient / 64;
        let runs = (self.occupieds(block) & !(u64::MAX << (quotient % 64))).count_ones();
        self.end_after(block * 64 + self.offset(block), runs).max(quotient)
    }

    /// The slot after the end of the run that begins at `start`.
    pub(crate) fn run_end(&self, start: usize) -> usize {
        self.end_after(start, 1)
    }

    /// The first free slot at or after `slot`; `None` if all are taken.
    ///
    /// A slot is free if the runs of all quotients up to it end before it.
    pub(crate) fn first_free(&self, slot: usize) -> Option<usize> {
        let mut candidate = slot;
        while candidate < self.slots() {
            let end = self.end_through(candidate);
            if end <= candidate {
                return Some(candidate);
            }
            candidate = end;
        }
        None
    }

    /// The first slot at or after `end`, the end of a run, that is free or begins a run in its home slot.
    pub(crate) fn shift_limit(&self, end: usize) -> usize {
        let mut limit = end;
        loop {
            let next = self.end_through(limit - 1);
            if next <= limit {
                return limit;
            }
            limit = next;
        }
    }

    /// Moves everything in slots `from..to` up by one; slot `to` must be free. Slot `from` keeps its bits.
    pub(crate) fn shift_up(&mut self, from: usize, to: usize) {
        let width = self.remainder_bits;
        for block in (from / 64..=to / 64).rev() {
            let base = self.base(block);
            let low = from.max(block * 64) - block * 64;
            let high = to.min(block * 64 + 63) - block * 64;
            for bitmap in [RUNENDS, EXTENSIONS] {
                bits::move_up(&mut self.words[base + bitmap..][..1], low, high, 1);
            }
            let remainders = &mut self.words[base + BITMAPS..][..width];
            bits::move_up(remainders, low * width, high * width, width);
            if block > from / 64 {
                self.copy_slot(block * 64 - 1, block * 64);
            }
        }
    }

    /// Moves everything in slots `from..to` down by one and clears slot `to - 1`; `from` is not 0.
    pub(crate) fn shift_down(&mut self, from: usize, to: usize) {
        let width = self.remainder_bits;
        let last = to - 1;
        if from <= last {
            for block in from / 64..=last / 64 {
                let base = self.base(block);
                let mut low = from.max(block * 64) - block * 64;
                let high = last.min(block * 64 + 63) - block * 64 + 1;
                if low == 0 {
                    self.copy_slot(block * 64, block * 64 - 1);
                    low = 1;
                }
                for bitmap in [RUNENDS, EXTENSIONS] {
                    bits::move_down(&mut self.words[base + bitmap..][..1], low, high, 1);
                }
                let remainders = &mut self.words[base + BITMAPS..][..width];
                bits::move_down(remainders, low * width, high * width, width);
            }
        }
        self.write(last, 0, false);
        self.set_runend(last, false);
    }

    fn copy_slot(&mut self, from: usize, to: usize) {
        self.write(to, self.remainder(from), self.is_extension(from));
        self.set_runend(to, self.is_runend(from));
    }

    /// Works out the offsets of the blocks after `first`, up to `last`, anew.
    pub(crate) fn refresh_offsets(&mut self, first: usize, last: usize) {
        if first >= last {
            return;
        }
        let mut offset = self.offset(first);
        for block in first..last {
            offset = self.next_offset(block, offset);
            self.offsets[block + 1] = u8::try_from(offset).unwrap_or(SATURATED);
        }
    }

    /// The offsets of the blocks after `first`, up to `last`, have become greater by one.
    pub(crate) fn raise_offsets(&mut self, first: usize, last: usize) {
        for offset in &mut self.offsets[first + 1..=last] {
            *offset = offset.saturating_add(1);
        }
    }

    /// The offsets of the blocks after `first`, up to `last`, have become smaller by one.
    pub(crate) fn lower_offsets(&mut self, first: usize, last: usize) {
        let offsets = &mut self.offsets[first + 1..=last];
        if offsets.contains(&SATURATED) {
            self.refresh_offsets(first, last);
        } else {
            offsets.iter_mut().for_each(|offset| *offset -= 1);
        }
    }
}
