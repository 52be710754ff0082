//! One memtable: entries in log-structured memory, a tree that orders them, and range tombstones beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock};
use stroma_logmem::{Location, Log, Pool};

use super::commit_order::CommitOrder;
use super::entry_bytes::{KEY_LENGTH_BYTES, split_entry};
use super::index_memory::IndexMemory;
use super::tree::{self, Full, Inserter, Keys, Place, Tree};
use crate::Error;
use crate::entry::{EntryRef, Kind, MAX_SEQUENCE, Marked, Sequence};
use crate::log::{Operation, Operations};
use crate::merging::Visibility;
use crate::tombstones::RangeTombstones;

/// Bytes reckoned for a range tombstone besides its two keys.
const TOMBSTONE_BYTES: usize = 160;
/// One in so many bytes overwritten makes cleaning worth while.
const SUPERSEDED_SHARE_TO_BEGIN: usize = 4;
/// One in so many is enough where a resident layer is there already.
const SUPERSEDED_SHARE_TO_GO_ON: usize = 8;

/// The sizes of a memtable.
#[derive(Debug, Clone)]
pub(crate) struct MemtableOptions {
    /// Where entries take their memory.
    pub(crate) pool: Pool,
    /// The most bytes that all indexes together may take; twice as much could be linked, so that linking does not
    /// fail while the account is kept.
    pub(crate) index_bytes: usize,
}

/// The newest entries of the database.
///
/// Entries are *staged* first (their bytes are copied; memory may run out) and *linked* afterwards (which makes
/// them visible to readers that see their sequence). One thread at a time stages and links; any number read.
#[derive(Debug)]
pub(crate) struct Memtable {
    /// The segment of the write-ahead log that holds the same entries.
    log_number: u64,
    /// Shared with the resident layer that the entries may go to.
    entries: Arc<Log>,
    index: Tree,
    /// Held while entries are linked.
    linking: Mutex<Linking>,
    /// Replaced as a whole, so that a reader takes it in one step.
    tombstones: RwLock<Arc<RangeTombstones>>,
    tombstone_bytes: AtomicUsize,
    pool: Pool,
    /// What the index and the tombstones may take without asking. Only the one who stages and links locks it.
    index_memory: Mutex<IndexMemory>,
    /// The largest sequence linked, 0 if none.
    last_sequence: AtomicU64,
    /// Entries linked.
    count: AtomicUsize,
    /// Bytes of entries linked.
    linked_bytes: AtomicUsize,
    /// Bytes of entries that a newer version in this memtable stands before.
    superseded_bytes: AtomicUsize,
    /// Bytes of its segment of the write-ahead log; known from when it is sealed.
    log_bytes: AtomicU64,
    /// Whether there are operands in it, which what is below them does not supersede.
    has_operands: AtomicBool,
    /// Whether its segment of the log cannot be relied on, so that only a table makes its entries durable.
    needs_table: AtomicBool,
}

#[derive(Debug)]
struct Linking {
    inserter: Inserter,
    count: usize,
    linked_bytes: usize,
    superseded_bytes: usize,
    order: CommitOrder,
    ranges: Vec<RangeDelete>,
}

#[derive(Debug, Clone)]
pub(super) struct RangeDelete {
    pub(super) sequence: Sequence,
    pub(super) start: Arc<[u8]>,
    pub(super) end: Arc<[u8]>,
}

impl RangeDelete {
    /// The bytes it is reckoned with.
    pub(super) fn reckoned_bytes(&self) -> usize {
        2 * (self.start.len() + self.end.len() + TOMBSTONE_BYTES)
    }
}

/// What a memtable is made of whose entries were there before it.
pub(super) struct MemtableChain {
    pub(super) log_number: u64,
    pub(super) entries: Arc<Log>,
    pub(super) index: Tree,
    pub(super) inserter: Inserter,
    pub(super) count: usize,
    pub(super) linked_bytes: usize,
    pub(super) superseded_bytes: usize,
    pub(super) order: CommitOrder,
    pub(super) last_sequence: Sequence,
    /// Covers the index and the ranges.
    pub(super) index_memory: IndexMemory,
    pub(super) ranges: Vec<RangeDelete>,
}

impl MemtableOptions {
    /// Bytes by which an index grows: a 64th of it at a time, but no more than 256 KiB.
    pub(super) fn chunk_bytes(&self) -> usize {
        (1 << (self.index_bytes / 64).max(1).ilog2()).min(256 << 10)
    }

    /// The most bytes that a tree may take, and those of a chunk.
    pub(super) fn tree_limits(&self) -> (usize, usize) {
        (2 * self.index_bytes, self.chunk_bytes())
    }
}

/// A batch whose bytes are in a memtable but which no reader sees.
#[derive(Debug, Default)]
pub(crate) struct Staged {
    locations: Vec<Location>,
}

impl Staged {
    /// Forgets what was staged, to be used again.
    pub(crate) fn clear(&mut self) {
        self.locations.clear();
    }
}

/// Gives the index the keys of entries.
pub(super) struct EntryKeys<'a>(&'a Log);

impl Keys for EntryKeys<'_> {
    #[inline]
    fn key(&self, location: u64) -> &[u8] {
        split_entry(self.0.get(Location::from_bits(location))).0
    }
}

impl Memtable {
    /// An empty memtable for the segment `log_number`; all it is given has larger sequences than `after`.
    pub(crate) fn new(
        options: &MemtableOptions,
        log_number: u64,
        after: Sequence,
    ) -> Result<Memtable, Error> {
        let (max_bytes, chunk_bytes) = options.tree_limits();
        let (index, inserter) =
            Tree::new(max_bytes, chunk_bytes, after).map_err(|Full| memory_error(options))?;
        let index_memory = IndexMemory::new(index.chunk_bytes());
        Ok(Memtable::from_gathered(
            options,
            MemtableChain {
                log_number,
                entries: Arc::new(Log::new(&options.pool)),
                index,
                inserter,
                count: 0,
                linked_bytes: 0,
                superseded_bytes: 0,
                order: CommitOrder::default(),
                last_sequence: 0,
                index_memory,
                ranges: Vec::new(),
            },
        ))
    }

    /// A memtable of entries that were there before it.
    pub(super) fn from_gathered(options: &MemtableOptions, gathered: MemtableChain) -> Memtable {
        let memtable = Memtable {
            log_number: gathered.log_number,
            entries: gathered.entries,
            index: gathered.index,
            linking: Mutex::new(Linking {
                inserter: gathered.inserter,
                count: gathered.count,
                linked_bytes: gathered.linked_bytes,
                superseded_bytes: gathered.superseded_bytes,
                order: gathered.order,
                ranges: Vec::new(),
            }),
            tombstones: RwLock::default(),
            tombstone_bytes: AtomicUsize::new(0),
            pool: options.pool.clone(),
            index_memory: Mutex::new(gathered.index_memory),
            last_sequence: AtomicU64::new(0),
            count: AtomicUsize::new(gathered.count),
            linked_bytes: AtomicUsize::new(gathered.linked_bytes),
            superseded_bytes: AtomicUsize::new(gathered.superseded_bytes),
            log_bytes: AtomicU64::new(0),
            has_operands: AtomicBool::new(false),
            needs_table: AtomicBool::new(false),
        };
        {
            let mut linking = memtable.linking.lock();
            gathered.ranges.into_iter().for_each(|range| memtable.link_range(&mut linking, range));
        }
        memtable.last_sequence.store(gathered.last_sequence, Ordering::Release);
        memtable
    }

    /// The segment of the write-ahead log that holds the same entries.
    pub(crate) fn log_number(&self) -> u64 {
        self.log_number
    }

    /// The largest sequence in it, 0 if it is empty.
    pub(crate) fn last_sequence(&self) -> Sequence {
        self.last_sequence.load(Ordering::Acquire)
    }

    /// Whether nothing was linked.
    pub(crate) fn is_empty(&self) -> bool {
        self.last_sequence() == 0
    }

    /// Bytes that its entries take from the pool.
    pub(crate) fn entry_bytes(&self) -> usize {
        self.entries.allocated_bytes()
    }

    /// Bytes that its index and its range tombstones take besides.
    pub(crate) fn index_bytes(&self) -> usize {
        self.index.bytes() + self.tombstone_bytes.load(Ordering::Relaxed)
    }

    /// Entries linked.
    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Bytes of the entries linked, lengths included.
    pub(crate) fn linked_bytes(&self) -> usize {
        self.linked_bytes.load(Ordering::Relaxed)
    }

    /// Bytes of entries that a newer version in this memtable stands before. Nobody but an old snapshot sees them.
    pub(crate) fn superseded_bytes(&self) -> usize {
        self.superseded_bytes.load(Ordering::Relaxed)
    }

    /// Whether so much of it was overwritten while it was filled that it should not become a table as it is. One
    /// with range tombstones or operands must, since nothing but tables and memtables holds such; one whose log
    /// cannot be relied on must, too.
    pub(crate) fn is_worth_cleaning(&self, has_begun: bool) -> bool {
        let least_share = if has_begun { SUPERSEDED_SHARE_TO_GO_ON } else { SUPERSEDED_SHARE_TO_BEGIN };
        least_share * self.superseded_bytes() >= self.linked_bytes()
            && !self.is_empty()
            && self.tombstone_bytes.load(Ordering::Acquire) == 0
            && !self.has_operands.load(Ordering::Acquire)
            && !self.needs_table.load(Ordering::Acquire)
    }

    /// Notes the bytes of its segment of the log, and whether that can be relied on. Called when it is sealed.
    pub(crate) fn note_log(&self, bytes: u64, is_broken: bool) {
        self.log_bytes.store(bytes, Ordering::Release);
        self.needs_table.store(is_broken, Ordering::Release);
    }

    /// Bytes of its segment of the log.
    pub(crate) fn log_bytes(&self) -> u64 {
        self.log_bytes.load(Ordering::Acquire)
    }

    /// Where its entries are kept.
    pub(crate) fn entries(&self) -> &Arc<Log> {
        &self.entries
    }

    /// Its entries in order: for each its place among [`Memtable::entries`], its sequence and its kind.
    pub(crate) fn places(&self) -> impl Iterator<Item = (Location, Sequence, Kind)> + '_ {
        std::iter::successors(self.first(), |place| self.after(place)).map(|place| {
            let entry = place.entry();
            (Location::from_bits(entry.location), entry.sequence, kind_of(entry))
        })
    }

    /// The most bytes of index that an empty memtable needs for a batch of so many operations.
    pub(crate) fn index_bytes_for(operations: u32) -> usize {
        Tree::bytes_for(operations as usize)
    }

    /// The bytes by which the index is reckoned to grow with so many more operations. Keys made up for it take up to
    /// three eighths more of the whole; that is charged with the next batch.
    pub(crate) fn index_growth(&self, operations: u32) -> usize {
        self.index.growth_bytes(self.len(), operations as usize)
    }

    /// Whether it takes entries of sequences up to this one: there is a limit to how many it can tell apart.
    pub(crate) fn takes_sequence(&self, sequence: Sequence) -> bool {
        self.index.takes_sequence(sequence)
    }

    /// Makes sure that so many more operations, the last of which has the sequence `last`, can be linked: that the
    /// index then takes no more than `limit` bytes, and that the pool's budget has them.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] or [`Error::Memory`] if not.
    pub(crate) fn reserve_index(&self, limit: usize, operations: u32, last: Sequence) -> Result<(), Error> {
        if !self.takes_sequence(last) {
            return Err(Error::OutOfMemory { what: "the range of sequences of the memtable" });
        }
        let needed = self.index_bytes() + self.index_growth(operations);
        if needed > limit {
            return Err(Error::OutOfMemory { what: "the index of the memtable" });
        }
        self.index_memory.lock().cover(&self.pool, needed)
    }

    /// Copies a batch's entries into the memtable, after what `staged` already holds. On an error nothing is
    /// added to `staged`; the copies that were made stay behind unseen until the memtable goes.
    pub(crate) fn stage(&self, payload: &[u8], staged: &mut Staged) -> Result<(), Error> {
        let before = staged.locations.len();
        for operation in Operations::new(payload) {
            let copied = match operation {
                Ok(
                    Operation::Put { key, value }
                    | Operation::PutStored { key, reference: value }
                    | Operation::PutMarked { key, value },
                ) => self.copy(key, value),
                Ok(Operation::Delete { key }) => self.copy(key, &[]),
                Ok(Operation::DeleteRange { .. }) => continue,
                Err(malformed) => Err(Error::corrupt("batch", malformed.at as u64, malformed.to_string())),
            };
            match copied {
                Ok(location) => staged.locations.push(location),
                Err(error) => {
                    staged.locations.truncate(before);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn copy(&self, key: &[u8], value: &[u8]) -> Result<Location, Error> {
        let length = (key.len() as u32).to_le_bytes();
        Ok(self.entries.append(&[&length, key, value])?)
    }

    /// Links the staged entries of `payloads`, in that order; the first operation of each payload has the
    /// sequence that stands with it.
    ///
    /// # Errors
    /// If the index is full, which [`Memtable::reserve_index`] lets the caller rule out beforehand. Some
    /// entries are linked then.
    pub(crate) fn link<'a>(
        &self,
        payloads: impl Iterator<Item = (Sequence, &'a [u8])>,
        staged: &Staged,
    ) -> Result<(), Error> {
        let mut linking = self.linking.lock();
        let mut locations = staged.locations.iter();
        for (first_sequence, payload) in payloads {
            for (sequence, operation) in (first_sequence..).zip(Operations::new(payload).flatten()) {
                let (kind, key, value_bytes) = match operation {
                    Operation::Put { key, value } => (Kind::Put, key, value.len()),
                    Operation::PutStored { key, reference } => (Kind::Stored, key, reference.len()),
                    Operation::PutMarked { key, value } => {
                        if Marked::is_operand(value) {
                            self.has_operands.store(true, Ordering::Release);
                        }
                        (Kind::Marked, key, value.len())
                    }
                    Operation::Delete { key } => (Kind::Delete, key, 0),
                    Operation::DeleteRange { start, end } => {
                        self.link_range(
                            &mut linking,
                            RangeDelete { sequence, start: Arc::from(start), end: Arc::from(end) },
                        );
                        continue;
                    }
                };
                if let Some(location) = locations.next() {
                    self.link_entry(&mut linking, sequence, kind, key, *location)?;
                    let entry_bytes = KEY_LENGTH_BYTES + key.len() + value_bytes;
                    linking.order.add(sequence, *location, entry_bytes);
                    linking.linked_bytes += entry_bytes;
                }
            }
        }
        self.count.store(linking.count, Ordering::Relaxed);
        self.linked_bytes.store(linking.linked_bytes, Ordering::Relaxed);
        self.superseded_bytes.store(linking.superseded_bytes, Ordering::Relaxed);
        Ok(())
    }

    fn link_entry(
        &self,
        linking: &mut Linking,
        sequence: Sequence,
        kind: Kind,
        key: &[u8],
        location: Location,
    ) -> Result<(), Error> {
        let entry = tree::Entry { location: location.to_bits(), sequence, kind: kind.code() };
        let superseded = self
            .index
            .insert(&mut linking.inserter, &EntryKeys(&self.entries), key, entry)
            .map_err(|Full| Error::OutOfMemory { what: "the index of the memtable" })?;
        linking.count += 1;
        if let Some(older) = superseded {
            linking.superseded_bytes += self.entries.get(Location::from_bits(older.location)).len();
        }
        self.last_sequence.store(sequence, Ordering::Release);
        Ok(())
    }

    fn link_range(&self, linking: &mut Linking, range: RangeDelete) {
        Arc::make_mut(&mut *self.tombstones.write()).insert(&range.start, &range.end, range.sequence);
        self.tombstone_bytes.fetch_add(range.reckoned_bytes(), Ordering::Release);
        self.last_sequence.store(range.sequence, Ordering::Release);
        linking.ranges.push(range);
    }

    /// Takes note that everything from `start` up to, not including, `end` may have been changed by an ingestion of
    /// this sequence, whose entries are in tables.
    pub(crate) fn note_ingestion(&self, sequence: Sequence, start: &[u8], end: &[u8]) {
        let mut linking = self.linking.lock();
        linking.ranges.push(RangeDelete { sequence, start: Arc::from(start), end: Arc::from(end) });
        self.last_sequence.store(sequence, Ordering::Release);
    }

    /// Whether it has an entry, or a range tombstone, of a key from `start` up to, not including, `end`.
    pub(crate) fn touches(&self, start: &[u8], end: &[u8]) -> bool {
        let has_entry = self.seek(start, MAX_SEQUENCE).is_some_and(|place| self.entry(&place).user_key < end);
        has_entry || !self.tombstones().clipped(Some(start), Some(end)).is_empty()
    }

    /// Its range tombstones, as they are now.
    pub(crate) fn tombstones(&self) -> Arc<RangeTombstones> {
        self.tombstones.read().clone()
    }

    /// The sequence of the newest range delete of `key` that `visibility` sees.
    pub(crate) fn newest_range_delete(&self, key: &[u8], visibility: Visibility) -> Option<Sequence> {
        if !self.has_range_deletes() {
            return None;
        }
        self.tombstones.read().newest(key, visibility)
    }

    /// The newest entry of `key` with a sequence of at most `visibility`'s.
    pub(crate) fn newest(&self, key: &[u8], visibility: Visibility) -> Option<EntryRef<'_>> {
        let place = self.seek(key, visibility.snapshot())?;
        let entry = self.entry(&place);
        (entry.user_key == key).then_some(entry)
    }

    /// What orders its entries.
    #[inline]
    pub(super) fn index(&self) -> &Tree {
        &self.index
    }

    /// Whether it has range tombstones.
    pub(crate) fn has_range_deletes(&self) -> bool {
        self.tombstone_bytes.load(Ordering::Acquire) > 0
    }

    #[inline]
    pub(super) fn keys(&self) -> EntryKeys<'_> {
        EntryKeys(&self.entries)
    }

    pub(super) fn first(&self) -> Option<Place> {
        self.index.first(&self.keys())
    }

    pub(super) fn last(&self) -> Option<Place> {
        self.index.last(&self.keys())
    }

    #[inline]
    pub(super) fn seek(&self, key: &[u8], sequence: Sequence) -> Option<Place> {
        self.index.seek(&self.keys(), key, sequence)
    }

    pub(super) fn seek_before(&self, key: &[u8], sequence: Sequence) -> Option<Place> {
        self.index.seek_before(&self.keys(), key, sequence)
    }

    #[inline]
    pub(super) fn after(&self, place: &Place) -> Option<Place> {
        self.index.after(&self.keys(), place)
    }

    #[inline]
    pub(super) fn before(&self, place: &Place) -> Option<Place> {
        self.index.before(&self.keys(), place)
    }

    #[inline]
    pub(super) fn entry(&self, place: &Place) -> EntryRef<'_> {
        self.entry_of(place.entry())
    }

    #[inline]
    pub(super) fn entry_of(&self, entry: &tree::Entry) -> EntryRef<'_> {
        let (user_key, value) = split_entry(self.entries.get(Location::from_bits(entry.location)));
        EntryRef { user_key, sequence: entry.sequence, kind: kind_of(entry), value }
    }

    /// Calls `visit` with every change of a sequence after `since`, as commits made them, until it answers
    /// false; answers whether it went through. Time linear in the changes after `since`.
    pub(crate) fn changes_after(&self, since: Sequence, mut visit: impl FnMut(Change<'_>) -> bool) -> bool {
        let (runs, ranges) = {
            let linking = self.linking.lock();
            let first_range = linking.ranges.partition_point(|range| range.sequence <= since);
            (linking.order.runs_after(since), linking.ranges[first_range..].to_vec())
        };
        let mut keys = runs.into_iter().flat_map(|run| run.keys_after(&self.entries, since));
        if !keys.all(|key| visit(Change::Key(key))) {
            return false;
        }
        ranges.iter().all(|range| visit(Change::Range { start: &range.start, end: &range.end }))
    }
}

/// What a commit changed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change<'a> {
    /// One key.
    Key(&'a [u8]),
    /// Every key of `start..end`.
    Range { start: &'a [u8], end: &'a [u8] },
}

fn kind_of(entry: &tree::Entry) -> Kind {
    Kind::from_code(entry.kind).unwrap_or(Kind::Delete)
}

fn memory_error(options: &MemtableOptions) -> Error {
    Error::InvalidOptions { reason: format!("an index of {} bytes is too small", options.index_bytes) }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
