//! An arena of equal blocks that grows in steps of bounded size and never moves much at once.

use super::node_ref::MOST_NODES;

/// Bytes in a chunk, roughly. An insert never copies or zeroes more than this for the arena's sake.
const CHUNK_BYTES: usize = 256 << 10;

/// Blocks of one type, addressed by number. Freed blocks are handed out again first.
///
/// Only the last chunk may have room to spare, and the first grows by a quarter at a time, so that the arena
/// never takes more than 5/4 of what it was asked for plus one chunk.
#[derive(Debug, Clone)]
pub(crate) struct Arena<T> {
    chunks: Vec<Vec<T>>,
    free: Vec<u32>,
    len: usize,
}

impl<T> Arena<T> {
    const SHIFT: u32 = {
        let size = if size_of::<T>() == 0 { 1 } else { size_of::<T>() };
        if size >= CHUNK_BYTES { 0 } else { (CHUNK_BYTES / size).ilog2() }
    };
    const MASK: usize = (1 << Self::SHIFT) - 1;

    pub(crate) fn new() -> Self {
        Self { chunks: Vec::new(), free: Vec::new(), len: 0 }
    }

    /// Stores a block in O(block), amortised, and returns its number.
    ///
    /// # Panics
    /// If the arena holds 2^30 blocks.
    pub(crate) fn add(&mut self, block: T) -> u32 {
        if let Some(index) = self.free.pop() {
            *self.get_mut(index) = block;
            return index;
        }
        assert!(self.len < MOST_NODES, "a map holds at most 2^30 nodes of a kind");
        let chunk = self.len >> Self::SHIFT;
        if chunk == self.chunks.len() {
            self.chunks.push(Vec::new());
        }
        let blocks = &mut self.chunks[chunk];
        if blocks.len() == blocks.capacity() {
            let more = if chunk == 0 { blocks.len().div_ceil(4).max(1) } else { Self::MASK + 1 };
            blocks.reserve_exact(more.min(Self::MASK + 1 - blocks.len()));
        }
        blocks.push(block);
        self.len += 1;
        (self.len - 1) as u32
    }

    /// Gives a block back, to be handed out again.
    pub(crate) fn free(&mut self, index: u32) {
        self.free.push(index);
    }

    #[inline(always)]
    pub(crate) fn get(&self, index: u32) -> &T {
        &self.chunks[index as usize >> Self::SHIFT][index as usize & Self::MASK]
    }

    #[inline(always)]
    pub(crate) fn get_mut(&mut self, index: u32) -> &mut T {
        &mut self.chunks[index as usize >> Self::SHIFT][index as usize & Self::MASK]
    }

    /// Blocks in use.
    pub(crate) fn live(&self) -> usize {
        self.len - self.free.len()
    }

    /// Bytes reserved, whether in use or not.
    pub(crate) fn bytes(&self) -> usize {
        let blocks: usize = self.chunks.iter().map(Vec::capacity).sum();
        let table = self.chunks.capacity() * size_of::<Vec<T>>();
        blocks * size_of::<T>() + table + self.free.capacity() * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_keep_their_numbers_and_freed_ones_return() {
        let mut arena = Arena::new();
        for i in 0..2000u32 {
            assert_eq!(arena.add([i; 250]), i);
        }
        assert!((0..2000).all(|i| arena.get(i)[249] == i));
        assert!(arena.bytes() < 2_000_000 + CHUNK_BYTES + 4096, "{}", arena.bytes());
        arena.free(7);
        assert_eq!(arena.live(), 1999);
        assert_eq!(arena.add([1; 250]), 7);
        assert_eq!(arena.live(), 2000);
    }

    #[test]
    fn a_small_arena_is_small() {
        let mut arena = Arena::new();
        for _ in 0..10 {
            arena.add([0u64; 128]);
        }
        assert!(arena.bytes() <= 13 * 1024 + 256, "{}", arena.bytes());
    }
}
