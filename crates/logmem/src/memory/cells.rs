//! The segment table of a pool over its region of memory, and the tokens that stand for unused segments.
//!
//! A segment's number is its place in the table. Numbers from 1 up to the number of segments that the region
//! holds are those segments, in order; as many numbers above them are for *runs*, which are mappings of their
//! own, so that no fragmentation of the region can make a run impossible.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::cell::Cell;
use super::mapping::Mapping;
use super::owner::{Owner, SegmentOwner};
use crate::sync::Mutex;
use crate::sync::atomic::Ordering;

type Group = [Cell; Cells::GROUP];

/// Segment table and region.
#[derive(Debug)]
pub(crate) struct Cells {
    region: Mapping,
    segment_bytes: usize,
    /// Segments in the region.
    segments: u32,
    /// Group `g` holds the numbers from `g * Cells::GROUP` on; made when first needed, and never moved.
    groups: Box<[OnceLock<Box<Group>>]>,
    /// Memory of the runs in use. Taken out only for a `Chunk`, which proves that nobody looks at it.
    runs: Mutex<BTreeMap<u32, Mapping>>,
}

/// The right to a segment that nobody uses: it is made into an owner's segment, or its memory is handed back.
///
/// There is at most one for a number, and while it exists nobody has a [`View`](super::View) of the segment.
/// Whoever drops it without giving it back loses the segment, but nothing worse.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(super) cells: Arc<Cells>,
    pub(super) number: u32,
}

impl Cells {
    /// The table grows by so many places at a time.
    pub(crate) const GROUP: usize = 16;
    /// Bytes by which it grows.
    pub(crate) const GROUP_BYTES: usize = Cells::GROUP * size_of::<Cell>();

    /// Maps a region of so many segments; `None` if the system refuses.
    pub(crate) fn new(segments: u32, segment_bytes: usize, huge_pages: bool) -> Option<Cells> {
        let map = if huge_pages { Mapping::on_huge_pages } else { Mapping::anonymous };
        let region = map((segments as usize).checked_mul(segment_bytes)?)?;
        let groups = 2 * segments as usize / Cells::GROUP + 1;
        Some(Cells {
            region,
            segment_bytes,
            segments,
            groups: std::iter::repeat_with(OnceLock::new).take(groups).collect(),
            runs: Mutex::default(),
        })
    }

    /// Whether the number is that of a run.
    pub(crate) fn is_run(&self, number: u32) -> bool {
        number > self.segments
    }

    /// Whether the number has its place already, or the table would have to grow by a group.
    pub(crate) fn has_place(&self, number: u32) -> bool {
        self.cell(number).is_some()
    }

    /// Books of a segment, `None` if the table has not grown that far.
    #[inline]
    pub(crate) fn cell(&self, number: u32) -> Option<&Cell> {
        let number = number as usize;
        Some(&self.groups.get(number / Cells::GROUP)?.get()?[number % Cells::GROUP])
    }

    /// What a segment is used for.
    pub(crate) fn owner(&self, number: u32) -> SegmentOwner {
        self.cell(number).map_or(SegmentOwner::Free, |cell| Owner::kind(cell.owner.load(Ordering::Acquire)))
    }

    /// Numbers that have a place in the table, ascending.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> {
        let grown = self.groups.iter().enumerate().filter(|(_, group)| group.get().is_some());
        grown.flat_map(|(group, _)| {
            (group * Cells::GROUP..(group + 1) * Cells::GROUP).map(|number| number as u32)
        })
    }

    fn make_place(&self, number: u32) -> Option<&Cell> {
        let group = self.groups.get(number as usize / Cells::GROUP)?;
        group.get_or_init(Box::default);
        self.cell(number)
    }

    /// The token for a segment of the region that never had one; `None` if it is not in the region, or had.
    pub(crate) fn first_chunk(self: &Arc<Self>, number: u32) -> Option<Chunk> {
        if number == 0 || number > self.segments {
            return None;
        }
        let cell = self.make_place(number)?;
        // Only one caller gets past this: the size is never zero again.
        let fresh = cell.size.compare_exchange(0, self.segment_bytes, Ordering::AcqRel, Ordering::Relaxed);
        fresh.ok()?;
        let offset = (number as usize - 1) * self.segment_bytes;
        cell.memory.store(self.region.at(offset).as_ptr(), Ordering::Relaxed);
        Some(Chunk { cells: Arc::clone(self), number })
    }

    /// Maps a run of `bytes` under a number above the region's. `None` if the system has no memory to give or
    /// the number is in use.
    pub(crate) fn map_run(self: &Arc<Self>, number: u32, bytes: usize) -> Option<Chunk> {
        if number <= self.segments {
            return None;
        }
        let cell = self.make_place(number)?;
        let mut runs = self.runs.lock();
        if runs.contains_key(&number) {
            return None;
        }
        let mapping = Mapping::anonymous(bytes)?;
        cell.start_anew();
        cell.memory.store(mapping.at(0).as_ptr(), Ordering::Relaxed);
        cell.size.store(mapping.size(), Ordering::Relaxed);
        runs.insert(number, mapping);
        Some(Chunk { cells: Arc::clone(self), number })
    }
}

impl Chunk {
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// Bytes of the segment.
    pub(crate) fn size(&self) -> usize {
        self.cells.cell(self.number).map_or(0, Cell::size)
    }

    /// The segment's books.
    pub(crate) fn cell(&self) -> Option<&Cell> {
        self.cells.cell(self.number)
    }

    /// Whether it is a run and not a segment of the region.
    pub(crate) fn is_run(&self) -> bool {
        self.cells.is_run(self.number)
    }

    /// Notes whether the segment is taken, for those who list all segments.
    pub(crate) fn mark_taken(&self, taken: bool) {
        if let Some(cell) = self.cells.cell(self.number) {
            let owner = if taken { Owner::RESERVE } else { Owner::FREE };
            cell.owner.store(owner.word(), Ordering::Release);
        }
    }

    /// Forgets the contents, so that the memory can serve anew.
    pub(crate) fn reset(&mut self) {
        if let Some(cell) = self.cells.cell(self.number) {
            cell.start_anew();
        }
    }

    /// Hands the pages of a segment of the region back to the system; whether it did so.
    pub(crate) fn discard(&mut self) -> bool {
        if self.is_run() || self.number == 0 {
            return false;
        }
        let size = self.cells.segment_bytes;
        // SAFETY: the range is this segment's alone, and while its token exists nobody has a view of it.
        unsafe { self.cells.region.discard((self.number as usize - 1) * size, size) }
    }

    /// Ends a run: its memory goes back to the system. Its number may then be used again.
    pub(crate) fn unmap(self) {
        // Nobody has a view of it, as this token proves, so that no pointer to the memory is left.
        let mapping = self.cells.runs.lock().remove(&self.number);
        drop(mapping);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_one_token_and_its_own_memory() {
        let cells = Arc::new(Cells::new(40, 4096, false).expect("a small region"));
        let chunks: Vec<Chunk> = (1..=40).map(|number| cells.first_chunk(number).expect("new")).collect();
        assert!(cells.first_chunk(7).is_none(), "there is one already");
        assert!(cells.first_chunk(0).is_none());
        assert!(cells.first_chunk(41).is_none(), "not in the region");
        assert!(chunks.iter().all(|chunk| chunk.size() == 4096 && !chunk.is_run()));
        let run = cells.map_run(41, 10_000).expect("mapped");
        assert!(run.is_run() && run.size() >= 10_000);
        assert!(cells.map_run(41, 10_000).is_none(), "in use");
        assert!(cells.map_run(40, 10_000).is_none(), "the region's");
        assert!(cells.map_run(1000, 10_000).is_none(), "beyond the table");
        run.unmap();
        assert_eq!(cells.map_run(41, 20_000).expect("free again").size(), 20_000);
    }
}
