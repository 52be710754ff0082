//! What a writer does when memory is short: open another segment, clean, ask others, wait, or give up.
//!
//! No lock of a shard is held here, since the cleaner takes those. Every loop is bounded: each step of
//! cleaning turns dead bytes into free ones, and a writer gives up when no segment has enough dead bytes, or
//! when others have snatched away what it cleaned too many times.

use super::core::Core;
use super::slots::{State, Weighed};
use super::write::Shortage;
use crate::error::Error;
use crate::pool::Pool;
use crate::sync::thread;

/// A segment of which one byte in so many is dead is worth waiting for.
const LOOSE: usize = 8;
/// Steps that a writer who ran out of them may do after a nap.
const STEPS_AFTER_A_NAP: usize = 16;

/// How much a writer may still do before it gives up.
pub(super) struct Effort {
    steps: usize,
    /// Naps that are left of the writer's patience.
    naps: usize,
    /// Whether the writer looks for room in every open segment and not only in its own.
    pub(super) everywhere: bool,
    /// Another thread may have made room while this one found none, so that giving up takes two failures.
    failed_once: bool,
}

impl Core {
    pub(super) fn new_effort(&self) -> Effort {
        let segments = self.pool.capacity_bytes() / self.pool.segment_bytes();
        let naps = self.options.put_patience.as_nanos() / thread::NAP.as_nanos();
        Effort {
            steps: 64 + 4 * segments,
            naps: usize::try_from(naps).unwrap_or(usize::MAX),
            everywhere: false,
            failed_once: false,
        }
    }

    /// Makes room for another try, or fails with [`Error::OutOfMemory`].
    pub(super) fn make_room(&self, shortage: Shortage, effort: &mut Effort) -> Result<(), Error> {
        effort.steps = effort.steps.saturating_sub(1);
        let requested = match shortage {
            Shortage::Head(bytes) => {
                if self.open_segment(bytes) {
                    self.after_opening();
                    return Ok(());
                }
                if !std::mem::replace(&mut effort.everywhere, true) {
                    return Ok(());
                }
                self.pool.segment_bytes()
            }
            Shortage::Bytes(bytes) => bytes,
        };
        if effort.steps > 0 && (self.clean_for(requested) || self.pool.reclaim(requested)) {
            return Ok(());
        }
        if self.slots.await_readers(&mut effort.naps)
            || self.await_others(effort)
            || !std::mem::replace(&mut effort.failed_once, true)
        {
            return Ok(());
        }
        Err(self.pool.out_of_memory(requested, self.slots.awaiting_readers_bytes()))
    }

    /// Makes sure that an open segment has room for `bytes`; false if the pool has no segment left.
    fn open_segment(&self, bytes: usize) -> bool {
        let has_room = |head: u32| {
            let guard = crate::sync::epoch::pin();
            let open = self.slots.segment(head, &guard);
            open.is_some_and(|segment| segment.size() - segment.written() >= bytes)
        };
        if has_room(*self.heads.lock()) {
            return true; // another writer opened it
        }
        // Without the head's lock, since the cleaner's may be needed, and without a guard, for that would keep
        // the cleaner from getting back what it cleaned.
        let segment = self.take_segment();
        let mut head = self.heads.lock();
        if has_room(*head) {
            return true;
        }
        let Some(segment) = segment else { return false };
        let Some(number) = self.slots.adopt(segment, State::Open, None) else { return false };
        let full = std::mem::replace(&mut *head, number);
        if full != 0 {
            self.slots.seal(full);
        }
        true
    }

    /// Lets whoever cleans know that a segment is gone.
    fn after_opening(&self) {
        self.set_pace();
        if self.options.cleaner_threads > 0 && self.segments_lacking() > 0 {
            self.wake.ring();
        }
    }

    /// Cleans one step because memory has run out; whether another try is worthwhile.
    fn clean_for(&self, requested: usize) -> bool {
        let before = self.pool.available_bytes();
        if before >= requested + Pool::MOST_GROWTH_BYTES {
            return true; // another thread has cleaned meanwhile
        }
        let awaiting = self.slots.awaiting_readers_bytes();
        let report = self.clean_step();
        self.slots.collect();
        // What readers let go of may have gone into the cleaner's reserve: then the next step gets further.
        report.segments_emptied > 0
            || report.entries_moved > 0
            || self.slots.awaiting_readers_bytes() < awaiting
            || self.pool.available_bytes() > before
    }

    /// Naps while there is much to clean, as long as the writer's patience lasts: what it has cleaned so far,
    /// others who share the pool have taken before it did.
    fn await_others(&self, effort: &mut Effort) -> bool {
        if effort.naps == 0 || crate::sync::epoch::is_pinned() {
            return false;
        }
        let guard = crate::sync::epoch::pin();
        let is_loose = |segment: Weighed| (segment.written - segment.live) * LOOSE >= segment.size;
        if !self.slots.in_state(State::Sealed, &guard).any(is_loose) {
            return false;
        }
        drop(guard);
        effort.naps -= 1;
        effort.steps = effort.steps.max(STEPS_AFTER_A_NAP);
        thread::nap();
        true
    }
}
