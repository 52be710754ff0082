//! The store on Stromatolite's own engine: one keyspace of a database.

mod failure;
mod transaction;
mod view;

use std::sync::Arc;

use stroma_lsm::{Database, Durability, Keyspace};

use self::failure::failed;
use self::transaction::LsmTransaction;
use self::view::LsmView;
use super::{Limits, OrderedStore, ReadView, StoreError, StoreStatistics, StoreTransaction};

/// An [`OrderedStore`] in a [`Database`] of `stroma-lsm`. Clones are the same store.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use stroma_document::store::LsmStore;
/// use stroma_document::{Documents, Options};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path();
/// let database = stroma_lsm::Database::open(path, stroma_lsm::Options::default())?;
/// let store = LsmStore::new(database.clone(), stroma_lsm::Options::default().memory_bytes)?;
/// let documents = Documents::open(Arc::new(store), Options::default())?;
/// assert!(documents.list_databases()?.is_empty());
/// # drop(documents);
/// database.close()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct LsmStore {
    database: Database,
    keyspace: Keyspace,
    transaction_bytes: usize,
}

impl LsmStore {
    /// The name of the keyspace that the documents take.
    pub const KEYSPACE: &str = "documents";

    /// A store in the keyspace `documents` of `database`, which was opened with a budget of `memory_bytes`. Of a
    /// database that was opened to be read it shows that one moment.
    ///
    /// # Errors
    /// Failure of the engine to open the keyspace; there must be one if it is to be read only.
    pub fn new(database: Database, memory_bytes: usize) -> Result<LsmStore, StoreError> {
        let keyspace = database.keyspace(LsmStore::KEYSPACE).map_err(failed)?;
        // The engine takes batches of a quarter of its memory; entries have some bytes of overhead there.
        Ok(LsmStore { database, keyspace, transaction_bytes: memory_bytes / 8 })
    }

    /// The engine, for maintenance and its own statistics.
    pub fn database(&self) -> &Database {
        &self.database
    }
}

impl OrderedStore for LsmStore {
    fn snapshot(&self) -> Result<Arc<dyn ReadView>, StoreError> {
        Ok(Arc::new(LsmView { snapshot: self.database.snapshot(), keyspace: self.keyspace.clone() }))
    }

    fn begin(&self) -> Result<Box<dyn StoreTransaction>, StoreError> {
        let transaction = self.database.transaction();
        Ok(Box::new(LsmTransaction { transaction, keyspace: self.keyspace.clone() }))
    }

    fn limits(&self) -> Limits {
        Limits {
            key_bytes: 65_535,
            value_bytes: u32::MAX as usize >> 1,
            transaction_bytes: self.transaction_bytes,
        }
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.database.sync().map_err(failed)
    }

    fn is_read_only(&self) -> bool {
        self.database.is_read_only()
    }

    fn statistics(&self) -> StoreStatistics {
        let statistics = self.database.statistics();
        StoreStatistics {
            memory_bytes: statistics.memory_used as u64,
            disk_bytes: statistics.levels.iter().map(|level| level.bytes).sum(),
            commits: statistics.commits,
            conflicts: statistics.conflicts,
        }
    }
}

/// The engine's durability of a commit: that of the database, or synced.
fn durability(synced: bool) -> Option<Durability> {
    synced.then_some(Durability::Synced)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance;
    use stroma_lsm::Options;

    #[test]
    fn conforms() {
        let folders = std::cell::RefCell::new(Vec::new());
        conformance::run(|| {
            let folder = tempfile::tempdir().unwrap();
            let options = Options { memory_bytes: 4 << 20, background_threads: 0, ..Options::default() };
            let database = Database::open(folder.path(), options).unwrap();
            folders.borrow_mut().push(folder);
            Arc::new(LsmStore::new(database, 4 << 20).unwrap())
        });
    }
}
