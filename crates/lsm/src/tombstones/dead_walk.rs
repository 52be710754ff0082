//! What one scan passes over because it is deleted: told to, and asked of, [`DeadRanges`].

use std::sync::Arc;

use super::DeadRanges;
use crate::entry::{Sequence, successor};

/// A stretch of deleted keys is worth remembering from so many on.
const WORTH_NOTING: u64 = 64;
/// And from so many on where it makes a known range longer, as each entry does that is taken from a queue.
const WORTH_PROLONGING: u64 = 8;
/// While one is being passed it is told each time it has grown by so many keys, in case a commit comes before its end.
const NOTED_EVERY: u64 = 1024;
/// And asked whether the rest is known at its first key, where that is likely, and after so many more.
const ASKED_EVERY: u64 = 16;

/// Where a scan goes on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Onward {
    /// One step further.
    Step,
    /// Past the range that [`DeadWalk::bounds`] has.
    Past,
    /// Nowhere: nothing more of what was asked for is seen.
    Out,
}

/// One way through a range of keys at one snapshot.
#[derive(Debug)]
pub(crate) struct DeadWalk {
    ranges: Arc<DeadRanges>,
    snapshot: Sequence,
    /// What was asked for: the first key, and the first after. Nothing is known beyond.
    asked: (Vec<u8>, Vec<u8>),
    /// The first deleted key of the present stretch, or one before which nothing else is seen, and how many were
    /// stepped over.
    first: Vec<u8>,
    has_first: bool,
    passed: u64,
    bounds: (Vec<u8>, Vec<u8>),
    /// Whether it asks at the first key of a stretch.
    asks_at_once: bool,
    /// Whether the present stretch begins in a range that was known, or right behind it.
    is_prolonged: bool,
}

impl DeadWalk {
    /// Of a scan at `snapshot` from `start` up to, not including, `end`.
    pub(crate) fn new(ranges: Arc<DeadRanges>, snapshot: Sequence, start: &[u8], end: &[u8]) -> Self {
        let asked = (start.to_vec(), end.to_vec());
        let bounds = (Vec::new(), Vec::new());
        let (asks_at_once, is_prolonged, has_first) = (true, false, false);
        let (first, passed) = (Vec::new(), 0);
        DeadWalk { ranges, snapshot, asked, first, has_first, passed, bounds, asks_at_once, is_prolonged }
    }

    /// The way up begins at `start`; a range that is known ends there, or not.
    pub(crate) fn begin_at(&mut self, start: &[u8], is_known: bool) {
        self.first.clear();
        self.first.extend_from_slice(start);
        (self.has_first, self.is_prolonged) = (true, is_known);
    }

    /// Whether it asks at the first key of a stretch, which is worth while where many are likely to follow.
    #[inline]
    pub(crate) fn ask_at_once(&mut self, asks: bool) {
        self.asks_at_once = asks;
    }

    /// The range to seek past: its first key, and the first after it.
    pub(crate) fn bounds(&self) -> (&[u8], &[u8]) {
        (&self.bounds.0, &self.bounds.1)
    }

    /// Nothing of `key` is seen, on the way up.
    pub(crate) fn pass_forward(&mut self, key: &[u8]) -> Onward {
        if key >= self.asked.1.as_slice() {
            return Onward::Out;
        }
        self.count(key);
        if self.passed.is_multiple_of(NOTED_EVERY) {
            self.ranges.note_empty(&self.first, key, self.snapshot);
        }
        match self.is_known(key) {
            true if self.bounds.1 >= self.asked.1 => Onward::Out,
            true => Onward::Past,
            false => Onward::Step,
        }
    }

    /// Nothing of `key` is seen, on the way down.
    pub(crate) fn pass_backward(&mut self, key: &[u8]) -> Onward {
        if key < self.asked.0.as_slice() {
            return Onward::Out;
        }
        self.count(key);
        if self.passed.is_multiple_of(NOTED_EVERY) {
            self.ranges.note_empty(key, &successor(&self.first), self.snapshot);
        }
        match self.is_known(key) {
            true if self.bounds.0 <= self.asked.0 => Onward::Out,
            true => Onward::Past,
            false => Onward::Step,
        }
    }

    /// The way up has come to a key that is seen, or to the end.
    pub(crate) fn stop_forward(&mut self, key: Option<&[u8]>) {
        if self.is_worth_noting() {
            let end = key.map_or(self.asked.1.as_slice(), |key| key.min(self.asked.1.as_slice()));
            if self.first.as_slice() < end {
                self.ranges.note_empty(&self.first, end, self.snapshot);
            }
        }
        self.end_stretch();
    }

    /// The way down has come to a key that is seen, or to the start.
    pub(crate) fn stop_backward(&mut self, key: Option<&[u8]>) {
        if self.is_worth_noting() {
            let start = key.map_or(self.asked.0.clone(), |key| successor(key).max(self.asked.0.clone()));
            if start <= self.first {
                self.ranges.note_empty(&start, &successor(&self.first), self.snapshot);
            }
        }
        self.end_stretch();
    }

    fn is_worth_noting(&self) -> bool {
        self.passed >= if self.is_prolonged { WORTH_PROLONGING } else { WORTH_NOTING }
    }

    fn count(&mut self, key: &[u8]) {
        if !self.has_first {
            self.has_first = true;
            self.first.clear();
            self.first.extend_from_slice(key);
        }
        self.passed += 1;
    }

    fn is_known(&mut self, key: &[u8]) -> bool {
        let is_time = self.passed == 1 && self.asks_at_once || self.passed.is_multiple_of(ASKED_EVERY);
        let is_known = is_time && self.ranges.around(key, self.snapshot, &mut self.bounds);
        self.is_prolonged |= is_known;
        is_known
    }

    fn end_stretch(&mut self) {
        (self.has_first, self.is_prolonged) = (false, false);
        if self.passed > 0 {
            self.ranges.note_passed(std::mem::take(&mut self.passed));
        }
    }
}
