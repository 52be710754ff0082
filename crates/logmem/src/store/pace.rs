//! How fast writers must clean: nothing while there is room, a little with each write when there is not.
//!
//! When free segments become few, each write is asked to do the share of the cleaning that wins back what it
//! used up. So the cost of cleaning is spread over all writes instead of falling on the one that finds no
//! segment left, and writers slow down to what the cleaner can sustain.

use super::core::Core;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// The index may be roomy as long as more than this share of the pool is free (one in so many).
const PLENTY: usize = 8;
/// Bytes that a write cleans at once, when as many have come together.
const QUANTUM: usize = 8 << 10;
/// Bytes that one write cleans at most, however much is owed.
const MOST_AT_ONCE: usize = 2 * QUANTUM;
/// Most bytes to be cleaned for a byte written.
const MOST_COST: usize = 128;

/// The state of the pace.
#[derive(Debug)]
pub(super) struct Pace {
    /// Bytes to be cleaned for each byte written; 0 while there is room.
    cost: AtomicUsize,
    /// Bytes to be cleaned that have not been.
    owed: AtomicUsize,
    /// What it lately cost to win a byte.
    lately: AtomicUsize,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { cost: AtomicUsize::new(0), owed: AtomicUsize::new(0), lately: AtomicUsize::new(2) }
    }
}

impl Pace {
    /// Notes what it cost to win bytes.
    pub(super) fn learn(&self, read: usize, won: usize) {
        let cost = (read / won.max(1)).clamp(1, MOST_COST);
        let before = self.lately.load(Ordering::Relaxed);
        self.lately.store((3 * before + cost).div_ceil(4), Ordering::Relaxed);
    }

    /// Lets writers go on unhindered.
    fn relax(&self) {
        if self.cost.load(Ordering::Relaxed) != 0 {
            self.cost.store(0, Ordering::Relaxed);
            self.owed.store(0, Ordering::Relaxed);
        }
    }
}

impl Core {
    /// How many free segments are lacking, 0 if there are enough.
    pub(super) fn segments_lacking(&self) -> usize {
        let free = self.pool.available_bytes() / self.pool.segment_bytes();
        self.options.clean_below_segments.saturating_sub(free)
    }

    /// Sets the pace by the segments that are free now. Called when one was taken or won.
    pub(super) fn set_pace(&self) {
        self.index.be_roomy(self.pool.available_bytes() > self.pool.capacity_bytes() / PLENTY);
        let lacking = self.segments_lacking();
        if lacking == 0 {
            self.pace.relax();
            return;
        }
        let behind = lacking * 100 / self.options.clean_below_segments.max(1);
        // With a thread that cleans, writers help only when it falls behind.
        if self.options.cleaner_threads > 0 && behind < 50 {
            self.pace.relax();
            return;
        }
        // A quarter more than is needed to hold the line, and more the fewer are left.
        let cost = self.pace.lately.load(Ordering::Relaxed) * (125 + behind) / 100;
        self.pace.cost.store(cost.clamp(1, 2 * MOST_COST), Ordering::Relaxed);
    }

    /// The share of cleaning of someone who wrote so many bytes, and holds no lock. If another thread is
    /// cleaning, that is left to it.
    pub(super) fn keep_pace(&self, written: usize) {
        let cost = self.pace.cost.load(Ordering::Relaxed);
        if cost == 0 {
            return;
        }
        let share = written.saturating_mul(cost);
        let owed = self.pace.owed.fetch_add(share, Ordering::Relaxed).saturating_add(share);
        if owed < QUANTUM {
            return;
        }
        let Some(mut cleaner) = self.cleaner.try_lock() else { return };
        self.pace.owed.store(owed.saturating_sub(MOST_AT_ONCE).min(16 * QUANTUM), Ordering::Relaxed);
        let slice = self.clean_slice(&mut cleaner, owed.min(MOST_AT_ONCE));
        drop(cleaner);
        if slice.ended || self.segments_lacking() == 0 {
            self.set_pace();
        }
        if slice.exhausted {
            self.pace.relax();
        }
    }
}
