//! Finding runs by rank and select, and keeping offsets.
//!
//! `None` always means: that lies beyond the last block of the view. In a view of all blocks it means that
//! the filter is full.

use crate::blocks::{Blocks, SATURATED};
use crate::machine::Cpu;

impl<B: AsRef<[u8]>> Blocks<B> {
    /// How many slots from the block's first are taken by runs of earlier blocks.
    #[inline(always)]
    fn offset<C: Cpu>(&self, block: usize) -> Option<usize> {
        match self.offset_byte(block) {
            SATURATED => self.walked_offset::<C>(block),
            offset => Some(usize::from(offset)),
        }
    }

    /// The offset found from the nearest block before whose own is known. Only clusters that reach 255 slots
    /// into another block come here: of evenly spread keys at 95 % load practically none, at 99 % some.
    #[cold]
    fn walked_offset<C: Cpu>(&self, block: usize) -> Option<usize> {
        let known = (0..block).rev().find(|&earlier| self.offset_byte(earlier) != SATURATED).unwrap_or(0);
        let first = usize::from(self.offset_byte(known));
        (known..block).try_fold(first, |offset, earlier| self.next_offset::<C>(earlier, offset))
    }

    /// The offset of the block after `block`, whose own offset is given.
    #[inline(always)]
    fn next_offset<C: Cpu>(&self, block: usize, offset: usize) -> Option<usize> {
        let end = self.end_after::<C>(block * 64 + offset, C::ones(self.occupieds(block)))?;
        Some(end.saturating_sub((block + 1) * 64))
    }

    /// The slot after the `runs`-th run end at or after `start`; `start` itself for no runs.
    #[inline(always)]
    fn end_after<C: Cpu>(&self, start: usize, runs: u32) -> Option<usize> {
        if runs == 0 {
            return Some(start);
        }
        let (mut block, mut runs) = (start / 64, runs);
        if block >= self.count() {
            return None;
        }
        let mut ends = self.runends(block) & u64::MAX << (start % 64);
        loop {
            // More than 64 are wanted where quotients of several blocks are passed at once.
            let bit = if runs <= 64 { C::select(ends, runs - 1) } else { 64 };
            if bit < 64 {
                return Some(block * 64 + bit as usize + 1);
            }
            runs -= C::ones(ends);
            block += 1;
            if block >= self.count() {
                return None;
            }
            ends = self.runends(block);
        }
    }

    /// The slot after the last one taken by runs of quotients up to `quotient`; never before the first
    /// slot of the quotient's block.
    #[inline(always)]
    pub(crate) fn end_through<C: Cpu>(&self, quotient: usize) -> Option<usize> {
        let block = quotient / 64;
        let runs = C::ones(self.occupieds(block) & u64::MAX >> (63 - quotient % 64));
        self.end_after::<C>(block * 64 + self.offset::<C>(block)?, runs)
    }

    /// Where the run of `quotient` begins, or would begin.
    #[inline(always)]
    pub(crate) fn run_start<C: Cpu>(&self, quotient: usize) -> Option<usize> {
        let block = quotient / 64;
        let runs = C::ones(self.occupieds(block) & !(u64::MAX << (quotient % 64)));
        Some(self.end_after::<C>(block * 64 + self.offset::<C>(block)?, runs)?.max(quotient))
    }

    /// The slot after the end of the run that begins at `start`.
    #[inline(always)]
    pub(crate) fn run_end<C: Cpu>(&self, start: usize) -> Option<usize> {
        self.end_after::<C>(start, 1)
    }

    /// The first free slot at or after `quotient`, whose run begins, or would begin, at `start`.
    ///
    /// A slot is free if the runs of all quotients up to it end before it.
    #[inline(always)]
    pub(crate) fn first_free<C: Cpu>(&self, quotient: usize, start: usize) -> Option<usize> {
        let end = if self.is_occupied(quotient) { self.end_after::<C>(start, 1)? } else { start };
        self.free_after::<C>(quotient, end)
    }

    /// The first free slot after those up to `end`, where the runs of quotients up to `quotient` end.
    #[inline(always)]
    fn free_after<C: Cpu>(&self, quotient: usize, end: usize) -> Option<usize> {
        let (mut counted, mut end) = (quotient, end);
        while end < self.slots() {
            // Runs whose home is among the slots just passed follow right here.
            match self.occupied_between::<C>(counted, end) {
                0 => return Some(end),
                runs => (counted, end) = (end, self.end_after::<C>(end, runs)?),
            }
        }
        None
    }

    /// The first free slot at or after `slot`.
    #[inline(always)]
    pub(crate) fn next_free<C: Cpu>(&self, slot: usize) -> Option<usize> {
        if slot >= self.slots() {
            return None;
        }
        let end = self.end_through::<C>(slot)?;
        if end <= slot { Some(slot) } else { self.free_after::<C>(slot, end) }
    }

    /// How many quotients after `after`, up to `last`, have runs.
    #[inline(always)]
    fn occupied_between<C: Cpu>(&self, after: usize, last: usize) -> u32 {
        let up_to = |quotient: usize| u64::MAX >> (63 - quotient % 64);
        let (first_block, last_block) = (after / 64, last / 64);
        if first_block == last_block {
            return C::ones(self.occupieds(first_block) & (up_to(last) ^ up_to(after)));
        }
        let between = (first_block + 1..last_block).map(|block| C::ones(self.occupieds(block)));
        C::ones(self.occupieds(first_block) & !up_to(after))
            + between.sum::<u32>()
            + C::ones(self.occupieds(last_block) & up_to(last))
    }

    /// The first slot at or after `end`, the end of the run of `quotient`, that is free or begins a run in its home
    /// slot: the runs of all quotients before it end before it.
    #[inline(always)]
    pub(crate) fn shift_limit<C: Cpu>(&self, quotient: usize, end: usize) -> Option<usize> {
        let (mut counted, mut limit) = (quotient, end);
        loop {
            // Runs whose home is among the slots just passed follow right here.
            match self.occupied_between::<C>(counted, limit - 1) {
                // What follows a window may begin with runs that were pushed.
                0 => return (limit < self.slots() || self.to_the_end).then_some(limit),
                runs => (counted, limit) = (limit - 1, self.end_after::<C>(limit, runs)?),
            }
        }
    }
}

impl Blocks<&mut [u8]> {
    /// Works out the offsets of the blocks after `first`, up to `last`, anew.
    fn refresh_offsets<C: Cpu>(&mut self, first: usize, last: usize) {
        let mut offset = self.offset::<C>(first).unwrap_or(0);
        for block in first..last {
            // Every run ends within the view: its caller knows where the last one does.
            offset = self.next_offset::<C>(block, offset).unwrap_or(0);
            self.set_offset_byte(block + 1, u8::try_from(offset).unwrap_or(SATURATED));
        }
    }

    /// The offsets of the blocks after `first`, up to `last`, have become greater by one.
    #[inline(always)]
    pub(crate) fn raise_offsets(&mut self, first: usize, last: usize) {
        for block in first + 1..=last {
            self.set_offset_byte(block, self.offset_byte(block).saturating_add(1));
        }
    }

    /// The offsets of the blocks after `first`, up to `last`, have become smaller by one.
    #[inline(always)]
    pub(crate) fn lower_offsets<C: Cpu>(&mut self, first: usize, last: usize) {
        if (first + 1..=last).any(|block| self.offset_byte(block) == SATURATED) {
            self.refresh_offsets::<C>(first, last);
            return;
        }
        for block in first + 1..=last {
            self.set_offset_byte(block, self.offset_byte(block) - 1);
        }
    }
}
