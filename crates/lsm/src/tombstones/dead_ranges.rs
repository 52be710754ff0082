//! Ranges of keys that are known to be empty, so that scans need not step over what was deleted there.
//!
//! A queue leaves a delete behind for each entry that was taken; whoever looks for its head would step over all of
//! them until merges have dropped them. So what a scan finds out is remembered: *between these two keys nothing has
//! been visible since this sequence*. A range delete says the same of its range. The next scan seeks past it.
//!
//! A range stays true until something is put into it. Each commit therefore tells its puts before it is published,
//! and ranges are cut around them. Between a scan's snapshot and the moment it tells what it found, a put may have
//! been told that no range was cut for: so commits also *announce* their last sequence, and a scan is believed only
//! if nothing was announced after its snapshot. A commit that does not meet the mark `in_use` when it has announced
//! itself need not take the lock; a scan sets the mark before it looks at what was announced. One of the two sees
//! the other (both are sequentially consistent).
//!
//! Nothing of this is stored, and nothing depends on it but how far a scan walks. There are few ranges, those that
//! changed last: see [`MOST_RANGES`].

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::RwLock;

use crate::entry::{Sequence, successor};
use crate::log::Operation;

/// As many ranges are remembered.
const MOST_RANGES: usize = 64;
/// A range whose keys are longer is not remembered.
const LONGEST_KEY: usize = 1024;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct DeadRanges {
    /// The last sequence of the commits that have told their puts, or are about to.
    announced: AtomicU64,
    /// Whether there are, or are about to be, any ranges.
    in_use: AtomicBool,
    /// Disjoint and ascending.
    ranges: RwLock<Vec<DeadRange>>,
    /// Keys that scans passed over because they were deleted.
    passed: AtomicU64,
    /// What scans paid for entries that memory deletes, since that was last taken; in bytes of merges.
    paid_for_memory: AtomicU64,
}

/// Whoever reads at `since` or later sees no key from `start` up to, not including, `end`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct DeadRange {
    start: Vec<u8>,
    end: Vec<u8>,
    since: Sequence,
}

impl DeadRanges {
    /// Takes note of a commit: of the operations up to `last_sequence`, each with its sequence, which are linked and
    /// not yet published. `deletes_ranges` tells whether a range delete is among them.
    pub(crate) fn note_commit<'a>(
        &self,
        last_sequence: Sequence,
        deletes_ranges: bool,
        operations: impl Iterator<Item = (Sequence, Operation<'a>)>,
    ) {
        self.announced.store(last_sequence, Ordering::SeqCst);
        if deletes_ranges {
            self.in_use.store(true, Ordering::SeqCst);
        } else if !self.in_use.load(Ordering::SeqCst) {
            return;
        }
        let mut ranges = self.ranges.write();
        for (sequence, operation) in operations {
            match operation {
                Operation::Put { key, .. }
                | Operation::PutStored { key, .. }
                | Operation::PutMarked { key, .. } => cut(&mut ranges, key),
                Operation::Delete { .. } => {}
                Operation::DeleteRange { start, end } => add(&mut ranges, start, end, sequence),
            }
        }
    }

    /// Takes note of an ingestion of this sequence with keys from `start` up to, not including, `end`; it is not yet
    /// published.
    pub(crate) fn note_ingestion(&self, sequence: Sequence, start: &[u8], end: &[u8]) {
        self.announced.store(sequence, Ordering::SeqCst);
        if self.in_use.load(Ordering::SeqCst) {
            cut_range(&mut self.ranges.write(), start, end);
        }
    }

    /// Takes note that a scan at `snapshot` saw no key from `start` up to, not including, `end`.
    pub(super) fn note_empty(&self, start: &[u8], end: &[u8], snapshot: Sequence) {
        let mut ranges = self.ranges.write();
        self.in_use.store(true, Ordering::SeqCst);
        if self.announced.load(Ordering::SeqCst) <= snapshot {
            add(&mut ranges, start, end, snapshot);
        }
    }

    /// Whether `key` is in a range in which a reader at `snapshot` sees nothing; where that starts and ends.
    pub(crate) fn around(&self, key: &[u8], snapshot: Sequence, bounds: &mut (Vec<u8>, Vec<u8>)) -> bool {
        if !self.in_use.load(Ordering::Relaxed) {
            return false;
        }
        let ranges = self.ranges.read();
        let at = ranges.partition_point(|range| range.end.as_slice() <= key);
        let holds = |range: &&DeadRange| range.start.as_slice() <= key && range.since <= snapshot;
        let Some(range) = ranges.get(at).filter(holds) else { return false };
        bounds.0.clone_from(&range.start);
        bounds.1.clone_from(&range.end);
        true
    }

    pub(super) fn note_passed(&self, keys: u64) {
        self.passed.fetch_add(keys, Ordering::Relaxed);
    }

    /// Takes note of what a scan paid for entries that memory deletes.
    pub(crate) fn note_paid_for_memory(&self, bytes: u64) {
        self.paid_for_memory.fetch_add(bytes, Ordering::Relaxed);
    }

    /// What scans have paid for these.
    pub(crate) fn paid_for_memory(&self) -> u64 {
        self.paid_for_memory.load(Ordering::Relaxed)
    }

    /// Takes a share of it, so much of so much.
    pub(crate) fn take_paid_for_memory(&self, part: u64, whole: u64) -> u64 {
        let paid = self.paid_for_memory();
        let taken = (u128::from(paid) * u128::from(part) / u128::from(whole.max(1))) as u64;
        // Only who flushes takes, in turn, so that there is as much.
        self.paid_for_memory.fetch_sub(taken, Ordering::Relaxed);
        taken
    }

    /// How many deleted keys scans have passed over, step by step.
    pub(crate) fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }
}

/// Takes `key` out of the range that it is in.
fn cut(ranges: &mut Vec<DeadRange>, key: &[u8]) {
    let at = ranges.partition_point(|range| range.end.as_slice() <= key);
    let Some(range) = ranges.get_mut(at).filter(|range| range.start.as_slice() <= key) else { return };
    let after = DeadRange { start: successor(key), ..range.clone() };
    range.end = key.to_vec();
    if range.start == range.end {
        ranges.remove(at);
        insert(ranges, after);
    } else if ranges.len() < MOST_RANGES {
        insert(ranges, after);
    }
}

/// Takes all keys from `start` up to, not including, `end` out of the ranges that they are in.
fn cut_range(ranges: &mut Vec<DeadRange>, start: &[u8], end: &[u8]) {
    let first = ranges.partition_point(|range| range.end.as_slice() <= start);
    let after = ranges.partition_point(|range| range.start.as_slice() < end).max(first);
    let touched: Vec<DeadRange> = ranges.drain(first..after).collect();
    if let (Some(left), Some(right)) = (touched.first(), touched.last()) {
        let (left, right) = (left.clone(), right.clone());
        let right_start = right.start.clone().max(end.to_vec());
        let left_end = left.end.clone().min(start.to_vec());
        insert(ranges, DeadRange { end: left_end, ..left });
        if ranges.len() < MOST_RANGES {
            insert(ranges, DeadRange { start: right_start, ..right });
        }
    }
}

/// Adds a range and joins those that it touches.
fn add(ranges: &mut Vec<DeadRange>, start: &[u8], end: &[u8], since: Sequence) {
    if start.len().max(end.len()) > LONGEST_KEY {
        return;
    }
    let first = ranges.partition_point(|range| range.end.as_slice() < start);
    let after = ranges.partition_point(|range| range.start.as_slice() <= end);
    let mut joined = DeadRange { start: start.to_vec(), end: end.to_vec(), since };
    for range in ranges.drain(first..after.max(first)) {
        joined.start = joined.start.min(range.start);
        joined.end = joined.end.max(range.end);
        joined.since = joined.since.max(range.since);
    }
    if ranges.len() >= MOST_RANGES
        && let Some((oldest, _)) = ranges.iter().enumerate().min_by_key(|(_, range)| range.since)
    {
        ranges.remove(oldest);
    }
    insert(ranges, joined);
}

/// Puts a range that touches no other in its place; an empty one nowhere.
fn insert(ranges: &mut Vec<DeadRange>, range: DeadRange) {
    if range.start < range.end {
        let at = ranges.partition_point(|other| other.start < range.start);
        ranges.insert(at, range);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Put(u8),
        Delete(u8),
        DeleteRange(u8, u8),
        /// Puts of every second key from the first to before the second, all at once.
        Ingest(u8, u8),
        /// A scan from the first key to the second at the present, or so many steps ago.
        Scan(u8, u8, u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let ago = prop_oneof![4 => Just(0), 1 => 0_u64..20];
        let step = prop_oneof![
            4 => (0_u8..40).prop_map(Step::Put),
            4 => (0_u8..40).prop_map(Step::Delete),
            1 => (0_u8..40, 0_u8..41).prop_map(|(start, end)| Step::DeleteRange(start, end)),
            1 => (0_u8..40, 0_u8..41).prop_map(|(start, end)| Step::Ingest(start, end)),
            4 => (0_u8..40, 0_u8..41, ago).prop_map(|(start, end, ago)| Step::Scan(start, end, ago)),
        ];
        prop::collection::vec(step, 1..200)
    }

    /// What is there after each step that changed something.
    type States = Vec<[bool; 41]>;

    fn run(dead: &DeadRanges, states: &mut States, step: &Step) {
        let mut state = *states.last().unwrap();
        let sequence = states.len() as u64;
        let told = match step {
            Step::Put(key) => {
                state[usize::from(*key)] = true;
                Operation::Put { key: &[*key], value: &[] }
            }
            Step::Delete(key) => {
                state[usize::from(*key)] = false;
                Operation::Delete { key: &[*key] }
            }
            Step::DeleteRange(start, end) if start < end => {
                state[usize::from(*start)..usize::from(*end)].fill(false);
                Operation::DeleteRange { start: &[*start], end: &[*end] }
            }
            Step::Ingest(start, end) if start < end => {
                (*start..*end).step_by(2).for_each(|key| state[usize::from(key)] = true);
                dead.note_ingestion(sequence, &[*start], &[*end]);
                states.push(state);
                return;
            }
            Step::DeleteRange(..) | Step::Ingest(..) => return,
            Step::Scan(start, end, ago) => {
                let snapshot = (sequence - 1).saturating_sub(*ago);
                let seen = &states[snapshot as usize][usize::from(*start)..usize::from(*end.max(start))];
                if start < end && seen.iter().all(|there| !there) {
                    dead.note_empty(&[*start], &[*end], snapshot);
                }
                return;
            }
        };
        let deletes_ranges = matches!(told, Operation::DeleteRange { .. });
        dead.note_commit(sequence, deletes_ranges, [(sequence, told)].into_iter());
        states.push(state);
    }

    #[test]
    fn what_was_paid_for_memory_leaves_with_a_share_of_it() {
        let ranges = DeadRanges::default();
        ranges.note_paid_for_memory(100);
        assert_eq!(ranges.take_paid_for_memory(1, 4), 25);
        assert_eq!(ranges.paid_for_memory(), 75);
        assert_eq!(ranges.take_paid_for_memory(0, 0), 0);
        assert_eq!(ranges.take_paid_for_memory(3, 3), 75);
        assert_eq!(ranges.paid_for_memory(), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

        #[test]
        fn what_is_called_empty_is_empty_at_every_snapshot(steps in steps()) {
            let dead = DeadRanges::default();
            let mut states: States = vec![[false; 41]];
            for step in &steps {
                run(&dead, &mut states, step);
            }
            for (state, snapshot) in states.iter().zip(0..) {
                for key in 0..40_u8 {
                    let mut bounds = (Vec::new(), Vec::new());
                    if dead.around(&[key], snapshot, &mut bounds) {
                        prop_assert!(bounds.0 <= vec![key] && vec![key] < bounds.1);
                        let mut within = (0..41_u8).filter(|key| bounds.0 <= vec![*key] && vec![*key] < bounds.1);
                        prop_assert!(within.all(|key| !state[usize::from(key)]), "at {}: {:?}", snapshot, dead);
                    }
                }
            }
            let ranges = dead.ranges.read();
            prop_assert!(ranges.is_sorted_by(|left, right| left.end <= right.start));
            prop_assert!(ranges.iter().all(|range| range.start < range.end) && ranges.len() <= MOST_RANGES);
        }
    }

    #[test]
    fn a_scan_that_something_was_committed_after_is_not_believed() {
        let dead = DeadRanges::default();
        let put = |key| Operation::Put { key, value: b"" };
        dead.note_commit(5, false, [(5, put(b"m"))].into_iter());
        dead.note_empty(b"a", b"z", 4);
        let mut bounds = (Vec::new(), Vec::new());
        assert!(!dead.around(b"c", 9, &mut bounds));
        dead.note_empty(b"n", b"z", 5);
        assert!(dead.around(b"o", 9, &mut bounds));
        assert!(!dead.around(b"o", 4, &mut bounds), "who reads before that may see something");
    }

    #[test]
    fn no_more_are_kept_than_there_may_be() {
        let dead = DeadRanges::default();
        for number in 0..1000_u32 {
            dead.note_empty(&(2 * number).to_be_bytes(), &(2 * number + 1).to_be_bytes(), u64::from(number));
        }
        let count = || dead.ranges.read().len();
        assert!((2..=MOST_RANGES).contains(&count()));
        dead.note_empty(b"", &[0xff; 4], 2000);
        assert_eq!(count(), 1);
        for number in 0..1000_u32 {
            let put = Operation::Put { key: &number.to_be_bytes(), value: b"" };
            dead.note_commit(3000, false, [(3000, put)].into_iter());
        }
        assert!(count() <= MOST_RANGES);
    }
}
