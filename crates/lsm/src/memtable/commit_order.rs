//! What was committed after a sequence: the order of commits, found again in the log that the entries lie in.
//!
//! Entries are appended in the order of their commits, so that one lies behind the other in a segment. What is kept
//! are *runs* of such entries: where the first lies, its sequence, and how many follow. A run ends with its segment,
//! at a range delete, which has a sequence but no entry, and behind what was staged in vain.

use stroma_logmem::{Location, Log};

use super::entry_bytes::split_entry;
use crate::entry::Sequence;

/// The most entries of a run: whoever wants those after a sequence reads fewer than so many in vain.
const LONGEST_RUN: u32 = 64;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct CommitOrder {
    runs: Vec<Run>,
    /// Sequence and location of the entry that would prolong the last run.
    next: Option<(Sequence, Location)>,
}

/// Entries that lie one behind the other and have ascending sequences without a gap.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    sequence: Sequence,
    location: Location,
    count: u32,
}

impl CommitOrder {
    /// Adds the entry just committed, of so many bytes.
    pub(super) fn add(&mut self, sequence: Sequence, location: Location, entry_bytes: usize) {
        let next = self.next.replace((sequence + 1, location.behind(entry_bytes)));
        match self.runs.last_mut() {
            Some(run) if next == Some((sequence, location)) && run.count < LONGEST_RUN => run.count += 1,
            _ => self.runs.push(Run { sequence, location, count: 1 }),
        }
    }

    /// Adds so many entries that lie one behind the other and have ascending sequences from `first` on; `location`
    /// tells where by their number among them.
    pub(super) fn add_run(&mut self, first: Sequence, count: usize, location: impl Fn(usize) -> Location) {
        self.next = None;
        let runs = (0..count).step_by(LONGEST_RUN as usize).map(|from| Run {
            sequence: first + from as u64,
            location: location(from),
            count: (count - from).min(LONGEST_RUN as usize) as u32,
        });
        self.runs.extend(runs);
    }

    /// The runs that have entries of sequences after `since`.
    pub(super) fn runs_after(&self, since: Sequence) -> Vec<Run> {
        let first = self.runs.partition_point(|run| run.sequence + u64::from(run.count) <= since + 1);
        self.runs[first..].to_vec()
    }
}

impl Run {
    /// The keys of its entries of sequences after `since`.
    pub(super) fn keys_after(self, log: &Log, since: Sequence) -> impl Iterator<Item = &[u8]> {
        let mut location = self.location;
        let entries = (0..self.count).map(move |_| {
            let entry = log.get(location);
            location = location.behind(entry.len());
            entry
        });
        // Those before are stepped over: where an entry ends, only it knows.
        let in_vain = (since + 1).saturating_sub(self.sequence) as usize;
        entries.skip(in_vain).map(|entry| split_entry(entry).0)
    }
}
