//! What all handles of a database share.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::{ArcSwap, Guard};
use parking_lot::Mutex;
use stroma_logmem::Pool;
use stroma_strata::runtime::JoinHandle;
use stroma_strata::storage::LogStorage;

use super::counters::Counters;
use crate::block_cache::{BlockCache, BlockCacheStatistics};
use crate::commit::{CommitQueue, CommitRequest, CommitToken, Payload, SpareBuffers, Writer};
use crate::entry::{Moment, Sequence, Timestamp};
use crate::flush::FlushState;
use crate::keyspace::Catalog;
use crate::layers::{LayerView, Layers};
use crate::log::UnsyncedSegments;
use crate::memtable::{Memtable, MemtableOptions};
use crate::options::{Durability, MemoryShares, Options, ResidentLimits};
use crate::read::{MemtableList, ReadView, ScanRegistry};
use crate::resident::CleaningRoom;
use crate::rules::{Resolver, with_expiries};
use crate::snapshot::{SnapshotGuard, SnapshotRegistry};
use crate::tombstones::DeadRanges;
use crate::transaction::{LockTable, Scratch, Validation};
use crate::values::{PackingAttempts, ValueFile, ValueStore};
use crate::{Error, Value};

/// The inside of a database.
///
/// Locks are taken in this order: `catalog`, `writer`, `flush`, `memtables_turn`. The queue's lock and those of single
/// memtables, snapshots, scans and locked keys are held for a few instructions and nothing is locked inside them.
#[derive(Debug)]
pub(crate) struct Core {
    pub(super) options: Options,
    pub(super) shares: MemoryShares,
    pub(super) epoch: u64,
    pub(crate) storage: Arc<dyn LogStorage>,
    pub(crate) layers: Layers,
    /// The value files of the layers, and of commits that have not reached them.
    pub(super) values: Arc<ValueStore>,
    /// Knows the rules of keyspaces; shared with whoever writes tables.
    pub(super) resolver: Arc<Resolver>,
    /// The blocks of the layers that are kept in memory, if any are.
    pub(crate) cache: Option<BlockCache>,
    /// Ended segments of the log; also the writer's.
    pub(crate) unsynced_log: Arc<UnsyncedSegments>,
    pub(super) snapshots: Arc<SnapshotRegistry>,
    scans: ScanRegistry,
    /// Where scans are known to find nothing.
    dead_ranges: Arc<DeadRanges>,
    /// Replaced as a whole.
    memtables: ArcSwap<MemtableList>,
    /// Held by whoever makes another list of the present one.
    memtables_turn: Mutex<()>,
    pub(super) memtable_options: MemtableOptions,
    cleaning_room: CleaningRoom,
    queue: CommitQueue,
    /// Whoever commits holds this, also while it waits for the disk.
    pub(super) writer: Mutex<Writer>,
    pub(crate) flush: FlushState,
    /// What was recovered up to this sequence may be on the device in tables only; see [`Core::flush_recovered`].
    recovered_through: Sequence,
    pub(super) catalog: Catalog,
    /// Keys that transactions have locked.
    locks: LockTable,
    /// Where transactions put what outgrows memory.
    scratch: Arc<Scratch>,
    counters: Counters,
    /// For the bytes of large batches.
    spare_buffers: SpareBuffers,
    /// How often short values were packed in vain.
    packing_attempts: PackingAttempts,
    /// Whether blocks are not compressed where a keyspace says nothing else.
    keeps_blocks_plain: bool,
    /// Set by the first failed write of the log.
    poisoned: OnceLock<Error>,
    closed: AtomicBool,
    /// Value files that only the memtables of a database to be read refer to.
    _held_values: Vec<Arc<ValueFile>>,
    is_read_only: bool,
    /// The thread that flushes, joined on closing.
    pub(super) flusher: Mutex<Option<Box<dyn JoinHandle>>>,
}

/// What a core is made of.
pub(super) struct Parts {
    pub(super) options: Options,
    pub(super) shares: MemoryShares,
    pub(super) epoch: u64,
    pub(super) storage: Arc<dyn LogStorage>,
    pub(super) layers: Layers,
    pub(super) values: Arc<ValueStore>,
    pub(super) resolver: Arc<Resolver>,
    pub(super) cache: Option<BlockCache>,
    pub(super) snapshots: Arc<SnapshotRegistry>,
    pub(super) memtable_options: MemtableOptions,
    pub(super) memtables: MemtableList,
    pub(super) writer: Writer,
    pub(super) flush: FlushState,
    pub(super) recovered_through: Sequence,
    pub(super) held_values: Vec<Arc<ValueFile>>,
    pub(super) is_read_only: bool,
    pub(super) scratch: Arc<Scratch>,
}

impl Core {
    pub(super) fn new(parts: Parts) -> Self {
        let cleaning_room = CleaningRoom {
            pool: parts.memtable_options.pool.clone(),
            log_bytes: 2 * parts.shares.cleaning_entries,
            copy_bytes: 2 * parts.shares.cleaning_entries,
            all_copies_bytes: parts.shares.entries,
        };
        parts.snapshots.settle(parts.flush.flushed_through());
        Core {
            spare_buffers: SpareBuffers::new(parts.options.memory_bytes),
            packing_attempts: PackingAttempts::default(),
            keeps_blocks_plain: parts.options.keeps_blocks_plain(),
            options: parts.options,
            shares: parts.shares,
            epoch: parts.epoch,
            storage: parts.storage,
            layers: parts.layers,
            values: parts.values,
            resolver: parts.resolver,
            cache: parts.cache,
            unsynced_log: parts.writer.log.unsynced().clone(),
            snapshots: parts.snapshots,
            scans: ScanRegistry::default(),
            dead_ranges: Arc::default(),
            memtables: ArcSwap::from_pointee(parts.memtables),
            memtables_turn: Mutex::new(()),
            memtable_options: parts.memtable_options,
            cleaning_room,
            queue: CommitQueue::default(),
            writer: Mutex::new(parts.writer),
            flush: parts.flush,
            recovered_through: parts.recovered_through,
            catalog: Catalog::default(),
            locks: LockTable::default(),
            scratch: parts.scratch,
            counters: Counters::default(),
            poisoned: OnceLock::new(),
            closed: AtomicBool::new(false),
            _held_values: parts.held_values,
            is_read_only: parts.is_read_only,
            flusher: Mutex::new(None),
        }
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// How often short values were packed in vain.
    pub(crate) fn packing_attempts(&self) -> &PackingAttempts {
        &self.packing_attempts
    }

    /// Whether blocks are not compressed, at no level, where a keyspace says nothing else.
    pub(crate) fn keeps_blocks_plain(&self) -> bool {
        self.keeps_blocks_plain
    }

    /// What committers use, one at a time.
    pub(crate) fn writer(&self) -> &Mutex<Writer> {
        &self.writer
    }

    /// The value files.
    pub(crate) fn values(&self) -> &ValueStore {
        &self.values
    }

    /// Knows the rules of keyspaces.
    pub(crate) fn resolver(&self) -> &Resolver {
        &self.resolver
    }

    /// Tells filters that what was flushed has left the memtables and the resident layer.
    pub(crate) fn settle(&self) {
        self.snapshots.settle(self.flushed_through());
    }

    /// The moment for readers of the present.
    pub(crate) fn moment(&self) -> Moment {
        self.snapshots.moment()
    }

    /// The time for readers of the present.
    pub(crate) fn time(&self) -> Timestamp {
        self.snapshots.time()
    }

    /// The value files, for whoever outlives this.
    pub(crate) fn shared_values(&self) -> Arc<ValueStore> {
        self.values.clone()
    }

    /// The longest batch, in bytes.
    pub(crate) fn batch_limit(&self) -> usize {
        self.shares.batch
    }

    /// For the bytes of large batches.
    pub(crate) fn spare_buffers(&self) -> &SpareBuffers {
        &self.spare_buffers
    }

    /// Where memtables take their memory.
    pub(crate) fn pool(&self) -> &Pool {
        &self.memtable_options.pool
    }

    /// Grows with each opening of the database.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Reads which keyspaces there are; called once, before the database is handed out.
    pub(super) fn load_catalog(self: &Arc<Self>) -> Result<(), Error> {
        self.catalog.load(self)
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    pub(crate) fn locks(&self) -> &LockTable {
        &self.locks
    }

    /// Where transactions put what outgrows memory.
    pub(crate) fn scratch(&self) -> &Arc<Scratch> {
        &self.scratch
    }

    pub(crate) fn scans(&self) -> &ScanRegistry {
        &self.scans
    }

    pub(crate) fn dead_ranges(&self) -> &Arc<DeadRanges> {
        &self.dead_ranges
    }

    /// The last visible sequence.
    pub(crate) fn published(&self) -> Sequence {
        self.snapshots.published()
    }

    /// Makes every commit up to `sequence` visible.
    pub(crate) fn publish(&self, sequence: Sequence) {
        self.snapshots.publish(sequence);
    }

    /// Registers a reader of the present.
    pub(crate) fn take_snapshot(&self) -> SnapshotGuard {
        self.snapshots.take()
    }

    /// How many readers are registered.
    pub(crate) fn reader_count(&self) -> usize {
        self.snapshots.reader_count()
    }

    /// Nobody reads at an earlier sequence, nor will.
    pub(crate) fn oldest_snapshot(&self) -> Sequence {
        self.snapshots.oldest()
    }

    /// The sequences that somebody may read at, ascending; the present is the last.
    pub(crate) fn live_snapshots(&self) -> Vec<Sequence> {
        self.snapshots.live()
    }

    /// Puts another list in the place of the present one, at once.
    pub(crate) fn replace_memtables(&self, change: impl FnOnce(&MemtableList) -> MemtableList) {
        let turn = self.memtables_turn.lock();
        let before = self.memtables.swap(Arc::new(change(&self.memtables.load())));
        drop(turn);
        // Memory may go with it.
        drop(before);
    }

    /// The memtables as they are now.
    pub(crate) fn memtables(&self) -> Arc<MemtableList> {
        self.memtables.load_full()
    }

    /// Whether overwritten entries are cleaned in memory.
    pub(crate) fn cleans_memory(&self) -> bool {
        self.options.memory_cleaning
    }

    /// Where survivors of cleaning are copied to, and how many: something is left to those who write meanwhile.
    pub(crate) fn cleaning_room(&self) -> CleaningRoom {
        let list = self.memtables();
        let taken = list.bytes().0 + list.resident_bytes().0 + self.shares.cleaning_entries;
        let all_copies_bytes = self.shares.entries.saturating_sub(taken);
        CleaningRoom { all_copies_bytes, ..self.cleaning_room.clone() }
    }

    /// What the cache of blocks tells of itself.
    pub(crate) fn cache_statistics(&self) -> BlockCacheStatistics {
        self.cache.as_ref().map(BlockCache::statistics).unwrap_or_default()
    }

    /// The most that memtables and the resident layer may take together.
    pub(crate) fn memtable_limit(&self) -> usize {
        self.shares.entries + self.shares.index
    }

    /// How large the resident layer may become.
    pub(crate) fn resident_limits(&self) -> ResidentLimits {
        self.shares.resident_limits()
    }

    /// No memtable holds a commit up to this sequence any more.
    pub(crate) fn absorbed_through(&self) -> Sequence {
        self.flush.absorbed_through()
    }

    /// Tables hold every commit up to this sequence.
    pub(crate) fn flushed_through(&self) -> Sequence {
        self.flush.flushed_through()
    }

    /// Everything to read from, as it is now.
    pub(crate) fn read_view(&self) -> ReadView {
        let memtables = Guard::from_inner(self.memtables());
        ReadView::new(memtables, self.layers.view())
    }

    /// The same for a moment, without counts of references that all readers would share.
    #[inline]
    pub(crate) fn brief_view(&self) -> ReadView {
        let memtables = self.memtables.load();
        ReadView::new(memtables, self.layers.brief_view())
    }

    /// To read from tables alone.
    pub(crate) fn view_of_tables(&self, tables: LayerView) -> Result<ReadView, Error> {
        let active = Arc::new(Memtable::new(&self.memtable_options, 0, 0)?);
        let nothing = MemtableList { active, sealed: Vec::new(), resident: None };
        Ok(ReadView::new(Guard::from_inner(Arc::new(nothing)), tables))
    }

    /// The present value of a stored key.
    pub(crate) fn get_present(&self, key: &[u8]) -> Result<Option<Value>, Error> {
        self.get(key, None)
    }

    /// Commits encoded operations.
    pub(crate) fn commit(
        &self,
        mut payload: Payload,
        durability: Durability,
        validation: Option<Validation>,
    ) -> Result<CommitToken, Error> {
        if let Some(mistake) = payload.mistake() {
            return Err(mistake.clone());
        }
        if payload.operations == 0 {
            self.reach(durability)?;
            return Ok(CommitToken { epoch: self.epoch, sequence: self.published() });
        }
        if self.resolver.rules().any_lives()
            && let Some(bytes) = with_expiries(&payload.bytes, &self.resolver, self.time())
        {
            payload.bytes = bytes;
            payload.expires = true;
        }
        if payload.expires {
            // Before anybody can see it.
            self.resolver.note_expiring();
        }
        let request = CommitRequest::new(payload, durability, validation);
        if durability == Durability::Synced {
            // The lock first: who comes while it is waited for is in the group.
            return self.queue.commit(request, |lead| {
                let mut writer = self.writer.lock();
                self.commit_group(&mut writer, &lead.group());
            });
        }
        self.commit_group(&mut self.writer.lock(), &[&request]);
        let outcome = request.outcome();
        request.payload.give_back(&self.spare_buffers);
        outcome
    }

    fn commit_group(&self, writer: &mut Writer, group: &[&CommitRequest]) {
        self.poisoning_on_panic(|| writer.commit_group(self, group));
    }

    /// Does a part of a commit for who holds the writer's lock. A panic in it poisons the database.
    pub(crate) fn poisoning_on_panic<T>(&self, work: impl FnOnce() -> T) -> T {
        let panicking = PoisonsWhenDropped(self);
        let outcome = work();
        std::mem::forget(panicking);
        outcome
    }

    /// Puts every commit so far on the device.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        self.reach(Durability::Synced)
    }

    /// Gives every commit so far this durability, if it has less.
    fn reach(&self, durability: Durability) -> Result<(), Error> {
        // Nothing was committed here.
        if self.is_read_only {
            return Ok(());
        }
        let mut writer = self.writer.lock();
        self.check_open()?;
        self.replace_broken_log(&mut writer)?;
        if durability == Durability::Synced {
            self.flush_recovered()?;
        }
        let reached = match durability {
            Durability::None => Ok(()),
            Durability::Buffered => writer.log.flush(),
            Durability::Synced => {
                self.counters.syncs.add(1);
                writer.log.sync()
            }
        };
        reached.map_err(|error| writer.give_up_log(self, error.into()))
    }

    /// Waits until tables hold everything that the log held when the database was opened. To be called before anything
    /// is promised to survive a loss of power, since that stands on what was recovered. Its segments cannot be synced
    /// instead: a sync that the process before this one saw fail may have marked them as clean, and another one would
    /// succeed without doing anything.
    pub(crate) fn flush_recovered(&self) -> Result<(), Error> {
        while self.flushed_through() < self.recovered_through && self.flush_oldest()? {}
        Ok(())
    }

    /// Refuses everything from now on because of `cause`; answers the error to tell.
    pub(crate) fn poison(&self, cause: Error) -> Error {
        self.poisoned.get_or_init(|| Error::Poisoned { cause: Arc::new(cause) }).clone()
    }

    /// Whether it was opened to be read.
    pub(crate) fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    /// Refuses a change of a database that is to be read only.
    pub(crate) fn check_writable(&self) -> Result<(), Error> {
        if self.is_read_only { Err(Error::ReadOnly) } else { Ok(()) }
    }

    /// Refuses a change of a database that is closed, poisoned or to be read only.
    pub(crate) fn check_open(&self) -> Result<(), Error> {
        self.check_writable()?;
        if let Some(poisoned) = self.poisoned.get() {
            return Err(poisoned.clone());
        }
        if self.is_closed() {
            return Err(Error::Closed);
        }
        Ok(())
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Refuses everything from now on; answers whether that is new.
    pub(super) fn mark_closed(&self) -> bool {
        !self.closed.swap(true, Ordering::AcqRel)
    }

    /// Whether background work is done by those who write.
    pub(crate) fn works_inline(&self) -> bool {
        self.options.background_threads == 0
    }
}

/// Poisons the database unless it is forgotten. After a panic in a commit nobody knows what of it is in the log, under
/// a sequence that the next one would be given again.
struct PoisonsWhenDropped<'a>(&'a Core);

impl Drop for PoisonsWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.poison(Error::Panicked);
    }
}
