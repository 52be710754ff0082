//! Drops collections and databases.

use super::Documents;
use super::transact::Attempt;
use crate::catalog::CollectionEntry;
use crate::error::{Code, Error, Result};
use crate::namespace::{Namespace, check_database_name};
use crate::record::{index_prefix, record_prefix};
use crate::store::{KeyRange, StoreTransaction};

impl Documents {
    /// Drops a collection with its documents and indexes; tells how many indexes it had.
    ///
    /// # Errors
    /// `NamespaceNotFound` (26) if there is none of this name.
    pub fn drop_collection(&self, namespace: &Namespace) -> Result<usize> {
        self.inner.transact(false, |transaction| {
            let entry = self
                .inner
                .catalog
                .find(&&*transaction, namespace)?
                .ok_or_else(|| Error::new(Code::NamespaceNotFound, "ns not found"))?;
            self.inner.catalog.remove(transaction, namespace)?;
            delete_content(transaction, &entry)?;
            Ok(Attempt::Commit(entry.indexes.len() + 1))
        })
    }

    /// Drops all collections of a database at once; tells whether there was one.
    ///
    /// # Errors
    /// `InvalidNamespace` (73) for a name that no database can have.
    pub fn drop_database(&self, database: &str) -> Result<bool> {
        check_database_name(database)?;
        self.inner.transact(false, |transaction| {
            let entries = self.inner.catalog.list(&&*transaction, Some(database))?;
            for entry in &entries {
                self.inner.catalog.remove(transaction, &entry.namespace)?;
                delete_content(transaction, entry)?;
            }
            Ok(Attempt::Commit(!entries.is_empty()))
        })
    }
}

pub(super) fn delete_content(transaction: &mut dyn StoreTransaction, entry: &CollectionEntry) -> Result<()> {
    transaction.delete_range(KeyRange::prefix(record_prefix(entry.id)))?;
    for index in &entry.indexes {
        transaction.delete_range(KeyRange::prefix(index_prefix(index.id)))?;
    }
    Ok(())
}
