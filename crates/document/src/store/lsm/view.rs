//! Snapshots of the engine as views of the store.

use std::ops::Bound;

use stroma_lsm::{Keyspace, Range, Snapshot};

use super::failure::failed;
use crate::store::{Direction, Entries, KeyRange, ReadView, StoreError};

/// One moment of the keyspace.
pub(super) struct LsmView {
    pub(super) snapshot: Snapshot,
    pub(super) keyspace: Keyspace,
}

impl ReadView for LsmView {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.snapshot.get(&self.keyspace, key).map_err(failed)?.map(Into::into))
    }

    fn scan(&self, range: KeyRange, direction: Direction) -> Result<Entries<'static>, StoreError> {
        Ok(entries(self.snapshot.range(&self.keyspace, bounds(range)), direction))
    }
}

/// A range as the engine takes it.
pub(super) fn bounds(range: KeyRange) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    (Bound::Included(range.start), range.end.map_or(Bound::Unbounded, Bound::Excluded))
}

/// The entries of a range of the engine, from one of its ends.
pub(super) fn entries(range: Range, direction: Direction) -> Entries<'static> {
    let entry = |entry: Result<(Vec<u8>, stroma_lsm::Value), stroma_lsm::Error>| {
        entry.map(|(key, value)| (key, value.into_vec())).map_err(failed)
    };
    match direction {
        Direction::Forward => Box::new(range.map(entry)),
        Direction::Backward => Box::new(range.rev().map(entry)),
    }
}
