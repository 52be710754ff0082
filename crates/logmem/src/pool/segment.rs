//! A segment on loan from a pool that nobody has made his own yet.

use super::handle::Pool;
use crate::memory::Chunk;

/// An empty segment or run; it goes back to the pool when dropped.
#[derive(Debug)]
pub(crate) struct Segment {
    /// There until the segment is dropped or made someone's.
    chunk: Option<Chunk>,
    pool: Pool,
}

impl Segment {
    pub(super) fn new(chunk: Chunk, pool: Pool) -> Segment {
        Segment { chunk: Some(chunk), pool }
    }

    /// Bytes that the segment takes from the budget.
    pub(crate) fn size(&self) -> usize {
        self.chunk.as_ref().map_or(0, Chunk::size)
    }

    /// The bare token; whoever takes it gives it back to the pool in the end.
    pub(crate) fn into_chunk(mut self) -> Option<Chunk> {
        self.chunk.take()
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        if let Some(chunk) = self.chunk.take() {
            self.pool.give_back(chunk);
        }
    }
}
