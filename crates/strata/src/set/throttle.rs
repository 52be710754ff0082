//! How fast merges may write: a bucket of bytes that fills at a steady rate, shared by all merges of a set.

use std::time::Duration;

use parking_lot::Mutex;

use crate::runtime::Clock;

/// The bucket holds what flows in during this time, so that merges go on evenly rather than in bursts.
const BURST: Duration = Duration::from_millis(50);

/// A token bucket that may be overdrawn: whoever takes more than is there waits until the bucket is level again, so
/// that a piece of any size passes.
#[derive(Debug)]
pub(crate) struct Throttle {
    bytes_per_second: f64,
    state: Mutex<Bucket>,
}

#[derive(Debug, Default)]
struct Bucket {
    bytes: f64,
    filled_at: Duration,
}

impl Throttle {
    /// At least one byte a second.
    pub(crate) fn new(bytes_per_second: u64) -> Throttle {
        Throttle { bytes_per_second: bytes_per_second.max(1) as f64, state: Mutex::default() }
    }

    /// Takes `bytes` and answers until when to wait before they are written, in terms of `clock`.
    pub(crate) fn take(&self, bytes: u64, clock: &dyn Clock) -> Option<Duration> {
        let now = clock.now();
        let mut bucket = self.state.lock();
        let flown_in = now.saturating_sub(bucket.filled_at).as_secs_f64() * self.bytes_per_second;
        let most = BURST.as_secs_f64() * self.bytes_per_second;
        bucket.bytes = (bucket.bytes + flown_in).min(most) - bytes as f64;
        bucket.filled_at = now;
        (bucket.bytes < 0.0).then(|| now + Duration::from_secs_f64(-bucket.bytes / self.bytes_per_second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::ManualClock;

    #[test]
    fn in_the_long_run_the_rate_is_kept_and_a_burst_passes() {
        let (clock, throttle) = (ManualClock::new(), Throttle::new(1000));
        clock.advance(Duration::from_secs(10));
        assert_eq!(throttle.take(50, &clock), None, "the bucket was full");
        let mut written = 0;
        for _ in 0..100 {
            written += 70;
            if let Some(until) = throttle.take(70, &clock) {
                clock.advance(until - clock.now());
            }
        }
        let seconds = (clock.now() - Duration::from_secs(10)).as_secs_f64();
        assert!((written as f64 / seconds / 1000.0 - 1.0).abs() < 0.02, "{written} in {seconds}");
    }

    #[test]
    fn what_is_larger_than_the_bucket_waits_its_time() {
        let (clock, throttle) = (ManualClock::new(), Throttle::new(1000));
        assert_eq!(throttle.take(2000, &clock), Some(Duration::from_secs(2)));
        assert_eq!(throttle.take(1000, &clock), Some(Duration::from_secs(3)), "those before come first");
    }
}
