//! Those who give memory back when someone else needs it: how the boundary between users of a pool moves.

use std::cell::Cell;
use std::sync::Weak;

use crate::sync::Mutex;

/// A user of a [`Pool`](crate::Pool) that can do with less, such as a cache.
pub trait Reclaim: Send + Sync {
    /// Gives back about `bytes` of the budget, if it can; gives the bytes that it let go of. They may become
    /// free only when readers have finished.
    ///
    /// Called by a thread that found the pool without room, with none of the pool's locks held. What that
    /// thread asks of the pool meanwhile is answered from what is free, without asking anybody.
    fn reclaim(&self, bytes: usize) -> usize;
}

thread_local! {
    /// Whether this thread is asking right now, so that nobody is asked from within his own answer.
    static ASKING: Cell<bool> = const { Cell::new(false) };
}

/// Whom a pool may ask, in the order in which they came.
#[derive(Default)]
pub(super) struct Reclaimers {
    list: Mutex<Vec<Weak<dyn Reclaim>>>,
}

impl std::fmt::Debug for Reclaimers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Reclaimers").field("count", &self.list.lock().len()).finish()
    }
}

impl Reclaimers {
    pub(super) fn add(&self, reclaimer: Weak<dyn Reclaim>) {
        let mut list = self.list.lock();
        list.retain(|known| known.strong_count() > 0);
        list.push(reclaimer);
    }

    /// Asks one after the other until `bytes` have been let go; gives how many were.
    pub(super) fn ask(&self, bytes: usize) -> usize {
        if ASKING.get() {
            return 0;
        }
        let list: Vec<_> = self.list.lock().iter().filter_map(Weak::upgrade).collect();
        let _asking = Asking::begin();
        let mut freed = 0_usize;
        for reclaimer in list {
            if freed >= bytes {
                break;
            }
            freed = freed.saturating_add(reclaimer.reclaim(bytes - freed));
        }
        freed
    }
}

/// Resets the mark even if a reclaimer panics.
struct Asking;

impl Asking {
    fn begin() -> Asking {
        ASKING.set(true);
        Asking
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        ASKING.set(false);
    }
}
