//! Making room for a commit: sealing full memtables, holding writers up, waiting for the flush.

use std::sync::Arc;
use std::time::Duration;

use super::core::Core;
use crate::Error;
use crate::commit::{Debt, Payload, Writer};
use crate::memtable::Memtable;
use crate::read::MemtableList;

/// Full memtables that may wait for the flush.
const MOST_SEALED: usize = 3;
/// How long a writer waits before it looks again, when nobody tells it to.
const PATIENCE: Duration = Duration::from_millis(50);
/// How long a writer waits for memory that a reader is about to let go.
const SHORT_PATIENCE: Duration = Duration::from_millis(1);
/// How often it does so before the batch is refused.
const MEMORY_ATTEMPTS: u32 = 2000;

impl Core {
    /// The memtable that takes a batch. Called by who holds the writer's lock.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if it would be before its values were packed; failure of a flush.
    pub(crate) fn make_room_for(
        &self,
        writer: &mut Writer,
        payload: &Payload,
    ) -> Result<Arc<Memtable>, Error> {
        self.check_batch(payload.unpacked_bytes(), payload.operations)?;
        self.make_room(writer, payload.bytes.len(), payload.operations)
    }

    /// The memtable that takes so many bytes and operations, which are no more than a batch may have, but for the
    /// few bytes that a mark adds to each large value.
    pub(crate) fn make_room(
        &self,
        writer: &mut Writer,
        bytes: usize,
        operations: u32,
    ) -> Result<Arc<Memtable>, Error> {
        self.check_open()?;
        self.replace_broken_log(writer)?;
        writer.log.note_flush(self.flush.durable_through(), self.flush.first_needed_log());
        loop {
            let list = self.memtables();
            if self.works_inline() && !list.sealed.is_empty() {
                self.flush_inline()?;
                continue;
            }
            if !self.fits(&list, bytes, operations) {
                if list.sealed.len() >= MOST_SEALED {
                    self.wait_for_flush(PATIENCE)?;
                } else {
                    self.seal(writer)?;
                }
                continue;
            }
            let (entry_bytes, index_bytes) = list.bytes();
            let (resident_entry_bytes, resident_index_bytes) = list.resident_bytes();
            let index_after = index_bytes + resident_index_bytes + list.active.index_growth(operations);
            let entries_after = entry_bytes + resident_entry_bytes + bytes;
            let is_crowded = index_after > self.shares.index || entries_after > self.shares.entries;
            if is_crowded && !list.sealed.is_empty() {
                self.wait_for_flush(PATIENCE)?;
                continue;
            }
            if is_crowded && list.resident.is_some() {
                if list.active.is_empty() {
                    self.flush.ask_for_memory();
                    self.wait_for_flush(PATIENCE)?;
                } else {
                    self.seal(writer)?;
                }
                continue;
            }
            // The resident layer is no debt: what it holds is to stay.
            let budget = self.options.memory_bytes - (resident_entry_bytes + resident_index_bytes);
            self.slow_down(writer, bytes, (entry_bytes + index_bytes, budget))?;
            return Ok(list.active.clone());
        }
    }

    /// Makes room after staging ran out of memory in `memtable` with `error`. On success the batch is to be tried
    /// again.
    pub(crate) fn make_more_room(
        &self,
        writer: &mut Writer,
        memtable: &Memtable,
        error: Error,
    ) -> Result<(), Error> {
        let list = self.memtables();
        if !memtable.is_empty() && list.sealed.len() < MOST_SEALED {
            return self.seal(writer);
        }
        if memtable.is_empty() {
            // What was staged in vain takes memory that only a new memtable gives back.
            let fresh = Memtable::new(&self.memtable_options, memtable.log_number(), writer.last_sequence)?;
            self.replace_memtables(|list| MemtableList { active: Arc::new(fresh), ..list.clone() });
        }
        writer.memory_attempts += 1;
        if writer.memory_attempts > MEMORY_ATTEMPTS {
            writer.memory_attempts = 0;
            return Err(error);
        }
        self.scans().release_all();
        if list.sealed.is_empty() {
            self.flush.ask_for_memory();
        }
        self.wait_for_flush(SHORT_PATIENCE)
    }

    /// Whether a batch can fit at all.
    pub(crate) fn takes(&self, payload: &Payload) -> bool {
        self.check_batch(payload.unpacked_bytes(), payload.operations).is_ok()
    }

    /// Refuses a batch that can never fit.
    fn check_batch(&self, bytes: usize, operations: u32) -> Result<(), Error> {
        let index_bytes = Memtable::index_bytes_for(operations);
        let (bytes, limit) = if index_bytes > self.shares.index {
            (index_bytes, self.shares.index)
        } else {
            (bytes, self.shares.batch)
        };
        if bytes > limit {
            return Err(Error::TooLarge { what: "batch", bytes: bytes as u64, limit: limit as u64 });
        }
        Ok(())
    }

    /// Whether the active memtable takes the batch. An empty one takes any. One that is worth cleaning is ended early,
    /// as soon as the flush has time for it.
    fn fits(&self, list: &MemtableList, bytes: usize, operations: u32) -> bool {
        let active = &*list.active;
        if self.cleans_memory()
            && list.sealed.is_empty()
            && active.entry_bytes() > self.shares.cleaning_entries
            && active.is_worth_cleaning(list.resident.is_some())
        {
            return false;
        }
        // Beside a resident layer there is less room for one that waits.
        let parts = if list.resident.is_some() { 2 } else { 1 };
        let index_after = active.index_bytes() + active.index_growth(operations);
        active.is_empty()
            || (active.entry_bytes() + bytes <= self.shares.memtable_entries / parts
                && index_after <= self.shares.memtable_index / parts)
    }

    /// The most bytes of index that a memtable may have.
    pub(crate) fn index_limit(&self) -> usize {
        self.shares.index
    }

    /// Ends the active memtable and its log segment, and starts new ones. On an error everything is as it was,
    /// but for the number of a segment; or the database is poisoned, if nobody knows whether there is a new one.
    pub(super) fn seal(&self, writer: &mut Writer) -> Result<(), Error> {
        let next_log = writer.log.next_number();
        let next = Arc::new(Memtable::new(&self.memtable_options, next_log, writer.last_sequence)?);
        let is_broken = writer.broken_log == Some(writer.log.log_number());
        let log_bytes = writer.log.active_bytes();
        let begun = if is_broken {
            writer.log.abandon_for(next_log, writer.last_sequence)
        } else {
            writer.log.rotate(next_log)
        };
        begun.map_err(|failed| if failed.may_be_there { self.poison(failed.cause) } else { failed.cause })?;
        self.memtables().active.note_log(log_bytes, is_broken);
        self.replace_memtables(|list| list.sealing_active(next));
        self.flush.ask();
        Ok(())
    }

    /// Ends the active memtable if nobody writes and it holds anything; answers whether it did. For who must not wait
    /// for a writer, since a writer may wait for it.
    ///
    /// # Errors
    /// Failure of the log.
    pub(crate) fn try_to_seal(&self) -> Result<bool, Error> {
        let Some(mut writer) = self.writer.try_lock() else { return Ok(false) };
        let is_whole = writer.broken_log.is_none() && self.check_open().is_ok();
        if !is_whole || self.memtables().active.is_empty() {
            return Ok(false);
        }
        self.seal(&mut writer).map(|()| true)
    }

    /// Ends the segment of the log and begins another, with another key if they are encrypted.
    pub(crate) fn begin_new_log(&self) -> Result<(), Error> {
        let mut writer = self.writer.lock();
        self.check_open()?;
        self.replace_broken_log(&mut writer)?;
        self.seal(&mut writer)
    }

    /// Goes on after the device was full in the middle of a write of the log. What was acknowledged is flushed, so
    /// that it does not depend on the broken segment, and a new segment is begun, which makes void whatever the
    /// broken one holds of the commit that failed.
    pub(crate) fn replace_broken_log(&self, writer: &mut Writer) -> Result<(), Error> {
        let Some(broken) = writer.broken_log else {
            return Ok(());
        };
        if writer.log.log_number() == broken {
            self.seal(writer)?;
        }
        while self.flush_oldest()? {}
        self.flush_whole_resident()?;
        writer.log.note_flush(self.flush.durable_through(), self.flush.first_needed_log());
        writer.broken_log = None;
        Ok(())
    }

    /// Holds the writer up by what the background work owes; `memory` is used by memtables, and their budget.
    fn slow_down(&self, writer: &mut Writer, bytes: usize, memory: (usize, usize)) -> Result<(), Error> {
        if self.works_inline() {
            return Ok(());
        }
        let layers = writer.pressure.layer_pressure(bytes, || self.layers.pressure());
        let debt = Debt { memory, layers }.share();
        let Some(wait) = writer.pressure.wait_for(bytes, debt) else {
            return Ok(());
        };
        let clock = &*self.options.clock;
        let start = clock.now();
        let progress = self.flush.progress();
        progress.wait_until(progress.generation(), clock, start + wait);
        let waited = clock.now() - start;
        writer.pressure.note_waited(wait, waited);
        self.counters().slowdowns.add(1);
        self.counters().slowdown_nanoseconds.add(waited.as_nanos() as u64);
        self.check_open()
    }

    /// Waits until a memtable has been flushed, or a little.
    ///
    /// # Errors
    /// What the last flush failed with; the next attempt is under way then.
    fn wait_for_flush(&self, patience: Duration) -> Result<(), Error> {
        let progress = self.flush.progress();
        let seen = progress.generation();
        if self.works_inline() {
            // What this thread flushes itself it need not wait for.
            self.flush_inline()?;
        }
        if let Some(error) = self.flush.take_failure() {
            self.flush.ask();
            return Err(error);
        }
        let clock = &*self.options.clock;
        let start = clock.now();
        progress.wait_until(seen, clock, start + patience);
        self.counters().stops.add(1);
        self.counters().stop_nanoseconds.add((clock.now() - start).as_nanos() as u64);
        self.check_open()
    }

    /// Flushes every sealed memtable and merges, in the calling thread.
    fn flush_inline(&self) -> Result<(), Error> {
        while self.flush_oldest()? {}
        self.layers.merge_until_idle()
    }
}

#[cfg(test)]
mod tests {
    use stroma_strata::storage::{LogStorage, MemoryStorage};

    use super::super::open::open;
    use super::PATIENCE;
    use crate::commit::Batch;
    use crate::options::Options;
    use crate::transaction::Transaction;
    use crate::{Compression, Error};
    use std::sync::Arc;
    use std::time::{Duration, SystemTime};
    use stroma_strata::runtime::Clock;

    #[test]
    fn the_largest_batch_is_taken_and_recovered_whatever_the_order_of_its_keys() {
        for turn in [0, 14, 300, u32::MAX] {
            let options = || Options { memory_bytes: 256 << 10, background_threads: 0, ..Options::default() };
            let storage: Arc<dyn LogStorage> = Arc::new(MemoryStorage::new());
            let (core, _) = open(storage.clone(), options()).unwrap();
            let keyspace = core.catalog.open(&core, "all").unwrap();
            let count = (1..).take_while(|count| core.check_batch(1, *count).is_ok()).last().unwrap();
            assert!(count > 800, "{count}");
            let mut batch = Batch::new(core.clone());
            // Ascending, and from some key on descending towards that.
            let key = |number: u32| if number < turn { number } else { u32::MAX - number };
            for number in 0..count {
                batch.put(&keyspace, key(number).to_be_bytes(), "");
            }
            batch.commit().unwrap();
            drop((keyspace, core));
            let (core, _) = open(storage, options()).unwrap();
            let keyspace = core.catalog.open(&core, "all").unwrap();
            assert!((0..count).all(|number| keyspace.get(key(number).to_be_bytes()).unwrap().is_some()));
        }
    }

    /// Stands still, and nobody may wait by it.
    #[derive(Debug)]
    struct NoWaiting;

    impl Clock for NoWaiting {
        fn now(&self) -> Duration {
            Duration::ZERO
        }

        fn wall(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH
        }

        fn longest_block(&self, _: Duration) -> Duration {
            panic!("a writer waits for what it flushed itself")
        }
    }

    /// Found by the simulator (seed 800549): the memory that a batch wants is that of the resident layer, and the
    /// writer gives it back itself.
    #[test]
    fn a_writer_without_threads_does_not_wait_for_memory_that_it_gave_back_itself() {
        let clock = Arc::new(NoWaiting);
        let value_compression = Compression::None;
        let options = Options {
            memory_bytes: 256 << 10,
            background_threads: 0,
            clock,
            value_compression,
            ..Options::default()
        };
        let (core, _) = open(Arc::new(MemoryStorage::new()), options).unwrap();
        let keyspace = core.catalog.open(&core, "all").unwrap();
        for number in 0..300_u32 {
            // Overwritten at once, so that what is left of a memtable stays in memory.
            keyspace.put(number.to_be_bytes(), [1; 200]).unwrap();
            keyspace.put(number.to_be_bytes(), [2; 200]).unwrap();
        }
        core.seal(&mut core.writer.lock()).unwrap();
        core.flush_inline().unwrap();
        let bytes = || core.memtables().resident_bytes().0;
        let before = bytes();
        assert!(before > 0 && core.memtables().active.is_empty());
        core.flush.ask_for_memory();
        core.wait_for_flush(PATIENCE).unwrap();
        assert!(bytes() < before);
        // Who waits for what another thread flushes would: this one is told when it is there.
        let seen = core.flush.progress().generation();
        core.flush.ask_for_memory();
        core.flush_inline().unwrap();
        assert!(core.flush.progress().generation() > seen);
    }

    #[test]
    fn a_change_in_a_memtable_just_sealed_is_noticed_by_a_transaction() {
        let options = Options { memory_bytes: 1 << 20, background_threads: 0, ..Options::default() };
        let (core, _) = open(Arc::new(MemoryStorage::new()), options).unwrap();
        let keyspace = core.catalog.open(&core, "all").unwrap();
        let mut transaction = Transaction::new(core.clone());
        transaction.get(&keyspace, "read").unwrap();
        transaction.put(&keyspace, "written", "x").unwrap();
        let mut batch = Batch::new(core.clone());
        batch.put(&keyspace, "read", "changed");
        batch.commit().unwrap();
        // The active memtable is empty now, and the change in the one before it.
        core.seal(&mut core.writer.lock()).unwrap();
        assert!(matches!(transaction.commit(), Err(Error::Conflict { .. })));
    }
}
