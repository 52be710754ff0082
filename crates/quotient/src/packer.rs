//! Writing blocks from front to back, each word of them once.
//!
//! What a slot shares a word with is in a register, not read back from memory that was written a moment before
//! as part of another word, for which the processor waits.

use crate::Key;
use crate::blocks::{BOOKKEEPING, OFFSET, RUNENDS, block_bytes};
use crate::key::set_word;

/// Blocks that are being written: slots in ascending order.
pub(crate) struct Packer {
    slot_bits: u32,
    /// Whether slots are at most as wide as a word.
    pub(crate) in_words: bool,
    /// Blocks from `first` on. What is not yet written is zero.
    window: Vec<u8>,
    first: usize,
    /// The block of the last slot, where it begins in the window, and its run ends.
    pub(crate) block: usize,
    at: usize,
    ends: u64,
    /// The last word of its slots that is begun: which it is, and its bits.
    word: u32,
    bits: u64,
}

impl Packer {
    pub(crate) fn new(slot_bits: u32) -> Self {
        let window = vec![0; block_bytes(slot_bits)];
        let in_words = slot_bits <= u64::BITS;
        Self { slot_bits, in_words, window, first: 0, block: 0, at: 0, ends: 0, word: 0, bits: 0 }
    }

    /// Ends a run before slot `end`, which is in the block of the last slot or right behind it, if `ended`.
    #[inline(always)]
    pub(crate) fn end_run(&mut self, end: usize, ended: bool) {
        // Before the first slot, nothing ends.
        let run = u64::from(ended & (end > 0));
        self.ends |= run << (end.wrapping_sub(1) % 64);
    }

    /// Writes a slot of the block of the last one, counted from the block's first. It is at most as wide as a word.
    #[inline(always)]
    pub(crate) fn put_word(&mut self, slot: u32, content: u64) {
        let from = slot * self.slot_bits;
        let (word, shift) = (from / 64, from % 64);
        let begun = if word == self.word { self.bits } else { 0 };
        let (low, high) = (begun | content << shift, content >> 1 >> (63 - shift));
        // Behind the slots lie the bitmaps of the block, which are written later.
        let at = self.at + word as usize * 8;
        let bytes = &mut self.window[at..at + 16];
        set_word(bytes, 0, low);
        set_word(bytes, 8, high);
        let filled = shift + self.slot_bits >= 64;
        (self.word, self.bits) = (word + u32::from(filled), if filled { high } else { low });
    }

    /// Writes a slot behind the last one.
    pub(crate) fn put<K: Key>(&mut self, slot: usize, content: K) {
        self.go_to(slot / 64);
        let slot = (slot % 64) as u32;
        if self.in_words {
            self.put_word(slot, content.low());
        } else {
            let at = self.at * 8 + (slot * self.slot_bits) as usize;
            // What is touched beyond the slots is the block's own, but for a byte of slots of more than 121 bits.
            K::write(&mut self.window, at, self.slot_bits, content);
        }
    }

    /// Goes on to the block of the next slot.
    pub(crate) fn go_to(&mut self, block: usize) {
        if block > self.block {
            self.set_ends();
            self.block = block;
            self.at = self.bytes_before(block);
            (self.ends, self.word, self.bits) = (0, 0, 0);
            let needed = self.bytes_before(block + 1);
            if needed > self.window.len() {
                self.window.resize(needed, 0);
            }
        }
    }

    /// Writes the run ends of the block of the last slot.
    pub(crate) fn set_ends(&mut self) {
        let at = self.bitmaps_at(self.block);
        set_word(&mut self.window, at + RUNENDS, self.ends);
    }

    pub(crate) fn set_occupieds(&mut self, block: usize, occupieds: u64) {
        let at = self.bitmaps_at(block);
        set_word(&mut self.window, at, occupieds);
    }

    pub(crate) fn set_offset(&mut self, block: usize, offset: u8) {
        let at = self.bitmaps_at(block);
        self.window[at + OFFSET] = offset;
    }

    fn bitmaps_at(&self, block: usize) -> usize {
        self.bytes_before(block + 1) - BOOKKEEPING
    }

    /// Bytes of the window before a block.
    pub(crate) fn bytes_before(&self, block: usize) -> usize {
        (block - self.first) * block_bytes(self.slot_bits)
    }

    /// The blocks before one.
    pub(crate) fn finished(&self, before: usize) -> &[u8] {
        &self.window[..self.bytes_before(before)]
    }

    /// Forgets the blocks before one.
    pub(crate) fn drop_blocks(&mut self, before: usize) {
        let (dropped, length) = (self.bytes_before(before), self.window.len());
        self.window.copy_within(dropped.., 0);
        self.window[length - dropped..].fill(0);
        self.first = before;
        self.at = if self.block < before { 0 } else { self.bytes_before(self.block) };
    }
}
