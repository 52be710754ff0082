//! The primitives that users of the crate get.

pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard};

/// Atomic words.
pub(crate) mod atomic {
    pub(crate) use std::sync::atomic::{
        AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering,
    };
}

/// Threads, and what a thread does while it waits for another.
pub(crate) mod thread {
    use super::atomic::{AtomicUsize, Ordering};

    use std::time::Duration;

    pub(crate) use std::thread::JoinHandle;
    #[cfg(test)]
    pub(crate) use std::thread::yield_now;

    /// How long a thread naps that waits for others who will not wake it.
    pub(crate) const NAP: Duration = Duration::from_micros(50);

    static NEXT: AtomicUsize = AtomicUsize::new(0);

    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }

    /// A number of this thread's own, by which threads are spread over what they would else meet at.
    pub(crate) fn number() -> usize {
        // A thread that is ending may meet others.
        NUMBER.try_with(|number| *number).unwrap_or(0)
    }

    /// How many threads can run at once.
    pub(crate) fn parallelism() -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }

    /// Waits for about a [`NAP`].
    #[allow(clippy::disallowed_methods)] // readers tell nobody when they are done, and no clock is read
    pub(crate) fn nap() {
        std::thread::sleep(NAP);
    }

    /// Starts a thread.
    #[allow(clippy::disallowed_methods)] // the one way to a thread here; `store::threads` alone goes it
    pub(crate) fn spawn(
        name: &str,
        body: impl FnOnce() + Send + 'static,
    ) -> Result<JoinHandle<()>, std::io::Error> {
        std::thread::Builder::new().name(name.to_owned()).spawn(body)
    }

    /// Tells the processor that this thread waits for another one's store.
    pub(crate) fn spin() {
        std::hint::spin_loop();
    }
}

/// The epoch: who is pinned keeps what was linked then from being dropped.
///
/// A collector of this crate's own, for others in the process may pin theirs for as long as they like.
pub(crate) mod epoch {
    use std::sync::LazyLock;

    pub(crate) use crossbeam_epoch::Guard;
    use crossbeam_epoch::{Collector, LocalHandle};

    static COLLECTOR: LazyLock<Collector> = LazyLock::new(Collector::new);

    thread_local! {
        static PARTICIPANT: LocalHandle = COLLECTOR.register();
    }

    pub(crate) fn pin() -> Guard {
        // A thread that is ending has lost its participant and gets another for this once.
        PARTICIPANT.try_with(LocalHandle::pin).unwrap_or_else(|_| COLLECTOR.register().pin())
    }

    pub(crate) fn is_pinned() -> bool {
        PARTICIPANT.try_with(LocalHandle::is_pinned).unwrap_or(false)
    }
}
