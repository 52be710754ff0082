//! Growing the resident layer by a memtable, and moving its oldest entries into a table.
//!
//! A table that takes only the oldest entries must not be relied on by itself: it lacks versions that were superseded
//! by entries which stay in memory, and so in the log. Those segments of the log are therefore synced before the
//! table is named. Then tables and log together survive a loss of power, and what is recovered is a prefix of what
//! was committed, as ever.

use std::sync::Arc;

use stroma_strata::storage::StorageError;

use super::FlushRecord;
use crate::Error;
use crate::compaction::Retention;
use crate::database::Core;
use crate::memtable::Memtable;
use crate::resident::{Resident, ResidentCursor, absorb};
use crate::tombstones::RangeTombstones;

impl Core {
    /// Merges the oldest sealed memtable into the resident layer, after making room for it.
    pub(super) fn absorb_oldest(&self, memtable: &Arc<Memtable>) -> Result<(), Error> {
        self.make_resident_room(memtable)?;
        let older = self.memtables().resident.clone();
        let retention = Retention::new(self.live_snapshots(), false);
        let nothing = Resident::default();
        let older = older.as_deref().unwrap_or(&nothing);
        let Ok(charge) = self.pool().charge(Resident::index_bytes_for(older.len() + memtable.len())) else {
            // Others hold the memory for a second index: everything goes to tables.
            self.flush_resident()?;
            return self.write_oldest(memtable);
        };
        let mut absorbed = absorb(older, memtable, &retention, &self.cleaning_room());
        absorbed.resident.hold(charge);
        let counters = self.counters();
        counters.absorbed_memtables.add(1);
        counters.cleaned_bytes.add(absorbed.cleaned_bytes);
        let resident = Arc::new(absorbed.resident);
        // Before it leaves the list, so that a transaction that misses it there knows why.
        self.flush.note_absorbed(memtable.last_sequence());
        self.replace_memtables(|list| list.without_oldest().with_resident(Some(resident)));
        Ok(())
    }

    /// Sheds so much that the layer takes the memtable and keeps its limits, in memory and in the log.
    fn make_resident_room(&self, memtable: &Memtable) -> Result<(), Error> {
        let Some(resident) = self.memtables().resident.clone() else {
            return Ok(());
        };
        let limits = self.resident_limits();
        let bytes_to_come = memtable.linked_bytes() - memtable.superseded_bytes();
        let share_to_come = bytes_to_come as f64 / memtable.linked_bytes().max(1) as f64;
        let cells_to_come = Resident::index_bytes_for((memtable.len() as f64 * share_to_come) as usize);
        // Its entries may be copied, and are there twice then.
        let fits = resident.entry_bytes() + bytes_to_come <= limits.entry_bytes
            && resident.entry_bytes() + bytes_to_come + memtable.entry_bytes() <= limits.copying_bytes
            && resident.index_bytes() + cells_to_come <= limits.index_bytes;
        let log_is_short = resident.log_bytes() + memtable.log_bytes() <= limits.log_bytes;
        if fits && log_is_short {
            return Ok(());
        }
        let most_entries =
            if fits { usize::MAX } else { (resident.len() as f64 * limits.kept_share) as usize };
        let most_log_bytes =
            if log_is_short { u64::MAX } else { (limits.log_bytes as f64 * limits.kept_share) as u64 };
        self.shed(&resident, resident.segments_to_shed(most_entries, most_log_bytes))
    }

    /// Moves the older half of the layer into a table; answers whether there was a layer.
    pub(super) fn give_memory_back(&self) -> Result<bool, Error> {
        let Some(resident) = self.memtables().resident.clone() else {
            return Ok(false);
        };
        self.shed(&resident, resident.segments_to_shed(resident.len() / 2, u64::MAX).max(1))?;
        Ok(true)
    }

    /// Moves the entries of the layer's oldest `segments` segments of the log into a table, and lets the segments go.
    fn shed(&self, resident: &Arc<Resident>, segments: usize) -> Result<(), Error> {
        let (leaving, staying) = resident.segments().split_at(segments.min(resident.segments().len()));
        let (Some(last_leaving), [first_staying, .., last_staying] | [first_staying @ last_staying]) =
            (leaving.last(), staying)
        else {
            return self.flush_resident().map(drop);
        };
        match self.unsynced_log.sync_through(last_staying.number) {
            Ok(synced) => self.counters().syncs.add(synced as u64),
            // No space to sync the log in, but there may be some for a table, which frees the log.
            Err(StorageError::Full { .. }) => return self.flush_resident().map(drop),
            Err(error) => return Err(self.poison(error.into())),
        }
        let record = FlushRecord {
            flushed_through: last_leaving.last_sequence,
            first_needed_log: first_staying.number,
            durable_through: last_staying.last_sequence,
        };
        let Ok(charge) = self.pool().charge(resident.index_bytes()) else {
            return self.flush_resident().map(drop);
        };
        let (leaving, mut staying) = resident.split(last_leaving.last_sequence);
        let moved = leaving.entry_bytes();
        self.write_resident(Arc::new(leaving), record)?;
        self.counters().sheddings.add(1);
        staying.hold(charge);
        self.replace_memtables(|list| list.with_resident(Some(Arc::new(staying))));
        self.count_for_tables(moved);
        self.note_flushed();
        Ok(())
    }

    /// Moves all of the resident layer into a table; answers whether there was one. The caller has the flush's turn.
    pub(super) fn flush_resident(&self) -> Result<bool, Error> {
        let list = self.memtables();
        let Some(resident) = list.resident.clone() else {
            return Ok(false);
        };
        let next_log = list.sealed.last().unwrap_or(&list.active).log_number();
        let last = resident.segments().last().map_or(0, |segment| segment.last_sequence);
        drop(list);
        let moved = resident.entry_bytes();
        self.write_resident(
            resident,
            FlushRecord::all_in_tables(last.max(self.flushed_through()), next_log),
        )?;
        self.replace_memtables(|list| list.with_resident(None));
        self.count_for_tables(moved);
        self.note_flushed();
        Ok(true)
    }

    /// Moves all of the resident layer into a table, in its turn.
    pub(crate) fn flush_whole_resident(&self) -> Result<(), Error> {
        let _turn = self.flush.begin();
        self.flush_resident().map(drop)
    }

    fn write_resident(&self, leaving: Arc<Resident>, record: FlushRecord) -> Result<(), Error> {
        if leaving.is_empty() {
            self.layers.put_record(record)?;
        } else {
            let cursor = ResidentCursor::new(leaving);
            self.layers.write(cursor, &Arc::new(RangeTombstones::default()), record)?;
            self.counters().flushes.add(1);
        }
        self.advance_flush(record);
        Ok(())
    }
}
