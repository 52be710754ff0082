//! A memtable made at once: entries are gathered as the log gives them, and sorted and linked when all are there.
//!
//! To insert a million entries one by one, each waits for memory at every level of the tree; to sort them and to build
//! full nodes takes a tenth of that. Nobody reads before, so this is for recovery.

use stroma_logmem::{Location, Log, LogBatch};

use super::commit_order::CommitOrder;
use super::entry_bytes::{KEY_LENGTH_BYTES, split_entry};
use super::head::Head;
use super::index_memory::IndexMemory;
use super::sorting::{head_in, place_in, sort, sortable};
use super::table::{Memtable, MemtableChain, MemtableOptions, RangeDelete};
use super::tree::{self, Full, Tree};
use crate::Error;
use crate::entry::{Kind, Marked, NEVER, Sequence};
use crate::log::{PackedChange, PackedOperation, Replayed};

/// Bytes of an entry beside its own and those of the tree: a number to sort, and a location.
const GATHERED_BYTES: usize = size_of::<u128>() + size_of::<u64>();
/// It never takes more for an operation, and besides, than this.
const MOST_OPERATION_BYTES: usize = 80;
const MOST_BESIDE_BYTES: usize = 8 << 10;
/// So many bytes of entries go to memory at once: few enough for a near cache to hold them until they do.
const BATCH_BYTES: usize = 16 << 10;
/// By no more than this an entry is longer in memory than in the log: two lengths, and the number of its keyspace.
const UNPACKED_BYTES: usize = 12;
/// Sequences are told from each other by so many bits.
const DISTANCE_BITS: u32 = 30;

/// See the module.
#[derive(Debug)]
pub(crate) struct Gathering {
    options: MemtableOptions,
    log_number: u64,
    /// All sequences are larger.
    base: Sequence,
    last_sequence: Sequence,
    entries: Log,
    /// What is sorted: heads of keys, with the distance of the sequence from the base and the kind, in two bits.
    order: Vec<u128>,
    /// Where the entry of each sequence lies, from the one after the base on; 0 where there is none.
    locations: Vec<u64>,
    commit_order: CommitOrder,
    linked_bytes: usize,
    ranges: Vec<RangeDelete>,
    range_bytes: usize,
    holds_references: bool,
    expires: bool,
    /// For what is gathered, and for the tree that is made of it.
    memory: IndexMemory,
    /// So many operations that suffices for.
    covered: usize,
    /// Entries that are yet to go to `entries`: all have room there.
    batch: LogBatch,
    /// Of each the distance of its sequence from the base, and its bytes.
    batched: Vec<(u32, usize)>,
    /// The most bytes that the batch may have.
    batch_room: usize,
    /// Entries of the record that is being added. Kept for its memory.
    added: Vec<(u128, Location, usize)>,
}

impl Gathering {
    /// Nothing yet, for the segment `log_number` and sequences larger than `after`.
    pub(crate) fn new(options: &MemtableOptions, log_number: u64, after: Sequence) -> Gathering {
        Gathering {
            options: options.clone(),
            log_number,
            base: after,
            last_sequence: 0,
            entries: Log::new(&options.pool),
            order: Vec::new(),
            locations: Vec::new(),
            commit_order: CommitOrder::default(),
            linked_bytes: 0,
            ranges: Vec::new(),
            range_bytes: 0,
            holds_references: false,
            expires: false,
            memory: IndexMemory::new(options.chunk_bytes()),
            covered: 0,
            batch: LogBatch::default(),
            batched: Vec::new(),
            batch_room: 0,
            added: Vec::new(),
        }
    }

    /// Whether nothing was added.
    pub(crate) fn is_empty(&self) -> bool {
        self.last_sequence == 0
    }

    /// Whether a value of it lies in a value file.
    pub(crate) fn holds_references(&self) -> bool {
        self.holds_references
    }

    /// Whether an entry of it expires.
    pub(crate) fn expires(&self) -> bool {
        self.expires
    }

    fn note_marked(&mut self, value: &[u8]) -> Result<(), Error> {
        match Marked::decode(value)? {
            Marked::Expiring { is_stored, .. } => {
                self.expires = true;
                self.holds_references |= is_stored;
            }
            Marked::Operand { at, .. } => self.expires |= at != NEVER,
            Marked::Filtered(_) => {}
        }
        Ok(())
    }

    /// Bytes that its entries take from the pool.
    pub(crate) fn entry_bytes(&self) -> usize {
        self.entries.allocated_bytes()
    }

    /// Whether what it takes besides, with so many operations more, is within `limit`.
    #[inline]
    pub(crate) fn has_index_room(&self, more: u32, limit: usize) -> bool {
        let operations = self.locations.len() + more as usize;
        // Reckoned exactly only where it is near.
        MOST_OPERATION_BYTES * operations + MOST_BESIDE_BYTES + self.range_bytes <= limit
            || self.index_bytes(more) <= limit
    }

    /// Bytes that it takes besides, with so many operations more.
    fn index_bytes(&self, more: u32) -> usize {
        let entries = self.order.len() + more as usize;
        GATHERED_BYTES * (self.locations.len() + more as usize)
            + Tree::built_bytes(entries, self.options.chunk_bytes())
            + self.range_bytes
    }

    /// Whether it takes sequences up to this one.
    pub(crate) fn takes_sequence(&self, sequence: Sequence) -> bool {
        sequence > self.base && sequence - self.base < 1 << DISTANCE_BITS
    }

    /// Sets memory aside for so many operations more.
    #[inline]
    fn cover(&mut self, more: u32) -> Result<(), Error> {
        let operations = self.locations.len() + more as usize;
        if operations <= self.covered {
            return Ok(());
        }
        // An eighth more at once, so that this is seldom reckoned; as much as is needed where that is not to be had.
        let ahead = more.saturating_add(self.locations.len() as u32 / 8);
        let pool = &self.options.pool;
        let mut taken = ahead;
        if self.memory.cover(pool, self.index_bytes(ahead)).is_err() {
            self.memory.cover(pool, self.index_bytes(more))?;
            taken = more;
        }
        self.covered = self.locations.len() + taken as usize;
        Ok(())
    }

    /// Adds a record: the next one of the log.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] or [`Error::Memory`]. Nothing is added then, but copies that were made take memory.
    pub(crate) fn add(&mut self, replayed: &Replayed<'_>) -> Result<(), Error> {
        let record = &replayed.record;
        if !self.takes_sequence(replayed.last_sequence()) {
            return Err(Error::OutOfMemory { what: "the range of sequences of the memtable" });
        }
        self.cover(record.operation_count())?;
        let bytes = record.encoded_bytes() + UNPACKED_BYTES * record.operation_count() as usize;
        // Then nothing can fail.
        let is_batched = self.batch.bytes() + bytes <= self.batch_room && !record.has_range_deletes();
        if !is_batched {
            self.append_batch()?;
        }
        grow(&mut self.order, record.operation_count() as usize);
        self.added.clear();
        let mut ranges = Vec::new();
        for (sequence, operation) in (replayed.first_sequence..).zip(record.operations()) {
            match operation.change() {
                PackedChange::Entry(kind, value) => {
                    let number = ((sequence - self.base) as u32) << 2 | u32::from(kind.code());
                    self.holds_references |= kind == Kind::Stored;
                    if kind == Kind::Marked {
                        self.note_marked(value)?;
                    }
                    let sorted = sortable(head_of(&operation), number);
                    self.take(&operation, value, (sorted, is_batched))?;
                }
                PackedChange::RangeDelete { end } => {
                    let start = [operation.prefix(), operation.key()].concat();
                    ranges.push(RangeDelete { sequence, start: start.into(), end: end.into() });
                }
            }
        }
        if !ranges.is_empty() {
            let bytes = self.range_bytes + ranges.iter().map(RangeDelete::reckoned_bytes).sum::<usize>();
            let grown = self.index_bytes(record.operation_count()) - self.range_bytes + bytes;
            self.memory.cover(&self.options.pool, grown)?;
            self.covered = self.locations.len() + record.operation_count() as usize;
            self.ranges.extend(ranges);
            self.range_bytes = bytes;
        }
        self.note_added(replayed.last_sequence());
        match is_batched {
            true if self.batch.bytes() < BATCH_BYTES => Ok(()),
            true => self.append_batch(),
            false => {
                self.batch_room = self.entries.batch_room();
                Ok(())
            }
        }
    }

    /// Puts an entry into the batch, or past it into memory.
    #[inline]
    fn take(
        &mut self,
        operation: &PackedOperation<'_>,
        value: &[u8],
        (sorted, is_batched): (u128, bool),
    ) -> Result<(), Error> {
        let (prefix, rest) = (operation.prefix(), operation.key());
        let key_bytes = prefix.len() + rest.len();
        let parts = [&(key_bytes as u32).to_le_bytes(), prefix, rest, value];
        let bytes = KEY_LENGTH_BYTES + key_bytes + value.len();
        if is_batched {
            self.batch.push(&parts);
            self.batched.push((place_in(sorted) >> 2, bytes));
            self.order.push(sorted);
            self.linked_bytes += bytes;
        } else {
            self.added.push((sorted, self.entries.append(&parts)?, bytes));
        }
        Ok(())
    }

    /// Appends what is in the batch, and notes where it came to lie.
    fn append_batch(&mut self) -> Result<(), Error> {
        if self.batch.is_empty() {
            return Ok(());
        }
        // Nobody else appends, so there is the room that was reckoned with.
        let first = self.entries.append_batch(&self.batch);
        let mut location = first.ok_or(Error::OutOfMemory { what: "the segment of a memtable" })?;
        for (distance, bytes) in self.batched.drain(..) {
            if let Some(place) = self.locations.get_mut(distance as usize - 1) {
                *place = location.to_bits();
            }
            self.commit_order.add(self.base + u64::from(distance), location, bytes);
            location = location.behind(bytes);
        }
        self.batch.clear();
        self.batch_room = self.entries.batch_room();
        Ok(())
    }

    fn note_added(&mut self, last_sequence: Sequence) {
        let distance = (last_sequence - self.base) as usize;
        let more = distance - self.locations.len();
        grow(&mut self.locations, more);
        for &(number, location, bytes) in &self.added {
            let distance = place_in(number) >> 2;
            self.locations.resize(distance as usize - 1, 0);
            self.locations.push(location.to_bits());
            self.order.push(number);
            self.commit_order.add(self.base + u64::from(distance), location, bytes);
            self.linked_bytes += bytes;
        }
        self.locations.resize(distance, 0);
        self.last_sequence = last_sequence;
    }

    /// The memtable of everything that was added. Time that of sorting.
    ///
    /// # Errors
    /// If a tree of as many entries is more than the options allow.
    pub(crate) fn into_memtable(mut self) -> Result<Memtable, Error> {
        self.append_batch()?;
        let mut order = std::mem::take(&mut self.order);
        let location = |number: u32| self.locations.get((number >> 2) as usize - 1).copied().unwrap_or(0);
        let entry = |number: u32| self.entries.get(Location::from_bits(location(number)));
        sort(&mut order, &|number| split_entry(entry(number)).0);
        let superseded_bytes =
            order.windows(2).filter(|pair| head_in(pair[0]) == head_in(pair[1])).map(|pair| {
                let (newer, older) = (entry(place_in(pair[0])), entry(place_in(pair[1])));
                if split_entry(newer).0 == split_entry(older).0 { older.len() } else { 0 }
            });
        let superseded_bytes = superseded_bytes.sum();
        let records = order.iter().map(|&sorted| {
            let number = place_in(sorted);
            let sequence = self.base + u64::from(number >> 2);
            let entry = tree::Entry { location: location(number), sequence, kind: (number & 3) as u8 };
            (head_in(sorted), entry)
        });
        let (index, inserter) = Tree::build(self.options.tree_limits(), self.base, records)
            .map_err(|Full| Error::OutOfMemory { what: "the index of the memtable" })?;
        self.memory.cut(index.bytes() + self.range_bytes);
        Ok(Memtable::from_gathered(
            &self.options,
            MemtableChain {
                log_number: self.log_number,
                entries: self.entries,
                index,
                inserter,
                count: order.len(),
                linked_bytes: self.linked_bytes,
                superseded_bytes,
                order: self.commit_order,
                last_sequence: self.last_sequence,
                index_memory: self.memory,
                ranges: self.ranges,
            },
        ))
    }
}

/// The head of the key of an operation.
#[inline]
fn head_of(operation: &PackedOperation<'_>) -> Head {
    let (prefix, rest) = (operation.prefix(), operation.key());
    let mut start = [0; Head::BYTES];
    let (before, behind) = start.split_at_mut(prefix.len());
    before.copy_from_slice(prefix);
    let shared = behind.len().min(rest.len());
    behind[..shared].copy_from_slice(&rest[..shared]);
    Head::of(&start)
}

/// Makes room for so many more, and an eighth, where a vector by itself would double what it takes.
fn grow<T>(vector: &mut Vec<T>, more: usize) {
    if vector.capacity() - vector.len() < more {
        vector.reserve_exact(more + vector.len() / 8);
    }
}
