//! Opening a database: tables first, then the log on top of them, then a new log.

use std::sync::Arc;

use stroma_logmem::{Pool, PoolOptions};
use stroma_strata::storage::LogStorage;

use super::core::{Core, Parts};
use super::recovery::{Recovered, Recovery};
use crate::Error;
use crate::block_cache::BlockCache;
use crate::commit::Writer;
use crate::entry::Sequence;
use crate::flush::{FlushState, start_worker};
use crate::layers::Layers;
use crate::log::{LogCut, LogSource, WriteAheadLog, delete_segments_before, list_segments};
use crate::memtable::{Memtable, MemtableOptions};
use crate::options::Options;
use crate::read::MemtableList;
use crate::rules::Resolver;
use crate::snapshot::SnapshotRegistry;
use crate::transaction::Scratch;
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
    /// Table and value files that no version names, and scratch files of transactions, left by a crash and now deleted.
    pub orphans_deleted: usize,
}

/// Opens the database in `storage`.
pub(super) fn open(
    storage: Arc<dyn LogStorage>,
    options: Options,
) -> Result<(Arc<Core>, RecoveryReport), Error> {
    options.check_keyspaces()?;
    let shares = options.memory_shares()?;
    let pool_options = PoolOptions { capacity_bytes: options.memory_bytes, segment_bytes: shares.segment };
    let pool = Pool::with_huge_pages(pool_options)?;
    let cache = options.cache_limits(&shares).map(|limits| BlockCache::new(pool.clone(), limits));
    let memtable_options = MemtableOptions { pool, index_bytes: shares.index };
    let snapshots = Arc::new(SnapshotRegistry::new(options.clock.clone()));
    let values = Arc::new(ValueStore::new(storage.clone(), options.encryption.clone()));
    let resolver = Arc::new(Resolver::new(values.clone(), snapshots.clone()));
    let (layers, found) = Layers::open(storage.clone(), &options, &snapshots, cache.clone(), &resolver)?;
    let flushed = layers.flush_record()?;

    let all_segments = list_segments(&*storage)?;
    let segments: Vec<u64> =
        all_segments.iter().copied().filter(|number| *number >= flushed.first_needed_log).collect();
    let next_log = all_segments.last().copied().unwrap_or(0).max(flushed.first_needed_log) + 1;
    snapshots.publish(flushed.flushed_through);
    let mut recovery = Recovery::new(&layers, &snapshots, shares, &memtable_options, &options, flushed);
    let source = LogSource { storage: &*storage, encryption: options.encryption.as_ref() };
    let replayed = recovery.replay(source, &segments, options.recovery)?;
    let Recovered { record, memtables } = recovery.finish(&replayed, next_log, !all_segments.is_empty())?;
    let (scratch, scratch_orphans) = Scratch::open(storage.clone())?;
    let orphans_deleted = found.orphans_deleted + values.delete_orphans()? + scratch_orphans;

    let last = replayed.last_sequence;
    let (durable, encryption) = (record.durable_through, options.encryption.clone());
    let log = WriteAheadLog::start(storage.clone(), next_log, last, durable, encryption)?;
    // What stays behind is passed over, and deleted by the next flush.
    let _ = delete_segments_before(&*storage, record.first_needed_log);
    let report = RecoveryReport {
        created: found.created && all_segments.is_empty(),
        epoch: found.epoch,
        last_sequence: replayed.last_sequence,
        log_segments: segments.len(),
        replayed_commits: replayed.records,
        log_cut: replayed.cut,
        orphans_deleted,
    };
    let active = Arc::new(Memtable::new(&memtable_options, next_log, replayed.last_sequence)?);
    let core = Arc::new(Core::new(Parts {
        options,
        shares,
        epoch: report.epoch,
        storage,
        layers,
        values,
        resolver,
        cache,
        snapshots,
        memtable_options,
        recovered_through: memtables.first().map_or(0, |newest| newest.last_sequence()),
        memtables: MemtableList { active, sealed: memtables, resident: None },
        writer: Writer::new(log, report.last_sequence),
        flush: FlushState::new(record),
        held_values: Vec::new(),
        is_read_only: false,
        scratch,
    }));
    core.load_catalog()?;
    if !core.works_inline() {
        core.layers.start_background(core.options())?;
        *core.flusher.lock() = Some(start_worker(&core)?);
    }
    Ok((core, report))
}
