//! The primitives that users of the crate get.

pub(crate) use parking_lot::{Mutex, MutexGuard};

/// Atomic words.
pub(crate) mod atomic {
    pub(crate) use std::sync::atomic::{
        AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering,
    };
}

/// Threads, and what a thread does while it waits for another.
pub(crate) mod thread {
    pub(crate) use std::thread::yield_now;

    /// Tells the processor that this thread waits for another one's store.
    pub(crate) fn spin() {
        std::hint::spin_loop();
    }
}

/// The epoch: who is pinned keeps what was linked then from being dropped.
pub(crate) mod epoch {
    pub(crate) use crossbeam_epoch::{Guard, is_pinned, pin};
}
