//! The byte budget: segments are taken from it and given back, and nothing exceeds it.
//!
//! A pool hands out *segments* of one size and *runs* of any larger size, and lets indexes *charge* the bytes
//! they take elsewhere. A segment that comes back waits on a free list; the list is handed to the system
//! allocator piece by piece when a run or a charge needs those bytes. At every moment
//! `bytes in use + bytes on the free list <= capacity`.

use std::sync::Arc;

use crate::sync::Mutex;

use crate::error::Error;
use crate::location::{MAX_SEGMENT_BYTES, MAX_SEGMENTS};
use crate::memory::Chunk;

/// Runs are charged in whole pages, as the operating system gives them.
const PAGE_BYTES: usize = 4096;
/// Below this, the headers of entries and segments would outweigh what they hold.
const MIN_SEGMENT_BYTES: usize = 256;

/// How large a [`Pool`] is and in which pieces it is given out.
#[derive(Clone, Debug)]
pub struct PoolOptions {
    /// The budget in bytes, index and overhead included.
    pub capacity_bytes: usize,
    /// Size of a segment in bytes: a power of two, 256 bytes to 256 MiB, at most `capacity_bytes`.
    pub segment_bytes: usize,
}

impl PoolOptions {
    /// A budget of `capacity_bytes` in segments of 1 MiB.
    pub fn new(capacity_bytes: usize) -> PoolOptions {
        PoolOptions { capacity_bytes, segment_bytes: 1 << 20 }
    }
}

/// What a [`Pool`] holds at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStatistics {
    /// The budget in bytes.
    pub capacity_bytes: usize,
    /// Size of a segment in bytes.
    pub segment_bytes: usize,
    /// Bytes of the budget in use: segments, runs and charges.
    pub used_bytes: usize,
    /// Segments in use.
    pub segments_used: usize,
    /// Segments that could still be taken.
    pub segments_free: usize,
    /// Runs in use (entries larger than a segment).
    pub runs: usize,
    /// Bytes in those runs.
    pub run_bytes: usize,
    /// Bytes charged for indexes and directories.
    pub charged_bytes: usize,
    /// Bytes taken from the system allocator for segments and runs, those on the free list included.
    pub allocated_bytes: usize,
}

/// A shared byte budget; cloning gives another handle on the same one.
#[derive(Clone, Debug)]
pub struct Pool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: PoolOptions,
    /// Held for a few instructions, or for a call of the system allocator; nothing is locked inside.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Whole segments that wait for their next use; empty chunks of `segment_bytes`.
    free: Vec<Chunk>,
    segments_used: usize,
    runs: usize,
    run_bytes: usize,
    charged_bytes: usize,
}

impl State {
    fn used_bytes(&self, segment_bytes: usize) -> usize {
        self.segments_used * segment_bytes + self.run_bytes + self.charged_bytes
    }
}

impl Pool {
    /// Makes a pool. No memory is taken before the first segment is.
    ///
    /// # Errors
    /// [`Error::InvalidOptions`] if the segment size is no power of two, out of range or larger than the
    /// capacity, or if the capacity holds more than 1,048,575 segments.
    pub fn new(options: PoolOptions) -> Result<Pool, Error> {
        let PoolOptions { capacity_bytes, segment_bytes } = options;
        let refuse = |reason: String| Err(Error::InvalidOptions { reason });
        if !segment_bytes.is_power_of_two()
            || !(MIN_SEGMENT_BYTES..=MAX_SEGMENT_BYTES).contains(&segment_bytes)
        {
            return refuse(format!(
                "segment_bytes is {segment_bytes}; it must be a power of two from {MIN_SEGMENT_BYTES} to \
                 {MAX_SEGMENT_BYTES}"
            ));
        }
        if capacity_bytes < segment_bytes {
            return refuse(format!(
                "capacity_bytes is {capacity_bytes}; it must hold a segment of {segment_bytes} bytes"
            ));
        }
        if capacity_bytes / segment_bytes > MAX_SEGMENTS {
            return refuse(format!(
                "{capacity_bytes} bytes are more than {MAX_SEGMENTS} segments of {segment_bytes}; make \
                 the segments larger"
            ));
        }
        Ok(Pool { shared: Arc::new(Shared { options, state: Mutex::default() }) })
    }

    /// What is in use and what is free now. Constant time.
    pub fn statistics(&self) -> PoolStatistics {
        let PoolOptions { capacity_bytes, segment_bytes } = self.shared.options;
        let state = self.shared.state.lock();
        let used_bytes = state.used_bytes(segment_bytes);
        PoolStatistics {
            capacity_bytes,
            segment_bytes,
            used_bytes,
            segments_used: state.segments_used,
            segments_free: (capacity_bytes - used_bytes) / segment_bytes,
            runs: state.runs,
            run_bytes: state.run_bytes,
            charged_bytes: state.charged_bytes,
            allocated_bytes: (state.segments_used + state.free.len()) * segment_bytes + state.run_bytes,
        }
    }

    /// Size of a segment in bytes.
    pub fn segment_bytes(&self) -> usize {
        self.shared.options.segment_bytes
    }

    /// The budget in bytes.
    pub fn capacity_bytes(&self) -> usize {
        self.shared.options.capacity_bytes
    }

    /// Takes an empty segment.
    pub(crate) fn take_segment(&self) -> Result<Segment, Error> {
        let bytes = self.segment_bytes();
        let mut state = self.shared.state.lock();
        let chunk = match state.free.pop() {
            Some(chunk) => Some(chunk),
            None if self.fits(&state, bytes) => Chunk::allocate(bytes),
            None => None,
        };
        let chunk = chunk.ok_or_else(|| self.out_of_memory(&state, bytes))?;
        state.segments_used += 1;
        Ok(Segment { chunk, pool: self.clone() })
    }

    /// Takes a run that holds at least `bytes`, which should be more than a segment.
    pub(crate) fn take_run(&self, bytes: usize) -> Result<Segment, Error> {
        let limit = self.capacity_bytes();
        let whole = bytes
            .max(self.segment_bytes() + 1)
            .checked_next_multiple_of(PAGE_BYTES)
            .filter(|whole| *whole <= limit)
            .ok_or(Error::EntryTooLarge { bytes, limit })?;
        let mut state = self.shared.state.lock();
        self.shrink_free_list(&mut state, whole);
        let chunk = if self.fits(&state, whole) { Chunk::allocate(whole) } else { None };
        let chunk = chunk.ok_or_else(|| self.out_of_memory(&state, whole))?;
        state.runs += 1;
        state.run_bytes += whole;
        Ok(Segment { chunk, pool: self.clone() })
    }

    /// Counts `bytes` that the caller allocates elsewhere; dropping the charge gives them back.
    pub(crate) fn charge(&self, bytes: usize) -> Result<Charge, Error> {
        let mut state = self.shared.state.lock();
        self.shrink_free_list(&mut state, bytes);
        if !self.fits(&state, bytes) {
            return Err(self.out_of_memory(&state, bytes));
        }
        state.charged_bytes += bytes;
        Ok(Charge { bytes, pool: self.clone() })
    }

    /// Whether `bytes` more keep the budget, the free list counted as taken.
    fn fits(&self, state: &State, bytes: usize) -> bool {
        let segment_bytes = self.segment_bytes();
        let taken = state.used_bytes(segment_bytes) + state.free.len() * segment_bytes;
        self.capacity_bytes() - taken >= bytes
    }

    /// Gives segments on the free list to the system until `bytes` fit, if there is any hope of that.
    fn shrink_free_list(&self, state: &mut State, bytes: usize) {
        if self.capacity_bytes() - state.used_bytes(self.segment_bytes()) < bytes {
            return;
        }
        while !self.fits(state, bytes) && state.free.pop().is_some() {}
    }

    fn out_of_memory(&self, state: &State, requested: usize) -> Error {
        let used = state.used_bytes(self.segment_bytes());
        Error::OutOfMemory { requested, capacity: self.capacity_bytes(), used, awaiting_readers: 0 }
    }

    fn give_back(&self, mut chunk: Chunk) {
        chunk.reset();
        let mut state = self.shared.state.lock();
        if chunk.size() == self.segment_bytes() {
            state.segments_used -= 1;
            state.free.push(chunk);
        } else {
            state.runs -= 1;
            state.run_bytes -= chunk.size();
        }
    }
}

/// A chunk on loan from a pool; it goes back when dropped.
#[derive(Debug)]
pub(crate) struct Segment {
    chunk: Chunk,
    pool: Pool,
}

impl Segment {
    /// Bytes that the segment takes from the budget.
    pub(crate) fn size(&self) -> usize {
        self.chunk.size()
    }

    /// Everything written so far.
    pub(crate) fn committed(&self) -> &[u8] {
        self.chunk.committed()
    }

    /// Appends the parts; the offset of the first byte, or `None` if they do not fit.
    pub(crate) fn append(&self, parts: &[&[u8]]) -> Option<usize> {
        self.chunk.append(parts)
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        self.pool.give_back(std::mem::replace(&mut self.chunk, Chunk::empty()));
    }
}

/// Bytes of the budget spent outside segments; given back when dropped.
#[derive(Debug)]
pub(crate) struct Charge {
    bytes: usize,
    pool: Pool,
}

impl Charge {
    /// How much was charged.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.pool.shared.state.lock().charged_bytes -= self.bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(capacity_bytes: usize, segment_bytes: usize) -> Pool {
        Pool::new(PoolOptions { capacity_bytes, segment_bytes }).expect("valid options")
    }

    #[test]
    fn refuses_options_that_cannot_work() {
        for (capacity_bytes, segment_bytes) in
            [(1 << 20, 1000), (1 << 20, 128), (4096, 8192), (usize::MAX, 256), (1 << 40, 1 << 30)]
        {
            let refused = Pool::new(PoolOptions { capacity_bytes, segment_bytes });
            assert!(matches!(refused, Err(Error::InvalidOptions { .. })), "{capacity_bytes} {segment_bytes}");
        }
    }

    #[test]
    fn every_segment_of_the_budget_can_be_taken_and_no_more() {
        let pool = pool(10_000, 1024);
        let taken: Vec<Segment> = (0..9).map(|_| pool.take_segment().expect("nine fit")).collect();
        assert!(matches!(pool.take_segment(), Err(Error::OutOfMemory { .. })));
        assert_eq!(pool.statistics().segments_free, 0);
        drop(taken);
        assert_eq!(pool.statistics().used_bytes, 0);
        assert_eq!(pool.statistics().segments_free, 9);
        assert_eq!(pool.statistics().allocated_bytes, 9 * 1024, "kept for the next use");
    }

    #[test]
    fn a_run_and_a_charge_may_use_what_the_free_list_holds() {
        let pool = pool(64 * 1024, 1024);
        drop((0..64).map(|_| pool.take_segment().expect("fits")).collect::<Vec<_>>());
        let run = pool.take_run(40_000).expect("the free list makes room");
        assert_eq!(run.size(), 40_960);
        let charge = pool.charge(24_000).expect("and again");
        assert!(pool.statistics().allocated_bytes + charge.bytes() <= 64 * 1024);
        assert!(matches!(pool.take_segment(), Err(Error::OutOfMemory { .. })));
        assert!(matches!(pool.take_run(100_000), Err(Error::EntryTooLarge { .. })));
        assert!(matches!(pool.take_run(usize::MAX), Err(Error::EntryTooLarge { .. })));
        drop((run, charge));
        assert_eq!(pool.statistics().used_bytes, 0);
    }
}
