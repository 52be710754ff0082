//! A value that is exchanged while others read it; the old one is dropped once nobody can be reading it.
//!
//! Epoch-based reclamation (Fraser, "Practical lock-freedom", 2004) by `crossbeam-epoch`: a reader pins the
//! current epoch; what is unlinked is dropped only after every thread pinned at that time has unpinned.
//! Guards in this crate always come from `crossbeam_epoch::pin`, the default collector.

use crate::sync::atomic::Ordering;

use crate::sync::epoch::{Atomic, Guard, Owned, Shared};
use crate::sync::schedule_point;

/// An optional `T` behind one atomic pointer.
#[derive(Debug)]
pub(crate) struct EpochCell<T: Send + Sync + 'static>(Atomic<T>);

impl<T: Send + Sync + 'static> EpochCell<T> {
    pub(crate) fn new(value: Option<T>) -> EpochCell<T> {
        EpochCell(value.map_or_else(Atomic::null, Atomic::new))
    }

    /// The value now; it stays readable until the guard is dropped, whatever happens to the cell's content.
    pub(crate) fn load<'g>(&'g self, guard: &'g Guard) -> Option<&'g T> {
        schedule_point();
        // SAFETY: a non-null pointer was made by `Owned` and is dropped either by a function deferred after
        // it was unlinked, which cannot run before `guard` is dropped, or by the cell's own drop, which the
        // borrow of `self` rules out for `'g`. Acquire pairs with the Release of the store in `replace`.
        unsafe { self.0.load(Ordering::Acquire, guard).as_ref() }
    }

    /// Puts another value, or none, in the place of the present one. `finish` gets the old value when no
    /// reader can see it any more, on some thread.
    pub(crate) fn replace(&self, value: Option<T>, guard: &Guard, finish: impl FnOnce(T) + Send + 'static) {
        let new = value.map_or_else(Shared::null, |value| Owned::new(value).into_shared(guard));
        schedule_point();
        let old = self.0.swap(new, Ordering::AcqRel, guard);
        if old.is_null() {
            return;
        }
        // SAFETY: the swap above unlinked the value and gave it to this call alone, so that it is owned by
        // the deferred call, which runs once, after all guards pinned now are gone. `T` and `finish` are
        // `Send + 'static`, so any thread may run it at any later time.
        unsafe {
            guard.defer_unchecked(move || finish(*old.into_owned().into_box()));
        }
    }
}

impl<T: Send + Sync + 'static> Drop for EpochCell<T> {
    fn drop(&mut self) {
        let pointer = std::mem::replace(&mut self.0, Atomic::null());
        // SAFETY: `&mut self` proves that no reference from `load` is alive and no other thread is in a
        // method; a value still linked was not deferred, so that it is dropped here only.
        drop(unsafe { pointer.try_into_owned() });
    }
}

#[cfg(test)]
mod tests {
    use crate::sync::atomic::AtomicUsize;
    use std::sync::Arc;

    use super::*;

    struct Counted(Arc<AtomicUsize>);

    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn every_value_is_dropped_once_and_not_under_a_reader() {
        let drops = Arc::new(AtomicUsize::new(0));
        let cell = EpochCell::new(Some(Counted(Arc::clone(&drops))));
        let reader = crate::sync::epoch::pin();
        let seen = cell.load(&reader).expect("a value");
        cell.replace(Some(Counted(Arc::clone(&drops))), &crate::sync::epoch::pin(), drop);
        for _ in 0..16 {
            crate::sync::epoch::pin().flush();
        }
        assert_eq!(seen.0.load(Ordering::SeqCst), 0, "the old value is alive as long as the guard");
        drop(reader);
        let guard = crate::sync::epoch::pin();
        cell.replace(None, &guard, drop);
        assert!(cell.load(&guard).is_none());
        drop(guard);
        // Other tests share the collector and may hold it up for a moment.
        for _ in 0..1_000_000 {
            if drops.load(Ordering::SeqCst) == 2 {
                return;
            }
            crate::sync::epoch::pin().flush();
            crate::sync::thread::yield_now();
        }
        panic!("{} of 2 dropped", drops.load(Ordering::SeqCst));
    }
}
