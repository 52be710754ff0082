//! From which length on values go to value files.

use crate::entry::EntryRef;
use crate::rules::KeyspaceStoring;

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Thresholds {
    usual: usize,
    keyspaces: KeyspaceStoring,
}

impl Thresholds {
    /// So many bytes where `keyspaces` do not say otherwise.
    pub(crate) fn new(usual: usize, keyspaces: KeyspaceStoring) -> Self {
        // An empty value has no place in a value file.
        Thresholds { usual: usual.max(1), keyspaces }
    }

    /// That of an entry, in bytes.
    pub(super) fn of(&self, entry: &EntryRef<'_>) -> usize {
        self.keyspaces.value_threshold(entry.user_key, self.usual)
    }
}
