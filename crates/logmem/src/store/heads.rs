//! Open segments that writers append to: several, so that threads do not wait for each other.
//!
//! A thread begins at the head that its number names and takes the next one if that is just being written to.
//! So a single writer fills one segment after the other, and many writers spread over all heads.

use crate::pool::Pool;
use crate::sync::{Mutex, MutexGuard, thread};

/// Heads at most.
const MOST: usize = 8;
/// Open segments are partly empty: they may be this share of a pool's (one in so many).
const SHARE: usize = 32;

/// What is known of each open segment: its number, 0 for none, or more. A head's lock is held while an entry
/// is copied.
#[derive(Debug)]
pub(crate) struct Heads<T = u32> {
    heads: Box<[Head<T>]>,
}

#[derive(Debug, Default)]
#[repr(align(64))]
struct Head<T>(Mutex<T>);

impl Heads {
    /// As many heads as threads can run at once, but few enough for the pool.
    pub(crate) fn usual_count(pool: &Pool) -> usize {
        let segments = pool.capacity_bytes() / pool.segment_bytes();
        (segments / SHARE).clamp(1, MOST).min(thread::parallelism())
    }
}

impl<T: Default> Heads<T> {
    pub(crate) fn new(count: usize) -> Heads<T> {
        Heads { heads: std::iter::repeat_with(Head::default).take(count.max(1)).collect() }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.heads.len()
    }

    /// A head that nobody is writing to, this thread's own if possible; waits for that one if there is none.
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        let own = thread::number() % self.heads.len();
        let (before, from) = self.heads.split_at(own);
        let mut heads = from.iter().chain(before);
        heads.find_map(|head| head.0.try_lock()).unwrap_or_else(|| self.heads[own].0.lock())
    }

    /// One head after the other, each as soon as nobody is writing to it.
    pub(crate) fn lock_each(&self) -> impl Iterator<Item = MutexGuard<'_, T>> {
        self.heads.iter().map(|head| head.0.lock())
    }
}
