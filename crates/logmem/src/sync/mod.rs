//! The primitives that threads meet at, in one place, so that a model checker can stand in for them.
//!
//! Everything in this crate takes atomics, locks, threads and the epoch from here and from nowhere else.
//!
//! - `real`: the standard library's, `parking_lot`'s and `crossbeam-epoch`'s, as users get them.
//! - `modelled`: those of `shuttle`, which owns the schedule; chosen by `--cfg shuttle` alone.

#[cfg(shuttle)]
mod modelled;
#[cfg(not(shuttle))]
mod real;

#[cfg(all(test, shuttle))]
pub(crate) use modelled::check;
#[cfg(shuttle)]
pub(crate) use modelled::{Condvar, Mutex, MutexGuard, atomic, epoch, thread};
#[cfg(not(shuttle))]
pub(crate) use real::{Condvar, Mutex, MutexGuard, atomic, epoch, thread};
