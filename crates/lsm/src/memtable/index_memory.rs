//! What a memtable's index takes from the memory budget: reserved before it is needed, since linking must not fail.

use stroma_logmem::{Charge, Pool};

use crate::Error;

/// Bytes of a pool's budget set aside for an index, in pieces; given back with the memtable.
#[derive(Debug)]
pub(super) struct IndexMemory {
    charges: Vec<(Charge, usize)>,
    bytes: usize,
    /// An index grows by so many bytes at a time.
    piece: usize,
}

impl IndexMemory {
    /// Nothing yet, for an index that grows by `piece` bytes at a time.
    pub(super) fn new(piece: usize) -> IndexMemory {
        IndexMemory { charges: Vec::new(), bytes: 0, piece: piece.max(1) }
    }

    /// Makes it at least `bytes`.
    ///
    /// # Errors
    /// [`Error::Memory`] if the pool has not so much; nothing is changed then.
    pub(super) fn cover(&mut self, pool: &Pool, bytes: usize) -> Result<(), Error> {
        if bytes > self.bytes {
            let more = (bytes - self.bytes).next_multiple_of(self.piece);
            self.charges.push((pool.charge(more)?, more));
            self.bytes += more;
        }
        Ok(())
    }

    /// Gives back what is beyond `bytes`, in the pieces in which it was taken.
    pub(super) fn cut(&mut self, bytes: usize) {
        while let Some((_, last)) = self.charges.last()
            && self.bytes - last >= bytes
        {
            self.bytes -= last;
            self.charges.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use stroma_logmem::PoolOptions;

    use super::*;

    #[test]
    fn it_grows_in_pieces_up_to_the_budget_and_gives_all_back() {
        let pool = Pool::new(PoolOptions { capacity_bytes: 64 << 10, segment_bytes: 1024 }).unwrap();
        let mut memory = IndexMemory::new(1000);
        memory.cover(&pool, 1).unwrap();
        memory.cover(&pool, 1000).unwrap();
        assert_eq!(pool.statistics().charged_bytes, 1000);
        memory.cover(&pool, 1001).unwrap();
        assert_eq!(pool.statistics().charged_bytes, 2000);
        assert!(memory.cover(&pool, 1 << 20).is_err());
        memory.cut(1001);
        assert_eq!(pool.statistics().charged_bytes, 2000);
        memory.cut(1000);
        assert_eq!(pool.statistics().charged_bytes, 1000);
        drop(memory);
        assert_eq!(pool.statistics().used_bytes, 0);
    }
}
