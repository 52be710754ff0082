//! One fragment of a set of range tombstones: a range of keys and the sequences that deleted it.

use std::sync::Arc;

use crate::entry::Sequence;
use crate::merging::Visibility;

/// The keys from `start` up to, not including, `end`, all deleted by the same range deletes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fragment {
    /// The first key of the range.
    pub(crate) start: Arc<[u8]>,
    /// The first key after the range.
    pub(crate) end: Arc<[u8]>,
    /// When it was deleted, newest first; never empty, without repeats.
    pub(crate) sequences: Vec<Sequence>,
}

impl Fragment {
    /// The last key of the range if there is one (the end is the successor of a key, that is, it ends in a zero
    /// byte); else the end, which all keys of the range are less than.
    pub(crate) fn last_key(&self) -> &[u8] {
        self.end.strip_suffix(&[0]).unwrap_or(&self.end)
    }

    /// Whether `key` is in the range.
    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        *self.start <= *key && *key < *self.end
    }

    /// The newest of its range deletes that `visibility` sees.
    pub(crate) fn newest(&self, visibility: Visibility) -> Option<Sequence> {
        self.sequences.iter().copied().find(|&sequence| visibility.sees(sequence))
    }

    /// Adds a range delete of the whole fragment.
    pub(super) fn add(&mut self, sequence: Sequence) {
        let at = self.sequences.partition_point(|&other| other > sequence);
        if self.sequences.get(at) != Some(&sequence) {
            self.sequences.insert(at, sequence);
        }
    }

    /// Takes off the part before `at`, which is after its start and not after its end.
    pub(super) fn cut_off(&mut self, at: &Arc<[u8]>) -> Self {
        let before = self.over(&self.start, at);
        self.start = Arc::clone(at);
        before
    }

    /// Whether there are no keys in it.
    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// The same deletes over a part of the range.
    pub(super) fn over(&self, start: &Arc<[u8]>, end: &Arc<[u8]>) -> Self {
        Self { start: Arc::clone(start), end: Arc::clone(end), sequences: self.sequences.clone() }
    }
}
