//! The part of a range that a scan has walked over so far.

use parking_lot::Mutex;

use crate::keyspace::KeyRange;

/// Shared by a scan, which widens it, and its transaction, which reads it at the commit. The scan goes from both
/// ends towards the middle, so what was read is all but one gap.
#[derive(Debug)]
pub(crate) struct TrackedRange {
    whole: KeyRange,
    /// What was not read yet, `None` once all was.
    gap: Mutex<Option<KeyRange>>,
}

impl TrackedRange {
    pub(crate) fn new(whole: KeyRange) -> Self {
        let gap = Mutex::new(Some(whole.clone()));
        TrackedRange { whole, gap }
    }

    /// Everything before `key` was read.
    pub(crate) fn read_up_to(&self, key: &[u8]) {
        if let Some(gap) = &mut *self.gap.lock() {
            gap.start.clear();
            gap.start.extend_from_slice(key);
        }
    }

    /// Everything from `key` on was read.
    pub(crate) fn read_down_to(&self, key: &[u8]) {
        if let Some(gap) = &mut *self.gap.lock() {
            gap.end.clear();
            gap.end.extend_from_slice(key);
        }
    }

    /// Everything was read.
    pub(crate) fn read_whole(&self) {
        *self.gap.lock() = None;
    }

    /// What was read: up to two ranges.
    pub(crate) fn parts(&self) -> Vec<KeyRange> {
        let mut parts = match &*self.gap.lock() {
            None => vec![self.whole.clone()],
            Some(gap) => vec![
                KeyRange { start: self.whole.start.clone(), end: gap.start.clone() },
                KeyRange { start: gap.end.clone(), end: self.whole.end.clone() },
            ],
        };
        parts.retain(|part| !part.is_empty());
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_all_but_the_gap() {
        let range = |start: &str, end: &str| KeyRange { start: start.into(), end: end.into() };
        let tracked = TrackedRange::new(range("a", "z"));
        assert_eq!(tracked.parts(), []);
        tracked.read_up_to(b"c");
        tracked.read_down_to(b"x");
        assert_eq!(tracked.parts(), [range("a", "c"), range("x", "z")]);
        tracked.read_whole();
        assert_eq!(tracked.parts(), [range("a", "z")]);
    }
}
