//! The traits that a store of documents implements: ordered keys, snapshots, serializable transactions.

use std::sync::Arc;

use super::{Direction, KeyRange, StoreError};

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// A stream of entries in key order (or against it, for a backward scan).
pub type Entries<'a> = Box<dyn Iterator<Item = Result<Entry, StoreError>> + Send + 'a>;

/// An ordered key-value store with snapshots and optimistic serializable transactions.
///
/// Everything the document layer keeps goes through this trait, so that an embedding, a local engine or a
/// remote one may hold it. All methods are synchronous and may block on the device. An implementation runs
/// [`conformance::run`](super::conformance::run) in its tests.
pub trait OrderedStore: Send + Sync + 'static {
    /// A view of everything committed up to now, which no later commit changes.
    fn snapshot(&self) -> Result<Arc<dyn ReadView>, StoreError>;

    /// Begins a transaction on the state of now.
    fn begin(&self) -> Result<Box<dyn StoreTransaction>, StoreError>;

    /// How large keys, values and transactions may be.
    fn limits(&self) -> Limits;

    /// Makes everything committed so far survive a crash of the machine.
    fn sync(&self) -> Result<(), StoreError>;

    /// Whether nothing can be written, so that every commit of changes fails with [`StoreError::ReadOnly`].
    fn is_read_only(&self) -> bool {
        false
    }

    /// Sizes, for `stats` commands and metrics.
    fn statistics(&self) -> StoreStatistics;
}

/// A frozen state of the store.
pub trait ReadView: Send + Sync {
    /// The value under `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// The entries of `range`. The stream stands on its own: it keeps alive what it reads.
    fn scan(&self, range: KeyRange, direction: Direction) -> Result<Entries<'static>, StoreError>;
}

/// A transaction: reads the state of its beginning and its own writes; its commit succeeds only if nothing
/// it read was changed meanwhile, so that committed transactions are as if run one after another.
///
/// Dropping it without a commit undoes it.
pub trait StoreTransaction: Send {
    /// The value under `key`; from then on a commit of another transaction to `key` is a conflict.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// The entries of `range`; what was walked (absent keys too) is guarded like a key that was read.
    fn scan(&self, range: KeyRange, direction: Direction) -> Result<Entries<'_>, StoreError>;

    /// Sets the value of `key`.
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError>;

    /// Removes `key` if it is there.
    fn delete(&mut self, key: &[u8]) -> Result<(), StoreError>;

    /// Removes every key of `range` that is there when the transaction commits. Reads nothing.
    fn delete_range(&mut self, range: KeyRange) -> Result<(), StoreError>;

    /// Applies all writes at once, or none.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if something that was read has changed; nothing is written then.
    fn commit(self: Box<Self>, options: CommitOptions) -> Result<CommitToken, StoreError>;
}

/// How a commit is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CommitOptions {
    /// Return only when the commit survives a crash of the machine.
    pub synced: bool,
}

/// Names a commit: a later commit of the same store has a larger token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CommitToken {
    /// Which writer committed; grows when another writer takes the store over.
    pub epoch: u64,
    /// Where among that writer's commits.
    pub sequence: u64,
}

/// How large things may be, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest key.
    pub key_bytes: usize,
    /// The longest value.
    pub value_bytes: usize,
    /// The most that one transaction should write; bulk writes are cut into chunks below it.
    pub transaction_bytes: usize,
}

/// Sizes of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreStatistics {
    /// Bytes of keys and values in memory.
    pub memory_bytes: u64,
    /// Bytes on the device.
    pub disk_bytes: u64,
    /// Commits since the store was opened.
    pub commits: u64,
    /// Commits refused because of a conflict since the store was opened.
    pub conflicts: u64,
}
