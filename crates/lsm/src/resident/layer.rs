//! The layer itself: a sorted array of cells over entries in several logs. It never changes; it is replaced.

use std::cmp::Ordering;
use std::sync::Arc;

use stroma_hybrid::prefetch;
use stroma_logmem::{Charge, Log};

use super::cell::Cell;
use crate::entry::{EntryRef, MAX_SEQUENCE, Sequence};
use crate::memtable::{Head, Target, split_entry};
use crate::merging::Visibility;

/// Bytes that a log takes for an entry beside the entry's own.
const LENGTH_BYTES: usize = 4;

/// Of so many cells the head of the first one is kept apart.
const GUIDED: usize = 32;

/// See the module. It holds no range tombstones: a memtable that has some is flushed to a table.
#[derive(Debug, Default)]
pub(crate) struct Resident {
    /// In the order of entries.
    pub(super) cells: Vec<Cell>,
    /// The head of every so many-th cell, side by side: a search is mostly in these, which near caches hold. None while
    /// the layer is being made.
    pub(super) guide: Vec<Head>,
    pub(super) parts: Vec<Part>,
    /// The segments of the write-ahead log that hold these entries, oldest first.
    pub(super) segments: Vec<LogSegment>,
    /// What the cells take from the memory budget.
    pub(super) index_memory: Option<Charge>,
}

/// A log with entries of the layer, shared with older and newer states of the layer.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) log: Arc<Log>,
    /// Bytes of it that cells name. Exact.
    pub(super) live_bytes: usize,
    pub(super) origin: Origin,
}

/// Where the entries of a part come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// A memtable filled it.
    Memtable,
    /// Copied out of a memtable.
    Young,
    /// Copied out of another part of the layer.
    Old,
}

/// A segment of the write-ahead log whose memtable was absorbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogSegment {
    /// Its number.
    pub(crate) number: u64,
    /// The last sequence in it.
    pub(crate) last_sequence: Sequence,
    /// Its length in bytes.
    pub(crate) bytes: u64,
}

impl Part {
    /// Bytes that the entry at the cell takes in the part.
    pub(super) fn bytes_of(&self, cell: &Cell) -> usize {
        self.log.get(cell.location()).len() + LENGTH_BYTES
    }
}

impl Resident {
    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Bytes of the logs its entries lie in.
    pub(crate) fn entry_bytes(&self) -> usize {
        self.parts.iter().map(|part| part.log.allocated_bytes()).sum()
    }

    /// Bytes of its entries themselves.
    pub(crate) fn live_bytes(&self) -> usize {
        self.parts.iter().map(|part| part.live_bytes).sum()
    }

    /// Bytes of its cells and of what guides to them.
    pub(crate) fn index_bytes(&self) -> usize {
        self.cells.capacity() * size_of::<Cell>() + self.guide.capacity() * size_of::<Head>()
    }

    /// It is made. Keeps of `charge` what its cells take, for as long as it lives.
    pub(crate) fn hold(&mut self, mut charge: Charge) {
        self.guide = Vec::with_capacity(self.cells.len().div_ceil(GUIDED));
        self.guide.extend(self.cells.iter().step_by(GUIDED).map(Cell::head));
        charge.shrink_to(self.index_bytes());
        self.index_memory = Some(charge);
    }

    /// Bytes of the cells of so many entries.
    pub(crate) fn index_bytes_for(entries: usize) -> usize {
        entries * size_of::<Cell>() + entries.div_ceil(GUIDED) * size_of::<Head>()
    }

    /// The segments of the write-ahead log that hold its entries, oldest first.
    pub(crate) fn segments(&self) -> &[LogSegment] {
        &self.segments
    }

    /// Bytes of those segments.
    pub(crate) fn log_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// The newest entry of `key` with a sequence of at most `visibility`'s. A binary search.
    pub(crate) fn newest(&self, key: &[u8], visibility: Visibility) -> Option<EntryRef<'_>> {
        let entry = self.entry(self.lower_bound(key, visibility.snapshot()))?;
        (entry.user_key == key).then_some(entry)
    }

    /// Whether it has an entry of a key from `start` up to, not including, `end`. A binary search.
    pub(crate) fn touches(&self, start: &[u8], end: &[u8]) -> bool {
        let entry = self.entry(self.lower_bound(start, MAX_SEQUENCE));
        entry.is_some_and(|entry| entry.user_key < end)
    }

    /// The number of the first entry at or after `(key, sequence)`.
    pub(super) fn lower_bound(&self, key: &[u8], sequence: Sequence) -> usize {
        let target = Target::new(key, sequence);
        let (low, high) = self.guided(target.head());
        let cells = &self.cells[low..high];
        prefetch(cells);
        low + cells.partition_point(|cell| self.compare(cell, &target) == Ordering::Less)
    }

    /// Between which cells the first is that does not come before a key with this head.
    #[inline]
    fn guided(&self, head: Head) -> (usize, usize) {
        let guide = self.guide.as_slice();
        let first = guide.partition_point(|each| *each < head);
        // Of cells with the same head nothing is known.
        let after = first + guide[first..].partition_point(|each| *each == head);
        let high = if after < guide.len() { after * GUIDED } else { self.cells.len() };
        (first.saturating_sub(1) * GUIDED, high)
    }

    /// The entry of this number, if there are as many.
    pub(super) fn entry(&self, number: usize) -> Option<EntryRef<'_>> {
        let cell = self.cells.get(number)?;
        let (user_key, value) = split_entry(self.bytes_at(cell));
        Some(EntryRef { user_key, sequence: cell.sequence(), kind: cell.kind(), value })
    }

    /// The head of the key of the entry of this number. Does not touch the entry.
    #[inline]
    pub(super) fn head(&self, number: usize) -> Option<Head> {
        self.cells.get(number).map(Cell::head)
    }

    /// Asks for the entry of this number, if there are as many.
    #[inline]
    pub(super) fn prefetch(&self, number: usize) {
        if let Some(cell) = self.cells.get(number) {
            self.parts[cell.part()].log.prefetch(cell.location());
        }
    }

    /// The largest sequence that it may have.
    pub(crate) fn last_sequence(&self) -> Sequence {
        self.segments.last().map_or(0, |segment| segment.last_sequence)
    }

    /// How the entry of `cell` stands to `target`. Touches the entry only if the heads of the keys are alike.
    #[inline]
    pub(super) fn compare(&self, cell: &Cell, target: &Target<'_>) -> Ordering {
        target.compare(cell.head(), || (self.key(cell), cell.sequence()))
    }

    pub(super) fn key(&self, cell: &Cell) -> &[u8] {
        split_entry(self.bytes_at(cell)).0
    }

    fn bytes_at(&self, cell: &Cell) -> &[u8] {
        self.parts[cell.part()].log.get(cell.location())
    }

    /// Lets go of the parts without entries.
    pub(super) fn drop_dead_parts(&mut self) {
        if self.parts.iter().all(|part| part.live_bytes > 0) {
            return;
        }
        let mut kept = 0;
        let numbers: Vec<u32> = self
            .parts
            .iter()
            .map(|part| {
                let number = kept;
                kept += u32::from(part.live_bytes > 0);
                number
            })
            .collect();
        self.parts.retain(|part| part.live_bytes > 0);
        for cell in &mut self.cells {
            *cell = cell.in_part(numbers[cell.part()]);
        }
    }
}
