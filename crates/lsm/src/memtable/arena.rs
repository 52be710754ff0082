//! A growing array of atomic words that never moves: where the skip list keeps its nodes.

use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;

/// Words in chunks of equal size; a chunk is made when first needed and stays where it is, so that readers need
/// no lock. Word 0 is never handed out: it stands for "none".
#[derive(Debug)]
pub(super) struct Arena {
    chunks: Box<[OnceLock<Box<[AtomicU32]>>]>,
    chunk_bits: u32,
}

/// The arena has as many chunks as it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ArenaFull;

impl Arena {
    /// An empty arena for up to `words` words, in chunks of `1 << chunk_bits`.
    pub(super) fn new(words: usize, chunk_bits: u32) -> Self {
        let words = words.min(u32::MAX as usize);
        let chunks = words.div_ceil(1 << chunk_bits).max(1);
        Arena { chunks: (0..chunks).map(|_| OnceLock::new()).collect(), chunk_bits }
    }

    /// Bytes of one chunk.
    pub(super) fn chunk_bytes(&self) -> usize {
        4 << self.chunk_bits
    }

    /// Where `words` words may be taken at `position` or soon after it, in one chunk; makes the chunk. Called by
    /// the one inserter, which keeps the position.
    pub(super) fn place(&self, position: u32, words: u32) -> Result<u32, ArenaFull> {
        let mask = (1_u32 << self.chunk_bits) - 1;
        let room = (1 << self.chunk_bits) - (position & mask);
        let start = if room < words { position.checked_add(room).ok_or(ArenaFull)? } else { position };
        let chunk = self.chunks.get((start >> self.chunk_bits) as usize).ok_or(ArenaFull)?;
        chunk.get_or_init(|| (0..1 << self.chunk_bits).map(|_| AtomicU32::new(0)).collect());
        start.checked_add(words).map(|_| start).ok_or(ArenaFull)
    }

    /// The words from `at` to the end of its chunk; none for a place never handed out.
    #[inline]
    pub(super) fn from(&self, at: u32) -> &[AtomicU32] {
        let mask = (1_usize << self.chunk_bits) - 1;
        match self.chunks[(at >> self.chunk_bits) as usize].get() {
            Some(chunk) => &chunk[at as usize & mask..],
            None => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_never_straddles_two_chunks_and_the_end_is_an_error() {
        let arena = Arena::new(32, 4);
        let mut position = 1;
        let mut placed = Vec::new();
        while let Ok(start) = arena.place(position, 6) {
            placed.push(start);
            assert!(arena.from(start).len() >= 6);
            position = start + 6;
        }
        assert_eq!(placed, [1, 7, 16, 22]);
    }
}
