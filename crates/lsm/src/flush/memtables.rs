//! What becomes of a sealed memtable.
//!
//! If enough of it was overwritten while it was filled, more of it will be soon: it goes into the resident layer.
//! Otherwise it becomes a table, and the layer, which is older, becomes one before it. So a load of new keys is
//! written as if there were no such layer.

use std::sync::Arc;

use super::FlushRecord;
use crate::Error;
use crate::database::Core;
use crate::layers::LayerView;
use crate::log::delete_segments_before;
use crate::memtable::{Memtable, MemtableCursor};

impl Core {
    /// Flushes the oldest sealed memtable; answers whether there was one, or memory was asked for and given back.
    pub(crate) fn flush_oldest(&self) -> Result<bool, Error> {
        let _turn = self.flush.begin();
        let (oldest, has_begun) = {
            let list = self.memtables();
            (list.sealed.last().cloned(), list.resident.is_some())
        };
        let Some(oldest) = oldest else {
            let gave = self.flush.take_memory_wanted() && self.give_memory_back()?;
            if gave {
                // Who asked waits for it.
                self.note_flushed();
            }
            return Ok(gave);
        };
        if self.cleans_memory() && oldest.is_worth_cleaning(has_begun) {
            self.absorb_oldest(&oldest)?;
        } else {
            self.flush_resident()?;
            self.write_oldest(&oldest)?;
        }
        drop(oldest);
        self.note_flushed();
        Ok(true)
    }

    /// Moves what is in memory into tables if reads have paid enough for what it deletes of them: merges can drop both
    /// then.
    pub(super) fn flush_for_readers(&self) -> Result<(), Error> {
        let paid = self.dead_ranges().paid_for_memory();
        let list = self.memtables();
        let bytes = (list.bytes().0 + list.resident_bytes().0) as u64;
        drop(list);
        if paid == 0 || !self.layers.is_flush_paid_for(bytes, paid) || !self.try_to_seal() {
            return Ok(());
        }
        self.flush_to_one_moment().map(drop)
    }

    /// Makes a table of the oldest sealed memtable. Everything older is in tables.
    pub(super) fn write_oldest(&self, oldest: &Arc<Memtable>) -> Result<(), Error> {
        let list = self.memtables();
        let next = list.sealed.iter().rev().nth(1).unwrap_or(&list.active);
        let flushed_through = oldest.last_sequence().max(self.flushed_through());
        // What was recovered may have been synced further.
        let durable_through = flushed_through.max(self.flush.durable_through());
        let record = FlushRecord { flushed_through, first_needed_log: next.log_number(), durable_through };
        drop(list);
        if !oldest.is_empty() {
            let cursor = MemtableCursor::new(oldest.clone());
            self.layers.write(cursor, &oldest.tombstones(), record)?;
            self.counters().flushes.add(1);
        }
        self.advance_flush(record);
        self.flush.note_absorbed(record.flushed_through);
        self.replace_memtables(|list| list.without_oldest());
        // What was paid for deletes in memory counts for a merge now.
        self.layers.view().read_costs().add(0, self.dead_ranges().take_paid_for_memory());
        Ok(())
    }

    /// Flushes what is sealed and the resident layer; answers the tables as they are then. They hold by themselves
    /// everything up to one commit.
    pub(crate) fn flush_to_one_moment(&self) -> Result<LayerView, Error> {
        let view = {
            let _turn = self.flush.begin();
            self.flush_resident()?;
            while let Some(oldest) = self.memtables().sealed.last().cloned() {
                self.write_oldest(&oldest)?;
            }
            self.layers.view()
        };
        self.note_flushed();
        Ok(view)
    }

    /// Tells everyone that the flush has come so far, which the manifest says already.
    pub(super) fn advance_flush(&self, record: FlushRecord) {
        self.flush.advance(record);
        // Closed here already, so that its pages are freed by this thread when it is deleted.
        self.unsynced_log.forget_before(record.first_needed_log);
        // A segment that stays behind is deleted by the next flush, or when the database is opened.
        let _ = delete_segments_before(&*self.storage, record.first_needed_log);
    }

    /// Gives memory back that only idle scans still hold, and wakes who waits for it.
    pub(super) fn note_flushed(&self) {
        self.settle();
        self.values().release_flushed(self.flushed_through());
        self.scans().release_all();
        self.flush.progress().notify();
    }
}
