//! `dropIndexes`: removes indexes of a collection by name, by key or all.

use bson::Document;

use super::Collection;
use crate::catalog::IndexEntry;
use crate::documents::Attempt;
use crate::error::{Code, Error, Result};
use crate::language::value::equal_documents;
use crate::record::index_prefix;
use crate::store::KeyRange;

/// Which indexes to drop.
#[derive(Debug, Clone, PartialEq)]
pub enum IndexSelection {
    /// All but that on `_id`.
    All,
    /// Those of these names.
    Names(Vec<String>),
    /// That of this key.
    Key(Document),
}

impl Collection {
    /// Drops indexes; tells how many there were before.
    ///
    /// # Errors
    /// `NamespaceNotFound` (26), `IndexNotFound` (27), `InvalidOptions` (72) for the index on `_id`.
    pub fn drop_indexes(&self, selection: &IndexSelection) -> Result<usize> {
        self.inner.transact(self.is_synced, |transaction| {
            let entry = self.inner.catalog.find(&&*transaction, &self.namespace)?.ok_or_else(|| {
                Error::new(Code::NamespaceNotFound, format!("ns not found {}", self.namespace))
            })?;
            check(selection, &entry.indexes)?;
            let mut kept = (*entry).clone();
            kept.indexes.retain(|index| !selection.has(index));
            for index in entry.indexes.iter().filter(|index| selection.has(index)) {
                transaction.delete_range(KeyRange::prefix(index_prefix(index.id)))?;
            }
            self.inner.catalog.put(transaction, &kept)?;
            Ok(Attempt::Commit(entry.indexes.len() + 1))
        })
    }
}

impl IndexSelection {
    fn has(&self, index: &IndexEntry) -> bool {
        match self {
            IndexSelection::All => true,
            IndexSelection::Names(names) => names.contains(&index.name),
            IndexSelection::Key(key) => equal_documents(&index.key, key),
        }
    }
}

fn check(selection: &IndexSelection, indexes: &[IndexEntry]) -> Result<()> {
    let cannot_drop_id = || Err(Error::new(Code::InvalidOptions, "cannot drop _id index"));
    match selection {
        IndexSelection::All => Ok(()),
        IndexSelection::Names(names) if names.iter().any(|name| name == "_id_") => cannot_drop_id(),
        IndexSelection::Names(names) => {
            match names.iter().find(|name| !indexes.iter().any(|index| index.name == **name)) {
                None => Ok(()),
                Some(name) => {
                    Err(Error::new(Code::IndexNotFound, format!("index not found with name [{name}]")))
                }
            }
        }
        IndexSelection::Key(key) if key.len() == 1 && key.contains_key("_id") => cannot_drop_id(),
        IndexSelection::Key(key) if !indexes.iter().any(|index| selection.has(index)) => {
            Err(Error::new(Code::IndexNotFound, format!("can't find index with key: {key}")))
        }
        IndexSelection::Key(_) => Ok(()),
    }
}
