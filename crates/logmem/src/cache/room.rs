//! Where another open segment comes from: free memory, or eviction; and giving memory to others.

use super::api::Shared;
use super::evict::Evictor;
use super::options::LEAST_SEGMENTS;
use crate::error::Error;
use crate::pool::{Reclaim, Segment};
use crate::sync::atomic::Ordering;
use crate::sync::epoch::Guard;

/// How often a thread that waits for readers naps for a few dozen microseconds.
const PATIENCE: usize = 2_000;
/// A cache of at least so many segments keeps one free before it is needed; a smaller one would miss it.
const LARGE: usize = 64;
/// Evicting a byte takes going through about this many.
const LOOKED_AT_PER_BYTE: usize = 4;
/// How often a thread looks for memory before it gives up.
const ROUNDS: usize = 256;

impl Shared {
    /// Makes sure that an open segment has room for `bytes`. No lock is held.
    pub(super) fn open_segment(&self, bytes: usize) -> Result<(), Error> {
        for _ in 0..ROUNDS {
            let number = self.heads.lock().number;
            if self.has_room(number, bytes) {
                return Ok(());
            }
            if let Some(segment) = self.take_segment() {
                if let Some(unused) = self.replace_head(bytes, segment) {
                    self.put_aside(&mut self.evictor.lock(), unused);
                }
                self.plan_ahead();
                return Ok(());
            }
            // What was evicted and waits for the readers of this moment comes back sooner or later: nothing more
            // should be dropped for it.
            if self.slots.awaiting_readers_bytes() >= self.pool.segment_bytes() && self.await_readers() {
                continue;
            }
            let freed = self.evict(&mut self.evictor.lock(), self.pool.segment_bytes());
            self.slots.collect();
            if freed == 0 && !self.await_readers() {
                break;
            }
        }
        Err(self.out_of_memory(bytes))
    }

    /// Lets the index grow where a key found no room, or makes it emptier.
    pub(super) fn relieve_index(&self, hash: u64) -> Result<(), Error> {
        let relieved = self.index.relieve(hash, &self.pool, self);
        if relieved.is_err() && self.evict(&mut self.evictor.lock(), self.pool.segment_bytes()) == 0 {
            return relieved;
        }
        Ok(())
    }

    /// A segment for new entries.
    fn take_segment(&self) -> Option<Segment> {
        let mut evictor = self.evictor.lock();
        // First what keeping needs; for new entries what is left.
        while evictor.wants_reserve() {
            let Some(segment) = self.take_free() else { break };
            self.put_aside(&mut evictor, segment);
        }
        self.take_free().or_else(|| evictor.spare(self.segments.load(Ordering::Relaxed) <= LEAST_SEGMENTS))
    }

    fn put_aside(&self, evictor: &mut Evictor, segment: Segment) {
        if evictor.put_aside(segment).is_some() {
            self.segments.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// A free segment of the pool, if the cache may still grow.
    pub(super) fn take_free(&self) -> Option<Segment> {
        if let Some(segment) = self.slots.take_back() {
            return Some(segment);
        }
        let allowed = self.held_bytes() + self.pool.segment_bytes() <= self.options.max_bytes;
        let segment = if allowed { self.pool.try_take_segment().ok()? } else { return None };
        self.segments.fetch_add(1, Ordering::Relaxed);
        Some(segment)
    }

    /// Lets an emptied segment go: to the pool, or back to this cache if it has no more than its minimum.
    pub(super) fn let_go(&self, number: u32, guard: &Guard) {
        if self.kept_bytes() <= self.least_bytes() {
            self.slots.retire_for_reuse(number, guard);
        } else {
            self.slots.retire(number, guard);
            self.segments.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// What the cache need not give to others.
    fn least_bytes(&self) -> usize {
        self.options.min_bytes.max(LEAST_SEGMENTS * self.pool.segment_bytes())
    }

    /// Bytes in this cache's hands that are not about to leave it.
    fn kept_bytes(&self) -> usize {
        self.segments.load(Ordering::Relaxed) * self.pool.segment_bytes()
            + self.index.size_bytes()
            + self.ghost.size_bytes()
            + self.slots.size_bytes()
    }

    /// Bytes of the pool in this cache's hands.
    pub(super) fn held_bytes(&self) -> usize {
        self.kept_bytes() + self.slots.awaiting_readers_bytes()
    }

    /// Sets how much the next insertions should evict.
    fn plan_ahead(&self) {
        let room = self.options.max_bytes.saturating_sub(self.held_bytes());
        let free = room.min(self.pool.available_bytes());
        let segment = self.pool.segment_bytes();
        let wanted = if self.options.max_bytes / segment >= LARGE { segment } else { 0 };
        self.debt.store(wanted.saturating_sub(free), Ordering::Relaxed);
    }

    /// Evicts a little, in proportion to what was inserted, if free segments have become few.
    pub(super) fn work_off(&self, bytes: usize) {
        if self.debt.load(Ordering::Relaxed) == 0 {
            return;
        }
        let Some(mut evictor) = self.evictor.try_lock() else { return };
        let freed = self.advance(&mut evictor, bytes * LOOKED_AT_PER_BYTE).freed;
        drop(evictor);
        if freed > 0 {
            self.slots.collect();
            let _ = self
                .debt
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |debt| Some(debt.saturating_sub(freed)));
        }
    }

    /// Evicts until so many bytes are freed or there is nothing more to evict; gives the bytes freed. Drops
    /// everything in its way if nothing could be freed otherwise.
    fn evict(&self, evictor: &mut Evictor, bytes: usize) -> usize {
        let freed = self.evict_by_worth(evictor, bytes);
        if freed > 0 {
            return freed;
        }
        evictor.without_mercy(|evictor| self.evict_by_worth(evictor, bytes))
    }

    fn evict_by_worth(&self, evictor: &mut Evictor, bytes: usize) -> usize {
        let mut freed = 0;
        // Bounded: each segment is gone through once at most, and what is copied of it not again.
        for _ in 0..2 * self.segments.load(Ordering::Relaxed) + 2 {
            let step = self.advance(evictor, self.pool.segment_bytes());
            freed += step.freed;
            if step.exhausted || freed >= bytes {
                break;
            }
        }
        freed
    }

    /// Lets readers finish; whether they have let go of anything.
    fn await_readers(&self) -> bool {
        let mut naps = PATIENCE;
        self.slots.await_readers(&mut naps)
    }

    pub(super) fn out_of_memory(&self, requested: usize) -> Error {
        self.pool.out_of_memory(requested, self.slots.awaiting_readers_bytes())
    }
}

impl Reclaim for Shared {
    fn reclaim(&self, bytes: usize) -> usize {
        let mut evictor = self.evictor.lock();
        let mut freed = 0;
        while freed < bytes && self.kept_bytes() > self.least_bytes() {
            let step = self.advance(&mut evictor, self.pool.segment_bytes());
            freed += step.freed;
            if step.exhausted {
                break;
            }
        }
        freed
    }
}
