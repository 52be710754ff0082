//! A growing array of atomic words that never moves: where the nodes are.

use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;

const CHUNK_WORDS: usize = 1 << 15;

/// Chunks are made when first needed and stay where they are, so that readers need no lock.
pub(super) struct Words {
    chunks: Box<[OnceLock<Box<[AtomicU64]>>]>,
}

impl Words {
    pub(super) fn new(words: usize) -> Words {
        let chunks = words.div_ceil(CHUNK_WORDS).max(1);
        Words { chunks: (0..chunks).map(|_| OnceLock::new()).collect() }
    }

    /// The place of `words` new words at `position` or soon after, in one chunk; none if there is no room.
    pub(super) fn place(&self, position: usize, words: usize) -> Option<usize> {
        let room = CHUNK_WORDS - position % CHUNK_WORDS;
        let start = if room < words { position + room } else { position };
        let chunk = self.chunks.get(start / CHUNK_WORDS)?;
        chunk.get_or_init(|| (0..CHUNK_WORDS).map(|_| AtomicU64::new(0)).collect());
        Some(start)
    }

    /// `N` words from `at` on; none for a place that was never given out.
    #[inline]
    pub(super) fn node<const N: usize>(&self, at: u32) -> Option<&[AtomicU64; N]> {
        let at = at as usize;
        self.chunks.get(at / CHUNK_WORDS)?.get()?[at % CHUNK_WORDS..].first_chunk()
    }
}
