//! Everything a reader looks into at one moment: memtables, the resident layer and tables, newest first.

use std::sync::Arc;

use arc_swap::Guard;
use stroma_strata::PaidByReads;

use super::memtables::MemtableList;
use super::scans::ScanCursor;
use super::toll::CURSOR;
use crate::cursor::Cursor;
use crate::entry::{MAX_SEQUENCE, Sequence};
use crate::keyspace::KeyRange;
use crate::layers::LayerView;
use crate::memtable::MemtableCursor;
use crate::merging::{MergingCursor, Visibility, VisibleCursor};
use crate::resident::ResidentCursor;
use crate::table::InTable;
use crate::tombstones::{DeadRanges, DeadWalk, RangeTombstones};
use crate::transaction::OwnWrites;
use crate::values::Found;
use crate::{Error, Value};

/// See the module. The memtables must have been taken before the layers: what is flushed in between is then in
/// both, where the other order would miss it.
#[derive(Debug)]
pub(crate) struct ReadView {
    memtables: Guard<Arc<MemtableList>>,
    layers: LayerView,
}

impl ReadView {
    pub(crate) fn new(memtables: Guard<Arc<MemtableList>>, layers: LayerView) -> Self {
        ReadView { memtables, layers }
    }

    pub(super) fn memtables(&self) -> &MemtableList {
        &self.memtables
    }

    pub(super) fn layers(&self) -> &LayerView {
        &self.layers
    }

    /// The value of `key` that `visibility` sees, or where it lies.
    pub(crate) fn get(&self, key: &[u8], visibility: Visibility) -> Result<Option<Found>, Error> {
        match self.get_in_memory(key, visibility, |bytes| Value::from(bytes))? {
            Some(found) => Ok(found),
            None => self.layers.get(key, visibility, |bytes, layer| match InTable::find(layer, bytes) {
                Some(place) => Value::from(place),
                None => Value::from(bytes),
            }),
        }
    }

    /// What `read` makes of the value of `key` that `visibility` sees, where that lies with the key. `read` is called
    /// once at most.
    #[inline]
    pub(crate) fn get_with<V>(
        &self,
        key: &[u8],
        visibility: Visibility,
        mut read: impl FnMut(&[u8]) -> V,
    ) -> Result<Option<Found<V>>, Error> {
        match self.get_in_memory(key, visibility, &mut read)? {
            Some(found) => Ok(found),
            None => self.layers.get(key, visibility, |bytes, _| read(bytes)),
        }
    }

    /// What of it is in memory, if that decides.
    #[inline]
    pub(super) fn get_in_memory<V>(
        &self,
        key: &[u8],
        visibility: Visibility,
        value: impl FnOnce(&[u8]) -> V,
    ) -> Result<Option<Option<Found<V>>>, Error> {
        for memtable in self.memtables.newest_first().filter(|memtable| !memtable.is_empty()) {
            let deleted = memtable.newest_range_delete(key, visibility);
            if let Some(entry) = memtable.newest(key, visibility) {
                let stands = deleted.is_none_or(|deleted| deleted < entry.sequence);
                return if stands { Found::of_with(&entry, value).map(Some) } else { Ok(Some(None)) };
            }
            // Whatever older sources hold was written before that.
            if deleted.is_some() {
                return Ok(Some(None));
            }
        }
        if let Some(entry) =
            self.memtables.resident.as_ref().and_then(|resident| resident.newest(key, visibility))
        {
            return Found::of_with(&entry, value).map(Some);
        }
        Ok(None)
    }

    /// The sequence of the last change of `key`, if there is a trace of one.
    pub(crate) fn last_change(&self, key: &[u8]) -> Result<Option<Sequence>, Error> {
        let visibility = Visibility::at(MAX_SEQUENCE);
        for memtable in self.memtables.newest_first() {
            let deleted = memtable.newest_range_delete(key, visibility);
            let written = memtable.newest(key, visibility).map(|entry| entry.sequence);
            if let Some(sequence) = deleted.max(written) {
                return Ok(Some(sequence));
            }
        }
        if let Some(entry) =
            self.memtables.resident.as_ref().and_then(|resident| resident.newest(key, visibility))
        {
            return Ok(Some(entry.sequence));
        }
        self.layers.last_change(key)
    }

    /// Whether anything in `range` was changed after `since`. Walks over all versions in the range.
    pub(crate) fn changed_after(&self, range: &KeyRange, since: Sequence) -> Result<bool, Error> {
        let (sources, tombstones, _) = self.sources(range);
        for set in tombstones {
            let part = set.clipped(Some(&range.start), Some(&range.end));
            if part
                .fragments()
                .iter()
                .any(|fragment| fragment.sequences.iter().any(|&sequence| sequence > since))
            {
                return Ok(true);
            }
        }
        let mut cursor = MergingCursor::new(sources);
        let mut on = cursor.seek(&range.start, MAX_SEQUENCE)?;
        while on && cursor.entry().user_key < range.end.as_slice() {
            if cursor.entry().sequence > since {
                return Ok(true);
            }
            on = cursor.next()?;
        }
        Ok(false)
    }

    /// A cursor over what `visibility` sees of `range`. Outside the range it may miss entries.
    pub(crate) fn scan(
        &self,
        range: &KeyRange,
        visibility: Visibility,
        own: Option<&OwnWrites>,
        dead: &Arc<DeadRanges>,
    ) -> ScanCursor {
        let (mut sources, mut tombstones, runs) = self.sources(range);
        if runs > 1 {
            self.layers.read_costs().add(PaidByReads { runs: (runs - 1) * CURSOR, dead: 0 });
        }
        if let Some(own) = own {
            sources.splice(0..0, own.cursors());
            tombstones.insert(0, own.tombstones().clone());
        }
        let cursor = VisibleCursor::new(MergingCursor::new(sources), tombstones, visibility);
        // What a transaction wrote itself lies where others find nothing.
        if own.is_some() {
            return cursor;
        }
        cursor.remembering(DeadWalk::new(dead.clone(), visibility.snapshot(), &range.start, &range.end))
    }

    /// A cursor over every entry there is in `range`, seen or not, and the range deletes beside them. Outside the range
    /// it may miss entries.
    pub(crate) fn everything_in(
        &self,
        range: &KeyRange,
    ) -> (MergingCursor<Box<dyn Cursor>>, Vec<Arc<RangeTombstones>>) {
        let (sources, tombstones, _) = self.sources(range);
        (MergingCursor::new(sources), tombstones)
    }

    /// All sources of `range`, newest first, with the range deletes beside them; and how many of them are runs.
    fn sources(&self, range: &KeyRange) -> (Vec<Box<dyn Cursor>>, Vec<Arc<RangeTombstones>>, u64) {
        let mut sources: Vec<Box<dyn Cursor>> = Vec::new();
        let mut tombstones = Vec::new();
        for memtable in self.memtables.newest_first() {
            if !memtable.is_empty() {
                sources.push(Box::new(MemtableCursor::new(memtable.clone())));
                tombstones.push(memtable.tombstones());
            }
        }
        if let Some(resident) = &self.memtables.resident {
            sources.push(Box::new(ResidentCursor::new(resident.clone())));
        }
        let in_memory = sources.len();
        self.layers.add_sources(range, &mut sources, &mut tombstones);
        let runs = (sources.len() - in_memory) as u64;
        (sources, tombstones, runs)
    }
}
