//! What the server counts as it goes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

/// Counts since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections_open: AtomicU64,
    pub(crate) connections_total: AtomicU64,
    pub(crate) connections_refused: AtomicU64,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    pub(crate) protocol_errors: AtomicU64,
    commands: Mutex<BTreeMap<&'static str, CommandCounts>>,
}

/// Counts of one command.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct CommandCounts {
    pub(crate) runs: u64,
    pub(crate) failures: u64,
    pub(crate) time: Duration,
}

/// A connection as long as it is open.
pub(crate) struct OpenConnection<'c>(&'c Counters);

impl Counters {
    /// Counts a connection until the result is dropped.
    pub(crate) fn connection(&self) -> OpenConnection<'_> {
        self.connections_open.fetch_add(1, Ordering::Relaxed);
        self.connections_total.fetch_add(1, Ordering::Relaxed);
        OpenConnection(self)
    }

    /// Counts a command that has ended.
    pub(crate) fn command(&self, name: &'static str, time: Duration, failed: bool) {
        let mut commands = self.commands.lock();
        let counts = commands.entry(name).or_default();
        counts.runs += 1;
        counts.failures += u64::from(failed);
        counts.time += time;
    }

    /// The commands that have run, with their counts.
    pub(crate) fn commands(&self) -> Vec<(&'static str, CommandCounts)> {
        self.commands.lock().iter().map(|(name, counts)| (*name, *counts)).collect()
    }

    /// How often a command has run.
    pub(crate) fn runs_of(&self, name: &str) -> u64 {
        self.commands.lock().get(name).map_or(0, |counts| counts.runs)
    }
}

impl Drop for OpenConnection<'_> {
    fn drop(&mut self) {
        self.0.connections_open.fetch_sub(1, Ordering::Relaxed);
    }
}
