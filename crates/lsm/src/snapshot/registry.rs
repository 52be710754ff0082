//! Which sequences someone still reads at: merges keep for each of them the versions it sees.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::entry::Sequence;

/// Counts the readers at each sequence, and holds the last published one.
///
/// Taking a snapshot and listing them exclude each other, so that a merge either sees a snapshot or began before
/// it, in which case the snapshot's sequence is no less than the one the merge took for the present.
#[derive(Debug, Default)]
pub(crate) struct SnapshotRegistry {
    /// Every commit up to this sequence is visible.
    published: AtomicU64,
    /// Readers at each sequence; never zero of them.
    readers: Mutex<BTreeMap<Sequence, usize>>,
}

impl SnapshotRegistry {
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
        *readers.entry(sequence).or_insert(0) += 1;
        SnapshotGuard { registry: self.clone(), sequence }
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

    /// How many readers are registered.
    pub(crate) fn reader_count(&self) -> usize {
        self.readers.lock().values().sum()
    }
}

/// A registered reader; dropping it lets merges forget its sequence.
#[derive(Debug)]
pub(crate) struct SnapshotGuard {
    registry: Arc<SnapshotRegistry>,
    sequence: Sequence,
}

impl SnapshotGuard {
    /// The sequence read at.
    pub(crate) fn sequence(&self) -> Sequence {
        self.sequence
    }
}

impl Clone for SnapshotGuard {
    fn clone(&self) -> Self {
        *self.registry.readers.lock().entry(self.sequence).or_insert(0) += 1;
        SnapshotGuard { registry: self.registry.clone(), sequence: self.sequence }
    }
}

impl Drop for SnapshotGuard {
    fn drop(&mut self) {
        let mut readers = self.registry.readers.lock();
        if let Some(count) = readers.get_mut(&self.sequence) {
            *count -= 1;
            if *count == 0 {
                readers.remove(&self.sequence);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_sequences_are_those_of_held_guards_and_the_present() {
        let registry = Arc::new(SnapshotRegistry::default());
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
}
