//! Lists databases and collections.

use std::collections::BTreeMap;

use super::Documents;
use crate::error::Result;
use crate::namespace::{Namespace, check_database_name};
use crate::record::{index_prefix, record_prefix};
use crate::store::{Direction, KeyRange, ReadView};

/// A database in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseInfo {
    /// Its name.
    pub name: String,
    /// How many collections it has.
    pub collections: usize,
}

/// A collection in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionInfo {
    /// Its full name.
    pub namespace: Namespace,
    /// The bytes of its UUID.
    pub uuid: [u8; 16],
    /// How many indexes it has, that on `_id` included.
    pub indexes: usize,
}

impl Documents {
    /// The databases that have a collection, by name.
    ///
    /// # Errors
    /// Any error of the store.
    pub fn list_databases(&self) -> Result<Vec<DatabaseInfo>> {
        let view = self.inner.store.snapshot()?;
        let mut databases = BTreeMap::<String, usize>::new();
        for entry in self.inner.catalog.list(&view, None)? {
            *databases.entry(entry.namespace.database().to_owned()).or_default() += 1;
        }
        Ok(databases.into_iter().map(|(name, collections)| DatabaseInfo { name, collections }).collect())
    }

    /// The collections of a database, by name.
    ///
    /// # Errors
    /// `InvalidNamespace` (73) for a name that no database can have; any error of the store.
    pub fn list_collections(&self, database: &str) -> Result<Vec<CollectionInfo>> {
        check_database_name(database)?;
        let view = self.inner.store.snapshot()?;
        let entries = self.inner.catalog.list(&view, Some(database))?;
        let info = |entry: std::sync::Arc<crate::catalog::CollectionEntry>| CollectionInfo {
            namespace: entry.namespace.clone(),
            uuid: entry.uuid,
            indexes: entry.indexes.len() + 1,
        };
        Ok(entries.into_iter().map(info).collect())
    }

    /// The bytes of keys and values that a database's documents and indexes take before compression.
    /// Walks all of them.
    ///
    /// # Errors
    /// As [`Documents::list_collections`].
    pub fn database_bytes(&self, database: &str) -> Result<u64> {
        check_database_name(database)?;
        let view = self.inner.store.snapshot()?;
        let mut bytes = 0;
        for entry in self.inner.catalog.list(&view, Some(database))? {
            bytes += range_size(&*view, KeyRange::prefix(record_prefix(entry.id)))?.1;
            for index in &entry.indexes {
                bytes += range_size(&*view, KeyRange::prefix(index_prefix(index.id)))?.1;
            }
        }
        Ok(bytes)
    }
}

/// How many entries a range has and how many bytes their keys and values take.
pub(crate) fn range_size(view: &dyn ReadView, range: KeyRange) -> Result<(u64, u64)> {
    let mut size = (0, 0);
    for entry in view.scan(range, Direction::Forward)? {
        let (key, value) = entry?;
        size.0 += 1;
        size.1 += (key.len() + value.len()) as u64;
    }
    Ok(size)
}
