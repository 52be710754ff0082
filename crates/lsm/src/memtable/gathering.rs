//! A memtable made at once: entries are gathered as the log gives them, and sorted and linked when all are there.
//!
//! To insert a million entries one by one, each waits for memory at every level of the tree; to sort them and to build
//! full nodes takes a tenth of that. Nobody reads before, so this is for recovery. A crew sorts, group by group, while
//! the tree is built of the groups before.

use std::sync::Arc;

use stroma_logmem::{BatchRun, Location, Log};

use super::commit_order::CommitOrder;
use super::entry_bytes::split_entry;
use super::index_memory::IndexMemory;
use super::portion::EntryPortion;
use super::sorting::{Group, Unsorted, head_in, most_groups, place_in, sort, split};
use super::table::{Memtable, MemtableChain, MemtableOptions, RangeDelete};
use super::tree::{self, Child, Full, LeafRoom, Tree};
use crate::Error;
use crate::crew::Crew;
use crate::entry::Sequence;

/// Bytes of an entry beside its own and those of the tree: a number to sort, and a location.
const GATHERED_BYTES: usize = size_of::<u128>() + size_of::<u64>();
/// It never takes more for an operation, and besides, than this.
const MOST_OPERATION_BYTES: usize = 80;
const MOST_BESIDE_BYTES: usize = 8 << 10;
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
    order: Vec<Unsorted>,
    count: usize,
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
    /// Where the entries of the portion that is added came to lie. Kept for its memory.
    runs: Vec<BatchRun>,
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
            count: 0,
            locations: Vec::new(),
            commit_order: CommitOrder::default(),
            linked_bytes: 0,
            ranges: Vec::new(),
            range_bytes: 0,
            holds_references: false,
            expires: false,
            memory: IndexMemory::new(options.chunk_bytes()),
            covered: 0,
            runs: Vec::new(),
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
        let entries = self.count + more as usize;
        GATHERED_BYTES * (self.locations.len() + more as usize)
            + Tree::built_bytes(entries, most_groups(entries), self.options.chunk_bytes())
            + self.range_bytes
    }

    /// Whether it takes so many operations, the first of which has this sequence.
    pub(crate) fn takes_sequences(&self, first: Sequence, operations: u32) -> bool {
        first > self.base && first - self.base + u64::from(operations) <= 1 << DISTANCE_BITS
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

    /// Adds the next portion of the log, which begins with the sequence `first`.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] or [`Error::Memory`]. Nothing is added then, and the portion is as it was, but copies
    /// that were made take memory.
    pub(crate) fn add(&mut self, first: Sequence, portion: &mut EntryPortion) -> Result<(), Error> {
        if !self.takes_sequences(first, portion.operations) {
            return Err(Error::OutOfMemory { what: "the range of sequences of the memtable" });
        }
        self.cover(portion.operations)?;
        let ranges = portion.ranges.iter().map(|range| RangeDelete {
            sequence: first + u64::from(range.number),
            start: range.start.clone(),
            end: range.end.clone(),
        });
        let ranges: Vec<RangeDelete> = ranges.collect();
        let range_bytes = self.range_bytes + ranges.iter().map(RangeDelete::reckoned_bytes).sum::<usize>();
        if !ranges.is_empty() {
            let grown = self.index_bytes(portion.operations) - self.range_bytes + range_bytes;
            self.memory.cover(&self.options.pool, grown)?;
            self.covered = self.locations.len() + portion.operations as usize;
        }
        self.runs.clear();
        self.entries.append_batch(&portion.entries, |run| self.runs.push(run))?;
        // Nothing fails from here on.
        self.ranges.extend(ranges);
        self.range_bytes = range_bytes;
        self.locate(first, portion);
        self.linked_bytes += portion.linked_bytes();
        self.holds_references |= portion.holds_references;
        self.expires |= portion.expires;
        self.count += portion.order.len();
        let behind = ((first - self.base) as u32) << 2;
        let (mut entries, differing) = (std::mem::take(&mut portion.order), portion.differing);
        // It had room for as many as the portion before.
        if entries.capacity() > entries.len() / 4 * 5 {
            entries.shrink_to_fit();
        }
        self.order.push(Unsorted { behind, entries, differing });
        self.last_sequence = first + u64::from(portion.operations) - 1;
        Ok(())
    }

    /// Notes where the entries of a portion came to lie.
    fn locate(&mut self, first: Sequence, portion: &EntryPortion) {
        let before = (first - 1 - self.base) as usize;
        let behind = before + portion.operations as usize;
        if self.locations.capacity() < behind {
            // An eighth more, where a vector by itself would double what it takes.
            self.locations.reserve_exact(behind + self.locations.len() / 8 - self.locations.len());
        }
        self.locations.resize(before, 0);
        for run in &self.runs {
            let location = |entry: usize| portion.entries.location(run, entry);
            if portion.ranges.is_empty() {
                self.locations.extend((run.first..run.end).map(|entry| location(entry).to_bits()));
                self.commit_order.add_run(first + run.first as u64, run.end - run.first, |entry| {
                    location(run.first + entry)
                });
                continue;
            }
            for entry in run.first..run.end {
                let number = portion.order.get(entry).map_or(0, |sorted| place_in(*sorted) >> 2);
                self.locations.resize(before + number as usize, 0);
                self.locations.push(location(entry).to_bits());
                self.commit_order.add_run(first + u64::from(number), 1, |_| location(entry));
            }
        }
        self.locations.resize(behind, 0);
    }

    /// The memtable of everything that was added. Time that of sorting.
    ///
    /// # Errors
    /// If a tree of as many entries is more than the options allow.
    pub(crate) fn into_memtable(mut self, crew: &Crew) -> Result<Memtable, Error> {
        let full = |Full| Error::OutOfMemory { what: "the index of the memtable" };
        let (max_bytes, chunk_bytes) = self.options.tree_limits();
        let (index, mut inserter) = Tree::new(max_bytes, chunk_bytes, self.base).map_err(full)?;
        let groups = split(std::mem::take(&mut self.order), self.count, crew);
        let sizes: Vec<usize> = groups.iter().map(Group::len).collect();
        let rooms = index.reserve_leaves(&mut inserter, &sizes).map_err(full)?;
        let (base, locations) = (self.base, std::mem::take(&mut self.locations));
        let entries = Arc::new(self.entries);
        let gathered = Arc::new(Entries { log: entries.clone(), locations, base, index });
        let handed: Vec<_> = groups
            .into_iter()
            .zip(rooms)
            .map(|(group, room)| {
                let gathered = gathered.clone();
                crew.hand_over(move || gathered.link(group, room))
            })
            .collect();
        let (mut leaves, mut superseded_bytes) = (Vec::new(), 0);
        for group in handed {
            let (filled, superseded) = crew.wait(group).map_err(full)?;
            leaves.extend(filled);
            superseded_bytes += superseded;
        }
        // Whoever had it is done with it.
        let Some(Entries { index, .. }) = Arc::into_inner(gathered) else { return Err(full(Full)) };
        index.build_over(&mut inserter, leaves).map_err(full)?;
        self.memory.cut(index.bytes() + self.range_bytes);
        Ok(Memtable::from_gathered(
            &self.options,
            MemtableChain {
                log_number: self.log_number,
                entries,
                index,
                inserter,
                count: self.count,
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

/// What was gathered, for those who sort and link groups of it.
struct Entries {
    log: Arc<Log>,
    locations: Vec<u64>,
    base: Sequence,
    index: Tree,
}

impl Entries {
    /// Where an entry lies, by the place in the order of commits that it is sorted with.
    #[inline]
    fn location(&self, place: u32) -> u64 {
        self.locations.get((place >> 2) as usize - 1).copied().unwrap_or(0)
    }

    fn entry(&self, place: u32) -> &[u8] {
        self.log.get(Location::from_bits(self.location(place)))
    }

    /// Sorts a group, which has all versions of each of its keys, and fills its leaves; also answers the bytes of the
    /// entries that are not the newest of their key.
    fn link(&self, group: Group, room: LeafRoom) -> Result<(Vec<Child>, usize), Full> {
        let group = sort(group, &|place| split_entry(self.entry(place)).0);
        let pairs = group.windows(2).filter(|pair| head_in(pair[0]) == head_in(pair[1]));
        let superseded_bytes = pairs.map(|pair| {
            let (newer, older) = (self.entry(place_in(pair[0])), self.entry(place_in(pair[1])));
            if split_entry(newer).0 == split_entry(older).0 { older.len() } else { 0 }
        });
        let superseded_bytes = superseded_bytes.sum();
        // Memory is waited for at once, not entry by entry.
        let locations: Vec<u64> = group.iter().map(|sorted| self.location(place_in(*sorted))).collect();
        let entries = group.iter().zip(locations).map(|(sorted, location)| {
            let place = place_in(*sorted);
            let sequence = self.base + u64::from(place >> 2);
            (head_in(*sorted), tree::Entry { location, sequence, kind: (place & 3) as u8 })
        });
        Ok((self.index.fill_leaves(room, entries)?, superseded_bytes))
    }
}
