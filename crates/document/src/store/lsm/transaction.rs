//! Transactions of the engine as transactions of the store.

use stroma_lsm::{Keyspace, Transaction};

use super::durability;
use super::failure::failed;
use super::view::{bounds, entries};
use crate::store::{CommitOptions, CommitToken, Direction, Entries, KeyRange, StoreError, StoreTransaction};

/// A transaction on the keyspace.
pub(super) struct LsmTransaction {
    pub(super) transaction: Transaction,
    pub(super) keyspace: Keyspace,
}

impl StoreTransaction for LsmTransaction {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.transaction.get(&self.keyspace, key).map_err(failed)?.map(Into::into))
    }

    fn scan(&self, range: KeyRange, direction: Direction) -> Result<Entries<'_>, StoreError> {
        Ok(entries(self.transaction.range(&self.keyspace, bounds(range)), direction))
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.transaction.put(&self.keyspace, key, value).map_err(failed)
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), StoreError> {
        self.transaction.delete(&self.keyspace, key).map_err(failed)
    }

    fn delete_range(&mut self, range: KeyRange) -> Result<(), StoreError> {
        self.transaction.delete_range(&self.keyspace, bounds(range)).map_err(failed)
    }

    fn commit(self: Box<Self>, options: CommitOptions) -> Result<CommitToken, StoreError> {
        let committed = match durability(options.synced) {
            Some(durability) => self.transaction.commit_with(durability),
            None => self.transaction.commit(),
        };
        let token = committed.map_err(failed)?;
        Ok(CommitToken { epoch: token.epoch, sequence: token.sequence })
    }
}
