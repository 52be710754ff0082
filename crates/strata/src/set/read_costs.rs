//! What reads have paid for layers that are not merged: an account that all versions of a set share.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::picker::PaidByReads;
use crate::runtime::Event;

/// As many threads add without waiting for each other.
const STRIPES: usize = 8;
/// Each time a thread's sum has grown by so much it is looked whether a merge is due.
const LOOKED_EVERY: u64 = 1 << 20;

/// No merge can be due.
const NEVER: u64 = u64::MAX;

static NEXT_STRIPE: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The stripe of this thread, once it has added anything.
    static STRIPE: Cell<Option<usize>> = const { Cell::new(None) };
}

/// What reads have paid because layers are not merged, in bytes that a merge could have read or written in the same
/// time: see [`PaidByReads`]. Whoever reads a [`Version`](crate::Version) adds to its account, in a few instructions;
/// merges are picked by it if [`Upkeep::read_percent`](crate::Upkeep::read_percent) says so, and else nothing is kept.
#[derive(Debug)]
pub struct ReadCosts {
    is_kept: bool,
    stripes: [Stripe; STRIPES],
    /// From so much on a merge may be due; [`NEVER`] where none can be.
    due_at: AtomicU64,
    /// Notified then.
    changed: Arc<Event>,
}

/// On cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe {
    runs: AtomicU64,
    dead: AtomicU64,
}

impl ReadCosts {
    pub(super) fn new(is_kept: bool, changed: Arc<Event>) -> ReadCosts {
        let (stripes, due_at) = (Default::default(), AtomicU64::new(NEVER));
        ReadCosts { is_kept, stripes, due_at, changed }
    }

    /// Adds what a read paid. Where no merge could be made for it, it counts for nothing: it was no reason for one that
    /// may be possible later.
    #[inline]
    pub fn add(&self, PaidByReads { runs, dead }: PaidByReads) {
        if !self.is_kept || self.due_at.load(Ordering::Relaxed) == NEVER {
            return;
        }
        let stripe = &self.stripes[stripe_of_thread()];
        let mut is_time = false;
        for (sum, more) in [(&stripe.runs, runs), (&stripe.dead, dead)] {
            if more > 0 {
                let before = sum.fetch_add(more, Ordering::Relaxed);
                is_time |= before / LOOKED_EVERY != before.wrapping_add(more) / LOOKED_EVERY;
            }
        }
        if is_time {
            self.look();
        }
    }

    /// Wakes who merges if that may be due; the next time when an eighth more was paid, since it may not be due yet, or
    /// not be possible while others are made.
    #[cold]
    fn look(&self) {
        let (paid, due_at) = (self.paid().sum(), self.due_at.load(Ordering::Relaxed));
        if paid < due_at {
            return;
        }
        let next = paid.saturating_add((due_at / 8).max(LOOKED_EVERY)).min(NEVER - 1);
        // Who was first wakes them.
        if self.due_at.compare_exchange(due_at, next, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.changed.notify();
        }
    }

    /// What was added since it was last spent.
    pub fn paid(&self) -> PaidByReads {
        let sum = |of: fn(&Stripe) -> &AtomicU64| {
            self.stripes
                .iter()
                .fold(0_u64, |sum, stripe| sum.saturating_add(of(stripe).load(Ordering::Relaxed)))
        };
        PaidByReads { runs: sum(|stripe| &stripe.runs), dead: sum(|stripe| &stripe.dead) }
    }

    /// Says from what on a merge may be due; with `None` none can be, and what was paid is forgotten.
    pub(super) fn set_due_at(&self, paid: Option<u64>) {
        self.due_at.store(paid.map_or(NEVER, |paid| paid.min(NEVER - 1)), Ordering::Relaxed);
        if paid.is_none() {
            self.spend(true);
        }
    }

    /// Forgets what was paid for runs that are fewer now; what for dead entries, too, if these are gone.
    pub(super) fn spend(&self, with_dead: bool) {
        for stripe in &self.stripes {
            stripe.runs.store(0, Ordering::Relaxed);
            if with_dead {
                stripe.dead.store(0, Ordering::Relaxed);
            }
        }
    }
}

#[inline]
fn stripe_of_thread() -> usize {
    STRIPE.with(|stripe| {
        stripe.get().unwrap_or_else(|| {
            let taken = NEXT_STRIPE.fetch_add(1, Ordering::Relaxed) % STRIPES;
            stripe.set(Some(taken));
            taken
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_threads_add_is_counted_until_it_is_spent() {
        let costs = ReadCosts::new(true, Arc::default());
        costs.set_due_at(Some(NEVER));
        std::thread::scope(|scope| {
            for _ in 0..2 * STRIPES {
                scope.spawn(|| (0..100).for_each(|_| costs.add(PaidByReads { runs: 2, dead: 1 })));
            }
        });
        let all = 2 * STRIPES as u64 * 100;
        assert_eq!(costs.paid(), PaidByReads { runs: 2 * all, dead: all });
        costs.spend(false);
        assert_eq!(costs.paid(), PaidByReads { runs: 0, dead: all });
        costs.spend(true);
        assert_eq!(costs.paid(), PaidByReads::default());
    }

    #[test]
    fn where_no_merge_can_be_nothing_is_counted_nor_kept() {
        let costs = ReadCosts::new(true, Arc::default());
        costs.add(PaidByReads { runs: 1, dead: 1 });
        costs.set_due_at(Some(LOOKED_EVERY));
        assert_eq!(costs.paid(), PaidByReads::default());
        costs.add(PaidByReads { runs: 1, dead: 1 });
        assert_eq!(costs.paid(), PaidByReads { runs: 1, dead: 1 });
        costs.set_due_at(None);
        assert_eq!(costs.paid(), PaidByReads::default());
    }

    #[test]
    fn who_merges_is_woken_when_enough_was_paid_and_not_before() {
        let changed = Arc::new(Event::new());
        let costs = ReadCosts::new(true, changed.clone());
        let add = |runs, dead| costs.add(PaidByReads { runs, dead });
        add(LOOKED_EVERY, 0);
        assert_eq!(changed.generation(), 0, "no merge is possible");
        costs.set_due_at(Some(16 * LOOKED_EVERY));
        add(0, 8 * LOOKED_EVERY);
        add(8 * LOOKED_EVERY - 1, 0);
        assert_eq!(changed.generation(), 0);
        add(1, 0);
        assert_eq!(changed.generation(), 1);
        // That was not enough: not again before an eighth more was paid.
        add(LOOKED_EVERY, 0);
        assert_eq!(changed.generation(), 1);
        add(LOOKED_EVERY, 0);
        assert_eq!(changed.generation(), 2);
    }

    #[test]
    fn nothing_is_kept_where_nobody_heeds_it() {
        let costs = ReadCosts::new(false, Arc::default());
        costs.set_due_at(Some(0));
        costs.add(PaidByReads { runs: LOOKED_EVERY, dead: LOOKED_EVERY });
        assert_eq!(costs.paid(), PaidByReads::default());
    }
}
