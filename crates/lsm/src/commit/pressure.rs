//! Back-pressure: how long a writer is held up, growing smoothly with what the background work owes.
//!
//! The *debt* is a number from 0 (nothing owed) to 1 (writers must wait). It is the larger of the share of memory
//! in use and the share of unmerged layers, each counted from the point where it begins to matter. A writer may go
//! on at a rate that falls with the debt, from [`FASTEST`] towards [`SLOWEST`] bytes a second, so that the work
//! catches up before anyone has to stand still. Waits are gathered until they are worth a sleep, which is short, so
//! that no single writer pays for many: see `docs/decisions/027-pressure-and-queues.md`.

use std::time::Duration;

/// Debt below this share of memory is free: the active memtable and one that is being flushed.
const FREE_MEMORY_SHARE: f64 = 0.6;
/// As many times the runs that start a merge are usual while one is at work.
const FREE_LAYER_PRESSURE: f64 = 2.0;
/// With as many times writers are at their slowest.
const MOST_LAYER_PRESSURE: f64 = 6.0;
/// The pressure of layers is looked up again after so many bytes.
const LOOK_AGAIN_BYTES: usize = 256 << 10;
/// Bytes a second at the smallest debt above zero.
const FASTEST: f64 = 256.0 * 1024.0 * 1024.0;
/// Bytes a second as the debt comes near one.
const SLOWEST: f64 = 2.0 * 1024.0 * 1024.0;
/// Shorter waits than this, in seconds, are gathered: no sleep is much shorter.
const SHORTEST_WAIT: f64 = 100e-6;
/// No single wait is longer, whatever the size of a batch.
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// What the background work owes; see the module.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Debt {
    /// Memory in use and the budget, in bytes.
    pub(crate) memory: (usize, usize),
    /// Runs in level 0 over the number that starts a merge.
    pub(crate) layers: f64,
}

impl Debt {
    /// The debt as one number, 0 to 1.
    pub(crate) fn share(&self) -> f64 {
        let memory = self.memory.0 as f64 / self.memory.1.max(1) as f64;
        let memory = (memory - FREE_MEMORY_SHARE) / (1.0 - FREE_MEMORY_SHARE);
        let layers = (self.layers - FREE_LAYER_PRESSURE) / (MOST_LAYER_PRESSURE - FREE_LAYER_PRESSURE);
        memory.max(layers).clamp(0.0, 1.0)
    }
}

/// The waits that were not worth a sleep yet, and the last look at the layers.
#[derive(Debug, Default)]
pub(crate) struct Pressure {
    /// In seconds; less than zero after a sleep that took longer than it should.
    gathered: f64,
    layer_pressure: f64,
    bytes_since_look: usize,
}

impl Pressure {
    /// The pressure of layers, looked up now and then as bytes are written.
    pub(crate) fn layer_pressure(&mut self, bytes: usize, look: impl FnOnce() -> f64) -> f64 {
        self.bytes_since_look += bytes;
        if self.bytes_since_look >= LOOK_AGAIN_BYTES {
            self.bytes_since_look = 0;
            self.layer_pressure = look();
        }
        self.layer_pressure
    }

    /// How long a writer of `bytes` must wait now, if at all.
    pub(crate) fn wait_for(&mut self, bytes: usize, debt: f64) -> Option<Duration> {
        if debt <= 0.0 {
            self.gathered = 0.0;
            return None;
        }
        let rate = FASTEST * (SLOWEST / FASTEST).powf(debt);
        self.gathered += bytes as f64 / rate;
        if self.gathered < SHORTEST_WAIT {
            return None;
        }
        Some(Duration::from_secs_f64(std::mem::take(&mut self.gathered)).min(LONGEST_WAIT))
    }

    /// What a sleep took longer than it should counts for the next ones.
    pub(crate) fn note_waited(&mut self, wanted: Duration, waited: Duration) {
        self.gathered -= waited.saturating_sub(wanted).min(LONGEST_WAIT).as_secs_f64();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_debt_no_wait_and_more_debt_a_longer_one() {
        let wait = |debt| Pressure::default().wait_for(1 << 20, debt).unwrap_or_default();
        assert_eq!(wait(0.0), Duration::ZERO);
        let waits: Vec<_> = (1..10).map(|tenths| wait(f64::from(tenths) / 10.0)).collect();
        assert!(waits.is_sorted(), "{waits:?}");
        assert!(waits[0] < waits[8]);
        assert!(wait(1.0) <= LONGEST_WAIT);
    }

    #[test]
    fn small_waits_add_up() {
        let mut pressure = Pressure::default();
        let waits = (0..10_000).filter(|_| pressure.wait_for(100, 0.5).is_some()).count();
        assert!((20..1000).contains(&waits), "{waits}");
    }

    #[test]
    fn small_writes_wait_no_longer_than_their_bytes_ask_though_sleeps_take_too_long() {
        let oversleep = Duration::from_micros(60);
        let (mut pressure, mut waited) = (Pressure::default(), Duration::ZERO);
        for _ in 0..10_000 {
            if let Some(wait) = pressure.wait_for(100, 0.5) {
                assert!(wait < Duration::from_micros(200), "{wait:?}");
                pressure.note_waited(wait, wait + oversleep);
                waited += wait + oversleep;
            }
        }
        let wanted = Pressure::default().wait_for(1_000_000, 0.5).unwrap_or_default();
        assert!(waited.abs_diff(wanted) < wanted / 20, "{waited:?} for {wanted:?}");
    }

    #[test]
    fn either_memory_or_layers_makes_debt() {
        let debt = |used, layers| Debt { memory: (used, 100), layers }.share();
        assert_eq!(debt(50, 1.0), 0.0);
        assert!((debt(80, 0.0) - 0.5).abs() < 1e-9);
        assert!((debt(0, 4.0) - 0.5).abs() < 1e-9);
        assert_eq!(debt(200, 50.0), 1.0);
    }
}
