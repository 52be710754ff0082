//! Keys that cut a table into pieces of about the same size: first keys of blocks.

use super::reader::Table;
use crate::Error;
use crate::block_cache::Caching;

impl Table {
    /// Keys that cut it into so many pieces, or fewer, ascending.
    ///
    /// # Errors
    /// A block cannot be read, or is damaged.
    pub(crate) fn cuts(&self, pieces: usize) -> Result<Vec<Vec<u8>>, Error> {
        let inner = &*self.inner;
        let blocks = inner.index.block_count();
        let places = (1..pieces).map(|piece| blocks / pieces * piece + blocks % pieces * piece / pieces);
        let mut keys = Vec::new();
        for block in places.filter(|block| *block > 0) {
            let payload = inner.payload(block, Caching::Bypass)?;
            let key = inner.view(&payload).and_then(|view| Ok(view.first_key()?.to_vec()));
            keys.push(key.map_err(|damage| inner.damaged(block, damage))?);
        }
        // A key may have more versions than fit in a block.
        keys.dedup();
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use crate::table::Table;
    use crate::table::tests::{blob_of, small_blocks, write};
    use crate::tombstones::RangeTombstones;
    use crate::{Compression, IndexPolicy};

    fn table_of(entries: u32) -> Table {
        let entries: Vec<_> =
            (0..entries).map(|key| (key.to_be_bytes().to_vec(), 1, Some(vec![7; 20]))).collect();
        let options = small_blocks(Compression::None, IndexPolicy::default());
        Table::open(blob_of(&write(&entries, &RangeTombstones::default(), options), true)).unwrap()
    }

    #[test]
    fn pieces_of_a_table_are_alike() {
        let cuts = table_of(9000).cuts(3).unwrap();
        let numbers: Vec<u32> =
            cuts.iter().map(|key| u32::from_be_bytes(key.as_slice().try_into().unwrap())).collect();
        let [first, second] = numbers[..] else { panic!("{numbers:?}") };
        assert!(first.abs_diff(3000) < 100 && second.abs_diff(6000) < 100, "{numbers:?}");
    }

    #[test]
    fn a_table_of_few_blocks_has_fewer_pieces() {
        for entries in [0, 1, 5, 20, 100] {
            let table = table_of(entries);
            for pieces in [0, 1, 2, 1000] {
                let cuts = table.cuts(pieces).unwrap();
                assert!(cuts.len() < pieces.max(1) && cuts.is_sorted_by(|one, other| one < other));
                assert!(cuts.iter().all(|key| *key > table.properties().smallest_key));
            }
        }
    }
}
