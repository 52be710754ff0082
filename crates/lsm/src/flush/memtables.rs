//! What becomes of a sealed memtable.
//!
//! If enough of it was overwritten while it was filled, more of it will be soon: it goes into the resident layer.
//! Otherwise it becomes a table, and the layer, which is older, becomes one before it. So a load of new keys is
//! written as if there were no such layer.

use std::sync::Arc;

use stroma_strata::PaidByReads;

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
        let (is_empty, has_resident) = (list.active.is_empty(), list.resident.is_some());
        drop(list);
        if paid == 0 || !self.layers.is_flush_paid_for(bytes, paid) {
            return Ok(());
        }
        // What was deleted may all be in the resident layer by now.
        let is_ready = if is_empty { has_resident } else { self.try_to_seal()? };
        if is_ready { self.flush_to_one_moment().map(drop) } else { Ok(()) }
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
        self.count_for_tables(oldest.entry_bytes());
        Ok(())
    }

    /// So many bytes of what was in memory are in tables now: of what was paid for deletes in memory the same share
    /// counts for a merge from now on.
    pub(super) fn count_for_tables(&self, moved: usize) {
        let list = self.memtables();
        let whole = moved + list.bytes().0 + list.resident_bytes().0;
        let dead = self.dead_ranges().take_paid_for_memory(moved as u64, whole as u64);
        self.layers.view().read_costs().add(PaidByReads { runs: 0, dead });
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

#[cfg(test)]
mod tests {
    use stroma_strata::storage::MemoryStorage;
    use stroma_strata::{Limits, MergePolicy, Upkeep};

    use super::*;
    use crate::{Database, Keyspace, Options};

    const ENTRIES: u32 = 5000;

    /// A value that cannot be packed, so that merges have their price.
    fn value(number: u32) -> Vec<u8> {
        let word = |part: u64| xxhash_rust::xxh3::xxh3_64(&(u64::from(number) << 8 | part).to_le_bytes());
        (0..13).flat_map(|part| word(part).to_le_bytes()).collect()
    }

    /// A run of all entries, and no threads. Deletes alone ask for no merge.
    fn load(merge_policy: MergePolicy) -> (Database, Keyspace) {
        let upkeep = Upkeep { read_percent: Some(50), ..Upkeep::none() };
        let options = Options {
            memory_bytes: 16 << 20,
            background_threads: 0,
            merge_policy,
            upkeep,
            ..Options::default()
        };
        let database = Database::open_storage(Arc::new(MemoryStorage::new()), options).unwrap();
        let all = database.keyspace("all").unwrap();
        (0..ENTRIES).for_each(|number| _ = all.put(number.to_be_bytes(), value(number)).unwrap());
        database.compact().unwrap();
        (database, all)
    }

    fn levelled() -> MergePolicy {
        MergePolicy::TieredThenLevelled(Limits::default())
    }

    /// Of ten entries nine.
    fn delete_most(all: &Keyspace) {
        let dead = (0..ENTRIES).filter(|number| number % 10 != 0);
        dead.for_each(|number| _ = all.delete(number.to_be_bytes()).unwrap());
    }

    fn scan(all: &Keyspace) {
        (0..20).for_each(|_| assert_eq!(all.iter().count(), ENTRIES as usize / 10));
    }

    /// How many tables were flushed when it was looked whether readers have paid for that.
    fn flushed_for_readers(database: &Database, all: &Keyspace) -> u64 {
        let before = database.statistics().flushes;
        all.core().flush_for_readers().unwrap();
        database.statistics().flushes - before
    }

    #[test]
    fn memory_is_flushed_for_readers_where_a_merge_can_follow() {
        for (policy, expected) in [(levelled(), 1), (MergePolicy::Tiered { fanout: 4 }, 0)] {
            let (database, all) = load(policy);
            delete_most(&all);
            assert_eq!(flushed_for_readers(&database, &all), 0, "nobody has read");
            scan(&all);
            assert_eq!(flushed_for_readers(&database, &all), expected);
            assert_eq!(flushed_for_readers(&database, &all), 0);
            all.core().layers.merge_until_idle().unwrap();
            assert_eq!(database.statistics().merges_for_readers, expected);
        }
    }

    #[test]
    fn what_the_resident_layer_deletes_is_flushed_for_readers() {
        let (database, all) = load(levelled());
        (0..3).for_each(|_| delete_most(&all));
        let core = all.core();
        assert!(core.try_to_seal().unwrap() && core.flush_oldest().unwrap());
        assert!(core.memtables().resident.is_some() && core.memtables().active.is_empty());
        scan(&all);
        assert_eq!(flushed_for_readers(&database, &all), 1);
        core.layers.merge_until_idle().unwrap();
        assert_eq!(database.statistics().merges_for_readers, 1);
    }

    #[test]
    fn what_a_held_snapshot_sees_brings_no_merges() {
        let (database, all) = load(levelled());
        let snapshot = database.snapshot();
        delete_most(&all);
        scan(&all);
        assert_eq!(flushed_for_readers(&database, &all), 0);
        // Both the deletes and what they delete stay.
        database.compact().unwrap();
        let trickle = || {
            let few = (0..ENTRIES).step_by(ENTRIES as usize / 10);
            few.for_each(|number| _ = all.put(number.to_be_bytes(), value(number)).unwrap());
            database.flush().unwrap();
            scan(&all);
            all.core().layers.merge_until_idle().unwrap();
            database.statistics().merges_for_readers
        };
        // Fewer times than sizes ask for a merge.
        (0..2).for_each(|_| assert_eq!(trickle(), 0));
        drop(snapshot);
        assert_eq!(trickle(), 1);
        let entries: u64 = database.statistics().levels.iter().map(|level| level.entries).sum();
        assert!(entries <= u64::from(ENTRIES) / 10 + 10, "{entries}");
    }
}
