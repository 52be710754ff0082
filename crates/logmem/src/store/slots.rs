//! The store's segments by number: their live bytes, their state, and how they leave.
//!
//! The books themselves are in the pool's segment table. A segment's number is not given out again before
//! every reader that could still hold an old location of it is gone; that is why a location needs no
//! generation.

use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::Arc;

use crate::sync::epoch::Guard;

use super::entry::Entry;
use crate::location::Location;
use crate::memory::{Cell, SegmentOwner, SharedHolding, View};
use crate::pool::{Pool, Segment};

/// What a slot's segment is used for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum State {
    /// No segment, or one that is leaving.
    Vacant,
    /// Entries are appended to it.
    Open,
    /// Full: the cleaner may choose it.
    Sealed,
    /// Holds one entry larger than a segment.
    Run,
}

#[derive(Debug)]
pub(crate) struct Slots {
    segments: SharedHolding,
    pool: Pool,
    /// Counts opened segments: the time by which ages are told.
    clock: AtomicU64,
    /// Bytes of segments that left and wait for readers.
    awaiting: Arc<AtomicUsize>,
}

/// A sealed segment as the cleaner weighs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weighed {
    pub(crate) number: u32,
    pub(crate) live: usize,
    pub(crate) written: usize,
    pub(crate) size: usize,
    pub(crate) born: u64,
}

impl Slots {
    pub(crate) fn new(pool: &Pool, kind: SegmentOwner) -> Slots {
        Slots {
            segments: pool.new_shared_holding(kind),
            pool: pool.clone(),
            clock: AtomicU64::new(0),
            awaiting: Arc::default(),
        }
    }

    /// The segment of that number, `None` if it left.
    #[inline]
    pub(crate) fn segment<'g>(&'g self, number: u32, guard: &'g Guard) -> Option<View<'g>> {
        self.segments.view(number, guard)
    }

    /// The entry at a location, `None` if the location is out of date.
    pub(crate) fn entry<'g>(&'g self, at: Location, guard: &'g Guard) -> Option<Entry<'g>> {
        Entry::read(self.segment(at.segment(), guard)?.committed(), at.offset())
    }

    /// Makes a segment the store's and gives it a state. `born` is the time of an older segment that it
    /// continues. `None` only for a segment that has no memory, which the pool does not lend.
    pub(crate) fn adopt(&self, segment: Segment, state: State, born: Option<u64>) -> Option<u32> {
        let chunk = segment.into_chunk()?;
        let now = self.clock.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(cell) = chunk.cell() {
            cell.set_born(born.unwrap_or(now));
            cell.set_state(state as u8);
        }
        Some(self.segments.adopt(chunk))
    }

    /// Makes a full segment a candidate for cleaning. The caller owned it as its open head.
    pub(crate) fn seal(&self, number: u32) {
        if let Some(cell) = self.segments.books(number) {
            cell.set_state(State::Sealed as u8);
        }
    }

    /// Takes a segment out that no word of the index names any more. Its number is used again only after
    /// every reader that could still hold an old location of it is gone.
    pub(crate) fn retire(&self, number: u32, guard: &Guard) {
        let Some(cell) = self.segments.books(number) else { return };
        debug_assert_eq!(cell.live(), 0);
        cell.set_state(State::Vacant as u8);
        let size = cell.size();
        self.awaiting.fetch_add(size, Ordering::Relaxed);
        let (pool, awaiting) = (self.pool.clone(), Arc::clone(&self.awaiting));
        let left = self.segments.retire(number, guard, move |chunk| {
            pool.give_back(chunk);
            awaiting.fetch_sub(size, Ordering::Relaxed);
        });
        if !left {
            self.awaiting.fetch_sub(size, Ordering::Relaxed);
        }
        // Otherwise the segment might wait in this thread's bag until it retires sixty more.
        guard.flush();
    }

    /// Takes bytes off a segment's live ones; if that was a run's entry, the run leaves.
    pub(crate) fn remove_live(&self, number: u32, bytes: usize, guard: &Guard) {
        let Some(segment) = self.segments.view(number, guard) else { return };
        let dead = segment.cell().add_dead(bytes) + bytes;
        if dead == segment.written() && segment.cell().state() == State::Run as u8 {
            self.retire(number, guard);
        }
    }

    /// Bytes of entries that the index names, or that a writer is about to make it name: so a segment with
    /// none can be dropped unread. They count from the moment they are written.
    pub(crate) fn live(&self, number: u32) -> usize {
        self.segments.books(number).map_or(0, Cell::live)
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }

    pub(crate) fn awaiting_readers_bytes(&self) -> usize {
        self.awaiting.load(Ordering::Relaxed)
    }

    /// All segments in one state.
    pub(crate) fn in_state<'g>(
        &'g self,
        state: State,
        guard: &'g Guard,
    ) -> impl Iterator<Item = Weighed> + 'g {
        let segments = self.segments.views(guard);
        segments.filter(move |segment| segment.cell().state() == state as u8).map(|segment| Weighed {
            number: segment.number(),
            live: segment.cell().live(),
            written: segment.written(),
            size: segment.size(),
            born: segment.cell().born(),
        })
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        for chunk in self.segments.take_all() {
            self.pool.give_back(chunk);
        }
    }
}
