//! A growing array of cache lines that never move: where the tree keeps its nodes.

use std::sync::OnceLock;

use super::sync::AtomicU64;

/// Words in a line.
pub(super) const LINE_WORDS: usize = 8;
/// Bytes of a line.
pub(super) const LINE_BYTES: usize = 64;

/// A cache line of words.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Line(pub(super) [AtomicU64; LINE_WORDS]);

impl Line {
    fn empty() -> Line {
        Line(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

/// Lines in chunks of equal size; a chunk is made when first needed and stays where it is, so that readers need no
/// lock.
#[derive(Debug)]
pub(super) struct Lines {
    chunks: Box<[OnceLock<Box<[Line]>>]>,
    chunk_bits: u32,
}

/// The index has as many bytes as it may have, or its range of sequences is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

impl Lines {
    /// None yet, of up to `bytes`, in chunks of `chunk_bytes`, a power of two of at least a line.
    pub(super) fn new(bytes: usize, chunk_bytes: usize) -> Lines {
        let chunk_bits = (chunk_bytes / LINE_BYTES).max(1).ilog2();
        let lines = (bytes / LINE_BYTES).min(u32::MAX as usize);
        let chunks = lines.div_ceil(1 << chunk_bits).max(1);
        Lines { chunks: (0..chunks).map(|_| OnceLock::new()).collect(), chunk_bits }
    }

    /// Lines of a chunk.
    pub(super) fn chunk_lines(&self) -> u32 {
        1 << self.chunk_bits
    }

    /// How many lines there may be.
    pub(super) fn limit(&self) -> u64 {
        (self.chunks.len() as u64) << self.chunk_bits
    }

    /// Where `count` lines may be taken at `position` or soon after it, in one chunk; makes the chunk. Called by
    /// the one inserter, which keeps the position.
    pub(super) fn place(&self, position: u32, count: u32) -> Result<u32, Full> {
        let start = self.reserve(position, count)?;
        self.make(start);
        Ok(start)
    }

    /// The same, but the chunk is yet to be made.
    pub(super) fn reserve(&self, position: u32, count: u32) -> Result<u32, Full> {
        let room = self.chunk_lines() - (position & (self.chunk_lines() - 1));
        let start = if room < count { position.checked_add(room).ok_or(Full)? } else { position };
        if (start >> self.chunk_bits) as usize >= self.chunks.len() {
            return Err(Full);
        }
        start.checked_add(count).map(|_| start).ok_or(Full)
    }

    /// Makes the chunk in which lines were reserved, if that was not done before.
    pub(super) fn make(&self, start: u32) {
        if let Some(chunk) = self.chunks.get((start >> self.chunk_bits) as usize) {
            chunk.get_or_init(|| (0..self.chunk_lines()).map(|_| Line::empty()).collect());
        }
    }

    /// The `N` lines that were placed at `at`.
    ///
    /// # Panics
    /// If none were.
    #[inline]
    pub(super) fn at<const N: usize>(&self, at: u32) -> &[Line; N] {
        let chunk = self.chunks.get((at >> self.chunk_bits) as usize).and_then(OnceLock::get);
        let lines = chunk.and_then(|chunk| chunk.get((at & (self.chunk_lines() - 1)) as usize..));
        match lines.and_then(|lines| lines.first_chunk()) {
            Some(lines) => lines,
            None => panic!("no node of the tree lies at {at}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_never_straddles_two_chunks_and_the_end_is_an_error() {
        let lines = Lines::new(32 * LINE_BYTES, 16 * LINE_BYTES);
        let mut position = 1;
        let mut placed = Vec::new();
        while let Ok(start) = lines.place(position, 6) {
            placed.push(start);
            assert_eq!(lines.at::<6>(start).len(), 6);
            position = start + 6;
        }
        assert_eq!(placed, [1, 7, 16, 22]);
    }
}
