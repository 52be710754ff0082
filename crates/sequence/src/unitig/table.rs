//! The k-mers of one partition in an open-addressing table, each with its colour and whether a path has it already.

use stroma_quotient::Key;

/// Finds k-mers in about one step. At most two thirds full.
pub(super) struct KmerTable<W> {
    /// k-mers; free slots hold a word that no k-mer is. The highest bit, which no k-mer has, says that it was taken.
    slots: Vec<W>,
    colours: Vec<u32>,
    mask: usize,
}

impl<W: Key> KmerTable<W> {
    const TAKEN: u32 = W::BITS - 1;

    /// Without k-mers.
    pub(super) fn new() -> Self {
        KmerTable { slots: Vec::new(), colours: Vec::new(), mask: 0 }
    }

    /// Takes these k-mers, all below half of the word's range, in place of those before. Fails with one that comes
    /// twice.
    pub(super) fn fill(&mut self, kmers: &[(W, u32)]) -> Result<(), W> {
        let size = (kmers.len() * 3 / 2 + 2).next_power_of_two();
        self.slots.clear();
        self.slots.resize(size, W::MAX);
        // Colours of free slots are never looked at.
        self.colours.resize(size, 0);
        self.mask = size - 1;
        for &(kmer, colour) in kmers {
            let slot = self.slot(kmer);
            if self.slots[slot] == kmer {
                return Err(kmer);
            }
            self.slots[slot] = kmer;
            self.colours[slot] = colour;
        }
        Ok(())
    }

    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }

    /// The slot that holds the k-mer, or the free one where it would be.
    #[inline]
    fn slot(&self, kmer: W) -> usize {
        let wide: u128 = kmer.into();
        let folded = (wide as u64) ^ ((wide >> 64) as u64).rotate_left(31);
        let mut slot = (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & self.mask;
        loop {
            let held = self.slots[slot];
            if held == W::MAX || held & W::mask(Self::TAKEN) == kmer {
                return slot;
            }
            slot = (slot + 1) & self.mask;
        }
    }

    /// Takes the k-mer of a slot, if there is one that no path has.
    #[inline]
    pub(super) fn take_slot(&mut self, slot: usize) -> Option<(W, u32)> {
        let kmer = self.slots[slot];
        if kmer >> Self::TAKEN != W::ZERO {
            return None;
        }
        self.take(slot);
        Some((kmer, self.colours[slot]))
    }

    /// The slot and colour of a k-mer that no path has.
    #[inline]
    pub(super) fn free(&self, kmer: W) -> Option<(usize, u32)> {
        let slot = self.slot(kmer);
        (self.slots[slot] == kmer).then(|| (slot, self.colours[slot]))
    }

    /// Notes that a path has the k-mer of a slot.
    #[inline]
    pub(super) fn take(&mut self, slot: usize) {
        self.slots[slot] = self.slots[slot] | (W::from(1) << Self::TAKEN);
    }
}
