//! The same primitives under the scheduler of `shuttle`: every access is a point where another thread may go on.
//!
//! The schedules are sequentially consistent: they find wrong orders of steps, not missing fences. What the
//! epoch does inside is no part of the schedule.

use std::ops::{Deref, DerefMut};

/// A lock with the interface of the real one.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

/// Holds a [`Mutex`].
#[derive(Debug)]
pub(crate) struct MutexGuard<'a, T>(shuttle::sync::MutexGuard<'a, T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Mutex<T> {
        Mutex(shuttle::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok().map(MutexGuard)
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// Atomic words.
pub(crate) mod atomic {
    pub(crate) use shuttle::sync::atomic::{
        AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering,
    };
}

/// Threads, and what a thread does while it waits for another.
pub(crate) mod thread {
    pub(crate) use shuttle::thread::yield_now;

    /// Waits for another thread's store: lets the others run.
    pub(crate) fn spin() {
        yield_now();
    }
}

/// The epoch, with a participant for each modelled thread.
pub(crate) mod epoch {
    pub(crate) use crossbeam_epoch::Guard;
    use crossbeam_epoch::{Collector, LocalHandle};

    shuttle::thread_local! {
        // The modelled threads share one real thread, and with it the library's own participant.
        static PARTICIPANT: LocalHandle = COLLECTOR.with(Collector::register);
    }

    std::thread_local! {
        static COLLECTOR: Collector = Collector::new();
    }

    pub(crate) fn pin() -> Guard {
        PARTICIPANT.with(LocalHandle::pin)
    }

    pub(crate) fn is_pinned() -> bool {
        PARTICIPANT.with(LocalHandle::is_pinned)
    }
}
