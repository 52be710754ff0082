//! A store in memory: a `BTreeMap` of versions with snapshots and optimistic transactions.

mod state;
mod transaction;
mod view;

use std::sync::Arc;

use parking_lot::RwLock;

use self::state::State;
use self::transaction::MemoryTransaction;
use self::view::Snapshot;
use super::{Limits, OrderedStore, ReadView, StoreError, StoreStatistics, StoreTransaction};

/// An [`OrderedStore`] that keeps everything in memory and nothing on a device.
///
/// For tests and for embedding. Clones share the same content. A snapshot costs a counter, a commit costs
/// O(log n) per written key; versions that no snapshot can see any more are dropped by later commits.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    state: Arc<RwLock<State>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }
}

impl OrderedStore for MemoryStore {
    fn snapshot(&self) -> Result<Arc<dyn ReadView>, StoreError> {
        Ok(Arc::new(Snapshot::take(&self.state)))
    }

    fn begin(&self) -> Result<Box<dyn StoreTransaction>, StoreError> {
        Ok(Box::new(MemoryTransaction::begin(&self.state)))
    }

    fn limits(&self) -> Limits {
        Limits { key_bytes: 65_535, value_bytes: u32::MAX as usize, transaction_bytes: 64 << 20 }
    }

    fn sync(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn statistics(&self) -> StoreStatistics {
        self.state.read().statistics()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{CommitOptions, conformance};

    #[test]
    fn conforms() {
        conformance::run(|| Arc::new(MemoryStore::new()));
    }

    #[test]
    fn versions_that_nobody_can_see_are_dropped() {
        let store = MemoryStore::new();
        let write = |value: &[u8]| {
            let mut transaction = store.begin().unwrap();
            transaction.put(b"key", value).unwrap();
            transaction.commit(CommitOptions::default()).unwrap();
        };
        write(b"0");
        let old = store.snapshot().unwrap();
        for round in 0..100_u8 {
            write(&[round]);
        }
        assert_eq!(old.get(b"key").unwrap().as_deref(), Some(&b"0"[..]));
        drop(old);
        write(b"last");
        write(b"last");
        assert!(store.state.read().version_count() <= 3);
    }
}
