//! Lists the indexes of a collection.

use bson::{Document, doc};

use super::Collection;
use crate::catalog::CollectionEntry;
use crate::error::{Code, Error, Result};

impl Collection {
    /// The specifications of the collection's indexes, as `listIndexes` shows them: that on `_id` first.
    ///
    /// # Errors
    /// `NamespaceNotFound` (26) if the collection does not exist.
    pub fn list_indexes(&self) -> Result<Vec<Document>> {
        let view = self.inner.store.snapshot()?;
        let entry = self.inner.catalog.find(&view, &self.namespace)?.ok_or_else(|| {
            Error::new(Code::NamespaceNotFound, format!("ns does not exist: {}", self.namespace))
        })?;
        Ok(specifications(&entry))
    }
}

/// The specifications of a collection's indexes, that on `_id` first.
pub(super) fn specifications(entry: &CollectionEntry) -> Vec<Document> {
    let mut shown = vec![doc! { "v": 2, "key": { "_id": 1 }, "name": "_id_" }];
    shown.extend(entry.ready_indexes().map(|index| index.describe()));
    shown
}
