//! Takes the time of a piece of work by three clocks.

use rustix::time::{ClockId, clock_gettime};

use crate::Outcome;

/// What a piece of work cost, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// By the clock on the wall.
    pub wall: f64,
    /// Processor time of the calling thread: other programs on the machine hardly count in.
    pub thread: f64,
    /// Processor time of all threads, those in the background too.
    pub process: f64,
}

fn seconds(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Does the work and tells what it cost.
///
/// # Errors
/// Those of the work.
pub fn timed<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<(T, Cost)> {
    let clocks = || [ClockId::Monotonic, ClockId::ThreadCPUTime, ClockId::ProcessCPUTime].map(seconds);
    let before = clocks();
    let result = std::hint::black_box(work()?);
    let after = clocks();
    let [wall, thread, process] = [0, 1, 2].map(|clock| after[clock] - before[clock]);
    let cost = Cost { wall, thread, process };
    Ok((result, cost))
}
