//! Writing blocks from front to back, each word of them once.
//!
//! What a slot shares a word with is in a register, not read back from memory that was written a moment before
//! as part of another word, for which the processor waits.

use core::hint::select_unpredictable as either;

use crate::Key;
use crate::blocks::{BOOKKEEPING, OFFSET, RUNENDS, block_bytes};
use crate::key::set_word;

/// A slot so wide is within 8 bytes wherever it begins, and less than these together with what is before it.
const WIDEST: u32 = 56;

/// Blocks that are being written: slots in ascending order.
pub(crate) struct Packer {
    slot_bits: u32,
    /// Whether a slot and what a byte has before it are at most a word.
    in_words: bool,
    /// Blocks from `first` on. What is not yet written is zero.
    pub(crate) window: Vec<u8>,
    first: usize,
    /// The block of the last slot, where it begins in the window, and its run ends.
    pub(crate) block: usize,
    at: usize,
    ends: u64,
    /// The last slot, as a bit among those; none before the first one.
    last: u64,
    /// The byte of its slots that is begun: which it is, and its bits.
    byte: u32,
    bits: u64,
}

impl Packer {
    pub(crate) fn new(slot_bits: u32) -> Self {
        let window = vec![0; block_bytes(slot_bits)];
        let in_words = slot_bits <= WIDEST;
        Self { slot_bits, in_words, window, first: 0, block: 0, at: 0, ends: 0, last: 0, byte: 0, bits: 0 }
    }

    /// The block of the last slot, if slots of it can be written by [`put_word`](Self::put_word).
    #[inline(always)]
    pub(crate) fn block_in_words(&self) -> Option<usize> {
        self.in_words.then_some(self.block)
    }

    /// Ends a run with the last slot, if `ended`.
    #[inline(always)]
    pub(crate) fn end_run(&mut self, ended: bool) {
        self.ends |= either(ended, self.last, 0);
    }

    /// Writes a slot of the block of the last one, counted from the block's first. It is at most `WIDEST` bits wide.
    #[inline(always)]
    pub(crate) fn put_word(&mut self, slot: u32, content: u64) {
        let from = slot * self.slot_bits;
        let (byte, shift) = (from / 8, from % 8);
        let word = content << shift | either(byte == self.byte, self.bits, 0);
        // Bytes behind the slot are written again by the slots after it, or are the block's bitmaps, which come last.
        set_word(&mut self.window, self.at + byte as usize, word);
        let end = shift + self.slot_bits;
        (self.byte, self.bits) = (byte + end / 8, word >> (end / 8 * 8));
        self.last = 1 << slot;
    }

    /// Writes a slot behind the last one.
    pub(crate) fn put<K: Key>(&mut self, slot: usize, content: K) {
        self.go_to(slot / 64);
        let slot = (slot % 64) as u32;
        if self.in_words {
            self.put_word(slot, content.low());
        } else {
            let at = self.at * 8 + (slot * self.slot_bits) as usize;
            // What is touched beyond the slot is the block's own: behind its slots are 17 bytes.
            K::write(&mut self.window, at, self.slot_bits, content);
            self.last = 1 << slot;
        }
    }

    /// Goes on to the block of the next slot.
    pub(crate) fn go_to(&mut self, block: usize) {
        if block > self.block {
            self.set_ends();
            self.block = block;
            self.at = self.bytes_before(block);
            (self.ends, self.last, self.byte, self.bits) = (0, 0, 0, 0);
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
