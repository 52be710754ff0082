//! What becomes of the records of the log when a database is opened.
//!
//! They are gathered into memtables, which are handed out with the database as if they had just been filled: the flush
//! makes tables of them, and until it has, the segments of the log stay. So opening waits for no table. A commit that
//! is to survive a loss of power does wait for them ([`Core::flush_recovered`](super::core::Core::flush_recovered)):
//! everything that was recovered is on the device again before anything is promised that stands on it, whatever
//! durability it once had.
//!
//! They become tables at once, and the log goes, where that is simpler to be sure of: when something of the log is left
//! out, so that it is not read a second time; when values lie in files that no table names yet; when tables were
//! ingested after its end. And of the oldest as many do as the memory budget has no room for.

use std::sync::Arc;

use crate::Error;
use crate::crew::Crew;
use crate::entry::Sequence;
use crate::flush::FlushRecord;
use crate::layers::Layers;
use crate::log::{Apply, LogSource, Replay, ReplayStart, Replayed, replay};
use crate::memtable::{EntryPortion, Gathering, Memtable, MemtableCursor, MemtableOptions, too_long};
use crate::options::{MemoryShares, Options, RecoveryMode};
use crate::snapshot::SnapshotRegistry;

/// Full memtables that are kept, beside the one that is filled last: all share the memory for entries.
const MOST_FULL: usize = 3;

/// So much memory there must be for each thread that helps: what is under way for it takes a sixteenth of that.
const THREAD_BYTES: usize = 32 << 20;

/// See the module.
pub(super) struct Recovery<'a> {
    layers: &'a Layers,
    snapshots: &'a SnapshotRegistry,
    shares: MemoryShares,
    memtable_options: &'a MemtableOptions,
    /// Reads ahead and sorts.
    crew: Arc<Crew>,
    /// What the manifest says, or said last.
    record: FlushRecord,
    /// Oldest first.
    full: Vec<Arc<Memtable>>,
    filling: Option<Gathering>,
    holds_references: bool,
    /// Whether the next sequence is not the one after the last one of the log.
    goes_on_later: bool,
}

/// How a recovery ended.
pub(super) struct Recovered {
    /// What the manifest says now.
    pub(super) record: FlushRecord,
    /// What is not in tables, newest first.
    pub(super) memtables: Vec<Arc<Memtable>>,
}

impl<'a> Recovery<'a> {
    /// Of a database whose manifest says `record`.
    pub(super) fn new(
        layers: &'a Layers,
        snapshots: &'a SnapshotRegistry,
        shares: MemoryShares,
        memtable_options: &'a MemtableOptions,
        options: &Options,
        record: FlushRecord,
    ) -> Self {
        let (full, filling) = (Vec::new(), None);
        let threads = options.background_threads.min(options.memory_bytes / THREAD_BYTES);
        let crew = Arc::new(Crew::new(options.spawner.clone(), threads));
        Recovery {
            layers,
            snapshots,
            shares,
            memtable_options,
            crew,
            record,
            full,
            filling,
            holds_references: false,
            goes_on_later: false,
        }
    }

    /// Replays what the segments of the log hold beyond the tables.
    pub(super) fn replay(
        &mut self,
        source: LogSource<'_>,
        segments: &[u64],
        mode: RecoveryMode,
    ) -> Result<Replay, Error> {
        let FlushRecord { flushed_through, durable_through, .. } = self.record;
        let start = ReplayStart { flushed_through, durable_through };
        let mut replayed = replay(source, segments, start, mode, self)?;
        // A copy has no log, and a damaged one may end before it.
        let ingested_through = self.layers.view().ingested_through();
        self.goes_on_later = ingested_through > replayed.last_sequence;
        replayed.last_sequence = replayed.last_sequence.max(ingested_through);
        Ok(replayed)
    }

    /// The memtable that takes what begins with sequence `first`.
    fn filling(&mut self, log_number: u64, first: Sequence) -> &mut Gathering {
        self.filling.get_or_insert_with(|| Gathering::new(self.memtable_options, log_number, first - 1))
    }

    fn is_full(&self, filling: &Gathering, first: Sequence, portion: &EntryPortion) -> bool {
        filling.entry_bytes() + portion.bytes() > self.shares.memtable_entries
            || !filling.has_index_room(portion.operations(), self.shares.memtable_index)
            || !filling.takes_sequences(first, portion.operations())
    }

    fn end_memtable(&mut self) -> Result<(), Error> {
        let Some(filling) = self.filling.take().filter(|filling| !filling.is_empty()) else {
            return Ok(());
        };
        self.holds_references |= filling.holds_references();
        if filling.expires() {
            self.snapshots.note_expiring();
        }
        let memtable = filling.into_memtable(&self.crew)?;
        // It must become a table: nobody may sync its log in the place of that.
        memtable.note_log(0, true);
        self.full.push(Arc::new(memtable));
        Ok(())
    }

    /// Makes a table of the oldest memtable; there is more to come.
    fn flush_oldest(&mut self) -> Result<(), Error> {
        if self.full.is_empty() {
            return Ok(());
        }
        let oldest = self.full.remove(0);
        let flushed_through = oldest.last_sequence();
        let durable_through = self.record.durable_through.max(flushed_through);
        self.write(&oldest, FlushRecord { flushed_through, durable_through, ..self.record })
    }

    fn write(&mut self, memtable: &Arc<Memtable>, record: FlushRecord) -> Result<(), Error> {
        self.snapshots.publish(memtable.last_sequence());
        self.layers.write(MemtableCursor::new(memtable.clone()), &memtable.tombstones(), record)?;
        self.record = record;
        Ok(())
    }

    /// Ends it. The segment `next_log` will follow.
    pub(super) fn finish(
        mut self,
        replayed: &Replay,
        next_log: u64,
        had_segments: bool,
    ) -> Result<Recovered, Error> {
        self.end_memtable()?;
        let is_plain = replayed.cut.is_none() && !self.holds_references && !self.goes_on_later;
        let stays_in_memory = is_plain && !self.full.is_empty();
        if !stays_in_memory {
            self.flush_all(replayed.last_sequence, next_log, had_segments)?;
        }
        self.snapshots.publish(replayed.last_sequence);
        let memtables = self.full.into_iter().rev().collect();
        Ok(Recovered { record: self.record, memtables })
    }

    /// Makes tables of all memtables and notes that no segment so far is needed any more.
    fn flush_all(&mut self, last: Sequence, next_log: u64, had_segments: bool) -> Result<(), Error> {
        while self.full.len() > 1 {
            self.flush_oldest()?;
        }
        let record = FlushRecord::all_in_tables(last, next_log);
        match self.full.pop() {
            Some(newest) => self.write(&newest, record),
            // A log that was relied on and is not there, is not relied on any longer.
            None if had_segments || self.record.durable_through != record.durable_through => {
                self.layers.put_record(record)?;
                self.record = record;
                Ok(())
            }
            None => {
                self.record.first_needed_log = next_log;
                Ok(())
            }
        }
    }
}

impl Apply for Recovery<'_> {
    type Portion = EntryPortion;

    fn crew(&self) -> Option<&Arc<Crew>> {
        Some(&self.crew)
    }

    fn apply_portion(
        &mut self,
        log_number: u64,
        first: Sequence,
        portion: &mut EntryPortion,
    ) -> Result<bool, Error> {
        self.filling(log_number, first);
        let Some(mut filling) = self.filling.take() else { return Ok(false) };
        // Where room is scarce, it is for the single record to say what is to be done.
        let is_added = !self.is_full(&filling, first, portion) && filling.add(first, portion).is_ok();
        // Copies that were made in vain need not take memory where there is nothing else.
        self.filling = Some(filling).filter(|filling| !filling.is_empty());
        Ok(is_added)
    }

    fn apply(&mut self, replayed: Replayed<'_>) -> Result<(), Error> {
        let (first, mut portion) = (replayed.first_sequence, EntryPortion::of(&replayed.record)?);
        if self.filling.as_ref().is_some_and(|filling| self.is_full(filling, first, &portion)) {
            self.end_memtable()?;
            if self.full.len() > MOST_FULL {
                self.flush_oldest()?;
            }
        }
        loop {
            let filling = self.filling(replayed.log_number, first);
            match filling.add(first, &mut portion) {
                Err(Error::Memory(_) | Error::OutOfMemory { .. })
                    if !self.full.is_empty()
                        || self.filling.as_ref().is_some_and(|filling| !filling.is_empty()) =>
                {
                    if self.full.is_empty() {
                        self.end_memtable()?;
                    }
                    self.flush_oldest()?;
                }
                // It was committed with more memory.
                outcome => return outcome.map_err(too_long),
            }
        }
    }
}
