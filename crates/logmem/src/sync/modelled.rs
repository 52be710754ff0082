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
pub(crate) struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
    /// Absent only while it is unlocked for a moment.
    held: Option<shuttle::sync::MutexGuard<'a, T>>,
}

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Mutex<T> {
        Mutex(shuttle::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard { mutex: self, held: Some(self.hold()) }
    }

    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok().map(|held| MutexGuard { mutex: self, held: Some(held) })
    }

    fn hold(&self) -> shuttle::sync::MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl<T> MutexGuard<'_, T> {
    fn unlocked(&mut self, meanwhile: impl FnOnce()) {
        self.held = None;
        meanwhile();
        self.held = Some(self.mutex.hold());
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.held.as_ref().expect("locked")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.held.as_mut().expect("locked")
    }
}

/// A condition whose waiters look again whenever they run: waking up for no reason is allowed.
#[derive(Debug, Default)]
pub(crate) struct Condvar;

impl Condvar {
    pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        guard.unlocked(shuttle::thread::yield_now);
    }

    pub(crate) fn notify_one(&self) {}

    pub(crate) fn notify_all(&self) {}
}

/// Atomic words.
pub(crate) mod atomic {
    pub(crate) use shuttle::sync::atomic::{
        AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering,
    };
}

/// Threads, and what a thread does while it waits for another.
pub(crate) mod thread {
    pub(crate) use shuttle::thread::yield_now;

    use std::time::Duration;

    pub(crate) use shuttle::thread::JoinHandle;

    /// Schedules know no time; this keeps the number of naps in somebody's patience small.
    pub(crate) const NAP: Duration = Duration::from_millis(10);

    /// Lets the others run.
    pub(crate) fn nap() {
        yield_now();
    }

    /// Starts a thread.
    pub(crate) fn spawn(
        _name: &str,
        body: impl FnOnce() + Send + 'static,
    ) -> Result<JoinHandle<()>, std::io::Error> {
        Ok(shuttle::thread::spawn(body))
    }

    std::thread_local! {
        static NEXT: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

    shuttle::thread_local! {
        static NUMBER: usize = NEXT.with(|next| next.replace((next.get() + 1) % 64));
    }

    /// A number of this thread's own, by which threads are spread over what they would else meet at.
    pub(crate) fn number() -> usize {
        NUMBER.with(|number| *number)
    }

    /// How many threads can run at once.
    pub(crate) fn parallelism() -> usize {
        2
    }

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

/// Runs a model under hundreds of schedules drawn uniformly at random, and as many with a few changes of priority at
/// chosen points. The same ones each time; a failing run prints its own, to be replayed.
#[cfg(test)]
pub(crate) fn check(model: fn()) {
    use shuttle::scheduler::{PctScheduler, RandomScheduler};
    const SCHEDULES: usize = 300;
    const SEED: u64 = 0x5eed;
    const CHANGES: usize = 4;
    shuttle::Runner::new(RandomScheduler::new_from_seed(SEED, SCHEDULES), shuttle::Config::default())
        .run(model);
    let priorities = PctScheduler::new_from_seed(SEED, CHANGES, SCHEDULES);
    shuttle::Runner::new(priorities, shuttle::Config::default()).run(model);
}
