//! How long something takes on a machine that others use, too.

use std::time::Instant;

/// The time this thread spends on a processor where the system tells (Linux), so that a busy machine matters less; by
/// the clock elsewhere.
pub(crate) struct Watch {
    clock: Instant,
    processor: Option<f64>,
}

impl Watch {
    /// Begins now.
    pub(crate) fn start() -> Watch {
        Watch { clock: Instant::now(), processor: Watch::processor_seconds() }
    }

    fn processor_seconds() -> Option<f64> {
        let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        Some(told.split(' ').next()?.parse::<f64>().ok()? / 1e9)
    }

    /// Since it began, on the same thread.
    pub(crate) fn seconds(&self) -> f64 {
        match (self.processor, Watch::processor_seconds()) {
            (Some(start), Some(end)) => end - start,
            _ => self.clock.elapsed().as_secs_f64(),
        }
    }
}
