//! The pool's handle: taking, giving back, charging, and asking others for memory when there is none.

use std::sync::{Arc, Weak};

use super::budget::Budget;
use super::charge::Charge;
use super::options::PoolOptions;
use super::reclaim::{Reclaim, Reclaimers};
use super::segment::Segment;
use super::statistics::{PoolStatistics, SegmentStatistics};
use crate::error::Error;
use crate::memory::{Cells, Chunk, Holding, SegmentOwner, SharedHolding};
use crate::sync::{Mutex, epoch, thread};

/// How often a thread asks for memory before it gives up.
const ROUNDS: usize = 8;
/// How many naps it takes each time while it waits for what it was promised.
const MOST_NAPS: usize = 400;

/// A shared byte budget; cloning gives another handle on the same one.
///
/// A pool maps a region of address space once and hands out *segments* of it, all of one size, and *runs* of
/// any larger size, which are mappings of their own. Indexes and other users [`charge`](Pool::charge) what
/// they take elsewhere. At every moment
/// `allocated_bytes + charged_bytes + table_bytes <= capacity_bytes` (see [`PoolStatistics`]): unused segments
/// and the last few unused runs are kept for the next use as long as nobody needs their bytes, and their pages then
/// go back to the system.
///
/// # Limits
/// A segment can be taken if and only if `segment_bytes` of the capacity are unused, a run if its bytes rounded
/// up to 4 KiB are; in both cases the first use of a number may add 1 KiB for the segment table, which grows
/// by 16 numbers at a time. Segment numbers never run out before the bytes do: one is there for each segment
/// that the capacity holds, and as many again for runs. There are at most 524,287 segments of at most 256 MiB.
#[derive(Clone, Debug)]
pub struct Pool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: PoolOptions,
    huge_pages: bool,
    /// Held for a few instructions, or for a call of the operating system; nothing is locked inside.
    budget: Mutex<Budget>,
    cells: Arc<Cells>,
    reclaimers: Reclaimers,
}

impl Pool {
    /// Bytes that the segment table may take beside what is asked for.
    pub(crate) const MOST_GROWTH_BYTES: usize = Cells::GROUP_BYTES;

    /// Makes a pool. It reserves address space; memory becomes resident only as segments are written.
    ///
    /// # Errors
    /// [`Error::InvalidOptions`] if the segment size is no power of two, out of range or larger than the
    /// capacity, if the capacity holds more than 524,287 segments, or if the system refuses the region.
    pub fn new(options: PoolOptions) -> Result<Pool, Error> {
        Pool::map(options, false)
    }

    /// Makes a pool whose region and indexes are mapped on huge pages, where the system has them to give
    /// (Linux with transparent huge pages set to `madvise` or `always`): reading and writing at random is
    /// faster, by a fifth to a third in our measurements. In exchange memory becomes resident 2 MiB at a time,
    /// so that up to 2 MiB for the region and for each index may be resident beyond the budget.
    ///
    /// # Errors
    /// Those of [`new`](Pool::new).
    pub fn with_huge_pages(options: PoolOptions) -> Result<Pool, Error> {
        Pool::map(options, true)
    }

    fn map(options: PoolOptions, huge_pages: bool) -> Result<Pool, Error> {
        let segments = options.check()?;
        let PoolOptions { capacity_bytes, segment_bytes } = options;
        let cells = Cells::new(segments, segment_bytes, huge_pages).ok_or_else(|| Error::InvalidOptions {
            reason: format!("the system refuses to map {capacity_bytes} bytes; make the capacity smaller"),
        })?;
        let cells = Arc::new(cells);
        let budget = Budget::new(Arc::clone(&cells), capacity_bytes, segment_bytes, segments);
        let (budget, reclaimers) = (Mutex::new(budget), Reclaimers::default());
        let shared = Shared { options, huge_pages, budget, cells, reclaimers };
        Ok(Pool { shared: Arc::new(shared) })
    }

    /// What is in use and what is free now. Constant time.
    pub fn statistics(&self) -> PoolStatistics {
        let PoolOptions { capacity_bytes, segment_bytes } = self.shared.options;
        let budget = self.shared.budget.lock();
        PoolStatistics {
            capacity_bytes,
            segment_bytes,
            used_bytes: budget.used_bytes(),
            segments_used: budget.segments_used,
            segments_free: budget.segments_free(),
            runs: budget.runs,
            run_bytes: budget.run_bytes,
            charged_bytes: budget.charged_bytes,
            table_bytes: budget.table_bytes,
            allocated_bytes: budget.allocated_bytes(),
        }
    }

    /// Every segment that was ever used and every run in use, by number. Each is described as it is when it is
    /// looked at, not all at one instant. Linear in their number; takes no lock.
    pub fn segments(&self) -> Vec<SegmentStatistics> {
        let cells = &self.shared.cells;
        let describe = |number: u32| {
            let cell = cells.cell(number)?;
            let (owner, is_run) = (cells.owner(number), cells.is_run(number));
            if cell.size() == 0 || (is_run && owner == SegmentOwner::Free) {
                return None;
            }
            Some(SegmentStatistics {
                number,
                owner,
                is_run,
                size_bytes: cell.size(),
                written_bytes: cell.written(),
                live_bytes: cell.live(),
            })
        };
        cells.numbers().filter_map(describe).collect()
    }

    /// Size of a segment in bytes.
    pub fn segment_bytes(&self) -> usize {
        self.shared.options.segment_bytes
    }

    /// The budget in bytes.
    pub fn capacity_bytes(&self) -> usize {
        self.shared.options.capacity_bytes
    }

    /// Whether what is mapped for this pool should be on huge pages.
    pub(crate) fn wants_huge_pages(&self) -> bool {
        self.shared.huge_pages
    }

    /// Bytes of the budget that nobody uses.
    pub(crate) fn available_bytes(&self) -> usize {
        self.shared.budget.lock().available_bytes()
    }

    /// The error for bytes that could not be had, with the figures of now.
    pub(crate) fn out_of_memory(&self, requested: usize, awaiting_readers: usize) -> Error {
        let capacity = self.capacity_bytes();
        Error::OutOfMemory { requested, capacity, used: capacity - self.available_bytes(), awaiting_readers }
    }

    /// Counts `bytes` that the caller is about to take elsewhere as part of the budget; dropping the charge
    /// gives them back. If they do not fit, those who can do with less are asked first
    /// ([`add_reclaimer`](Pool::add_reclaimer)): hold no lock that they might need.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if the budget has no room for them.
    pub fn charge(&self, bytes: usize) -> Result<Charge, Error> {
        self.with_reclaim(bytes, || self.try_charge(bytes))
    }

    /// As [`charge`](Pool::charge), from what is free at once.
    pub(crate) fn try_charge(&self, bytes: usize) -> Result<Charge, Error> {
        self.shared.budget.lock().charge(bytes)?;
        Ok(Charge::new(bytes, self.clone()))
    }

    /// Adds someone who is asked for memory when a charge, a log or a store finds none.
    pub fn add_reclaimer(&self, reclaimer: Weak<dyn Reclaim>) {
        self.shared.reclaimers.add(reclaimer);
    }

    /// Asks those who can do with less for `bytes`; whether they let go of any. The caller holds no lock that
    /// they might need. Nothing happens if this thread is answering such a question itself.
    pub(crate) fn reclaim(&self, bytes: usize) -> bool {
        self.shared.reclaimers.ask(bytes) > 0
    }

    /// Takes an empty segment; asks others for one if there is none.
    pub(crate) fn take_segment(&self) -> Result<Segment, Error> {
        self.with_reclaim(self.segment_bytes(), || self.try_take_segment())
    }

    /// Takes an empty segment, if there is one.
    pub(crate) fn try_take_segment(&self) -> Result<Segment, Error> {
        let chunk = self.shared.budget.lock().take_segment()?;
        Ok(self.lend(chunk))
    }

    /// Takes a run that holds at least `bytes`, which should be more than a segment; asks others for room if
    /// there is none.
    pub(crate) fn take_run(&self, bytes: usize) -> Result<Segment, Error> {
        self.with_reclaim(bytes, || self.try_take_run(bytes))
    }

    /// Takes a run that holds at least `bytes`, if there is room.
    pub(crate) fn try_take_run(&self, bytes: usize) -> Result<Segment, Error> {
        let chunk = self.shared.budget.lock().take_run(bytes)?;
        Ok(self.lend(chunk))
    }

    /// Gives back the token of a segment or run.
    pub(crate) fn give_back(&self, mut chunk: Chunk) {
        chunk.reset();
        chunk.mark_taken(false);
        self.shared.budget.lock().give_back(chunk);
    }

    /// Makes a token that its user wants to keep a segment on loan again, empty.
    pub(crate) fn renew(&self, mut chunk: Chunk) -> Segment {
        chunk.reset();
        self.lend(chunk)
    }

    /// A new owner of segments that stay until it ends.
    pub(crate) fn new_holding(&self, kind: SegmentOwner) -> Holding {
        Holding::new(&self.shared.cells, kind)
    }

    /// A new owner of segments that leave while others read, who may hold on to so many at once.
    pub(crate) fn new_shared_holding(&self, kind: SegmentOwner, pins: usize) -> SharedHolding {
        SharedHolding::new(&self.shared.cells, kind, pins)
    }

    pub(super) fn end_charge(&self, bytes: usize) {
        self.shared.budget.lock().charged_bytes -= bytes;
    }

    fn lend(&self, chunk: Chunk) -> Segment {
        chunk.mark_taken(true);
        Segment::new(chunk, self.clone())
    }

    /// Tries, and asks others for memory as long as they give some and it does not suffice.
    fn with_reclaim<T>(&self, bytes: usize, attempt: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
        let mut outcome = attempt();
        for _ in 0..ROUNDS {
            if !matches!(outcome, Err(Error::OutOfMemory { .. })) {
                return outcome;
            }
            let before = self.available_bytes();
            let promised = self.shared.reclaimers.ask(bytes);
            if promised == 0 {
                return outcome;
            }
            self.await_bytes(before.saturating_add(promised));
            outcome = attempt();
        }
        outcome
    }

    /// Waits a little until so many bytes are free: what was let go waits for the readers of this moment.
    fn await_bytes(&self, promised: usize) {
        for _ in 0..MOST_NAPS {
            for _ in 0..3 {
                epoch::pin().flush();
            }
            // A thread that is pinned itself would wait for itself.
            if self.available_bytes() >= promised || epoch::is_pinned() {
                return;
            }
            thread::nap();
        }
    }
}
