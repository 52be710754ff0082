//! The store's segments by number: their live bytes, their state, and how they leave.
//!
//! A segment's number is not given out again before every reader that could still hold an old location of it
//! is gone; that is why a location needs no generation. There is a slot for every segment that the pool could
//! ever have in use, so that slots cannot run out while bytes remain.

use crate::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::Arc;

use crate::sync::Mutex;
use crate::sync::epoch::Guard;

use super::entry::Entry;
use crate::error::Error;
use crate::location::Location;
use crate::memory::EpochCell;
use crate::pool::{Charge, Pool, Segment};

/// What a slot's segment is used for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum State {
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
pub(super) struct Slots {
    slots: Box<[Slot]>,
    /// Numbers that may be given out.
    vacant: Mutex<Vec<u32>>,
    /// Counts opened segments: the time by which ages are told.
    clock: AtomicU64,
    /// Bytes of segments and tables that left and wait for readers.
    awaiting: Arc<AtomicUsize>,
    charge: Charge,
}

#[derive(Debug)]
struct Slot {
    segment: EpochCell<Segment>,
    /// Bytes of entries that the index names, or that a writer is about to make it name: so a segment with
    /// none can be dropped unread.
    live: AtomicUsize,
    /// When the segment was opened, or the youngest of those whose entries the cleaner copied into it.
    born: AtomicU64,
    state: AtomicU8,
}

/// A sealed segment as the cleaner weighs it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weighed {
    pub(super) number: u32,
    pub(super) live: usize,
    pub(super) written: usize,
    pub(super) size: usize,
    pub(super) born: u64,
}

impl Slots {
    pub(super) fn new(pool: &Pool) -> Result<Slots, Error> {
        let count = pool.capacity_bytes() / pool.segment_bytes();
        let charge = pool.charge((count + 1) * (size_of::<Slot>() + size_of::<u32>()))?;
        let vacant_slot = || Slot {
            segment: EpochCell::new(None),
            live: AtomicUsize::new(0),
            born: AtomicU64::new(0),
            state: AtomicU8::new(State::Vacant as u8),
        };
        Ok(Slots {
            // Slot 0 is never used, as segment numbers start at 1.
            slots: std::iter::repeat_with(vacant_slot).take(count + 1).collect(),
            vacant: Mutex::new((1..=count as u32).rev().collect()),
            clock: AtomicU64::new(0),
            awaiting: Arc::default(),
            charge,
        })
    }

    /// The segment of that number, `None` if it left.
    pub(super) fn segment<'g>(&'g self, number: u32, guard: &'g Guard) -> Option<&'g Segment> {
        self.slots.get(number as usize)?.segment.load(guard)
    }

    /// The entry at a location, `None` if the location is out of date.
    pub(super) fn entry<'g>(&'g self, at: Location, guard: &'g Guard) -> Option<Entry<'g>> {
        Entry::read(self.segment(at.segment(), guard)?.committed(), at.offset())
    }

    /// Gives a segment a number and a state. `born` is the time of an older segment that it continues.
    /// `None` cannot happen as long as every segment comes from one pool; it gives the segment back then.
    pub(super) fn adopt(
        &self,
        segment: Segment,
        state: State,
        born: Option<u64>,
        guard: &Guard,
    ) -> Option<u32> {
        let number = self.vacant.lock().pop()?;
        let slot = &self.slots[number as usize];
        let now = self.clock.fetch_add(1, Ordering::Relaxed) + 1;
        slot.born.store(born.unwrap_or(now), Ordering::Relaxed);
        slot.segment.replace(Some(segment), guard, drop);
        slot.state.store(state as u8, Ordering::Release);
        Some(number)
    }

    /// Makes a full segment a candidate for cleaning. The caller owned it as its open head.
    pub(super) fn seal(&self, number: u32) {
        self.slots[number as usize].state.store(State::Sealed as u8, Ordering::Release);
    }

    /// Takes a segment out that no word of the index names any more.
    pub(super) fn retire(self: &Arc<Self>, number: u32, guard: &Guard) {
        let slot = &self.slots[number as usize];
        debug_assert_eq!(slot.live.load(Ordering::Relaxed), 0);
        slot.state.store(State::Vacant as u8, Ordering::Release);
        let size = slot.segment.load(guard).map_or(0, Segment::size);
        self.awaiting.fetch_add(size, Ordering::Relaxed);
        let slots = Arc::clone(self);
        slot.segment.replace(None, guard, move |segment| {
            // First the number, then the memory: whoever gets the memory finds a number for it.
            slots.vacant.lock().push(number);
            drop(segment);
            slots.awaiting.fetch_sub(size, Ordering::Relaxed);
        });
        // Otherwise the segment might wait in this thread's bag until it retires sixty more.
        guard.flush();
    }

    pub(super) fn add_live(&self, number: u32, bytes: usize) {
        self.slots[number as usize].live.fetch_add(bytes, Ordering::AcqRel);
    }

    /// Takes bytes off a segment's live ones; if that was a run's entry, the run leaves.
    pub(super) fn remove_live(self: &Arc<Self>, number: u32, bytes: usize, guard: &Guard) {
        let slot = &self.slots[number as usize];
        let before = slot.live.fetch_sub(bytes, Ordering::AcqRel);
        if before == bytes && slot.state.load(Ordering::Acquire) == State::Run as u8 {
            self.retire(number, guard);
        }
    }

    pub(super) fn live(&self, number: u32) -> usize {
        self.slots[number as usize].live.load(Ordering::Acquire)
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }

    /// The counter of bytes that left and wait for readers, for others to add theirs.
    pub(super) fn awaiting(&self) -> &Arc<AtomicUsize> {
        &self.awaiting
    }

    pub(super) fn awaiting_readers_bytes(&self) -> usize {
        self.awaiting.load(Ordering::Relaxed)
    }

    pub(super) fn size_bytes(&self) -> usize {
        self.charge.bytes()
    }

    /// All segments in one state.
    pub(super) fn in_state<'g>(
        &'g self,
        state: State,
        guard: &'g Guard,
    ) -> impl Iterator<Item = Weighed> + 'g {
        let slots = self.slots.iter().enumerate();
        slots.filter(move |(_, slot)| slot.state.load(Ordering::Acquire) == state as u8).filter_map(
            move |(number, slot)| {
                let segment = slot.segment.load(guard)?;
                Some(Weighed {
                    number: number as u32,
                    live: slot.live.load(Ordering::Acquire),
                    written: segment.committed().len(),
                    size: segment.size(),
                    born: slot.born.load(Ordering::Relaxed),
                })
            },
        )
    }
}
