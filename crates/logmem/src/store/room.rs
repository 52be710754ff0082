//! What a writer does when memory is short: open another segment, clean, wait for readers, or give up.
//!
//! No lock of a shard is held here, since the cleaner takes those. Every loop is bounded: each step of
//! cleaning turns dead bytes into free ones, and a writer gives up when no segment has enough dead bytes, or
//! when others have snatched away what it cleaned too many times.

use super::api::Store;
use super::cleaner::{MIN_DEAD_SHARE, WORTHWHILE_DEAD_SHARE};
use super::slots::State;
use super::write::Shortage;
use crate::error::Error;
use crate::pool::Pool;

/// How often a writer lets others run while it waits for readers to drop their guards.
const PATIENCE: usize = 20_000;

/// How much a writer may still do before it gives up.
pub(super) struct Effort {
    steps: usize,
    /// Another thread may have made room while this one found none, so that giving up takes two failures.
    failed_once: bool,
}

impl Effort {
    pub(super) fn new(pool: &Pool) -> Effort {
        Effort { steps: 64 + 4 * (pool.capacity_bytes() / pool.segment_bytes()), failed_once: false }
    }
}

impl Store {
    /// Makes room for another try, or fails with [`Error::OutOfMemory`].
    pub(super) fn make_room(&self, shortage: Shortage, effort: &mut Effort) -> Result<(), Error> {
        effort.steps = effort.steps.saturating_sub(1);
        let requested = match shortage {
            Shortage::Head(bytes) => {
                if self.open_segment(bytes) {
                    self.clean_ahead();
                    return Ok(());
                }
                self.pool.segment_bytes()
            }
            Shortage::Bytes(bytes) => bytes,
        };
        let found = |store: &Store| {
            store.clean_for(requested) || store.pool.reclaim(requested) || store.await_readers()
        };
        if effort.steps > 0 && found(self) {
            return Ok(());
        }
        if !std::mem::replace(&mut effort.failed_once, true) {
            return Ok(());
        }
        let capacity = self.pool.capacity_bytes();
        Err(Error::OutOfMemory {
            requested,
            capacity,
            used: capacity - self.pool.available_bytes(),
            awaiting_readers: self.slots.awaiting_readers_bytes(),
        })
    }

    /// Makes sure that the open segment has room for `bytes`; false if the pool has no segment left.
    fn open_segment(&self, bytes: usize) -> bool {
        let has_room = |head: u32| {
            let guard = crate::sync::epoch::pin();
            let open = self.slots.segment(head, &guard);
            open.is_some_and(|segment| segment.size() - segment.written() >= bytes)
        };
        if has_room(*self.head.lock()) {
            return true; // another writer opened it
        }
        // Without the head's lock, since the cleaner's may be needed, and without a guard, for that would keep
        // the cleaner from getting back what it cleaned.
        let segment = self.take_segment();
        let mut head = self.head.lock();
        if has_room(*head) {
            return true;
        }
        let Some(segment) = segment else { return false };
        let Some(number) = self.slots.adopt(segment, State::Open, None) else {
            return false;
        };
        let full = std::mem::replace(&mut *head, number);
        if full != 0 {
            self.slots.seal(full);
        }
        true
    }

    /// Cleans one step when free segments have become few and there is much to gain.
    fn clean_ahead(&self) {
        if self.pool.statistics().segments_free < self.options.clean_below_segments {
            self.clean_step(WORTHWHILE_DEAD_SHARE);
            self.collect();
        }
    }

    /// Cleans one step because memory has run out; whether another try is worthwhile.
    fn clean_for(&self, requested: usize) -> bool {
        let before = self.pool.available_bytes();
        if before >= requested + Pool::MOST_GROWTH_BYTES {
            return true; // another thread has cleaned meanwhile
        }
        let awaiting = self.slots.awaiting_readers_bytes();
        let report = self.clean_step(MIN_DEAD_SHARE);
        self.collect();
        // What readers let go of may have gone into the cleaner's reserve: then the next step gets further.
        report.segments_emptied > 0
            || report.entries_moved > 0
            || self.slots.awaiting_readers_bytes() < awaiting
            || self.pool.available_bytes() > before
    }

    /// Lets readers finish; whether they have let go of anything.
    fn await_readers(&self) -> bool {
        let before = self.slots.awaiting_readers_bytes();
        // A thread that holds a guard itself would wait for itself.
        if before == 0 || crate::sync::epoch::is_pinned() {
            return false;
        }
        for _ in 0..PATIENCE {
            crate::sync::epoch::pin().flush();
            if self.slots.awaiting_readers_bytes() < before {
                return true;
            }
            crate::sync::thread::yield_now();
        }
        false
    }

    /// Moves the epoch on as far as readers allow, so that cleaned segments become free.
    pub(super) fn collect(&self) {
        for _ in 0..4 {
            if self.slots.awaiting_readers_bytes() == 0 {
                return;
            }
            crate::sync::epoch::pin().flush();
        }
    }
}
