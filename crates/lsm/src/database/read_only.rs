//! Databases opened to be read: one moment each, taken without a lock from what another process may be writing.
//!
//! A moment is what the manifest names and what the log holds beyond it, as they are found. It never changes: a
//! [refresh](crate::Database::refresh) takes a new one, which shares open tables, memtables and the cache of blocks
//! with those before it. So snapshots and scans of an earlier moment go on seeing that, though the writer, who knows
//! nothing of them, merges away what only they still see: their tables stay open.
//!
//! The writer may delete files while a moment is taken. It does so only after an edit of the manifest that makes them
//! superfluous. So where something is missing or does not fit, we look whether the manifest or the list of log
//! segments has changed meanwhile, and begin anew if so; if not, it is damage.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use stroma_logmem::{Pool, PoolOptions};
use stroma_strata::storage::{LogStorage, ReadOnlyStorage, StorageError};

use super::core::{Core, Parts};
use super::open::RecoveryReport;
use crate::Error;
use crate::block_cache::BlockCache;
use crate::commit::Writer;
use crate::entry::{Marked, NEVER, Sequence};
use crate::flush::{FlushRecord, FlushState};
use crate::layers::{LayerView, Layers};
use crate::log::{
    LogSource, OneByOne, Operation, Operations, Record, Replay, ReplayStart, Replayed, WriteAheadLog,
    first_sequences, list_segments, replay,
};
use crate::memtable::{Memtable, MemtableChain, MemtableOptions};
use crate::options::{MemoryShares, Options};
use crate::read::MemtableList;
use crate::rules::Resolver;
use crate::snapshot::SnapshotRegistry;
use crate::transaction::Scratch;
use crate::values::{ValueFile, ValueReference, ValueStore};

/// How often a moment is taken anew because the writer was faster.
const MOST_ATTEMPTS: u32 = 50;

/// What the moments of one database have in common.
#[derive(Debug)]
pub(super) struct Moments {
    storage: Arc<dyn LogStorage>,
    options: Options,
    shares: MemoryShares,
    memtable_options: MemtableOptions,
    cache: Option<BlockCache>,
    values: Arc<ValueStore>,
    /// Held while a moment is taken.
    latest: Mutex<Latest>,
}

/// What the last moment was made of, for the next one.
#[derive(Debug, Default)]
struct Latest {
    tables: Option<LayerView>,
    /// Which opening of the writer the log was read of.
    epoch: u64,
    /// What the log holds beyond the tables.
    log: MemtableChain,
    /// The files of streamed values that memtables refer to, with the sequences of those who do.
    files: BTreeMap<u64, (Sequence, Arc<ValueFile>)>,
    /// What tables held already when the log was read.
    flushed_through: Sequence,
    /// The last sequence in the memtables.
    last_sequence: Sequence,
    /// Whether something in the memtables expires.
    expires: bool,
    /// The last segment there was when the log was read.
    last_segment: u64,
}

/// What tells that the writer has been at work.
type Trace = (Option<String>, Vec<u64>);

impl Moments {
    pub(super) fn new(storage: Arc<dyn LogStorage>, options: Options) -> Result<Self, Error> {
        let storage: Arc<dyn LogStorage> = Arc::new(ReadOnlyStorage::new(storage));
        let shares = options.memory_shares()?;
        let pool =
            Pool::new(PoolOptions { capacity_bytes: options.memory_bytes, segment_bytes: shares.segment })?;
        let cache = options.cache_limits(&shares).map(|limits| BlockCache::new(pool.clone(), limits));
        let memtable_options = MemtableOptions { pool, index_bytes: shares.index };
        let values = Arc::new(ValueStore::new(storage.clone(), options.encryption.clone()));
        Ok(Moments { storage, options, shares, memtable_options, cache, values, latest: Mutex::default() })
    }

    /// Takes a moment: as late as possible, and at least as late as everything that was handed to the operating system
    /// before this was called.
    pub(super) fn take(&self) -> Result<(Arc<Core>, RecoveryReport), Error> {
        let mut latest = self.latest.lock();
        let mut attempts = 1;
        loop {
            let trace = self.trace()?;
            let outcome = self.attempt(&mut latest);
            let is_doubtful = match &outcome {
                Ok((_, report, is_joined)) => report.log_cut.is_some() || !is_joined,
                Err(error) => may_be_overtaken(error),
            };
            if !is_doubtful || attempts == MOST_ATTEMPTS || self.trace()? == trace {
                return outcome.map(|(core, report, _)| (core, report));
            }
            attempts += 1;
        }
    }

    fn trace(&self) -> Result<Trace, Error> {
        let last = self.storage.list("manifest")?.pop().map(|entry| entry.name);
        Ok((last, list_segments(&*self.storage)?))
    }

    /// Also answers whether the log that was found goes on where what is known ended.
    fn attempt(&self, latest: &mut Latest) -> Result<(Arc<Core>, RecoveryReport, bool), Error> {
        let snapshots = Arc::new(SnapshotRegistry::new(self.options.clock.clone()));
        let resolver = Arc::new(Resolver::new(self.values.clone(), snapshots.clone()));
        let (layers, found) = Layers::open_read_only(
            self.storage.clone(),
            &self.options,
            self.cache.clone(),
            &resolver,
            latest.tables.as_ref(),
        )?;
        let flushed = layers.flush_record()?;
        let (log_segments, replayed, is_joined) =
            self.read_log(latest, found.epoch, flushed, layers.view().ingested_through())?;
        snapshots.publish(replayed.last_sequence);
        if latest.expires {
            resolver.note_expiring();
        }
        let report = RecoveryReport {
            created: false,
            epoch: found.epoch,
            last_sequence: replayed.last_sequence,
            log_segments,
            replayed_commits: replayed.records,
            log_cut: replayed.cut,
            orphans_deleted: 0,
        };
        let memtables = self.memtables(latest, replayed.last_sequence)?;
        latest.tables = Some(layers.view());
        let log = WriteAheadLog::read_only(self.storage.clone());
        let core = Arc::new(Core::new(Parts {
            options: self.options.clone(),
            shares: self.shares,
            epoch: found.epoch,
            storage: self.storage.clone(),
            layers,
            values: self.values.clone(),
            resolver,
            cache: self.cache.clone(),
            snapshots,
            memtable_options: self.memtable_options.clone(),
            memtables,
            writer: Writer::new(log, replayed.last_sequence),
            flush: FlushState::new(flushed),
            recovered_through: 0,
            held_values: latest.files.values().map(|(_, file)| file.clone()).collect(),
            is_read_only: true,
            scratch: Scratch::unused(self.storage.clone()),
        }));
        core.load_catalog()?;
        Ok((core, report, is_joined))
    }

    /// Brings the memtables up to the end of the log; answers how many segments that took, and whether one of them goes
    /// on where what is known ended. If none does, the one that did may have been deleted meanwhile; or nothing was
    /// committed since, and the header of a new one was not handed to the operating system yet.
    fn read_log(
        &self,
        latest: &mut Latest,
        epoch: u64,
        flushed: FlushRecord,
        ingested_through: Sequence,
    ) -> Result<(usize, Replay, bool), Error> {
        let all = list_segments(&*self.storage)?;
        let needed: Vec<u64> = all.into_iter().filter(|number| *number >= flushed.first_needed_log).collect();
        let source = LogSource { storage: &*self.storage, encryption: self.options.encryption.as_ref() };
        let starts = first_sequences(source, &needed)?;
        if latest.is_contradicted(epoch, &needed, &starts) {
            latest.restart();
        }
        if flushed.flushed_through > latest.flushed_through {
            // Operands that tables have put together with what was below them must not be found in memory again.
            latest.restart();
        }
        latest.epoch = epoch;
        latest.flushed_through = flushed.flushed_through;
        let known_through = latest.last_sequence.max(flushed.flushed_through);
        // Whole segments that are known already are not read again.
        let first = starts.iter().rposition(|start| start.is_some_and(|start| start <= known_through + 1));
        let unread = &needed[first.unwrap_or(0)..];
        let start = ReplayStart { flushed_through: known_through, durable_through: flushed.durable_through };
        let mut unpacked = Vec::new();
        let mut apply = OneByOne(|found: Replayed<'_>| {
            self.add(latest, &found.record.unpack(found.first_sequence, &mut unpacked))
        });
        let mut replayed = replay(source, unread, start, self.options.recovery, &mut apply)?;
        // A copy has no log; else the ingestion stands in it.
        let is_joined = first.is_some() && replayed.last_sequence >= ingested_through;
        replayed.last_sequence = replayed.last_sequence.max(ingested_through);
        latest.last_segment = needed.last().copied().unwrap_or(0).max(latest.last_segment);
        latest.last_sequence = replayed.last_sequence;
        Ok((unread.len(), replayed, is_joined))
    }

    /// Adds what the log holds next to the memtables.
    fn add(&self, latest: &mut Latest, record: &Record<'_>) -> Result<(), Error> {
        for operation in Operations::new(record.payload).flatten() {
            let stored = match operation {
                Operation::PutStored { reference, .. } => Some(reference),
                Operation::PutMarked { value, .. } => match Marked::decode(value)? {
                    Marked::Expiring { is_stored, content, .. } => {
                        latest.expires = true;
                        is_stored.then_some(content)
                    }
                    Marked::Operand { at, .. } => {
                        latest.expires |= at != NEVER;
                        None
                    }
                    Marked::Filtered(_)
                    | Marked::Packed { .. }
                    | Marked::Incompressible { .. }
                    | Marked::Short { .. } => None,
                },
                _ => None,
            };
            if let Some(reference) = stored {
                let number = ValueReference::decode(reference)?.file;
                let file = self.values.open(number)?;
                latest.files.insert(number, (record.last_sequence(), file));
            }
        }
        latest.log.add(&self.memtable_options, &self.shares, record)?;
        latest.last_sequence = record.last_sequence();
        Ok(())
    }

    fn memtables(&self, latest: &Latest, last_sequence: Sequence) -> Result<MemtableList, Error> {
        let mut newest_first = latest.log.memtables.iter().cloned();
        let active = match newest_first.next() {
            Some(newest) => newest,
            None => Arc::new(Memtable::new(&self.memtable_options, 0, last_sequence)?),
        };
        Ok(MemtableList { active, sealed: newest_first.collect(), resident: None })
    }
}

impl Latest {
    /// Whether what was read of the log is void: somebody else writes now, or a segment made since then takes back the
    /// end of the one before it.
    fn is_contradicted(&self, epoch: u64, numbers: &[u64], starts: &[Option<u64>]) -> bool {
        let takes_back = |(number, start): (&u64, &Option<u64>)| {
            *number > self.last_segment && start.is_some_and(|start| start <= self.last_sequence)
        };
        epoch != self.epoch || numbers.iter().zip(starts).any(takes_back)
    }

    /// Forgets the log.
    fn restart(&mut self) {
        *self = Latest { tables: self.tables.take(), ..Latest::default() };
    }
}

/// Whether an error may come of files that the writer deleted meanwhile.
fn may_be_overtaken(error: &Error) -> bool {
    matches!(error, Error::Corrupt { .. } | Error::Tables(_) | Error::Storage(StorageError::NotFound { .. }))
}
