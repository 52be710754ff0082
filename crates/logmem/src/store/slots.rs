//! The store's segments by number: their live bytes, their state, and how they leave.
//!
//! The books themselves are in the pool's segment table. A segment's number is not given out again before
//! every reader that could still hold an old location of it is gone; that is why a location needs no
//! generation.

use crate::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use crate::sync::epoch::Guard;

use super::departures::{Departures, Held, Then};
use super::entry::Entry;
use crate::error::Error;
use crate::index::Probe;
use crate::location::Location;
use crate::memory::{Cell, SegmentOwner, SharedHolding, View, prefetch, prefetch_next_lines};
use crate::pool::{Charge, Pool, Segment};

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
    /// Chosen by the cleaner, which is moving what lives in it.
    Emptying,
    /// Holds one entry larger than a segment.
    Run,
}

#[derive(Debug)]
pub(crate) struct Slots {
    segments: SharedHolding,
    pool: Pool,
    charge: Charge,
    /// Counts opened segments: the time by which ages are told.
    clock: AtomicU64,
    departures: Arc<Departures>,
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
    /// No segments yet; readers may hold on to values in `pins` of them at once.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if the pool has no room for that many.
    pub(crate) fn new(pool: &Pool, kind: SegmentOwner, pins: usize) -> Result<Slots, Error> {
        let segments = pool.new_shared_holding(kind, pins);
        Ok(Slots {
            charge: pool.try_charge(segments.size_bytes())?,
            segments,
            pool: pool.clone(),
            clock: AtomicU64::new(0),
            departures: Arc::new(Departures::new(pool)),
        })
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

    /// What a word of the index leads to, when it is this key that is looked for.
    #[inline(always)] // into the loop over words that may be the key's
    pub(crate) fn probe<'g>(
        &'g self,
        key: &[u8],
        at: Location,
        guard: &'g Guard,
    ) -> Probe<(View<'g>, Entry<'g>)> {
        // The entry was moved or overwritten after the word was read: the new word is there.
        let Some(segment) = self.segment(at.segment(), guard) else { return Probe::Gone };
        let written = segment.committed();
        // The value's end is wanted, too, and only the header will tell where that is.
        prefetch_next_lines(written, at.offset());
        let entry = Entry::read(written, at.offset()).filter(|entry| entry.is_of(key));
        entry.map_or(Probe::Other, |entry| Probe::Found((segment, entry)))
    }

    /// Begins to load what lies at a location, without waiting for it.
    pub(crate) fn touch(&self, at: Location, guard: &Guard) {
        let written = self.segment(at.segment(), guard).map(View::committed);
        if let Some(first) = written.and_then(|written| written.get(at.offset())) {
            prefetch(first);
        }
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

    /// Marks a sealed segment as being emptied; false if someone holds a value in it, so that emptying it would
    /// not free it.
    pub(crate) fn begin_emptying(&self, number: u32) -> bool {
        let Some(cell) = self.segments.books(number) else { return false };
        cell.set_state(State::Emptying as u8);
        let is_held = self.segments.is_held(number) && cell.live() > 0;
        if is_held {
            cell.set_state(State::Sealed as u8);
        }
        !is_held
    }

    /// Notes that a segment holds entries as young as this.
    pub(crate) fn rejuvenate(&self, number: u32, born: u64) {
        if let Some(cell) = self.segments.books(number) {
            cell.set_born(born.max(cell.born()));
        }
    }

    /// Takes a segment out that no word of the index names any more. Its number is used again only after
    /// every reader that could still hold an old location of it is gone.
    pub(crate) fn retire(&self, number: u32, guard: &Guard) {
        self.let_go(number, Then::Free, guard);
    }

    /// The same for a segment that its owner wants back: see [`take_back`](Slots::take_back).
    pub(crate) fn retire_for_reuse(&self, number: u32, guard: &Guard) {
        self.let_go(number, Then::Return, guard);
    }

    /// A segment that was let go for reuse and is free now.
    pub(crate) fn take_back(&self) -> Option<Segment> {
        self.departures.take_back()
    }

    fn let_go(&self, number: u32, then: Then, guard: &Guard) {
        let Some(cell) = self.segments.books(number) else { return };
        debug_assert_eq!(cell.live(), 0);
        cell.set_state(State::Vacant as u8);
        let size = cell.size();
        self.departures.announce(size);
        let departures = Arc::clone(&self.departures);
        let left = self.segments.retire(number, guard, move |leaving| departures.depart(leaving, then));
        if !left {
            self.departures.revoke(size);
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

    /// Bytes of segments that left and wait for readers.
    pub(crate) fn awaiting_readers_bytes(&self) -> usize {
        self.departures.bytes()
    }

    /// Moves the epoch on as far as readers allow, so that segments which left become free.
    pub(crate) fn collect(&self) {
        for _ in 0..4 {
            if self.awaiting_readers_bytes() == 0 {
                return;
            }
            crate::sync::epoch::pin().flush();
            self.departures.retry();
        }
    }

    /// Lets readers finish, for so many naps at most; whether they have let go of anything.
    pub(crate) fn await_readers(&self, naps: &mut usize) -> bool {
        let before = self.awaiting_readers_bytes();
        // A thread that is pinned itself would wait for itself.
        if before == 0 || crate::sync::epoch::is_pinned() {
            return false;
        }
        while *naps > 0 {
            self.collect();
            if self.awaiting_readers_bytes() < before {
                return true;
            }
            *naps -= 1;
            crate::sync::thread::nap();
        }
        false
    }

    /// Keeps bytes of a segment readable without the guard: in place, or as a copy if too many are held or the
    /// segment is about to be freed.
    pub(crate) fn hold<'a>(&'a self, segment: View<'_>, bytes: &[u8], guard: &Guard) -> Held<'a> {
        let is_leaving = segment.cell().state() == State::Emptying as u8;
        let pinned = if is_leaving { None } else { self.segments.pin(segment, bytes, guard) };
        match pinned {
            Some(pinned) => Held::InPlace { pinned: Some(pinned), departures: &self.departures },
            None => Held::Copied(bytes.into()),
        }
    }

    /// Bytes charged for the books that are not in the pool's table.
    pub(crate) fn size_bytes(&self) -> usize {
        self.charge.bytes()
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
        self.departures.retry();
        for chunk in self.segments.take_all() {
            self.pool.give_back(chunk);
        }
    }
}
