//! `createIndexes`: new indexes of a collection, built while writes go on.

use super::Collection;
use crate::catalog::{CollectionEntry, IndexEntry, IndexState, next_id};
use crate::documents::Attempt;
use crate::error::{Code, Error, Result};
use crate::index::{self, IndexModel};
use crate::record::record_prefix;
use crate::store::{Direction, KeyRange};

/// How many indexes a collection may have, that on `_id` included.
const MOST_INDEXES: usize = 64;

/// What creating indexes came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CreateIndexesOutcome {
    /// How many indexes there were before.
    pub before: usize,
    /// How many there are now.
    pub after: usize,
    /// Whether the collection did not exist and was created.
    pub created_collection: bool,
}

impl Collection {
    /// Creates indexes; one that is there already in the same form is left alone. Returns when they are
    /// built; meanwhile the collection can be read and written.
    ///
    /// # Errors
    /// `IndexOptionsConflict` (85) or `IndexKeySpecsConflict` (86) if an index of the same key or name but
    /// another form exists, `CannotCreateIndex` (67), `DuplicateKey` (11000) if documents share the key of a
    /// unique index, `CannotIndexParallelArrays` (171). No index of the request exists then.
    pub fn create_indexes(&self, models: &[IndexModel]) -> Result<CreateIndexesOutcome> {
        let mut wanted = Vec::new();
        for model in models.iter().filter(|model| !model.is_id_index()) {
            wanted.push(model.to_entry()?);
        }
        let (outcome, building) = self.inner.transact(self.is_synced, |transaction| {
            let known = self.inner.catalog.find(&&*transaction, &self.namespace)?;
            let mut entry = (*self.inner.find_or_create(transaction, &self.namespace)?).clone();
            let before = entry.indexes.len() + 1;
            let records = KeyRange::prefix(record_prefix(entry.id));
            let is_empty = transaction.scan(records, Direction::Forward)?.next().transpose()?.is_none();
            let mut building = Vec::new();
            for index in &wanted {
                if !is_new(&entry, index)? {
                    continue;
                }
                let mut index = IndexEntry { id: next_id(transaction)?, ..index.clone() };
                if is_empty {
                    index.state = IndexState::Ready;
                } else {
                    building.push(index.id);
                }
                entry.indexes.push(index);
            }
            let after = entry.indexes.len() + 1;
            if after > MOST_INDEXES {
                return Err(Error::new(
                    Code::CannotCreateIndex,
                    format!("add index fails, too many indexes for {}", self.namespace),
                ));
            }
            self.inner.catalog.put(transaction, &entry)?;
            let outcome = CreateIndexesOutcome { before, after, created_collection: known.is_none() };
            Ok(Attempt::Commit((outcome, building)))
        })?;
        if !building.is_empty() {
            index::build(&self.inner, &self.namespace, &building)?;
        }
        Ok(outcome)
    }
}

/// Whether the collection has no such index yet.
fn is_new(entry: &CollectionEntry, wanted: &IndexEntry) -> Result<bool> {
    if wanted.name == "_id_" {
        return Err(Error::new(Code::BadValue, "The index name '_id_' is reserved for the _id index"));
    }
    for known in &entry.indexes {
        let same_key = known.fields == wanted.fields;
        let same_name = known.name == wanted.name;
        let same_form =
            (known.unique, known.sparse, known.hidden) == (wanted.unique, wanted.sparse, wanted.hidden);
        match (same_key, same_name, same_form) {
            (true, true, true) => return Ok(false),
            (true, false, _) => {
                return Err(Error::new(
                    Code::IndexOptionsConflict,
                    format!("Index already exists with a different name: {}", known.name),
                ));
            }
            (_, true, _) => {
                return Err(Error::new(
                    Code::IndexKeySpecsConflict,
                    format!(
                        "An existing index has the same name as the requested index. Requested index: {}, \
                         existing index: {}",
                        wanted.describe(),
                        known.describe()
                    ),
                ));
            }
            (false, false, _) => {}
        }
    }
    Ok(true)
}
