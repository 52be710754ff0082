//! How much there is in a range, without reading it.

use super::ReadView;
use crate::Error;
use crate::cursor::Cursor;
use crate::entry::{EntryRef, Kind, MAX_SEQUENCE};
use crate::keyspace::KeyRange;
use crate::memtable::MemtableCursor;
use crate::resident::ResidentCursor;
use crate::values::ValueReference;

/// About how much there is in a range. Entries that were overwritten or deleted count until merges drop them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RangeEstimate {
    /// Entries that are present, each version of a key for itself.
    pub entries: u64,
    /// Bytes that they take, in memory and on the device.
    pub bytes: u64,
}

impl RangeEstimate {
    /// Counts one entry.
    pub(crate) fn count(&mut self, entry: &EntryRef<'_>) {
        self.entries += u64::from(entry.kind.is_present());
        self.bytes += (entry.user_key.len() + entry.value.len()) as u64;
        if entry.kind == Kind::Stored
            && let Ok(reference) = ValueReference::decode(entry.value)
        {
            self.bytes += reference.stored_bytes();
        }
    }

    /// Counts what a cursor has of a range.
    ///
    /// # Errors
    /// Those of the cursor.
    pub(crate) fn count_all(&mut self, mut cursor: impl Cursor, range: &KeyRange) -> Result<(), Error> {
        let mut on = cursor.seek(&range.start, MAX_SEQUENCE)?;
        while on && cursor.entry().user_key < range.end.as_slice() {
            self.count(&cursor.entry());
            on = cursor.next()?;
        }
        Ok(())
    }
}

impl ReadView {
    /// About how much there is in `range`: what is in memory is counted, in tables it is taken from their indexes.
    ///
    /// # Errors
    /// Failure of the storage; damage.
    pub(crate) fn estimate(&self, range: &KeyRange) -> Result<RangeEstimate, Error> {
        let mut estimate = RangeEstimate::default();
        if range.is_empty() {
            return Ok(estimate);
        }
        for memtable in self.memtables().newest_first() {
            estimate.count_all(MemtableCursor::new(memtable.clone()), range)?;
        }
        if let Some(resident) = &self.memtables().resident {
            estimate.count_all(ResidentCursor::new(resident.clone()), range)?;
        }
        for run in self.layers().runs() {
            let first = run.partition_point(|layer| layer.descriptor().largest < range.start);
            let after = run.partition_point(|layer| layer.descriptor().smallest < range.end);
            for layer in run.get(first..after).unwrap_or_default() {
                layer.layer().add_estimate(range, &mut estimate)?;
            }
        }
        Ok(estimate)
    }
}
