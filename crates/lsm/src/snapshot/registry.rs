//! Which sequences someone still reads at: merges keep for each of them the versions it sees.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;

use parking_lot::Mutex;
use stroma_strata::runtime::Clock;

use super::FilterTurns;
use crate::entry::{Moment, Sequence, Timestamp};

/// Counts the readers at each sequence, and holds the last published one. Once anything can expire each reader has a
/// time as well, that of its beginning; times never fall.
///
/// Taking a snapshot and listing them exclude each other, so that a merge either sees a snapshot or began before
/// it, in which case the snapshot's sequence is no less than the one the merge took for the present.
#[derive(Debug)]
pub(crate) struct SnapshotRegistry {
    /// Every commit up to this sequence is visible.
    published: AtomicU64,
    /// Readers at each sequence; never zero of them.
    readers: Mutex<BTreeMap<Sequence, Readers>>,
    clock: Arc<dyn Clock>,
    /// The largest time told.
    last_time: AtomicU64,
    /// Entries up to this sequence are in tables and nowhere else.
    settled: AtomicU64,
    /// The merges with filters.
    turns: FilterTurns,
    /// Whether anything can expire: set before the first such entry can be seen.
    anything_expires: AtomicBool,
}

#[derive(Debug, Default)]
struct Readers {
    count: usize,
    /// The least time of any of them; 0 if none has one.
    since: Timestamp,
    /// The least turn of any of them.
    turn: u64,
}

impl SnapshotRegistry {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        SnapshotRegistry {
            published: AtomicU64::new(0),
            readers: Mutex::default(),
            clock,
            last_time: AtomicU64::new(0),
            settled: AtomicU64::new(0),
            turns: FilterTurns::default(),
            anything_expires: AtomicBool::new(false),
        }
    }

    /// The time for readers of the present.
    pub(crate) fn time(&self) -> Timestamp {
        let since = self.clock.wall().duration_since(SystemTime::UNIX_EPOCH);
        let now = since.map_or(0, |since| since.as_millis().try_into().unwrap_or(u64::MAX));
        self.last_time.fetch_max(now, Ordering::AcqRel).max(now)
    }

    /// Tells, before such a commit is published or such a table opened, that something expires some day.
    pub(crate) fn note_expiring(&self) {
        self.anything_expires.store(true, Ordering::Release);
    }

    /// The moment for readers of the present.
    pub(crate) fn moment(&self) -> Moment {
        let expires = self.anything_expires.load(Ordering::Acquire);
        Moment { time: if expires { self.time() } else { 0 }, turn: self.turns.over() }
    }

    /// Tells that entries up to this sequence are in tables, and have left what readers find in memory.
    pub(crate) fn settle(&self, sequence: Sequence) {
        self.settled.fetch_max(sequence, Ordering::AcqRel);
    }

    /// Entries up to this sequence are in tables and nowhere else, for whoever begins to read.
    pub(crate) fn settled(&self) -> Sequence {
        self.settled.load(Ordering::Acquire)
    }

    /// The merges with filters.
    pub(crate) fn turns(&self) -> &FilterTurns {
        &self.turns
    }

    /// The moment of the oldest reader: what expired, or was filtered, by then nobody sees any more.
    pub(crate) fn oldest_moment(&self) -> Moment {
        let readers = self.readers.lock();
        let Moment { time, turn } = self.moment();
        let since = readers.values().map(|readers| readers.since).filter(|since| *since > 0).min();
        let oldest_turn = readers.values().map(|readers| readers.turn).min();
        Moment {
            time: since.map_or(time, |since| since.min(time)),
            turn: oldest_turn.map_or(turn, |oldest| oldest.min(turn)),
        }
    }

    /// The last visible sequence.
    pub(crate) fn published(&self) -> Sequence {
        self.published.load(Ordering::Acquire)
    }

    /// Makes every commit up to `sequence` visible.
    pub(crate) fn publish(&self, sequence: Sequence) {
        self.published.store(sequence, Ordering::Release);
    }

    /// Registers a reader of the present.
    pub(crate) fn take(self: &Arc<Self>) -> SnapshotGuard {
        let mut readers = self.readers.lock();
        let sequence = self.published();
        // A reader who does not see the mark sees no entry that expires either: such a commit is published later.
        let moment = self.moment();
        readers.entry(sequence).or_default().add(moment);
        SnapshotGuard { registry: self.clone(), sequence, moment }
    }

    /// The sequences read at, ascending without repetition; the present is always the last.
    pub(crate) fn live(&self) -> Vec<Sequence> {
        let readers = self.readers.lock();
        let present = self.published();
        let mut live: Vec<Sequence> =
            readers.keys().copied().filter(|sequence| *sequence < present).collect();
        live.push(present);
        live
    }

    /// Nobody reads at an earlier sequence, nor will.
    pub(crate) fn oldest(&self) -> Sequence {
        let readers = self.readers.lock();
        let present = self.published();
        readers.first_key_value().map_or(present, |(oldest, _)| present.min(*oldest))
    }

    /// How many readers are registered.
    pub(crate) fn reader_count(&self) -> usize {
        self.readers.lock().values().map(|readers| readers.count).sum()
    }
}

impl Readers {
    fn add(&mut self, Moment { time, turn }: Moment) {
        self.turn = if self.count == 0 { turn } else { self.turn.min(turn) };
        self.count += 1;
        if time > 0 && (self.since == 0 || time < self.since) {
            self.since = time;
        }
    }
}

/// A registered reader; dropping it lets merges forget its sequence.
#[derive(Debug)]
pub(crate) struct SnapshotGuard {
    registry: Arc<SnapshotRegistry>,
    sequence: Sequence,
    moment: Moment,
}

impl SnapshotGuard {
    /// The sequence read at.
    pub(crate) fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// The moment read at; its time is 0 if nothing that it sees expires.
    pub(crate) fn moment(&self) -> Moment {
        self.moment
    }
}

impl Clone for SnapshotGuard {
    fn clone(&self) -> Self {
        self.registry.readers.lock().entry(self.sequence).or_default().add(self.moment);
        SnapshotGuard { registry: self.registry.clone(), sequence: self.sequence, moment: self.moment }
    }
}

impl Drop for SnapshotGuard {
    fn drop(&mut self) {
        let mut readers = self.registry.readers.lock();
        if let Some(others) = readers.get_mut(&self.sequence) {
            others.count -= 1;
            if others.count == 0 {
                readers.remove(&self.sequence);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use stroma_strata::runtime::ManualClock;

    use super::*;

    #[test]
    fn live_sequences_are_those_of_held_guards_and_the_present() {
        let registry = Arc::new(SnapshotRegistry::new(Arc::new(ManualClock::new())));
        assert_eq!(registry.live(), [0]);
        registry.publish(5);
        let five = registry.take();
        let again = five.clone();
        registry.publish(9);
        let nine = registry.take();
        registry.publish(12);
        assert_eq!(registry.live(), [5, 9, 12]);
        drop(five);
        assert_eq!(registry.live(), [5, 9, 12]);
        drop((again, nine));
        assert_eq!(registry.live(), [12]);
        assert_eq!(registry.reader_count(), 0);
    }

    #[test]
    fn what_expired_before_every_reader_began_nobody_sees() {
        let clock = Arc::new(ManualClock::new());
        let registry = Arc::new(SnapshotRegistry::new(clock.clone()));
        clock.advance(Duration::from_millis(10));
        let timeless = registry.take();
        assert_eq!((timeless.moment().time, registry.oldest_moment().time), (0, 0));
        registry.note_expiring();
        let old = registry.take();
        clock.advance(Duration::from_millis(10));
        registry.publish(1);
        let young = registry.take();
        assert_eq!((old.moment().time, young.moment().time, registry.oldest_moment().time), (10, 20, 10));
        drop(old);
        // Of those at one sequence the first counts until all are gone.
        assert_eq!(registry.oldest_moment().time, 10);
        drop(timeless);
        assert_eq!(registry.oldest_moment().time, 20);
        clock.advance(Duration::from_millis(10));
        assert_eq!(registry.oldest_moment().time, 20);
        drop(young);
        assert_eq!(registry.oldest_moment().time, 30);
    }
}
