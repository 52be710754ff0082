//! What time it is: the machine's clock for programs, a clock moved by hand for tests.

#![allow(
    clippy::disallowed_methods,
    reason = "this is the seam that hides the system clock from everyone else"
)]

use std::fmt::Debug;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

/// A source of time.
pub trait Clock: Send + Sync + Debug + 'static {
    /// Time since an arbitrary start; never goes backwards.
    fn now(&self) -> Duration;

    /// The calendar time; may jump when someone sets the machine's clock.
    fn wall(&self) -> SystemTime;

    /// How long a thread that waits for `remaining` of this clock's time may block before it must look at the
    /// clock again. Equal to `remaining` for a clock that moves with real time.
    fn longest_block(&self, remaining: Duration) -> Duration {
        remaining
    }
}

/// The calendar time of `clock` in seconds since the Unix epoch; zero before that.
pub fn seconds_since_epoch(clock: &dyn Clock) -> u64 {
    clock.wall().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The machine's own clock.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose [`now`](Clock::now) starts at zero.
    pub fn new() -> SystemClock {
        SystemClock { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct ManualClock {
    elapsed: Mutex<Duration>,
    wall_start: SystemTime,
}

impl ManualClock {
    /// A clock at zero whose calendar starts at the Unix epoch.
    pub fn new() -> ManualClock {
        ManualClock::starting_at(SystemTime::UNIX_EPOCH)
    }

    /// A clock at zero whose calendar starts at `wall`.
    pub fn starting_at(wall: SystemTime) -> ManualClock {
        ManualClock { elapsed: Mutex::new(Duration::ZERO), wall_start: wall }
    }

    /// Moves the clock forward; threads that wait on it notice within a millisecond of real time.
    pub fn advance(&self, by: Duration) {
        *self.elapsed.lock() += by;
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        ManualClock::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Duration {
        *self.elapsed.lock()
    }

    fn wall(&self) -> SystemTime {
        self.wall_start + self.now()
    }

    fn longest_block(&self, remaining: Duration) -> Duration {
        remaining.min(Duration::from_millis(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::new();
        assert_eq!(clock.now(), Duration::ZERO);
        clock.advance(Duration::from_secs(3));
        assert_eq!(clock.now(), Duration::from_secs(3));
        assert_eq!(clock.wall(), SystemTime::UNIX_EPOCH + Duration::from_secs(3));
    }

    #[test]
    fn the_system_clock_never_goes_back() {
        let clock = SystemClock::new();
        let first = clock.now();
        assert!(clock.now() >= first);
    }
}
