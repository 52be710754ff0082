//! How much of a table lies in a range, by its index.

use super::reader::Table;
use crate::Error;
use crate::block_cache::Caching;
use crate::entry::MAX_SEQUENCE;
use crate::keyspace::KeyRange;
use crate::read::RangeEstimate;

/// What lies in up to so many blocks is counted; of more, the two at the ends are reckoned by halves.
const MOST_BLOCKS_COUNTED: usize = 4;

impl Table {
    /// Adds about what lies in `range`; answers the share of the table, from 0 to 1, if it was not counted. A few
    /// blocks are read at most.
    pub(crate) fn estimate(&self, range: &KeyRange, into: &mut RangeEstimate) -> Result<Option<f64>, Error> {
        let inner = &*self.inner;
        let blocks = inner.index.block_count();
        if blocks == 0 {
            return Ok(None);
        }
        let first = inner.index.find(&*inner.blob, &range.start, MAX_SEQUENCE);
        let last = inner.index.find(&*inner.blob, &range.end, MAX_SEQUENCE);
        if last.saturating_sub(first) < MOST_BLOCKS_COUNTED {
            into.count_all(self.cursor(Caching::Use), range)?;
            return Ok(None);
        }
        let properties = self.properties();
        let is_whole = properties.smallest_key >= range.start
            && properties.largest_key.as_slice() < range.end.as_slice();
        let share = if is_whole { 1.0 } else { (last - first) as f64 / blocks as f64 };
        let present = properties.entries - properties.deletes;
        into.entries += (present as f64 * share) as u64;
        let bytes = inner.index.block_range(&*inner.blob, last).start
            - inner.index.block_range(&*inner.blob, first).start;
        into.bytes += if is_whole { inner.blob.len() } else { bytes };
        Ok(Some(share))
    }
}
