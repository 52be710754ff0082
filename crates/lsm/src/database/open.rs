//! Opening a database: tables first, then the log on top of them, then a new log.
//!
//! What the log held is flushed into tables before the database is handed out. So everything that was recovered is
//! on the device again, whatever durability it once had, and a new log begins with nothing to promise.

use std::sync::Arc;

use parking_lot::Mutex;
use stroma_logmem::{Pool, PoolOptions};
use stroma_strata::storage::LogStorage;

use super::core::{Core, Parts};
use crate::Error;
use crate::block_cache::BlockCache;
use crate::commit::Writer;
use crate::entry::Sequence;
use crate::flush::{FlushRecord, FlushState, start_worker};
use crate::layers::Layers;
use crate::log::{
    LogCut, Record, Replay, ReplayStart, WriteAheadLog, delete_segments_before, list_segments, replay,
};
use crate::memtable::{Memtable, MemtableCursor, MemtableOptions, Staged};
use crate::options::{MemoryShares, Options, RecoveryMode};
use crate::read::MemtableList;
use crate::snapshot::SnapshotRegistry;
use crate::values::ValueStore;

/// What was found when the database was opened, and what was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecoveryReport {
    /// Whether there was no database before.
    pub created: bool,
    /// How often it was opened for writing, this time included.
    pub epoch: u64,
    /// The last sequence recovered.
    pub last_sequence: Sequence,
    /// Log segments that were read.
    pub log_segments: usize,
    /// Commits that were found in the log and not yet in tables.
    pub replayed_commits: u64,
    /// What the log held beyond the recovered prefix, if anything.
    pub log_cut: Option<LogCut>,
    /// Table and value files that no version names, left by a crash, and now deleted.
    pub orphans_deleted: usize,
}

/// Opens the database in `storage`.
pub(super) fn open(
    storage: Arc<dyn LogStorage>,
    options: Options,
) -> Result<(Arc<Core>, RecoveryReport), Error> {
    let shares = options.memory_shares()?;
    let pool =
        Pool::new(PoolOptions { capacity_bytes: options.memory_bytes, segment_bytes: shares.segment })?;
    let cache = options.cache_limits(&shares).map(|limits| BlockCache::new(pool.clone(), limits));
    let memtable_options = MemtableOptions { pool, index_bytes: shares.index };
    let snapshots = Arc::new(SnapshotRegistry::default());
    let values = Arc::new(ValueStore::new(storage.clone()));
    let (layers, found) =
        Layers::open(storage.clone(), &options, snapshots.clone(), cache.clone(), values.clone())?;
    let flushed = layers.flush_record()?;

    let all_segments = list_segments(&*storage)?;
    let segments: Vec<u64> =
        all_segments.iter().copied().filter(|number| *number >= flushed.first_needed_log).collect();
    let next_log = all_segments.last().copied().unwrap_or(0).max(flushed.first_needed_log) + 1;
    snapshots.publish(flushed.flushed_through);
    let recovery = Recovery {
        layers: &layers,
        snapshots: &snapshots,
        shares,
        memtable_options: &memtable_options,
        next_log,
        first_needed_log: flushed.first_needed_log,
        durable_through: flushed.durable_through,
        filling: Mutex::new(None),
    };
    let replayed = recovery.replay(&*storage, &segments, flushed, options.recovery)?;
    let record = recovery.finish(&replayed, flushed, !all_segments.is_empty())?;
    let value_orphans = values.delete_orphans()?;

    let log =
        WriteAheadLog::start(storage.clone(), next_log, replayed.last_sequence, replayed.last_sequence)?;
    // What stays behind is passed over, and deleted by the next flush.
    let _ = delete_segments_before(&*storage, next_log);
    let report = RecoveryReport {
        created: found.created && all_segments.is_empty(),
        epoch: found.epoch,
        last_sequence: replayed.last_sequence,
        log_segments: segments.len(),
        replayed_commits: replayed.records,
        log_cut: replayed.cut,
        orphans_deleted: found.orphans_deleted + value_orphans,
    };
    let active = Arc::new(Memtable::new(&memtable_options, next_log, replayed.last_sequence)?);
    let core = Arc::new(Core::new(Parts {
        options,
        shares,
        epoch: report.epoch,
        storage,
        layers,
        values,
        cache,
        snapshots,
        memtable_options,
        memtables: MemtableList { active, sealed: Vec::new(), resident: None },
        writer: Writer::new(log, report.last_sequence),
        flush: FlushState::new(record),
    }));
    core.catalog.load(&core)?;
    if !core.works_inline() {
        core.layers.start_background(core.options())?;
        *core.flusher.lock() = Some(start_worker(&core)?);
    }
    Ok((core, report))
}

/// Puts replayed records into a memtable, and that into tables whenever it is full.
struct Recovery<'a> {
    layers: &'a Layers,
    snapshots: &'a SnapshotRegistry,
    shares: MemoryShares,
    memtable_options: &'a MemtableOptions,
    /// The segment that will follow: what is flushed needs none before it, once all is replayed.
    next_log: u64,
    /// The first segment that is read now, and has to be read again if this opening does not come to its end.
    first_needed_log: u64,
    /// What the log held on the device when the database was last written, until all is replayed.
    durable_through: Sequence,
    filling: Mutex<Option<Filling>>,
}

struct Filling {
    memtable: Arc<Memtable>,
    staged: Staged,
}

impl Recovery<'_> {
    /// Replays what the log holds beyond the tables.
    fn replay(
        &self,
        storage: &dyn LogStorage,
        segments: &[u64],
        flushed: FlushRecord,
        mode: RecoveryMode,
    ) -> Result<Replay, Error> {
        let FlushRecord { flushed_through, durable_through, .. } = flushed;
        let start = ReplayStart { flushed_through, durable_through };
        let mut replayed = replay(storage, segments, start, mode, |_, record| self.add(record))?;
        // A copy has no log, and a damaged one may end before it.
        replayed.last_sequence = replayed.last_sequence.max(self.layers.view().ingested_through());
        Ok(replayed)
    }

    fn add(&self, record: &Record<'_>) -> Result<(), Error> {
        let mut filling = self.filling.lock();
        let full = filling.as_ref().is_some_and(|filling| {
            let memtable = &filling.memtable;
            let index_after = memtable.index_bytes() + memtable.index_growth(record.operations);
            memtable.entry_bytes() + record.payload.len() > self.shares.memtable_entries
                || index_after > self.shares.memtable_index
                || !memtable.takes_sequence(record.last_sequence())
        });
        if full && let Some(filled) = filling.take() {
            self.flush(&filled.memtable)?;
        }
        let Filling { memtable, staged } = match &mut *filling {
            Some(filling) => filling,
            empty => empty.insert(Filling {
                memtable: Arc::new(Memtable::new(
                    self.memtable_options,
                    self.next_log,
                    record.first_sequence - 1,
                )?),
                staged: Staged::default(),
            }),
        };
        staged.clear();
        memtable.reserve_index(self.shares.index, record.operations, record.last_sequence())?;
        memtable.stage(record.payload, staged)?;
        memtable.link(std::iter::once((record.first_sequence, record.payload)), staged)?;
        self.snapshots.publish(record.last_sequence());
        Ok(())
    }

    /// Flushes the rest and notes that no segment so far is needed any more. That is noted anew even where the
    /// manifest says so already: whoever wrote that may have been killed before it was on the device, and the segments
    /// are deleted next.
    fn finish(
        &self,
        replayed: &Replay,
        flushed: FlushRecord,
        had_segments: bool,
    ) -> Result<FlushRecord, Error> {
        let record = FlushRecord::all_in_tables(replayed.last_sequence, self.next_log);
        match self.filling.lock().take() {
            Some(filled) => {
                let memtable = filled.memtable;
                let cursor = MemtableCursor::new(memtable.clone());
                self.layers.write(cursor, &memtable.tombstones(), record)?;
            }
            // A log that was relied on and is not there, is not relied on any longer.
            None if had_segments || flushed.durable_through != record.durable_through => {
                self.layers.put_record(record)?;
            }
            None => return Ok(FlushRecord { first_needed_log: self.next_log, ..flushed }),
        };
        Ok(record)
    }

    /// Makes a table of what was replayed so far; there is more to come.
    fn flush(&self, memtable: &Arc<Memtable>) -> Result<(), Error> {
        let flushed_through = memtable.last_sequence();
        let record = FlushRecord {
            flushed_through,
            first_needed_log: self.first_needed_log,
            durable_through: self.durable_through.max(flushed_through),
        };
        self.layers.write(MemtableCursor::new(memtable.clone()), &memtable.tombstones(), record)
    }
}
